import ConvNet
import ONNX

extension Graph {
  /// The model that computes what the graph does, but for `scale`, which is done before it.
  ///
  /// A softmax at the end is left out where `scores` are asked for.
  /// - Throws: `ExchangeError` where no model of this program is like it.
  public func model() throws(ExchangeError) -> Model {
    let readers = readers
    // An activation that alone reads a layer is that layer's end, as in networks that are trained here.
    var ends: [Int: Int] = [:]
    for (place, node) in nodes.enumerated() {
      guard case .activation(let activation) = node.layer, activation != .softmax,
        case .layer(let before) = node.inputs[0], readers[before] == 1,
        nodes[before].layer.ending(with: activation) != nil
      else { continue }
      ends[before] = place
    }
    let ended = Set(ends.values)
    func name(_ input: LayerInput) -> String {
      switch input {
      case .images: ModelItem.imagesName
      case .layer(let place) where ended.contains(place): name(nodes[place].inputs[0])
      case .layer(let place): "node \(place)"
      }
    }
    var items: [ModelItem] = []
    var places: [Int] = []
    for (place, node) in nodes.enumerated() where !ended.contains(place) {
      var layer = node.layer
      if let end = ends[place], case .activation(let activation) = nodes[end].layer {
        layer = layer.ending(with: activation)!
      }
      items.append(
        .layer(layer, name: name(.layer(place)), inputs: node.inputs.map(name)))
      places.append(place)
    }
    var graph = self
    return try graph.takeModel(items, places)
  }

  /// The model of some items, whose layers are, one after another, these nodes. The nodes' tensors are
  /// given away one by one, so that there is never more than one copy of all.
  mutating func takeModel(
    _ items: [ModelItem], _ places: [Int]
  ) throws(ExchangeError) -> Model {
    do {
      let plan = try NetworkPlan(NetworkDescription(input: input, model: items, classes: classes))
      guard plan.layers.count == places.count else {
        preconditionFailure("its layers are not those of the graph")
      }
      for (layer, place) in zip(plan.layers, places)
      where layer.output.count != nodes[place].output.count {
        throw ExchangeError(
          "\(nodes[place].name): gives \(layer.output), not \(nodes[place].output)")
      }
      // Before there is memory for any of them.
      let infos = Model.tensorsByLayer(of: plan)
      for (infos, place) in zip(infos, places) {
        for info in infos
        where nodes[place].tensors[info.role]?.values.count != info.shape.reduce(1, *) {
          throw ExchangeError(
            "\(nodes[place].name): its \(info.role.rawValue) is not as it should be")
        }
      }
      let places = Dictionary(
        uniqueKeysWithValues: zip(infos, places).flatMap { infos, place in
          infos.map { ($0.name, place) }
        })
      var model = Model(plan) { info, buffer in
        let tensor = nodes[places[info.name]!].tensors.removeValue(forKey: info.role)!
        _ = buffer.initialize(fromContentsOf: tensor.values)
      }
      model.normalization = normalization
      return model
    } catch let error as NetworkError {
      throw ExchangeError("no model of this program is like it: \(error.message)")
    } catch let error as ExchangeError {
      throw error
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

extension LayerDescription {
  /// The same with an activation at its end; nil for what has none.
  func ending(with activation: Activation) -> LayerDescription? {
    switch self {
    case .conv2D(var conv):
      conv.activation = activation
      return .conv2D(conv)
    case .conv2DTranspose(var conv):
      conv.activation = activation
      return .conv2DTranspose(conv)
    case .dense(var dense):
      dense.activation = activation
      return .dense(dense)
    case .merge(var merge):
      merge.activation = activation
      return .merge(merge)
    default: return nil
    }
  }
}
