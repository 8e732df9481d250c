extension Model {
  /// The tensors that a plan's model has, those of each layer by itself: what is trained, then what it keeps
  /// of batches.
  public static func tensorsByLayer(of plan: NetworkPlan) -> [[TensorInfo]] {
    let counts = plan.layers.map { layer in
      let form = layer.description.form
      return (
        trained: form.parameters(of: layer.input).count,
        kept: form.statistics(of: layer.input).count
      )
    }
    let tensors = tensors(of: plan)
    // All that is trained comes first.
    var (trained, kept) = (0, counts.reduce(0) { $0 + $1.trained })
    return counts.map { count in
      defer {
        trained += count.trained
        kept += count.kept
      }
      return Array(
        tensors[trained..<trained + count.trained] + tensors[kept..<kept + count.kept])
    }
  }
}

extension LayerDescription {
  /// The shape of what it gives for inputs of these.
  /// - Throws: `NetworkError` where they do not fit it, or a size is beyond what networks may have.
  public func output(of inputs: [Shape]) throws(NetworkError) -> Shape {
    let isMerge = if case .merge = self { true } else { false }
    guard isMerge ? inputs.count >= 2 : inputs.count == 1 else {
      throw NetworkError("\(kind) does not read \(inputs.count) layers")
    }
    let output = try form.infer(inputs).output
    _ = try NetworkPlan.product(
      [output.extent.height, output.extent.width, output.channels], what: "an output of \(output)")
    return output
  }
}
