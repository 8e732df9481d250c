import ConvNet
import ONNX

/// A function that opset 17 has no operator for, as a row of those that it has, as the writer writes it. The
/// reader knows such rows, these and others', by what they compute; see `ONNXCurve`.
struct ONNXTemplate {
  enum Operand: Hashable {
    /// What the function is of.
    case x
    /// What a step gives, counted from 0.
    case step(Int)
    case constant(Float)
  }

  let activation: Activation
  let steps: [(op: String, operands: [Operand])]

  static let all = [
    ONNXTemplate(
      activation: .swish, steps: [("Sigmoid", [.x]), ("Mul", [.x, .step(0)])]),
    ONNXTemplate(
      activation: .mish,
      steps: [("Softplus", [.x]), ("Tanh", [.step(0)]), ("Mul", [.x, .step(1)])]),
    // ½x(1 + erf(x/√2))
    ONNXTemplate(
      activation: .gelu(approximate: false),
      steps: [
        ("Mul", [.x, .constant(0.707_106_77)]), ("Erf", [.step(0)]),
        ("Add", [.step(1), .constant(1)]), ("Mul", [.x, .step(2)]),
        ("Mul", [.step(3), .constant(0.5)]),
      ]),
    // ½x(1 + tanh(√(2/π)(x + 0.044715x³)))
    ONNXTemplate(
      activation: .gelu(approximate: true),
      steps: [
        ("Mul", [.x, .x]), ("Mul", [.step(0), .x]), ("Mul", [.step(1), .constant(0.044_715)]),
        ("Add", [.x, .step(2)]), ("Mul", [.step(3), .constant(0.797_884_6)]),
        ("Tanh", [.step(4)]), ("Add", [.step(5), .constant(1)]), ("Mul", [.x, .step(6)]),
        ("Mul", [.step(7), .constant(0.5)]),
      ]),
  ]
}

extension Activation {
  /// The one operator that it is in opset 17, and its attributes; `Clip` has its bounds as inputs. Nil
  /// where there is none.
  var onnxOperator: (op: String, attributes: [String: ONNXFile.Attribute])? {
    switch self {
    case .linear: ("Identity", [:])
    case .relu: ("Relu", [:])
    case .relu6: ("Clip", [:])
    case .leakyReLU(let slope): ("LeakyRelu", ["alpha": .float(slope)])
    case .elu(let alpha): ("Elu", ["alpha": .float(alpha)])
    case .sigmoid: ("Sigmoid", [:])
    case .hardSigmoid: ("HardSigmoid", ["alpha": .float(1 / 6), "beta": .float(0.5)])
    case .hardSwish: ("HardSwish", [:])
    case .tanh: ("Tanh", [:])
    case .softplus: ("Softplus", [:])
    case .softmax: ("Softmax", ["axis": .int(1)])
    case .gelu, .swish, .mish: nil
    }
  }
}
