import ConvNet
import Glibc

/// What ONNX's operators that work element by element compute, in double precision.
package enum ONNXFunction {
  package typealias Unary = (Double) -> Double
  package typealias Binary = (Double, Double) -> Double

  /// The function of an operator with one operand besides constants that its attributes have; nil where
  /// it is none.
  package static func unary(_ node: ONNXFile.Node) -> Unary? {
    func number(_ name: String, _ missing: Double) -> Double? {
      switch node.attributes[name] {
      case nil: missing
      case .float(let value): Double(value)
      default: nil
      }
    }
    switch node.op {
    case "Relu": return { $0 < 0 ? 0 : $0 }
    case "LeakyRelu": return number("alpha", 0.01).map { a in { $0 < 0 ? a * $0 : $0 } }
    case "ThresholdedRelu": return number("alpha", 1).map { a in { $0 > a ? $0 : 0 } }
    case "Elu": return number("alpha", 1).map { a in { $0 < 0 ? a * expm1($0) : $0 } }
    case "Celu": return number("alpha", 1).map { a in { $0 < 0 ? a * expm1($0 / a) : $0 } }
    case "Selu":
      guard let a = number("alpha", 1.67326319217681884765625),
        let g = number("gamma", 1.05070102214813232421875)
      else { return nil }
      return { $0 < 0 ? g * a * expm1($0) : g * $0 }
    case "Sigmoid": return { 1 / (1 + exp(-$0)) }
    case "HardSigmoid":
      guard let a = number("alpha", 0.2), let b = number("beta", 0.5) else { return nil }
      return { min(max(a * $0 + b, 0), 1) }
    case "HardSwish": return { $0 * min(max($0 / 6 + 0.5, 0), 1) }
    case "Swish": return number("alpha", 1).map { a in { $0 / (1 + exp(-a * $0)) } }
    case "Tanh": return { tanh($0) }
    case "Softplus": return { softplus($0) }
    case "Softsign": return { $0 / (1 + abs($0)) }
    case "Mish": return { $0 * tanh(softplus($0)) }
    case "Gelu":
      switch node.attributes["approximate"] {
      case nil, .string("none"): return { 0.5 * $0 * (1 + erf($0 * 0.5.squareRoot())) }
      case .string("tanh"):
        return {
          0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
        }
      default: return nil
      }
    case "Erf": return { erf($0) }
    case "Exp": return { exp($0) }
    case "Log": return { log($0) }
    case "Sqrt": return { $0.squareRoot() }
    case "Reciprocal": return { 1 / $0 }
    case "Neg": return { -$0 }
    case "Abs": return { abs($0) }
    case "Floor": return { $0.rounded(.down) }
    case "Ceil": return { $0.rounded(.up) }
    case "Not": return { $0 == 0 ? 1 : 0 }
    default: return nil
    }
  }

  private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// The function of an operator with two operands; nil where it is none.
  package static func binary(_ op: String) -> Binary? {
    switch op {
    case "Add", "Sum": { $0 + $1 }
    case "Sub": { $0 - $1 }
    case "Mul": { $0 * $1 }
    case "Div": { $0 / $1 }
    case "Pow": { pow($0, $1) }
    case "Min": { $0 < $1 ? $0 : $1 }
    case "Max": { $0 > $1 ? $0 : $1 }
    case "PRelu": { $0 < 0 ? $1 * $0 : $0 }
    case "Equal": { $0 == $1 ? 1 : 0 }
    case "Greater": { $0 > $1 ? 1 : 0 }
    case "GreaterOrEqual": { $0 >= $1 ? 1 : 0 }
    case "Less": { $0 < $1 ? 1 : 0 }
    case "LessOrEqual": { $0 <= $1 ? 1 : 0 }
    case "And": { $0 != 0 && $1 != 0 ? 1 : 0 }
    case "Or": { $0 != 0 || $1 != 0 ? 1 : 0 }
    default: nil
    }
  }

  /// Whether what an operator gives is true or false.
  package static func isTruth(_ op: String) -> Bool {
    ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Not"].contains(op)
  }
}

/// A function of one number, known by its values at some places: enough of them that the functions of the
/// catalogue, and what is made of a few operators, are told apart.
package struct ONNXCurve: Hashable, Sendable {
  package var values: [Double]

  /// The corners of all functions of the catalogue are among them, and the slopes on both sides.
  package static let places: [Double] = {
    var places: [Double] = [-40, -20, -8, -6, -5, -4, -3, -2.5, -2, -1.5, -1, -0.5, -0.25, 0]
    places += places.map { -$0 }.dropLast()
    var x = 0.0137
    while x < 36 {
      places += [x, -x]
      x *= 1.37
    }
    return places
  }()

  /// f(x) = x.
  package static let identity = ONNXCurve(values: places)

  package init(values: [Double]) { self.values = values }

  package init(_ function: ONNXFunction.Unary) { values = Self.places.map(function) }

  package func mapped(_ function: ONNXFunction.Unary) -> ONNXCurve {
    ONNXCurve(values: values.map(function))
  }

  package func combined(_ other: ONNXCurve, _ function: ONNXFunction.Binary) -> ONNXCurve {
    ONNXCurve(values: zip(values, other.values).map(function))
  }

  package func isClose(to other: ONNXCurve, within tolerance: Double = 1e-6) -> Bool {
    zip(values, other.values).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
  }

  private func value(at place: Double) -> Double { values[Self.places.firstIndex(of: place)!] }

  /// The function of the catalogue that it is; nil for none.
  package var activation: Activation? {
    let known: [(Activation, String, [String: ONNXFile.Attribute])] = [
      (.relu, "Relu", [:]), (.sigmoid, "Sigmoid", [:]), (.tanh, "Tanh", [:]),
      (.softplus, "Softplus", [:]), (.hardSwish, "HardSwish", [:]), (.swish, "Swish", [:]),
      (.mish, "Mish", [:]), (.gelu(approximate: false), "Gelu", [:]),
      (.gelu(approximate: true), "Gelu", ["approximate": .string("tanh")]),
      (.hardSigmoid, "HardSigmoid", ["alpha": .float(1 / 6)]),
    ]
    for (activation, op, attributes) in known {
      let node = ONNXFile.Node(op: op, name: "", inputs: [], outputs: [], attributes: attributes)
      if isClose(to: ONNXCurve(ONNXFunction.unary(node)!)) { return activation }
    }
    if isClose(to: ONNXCurve { min(max($0, 0), 6) }) { return .relu6 }
    let slope = -value(at: -1)
    if isClose(to: ONNXCurve { $0 < 0 ? -slope * -$0 : $0 }), abs(slope) <= 100 {
      return .leakyReLU(slope: Float(-slope * -1))
    }
    let alpha = -value(at: -40)
    if isClose(to: ONNXCurve { $0 < 0 ? alpha * expm1($0) : $0 }), alpha >= 0, alpha <= 100 {
      return .elu(alpha: Float(alpha))
    }
    return nil
  }

  /// f(x) = ax + b; nil where it is not so.
  package var line: (factor: Double, offset: Double)? {
    let offset = value(at: 0)
    let factor = (value(at: 8) - value(at: -8)) / 16
    guard factor.isFinite, offset.isFinite, isClose(to: ONNXCurve { factor * $0 + offset }) else {
      return nil
    }
    return (factor, offset)
  }
}
