import ConvNet
import Storage

extension Summary {
  /// What a training that makes weights 0 has come to.
  public struct Zeros: Hashable, Sendable {
    /// Of the kernels that were pruned, and how many of them are 0.
    public var weights: Int
    public var zeros: Int
    /// Of model.safetensors.
    public var bytes: Int

    /// - Parameter kernels: those that were pruned.
    init(_ file: ModelFile, _ kernels: [TensorInfo]) {
      weights = kernels.reduce(0) { $0 + $1.range.count }
      zeros = file.model.zeros(in: kernels)
      bytes = file.encoded.count
    }

    var json: JSONObject {
      var json = JSONObject()
      json["pruned_weights"] = JSONValue(weights)
      json["zeros"] = JSONValue(zeros)
      json["bytes"] = JSONValue(bytes)
      return json
    }

    /// "83,520 of 92,800 weights, 90.00 %: 49,096 bytes, and no less time"
    public var sentence: String {
      "\(grouped(zeros)) of \(counted(weights, "weight")), "
        + "\(percent(Double(zeros) / Double(weights))): \(counted(bytes, "byte")), and no less time"
    }
  }
}
