extension Model {
  /// The tensors that a plan's model has, those of each layer by itself: what is trained, then what it keeps
  /// of batches.
  public static func tensorsByLayer(of plan: NetworkPlan) -> [[TensorInfo]] {
    let tensors = tensors(of: plan)
    return plan.layers.indices.map { place in tensors.filter { $0.layer == place } }
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
    let output = try definition.infer(inputs).output
    _ = try NetworkPlan.product(
      [output.extent.height, output.extent.width, output.channels], what: "an output of \(output)")
    return output
  }
}
