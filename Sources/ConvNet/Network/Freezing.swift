/// Which layers of a network keep what they have learned while the others learn.
public struct Freezing: Hashable, Sendable {
  /// Their labels. Their parameters are none of the optimizer's; a batch norm among them goes by its
  /// moving statistics in training too, and keeps them.
  public var layers: Set<String>
  /// A layer up to which nothing learns and nothing is drawn: what it gives is worked out once for each
  /// image, and training begins behind it. Nil to begin with the images.
  public var features: String?
  /// Layers that were frozen for so many steps, and learn now: for the optimizer these steps don't count,
  /// which begins anew with them.
  public var late: Set<String>
  public var lateAfter: Int

  public init(
    layers: Set<String> = [], features: String? = nil, late: Set<String> = [], lateAfter: Int = 0
  ) {
    self.layers = layers
    self.features = features
    self.late = late
    self.lateAfter = lateAfter
  }
}

extension NetworkPlan {
  /// Whether the gradient of the loss by what each layer gives is asked for: where a parameter that
  /// learns, or a batch norm that does, is in it or below it.
  func goesBack(_ freezing: Freezing) -> [Bool] {
    var goesBack: [Bool] = []
    for layer in layers {
      let learns = layer.parameters > 0 || layer.description.definition.needsGradient
      goesBack.append(
        layer.inputs.contains { isTrue($0, in: goesBack) }
          || learns && !freezing.layers.contains(layer.label))
    }
    return goesBack
  }

  private func isTrue(_ input: LayerInput, in values: [Bool]) -> Bool {
    if case .layer(let place) = input { values[place] } else { false }
  }

  /// The place of the layer whose outputs are kept.
  func cut(_ freezing: Freezing) -> Int? {
    freezing.features.map { label in layers.firstIndex { $0.label == label }! }
  }

  /// The shape of what training reads of each sample: an image, or what the layer that is kept has of it.
  public func read(_ freezing: Freezing) -> Shape {
    guard let cut = cut(freezing) else { return description.input }
    guard case .image(_, _, let channels) = layers[cut].output else { return layers[cut].output }
    let live = layers[cut].live
    return .image(height: live.height, width: live.width, channels: channels)
  }

  /// Why what a layer gives can't be kept while the layers of a set are frozen, as the end of a sentence
  /// about it; nil where it can. A layer of a plan whose label it is.
  public func reasonAgainstKeeping(_ label: String, frozen: Set<String>) -> String? {
    guard let cut = layers.firstIndex(where: { $0.label == label }) else {
      return "is none of the model's"
    }
    if cut == layers.count - 1 { return "is the last, so that nothing would be left to train" }
    for layer in layers[...cut] {
      let keeps = layer.parameters > 0 || layer.description.definition.needsGradient
      if keeps, !frozen.contains(layer.label) {
        return "reads what \(layer.label) gives, which isn't frozen"
      }
      if layer.description.definition.passesThrough == .inInference {
        return "reads what \(layer.label) gives, which is drawn anew for each step"
      }
    }
    for layer in layers[(cut + 1)...] {
      for input in layer.inputs {
        if case .layer(let place) = input, place >= cut { continue }
        let other = if case .layer(let place) = input { layers[place].label } else { "the images" }
        return "isn't all that is read behind it: \(layer.label) reads \(other)"
      }
    }
    return nil
  }

  /// Operations of one sample's textbook training step: forward, the gradients of what learns, and of
  /// what lies above that.
  public func trainingFLOPs(_ freezing: Freezing) -> Int {
    guard freezing != Freezing() else { return trainingFLOPs }
    let goesBack = goesBack(freezing)
    let first = cut(freezing).map { $0 + 1 } ?? 0
    var total = 0
    for place in first..<layers.count {
      let layer = layers[place]
      let learns = layer.parameters > 0 && !freezing.layers.contains(layer.label)
      let passes = layer.inputs.contains { isTrue($0, in: goesBack) }
      total += (1 + (learns ? 1 : 0) + (passes ? 1 : 0)) * layer.flops
    }
    return total
  }
}
