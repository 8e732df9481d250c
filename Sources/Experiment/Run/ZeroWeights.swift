import ConvNet
import Storage

extension Summary {
  /// What a training that makes weights 0 has come to.
  public struct Zeros: Hashable, Sendable {
    /// A kernel whose weights may be 0.
    public struct Kernel: Hashable, Sendable {
      public var name: String
      public var weights: Int
      public var zeros: Int

      public init(_ tensor: TensorInfo, of model: Model) {
        (name, weights) = (tensor.name, tensor.range.count)
        zeros = model.zeros(in: [tensor])
      }

      /// "94.04 %"
      public var share: String { Zeros.share(zeros, of: weights) }
    }

    public var kernels: [Kernel]
    /// Of model.safetensors.
    public var bytes: Int

    /// - Parameter kernels: those of which weights may be 0.
    init(_ file: ModelFile, _ kernels: [TensorInfo]) {
      self.kernels = kernels.map { Kernel($0, of: file.model) }
      bytes = file.encoded.count
    }

    public var weights: Int { kernels.reduce(0) { $0 + $1.weights } }
    public var zeros: Int { kernels.reduce(0) { $0 + $1.zeros } }

    var json: JSONObject {
      var json = JSONObject()
      json["pruned_weights"] = JSONValue(weights)
      json["zeros"] = JSONValue(zeros)
      json["zeros_by_kernel"] = .object(
        JSONObject(unique: kernels.map { .init(key: $0.name, value: JSONValue($0.zeros)) }))
      json["bytes"] = JSONValue(bytes)
      return json
    }

    /// "83,520 of 92,800 weights, 90.00 %: 49,096 bytes, and no less time"; then how they lie, and what is
    /// lost.
    public var lines: [String] {
      let all =
        "\(grouped(zeros)) of \(counted(weights, "weight")), "
        + "\(Self.share(zeros, of: weights)): \(counted(bytes, "byte")), and no less time"
      return [all] + (zeros > 0 && kernels.count > 1 ? [spread] : []) + Self.warnings(of: kernels)
    }

    /// "conv2d_0 37.15 %, conv2d_1 72.00 %, …", of many kernels the extremes.
    private var spread: String {
      func text(_ kernel: Kernel) -> String { "\(kernel.name) \(kernel.share)" }
      guard kernels.count > 6 else { return kernels.map(text).joined(separator: ", ") }
      let sorted = kernels.sorted { $0.zeros * $1.weights < $1.zeros * $0.weights }
      return "from \(text(sorted.first!)) to \(text(sorted.last!))"
    }

    /// What to say of kernels without a weight that isn't 0.
    public static func warnings(of kernels: [Kernel]) -> [String] {
      let lost = kernels.filter { $0.zeros == $0.weights }.map(\.name)
      return lost.isEmpty
        ? []
        : [
          "WARNING: \(lost.joined(separator: ", ")) \(lost.count == 1 ? "has" : "have") no weight that "
            + "isn't 0: no image makes a difference there"
        ]
    }

    /// A share as a percentage, "100.00 %" only where it is all.
    public static func share(_ zeros: Int, of weights: Int) -> String {
      let share = Double(zeros) / Double(weights)
      return percent(zeros < weights ? min(share, 0.9999) : share)
    }
  }
}
