import TestSupport

@testable import ConvNet

/// PyTorch's and Keras's own numbers; `Fixtures/make_fixtures.py` made them.
extension Fixture {
  struct Cases<Case: Decodable>: Decodable { let cases: [Case] }

  static func cases<Case: Decodable>(_ name: String, as type: Case.Type) throws -> [Case] {
    try load(name, as: Cases<Case>.self).cases
  }

  /// Networks trained in several ways from the same weights on the same samples.
  struct Training<Case: Decodable>: Decodable {
    let inputs: Tensor
    let labels: [Int]
    let initial: [String: Tensor]
    let cases: [Case]
  }

  /// Numbers in row-major order.
  struct Tensor: Decodable {
    let shape: [Int]
    let values: [Double]

    var floats: [Float] { values.map(Float.init) }

    /// The shape of one sample of a batch.
    var sample: Shape {
      shape.count == 2
        ? .vector(shape[1]) : .image(height: shape[1], width: shape[2], channels: shape[3])
    }
  }

  /// "valid", "same", or four sides.
  struct Border: Decodable {
    let padding: Padding

    private struct Sides: Decodable { let top, bottom, left, right: Int }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let name = try? container.decode(String.self) {
        padding = name == "same" ? .same : .valid
      } else {
        let sides = try container.decode(Sides.self)
        padding = .explicit(
          top: sides.top, bottom: sides.bottom, left: sides.left, right: sides.right)
      }
    }
  }
}

extension Activation {
  /// By the name that a fixture gives it, and its constants.
  init(fixture name: String, slope: Float?, alpha: Float?, approximate: Bool?) {
    switch name {
    case "linear": self = .linear
    case "relu": self = .relu
    case "leaky_relu": self = .leakyReLU(slope: slope!)
    case "elu": self = .elu(alpha: alpha!)
    case "gelu": self = .gelu(approximate: approximate!)
    case "sigmoid": self = .sigmoid
    case "tanh": self = .tanh
    case "softmax": self = .softmax
    case "relu6": self = .relu6
    case "swish": self = .swish
    case "hard_swish": self = .hardSwish
    case "hard_sigmoid": self = .hardSigmoid
    case "mish": self = .mish
    case "softplus": self = .softplus
    default: preconditionFailure("an unknown activation, \(name)")
    }
  }
}
