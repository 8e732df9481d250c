import ConvNet
import Storage

extension Safetensors {
  /// Tensors as files of earlier versions called them, by what they are called now. A layer's name was
  /// its kind and its place among all layers: "conv2d_2/kernel" was of the third layer, which may be the
  /// second convolution.
  func renamed(for plan: NetworkPlan) -> Safetensors {
    let pairs = plan.layers.enumerated().map { ("\($1.description.kind)_\($0)", $1.label) }
    let labels = Dictionary(uniqueKeysWithValues: pairs)
    let renamed = tensors.map { tensor in
      // What an optimizer keeps of a kernel has its name within: "shampoo/conv2d_2/kernel/left".
      let parts = tensor.name.split(separator: "/", omittingEmptySubsequences: false)
      var tensor = tensor
      tensor.name = parts.map { labels[String($0)] ?? String($0) }.joined(separator: "/")
      return tensor
    }
    return Safetensors(tensors: renamed, metadata: metadata)
  }
}
