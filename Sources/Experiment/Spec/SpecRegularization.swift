import ConvNet
import Storage

extension SpecDescription {
  /// What holds a kernel in bounds besides `l2`.
  static let regularization = [
    Field(
      "l1", .float(.from(0, to: 1000)), .value(0),
      "Adds this times the sum of the weights' absolute values to the objective."),
    Field(
      "orthogonal", .float(.from(0, to: 1000)), .value(0),
      aliases: ["orthogonal_penalty", "orthogonal_regularizer"],
      "Adds this times ‖WᵀW − I‖² to the objective; a column of W is a filter or a unit."),
    Field(
      "max_norm", .float(.above(0, to: 1e6)), .none, aliases: ["maxnorm", "kernel_constraint"],
      "The largest norm of a filter's or a unit's weights, kept after each step; null for any."),
  ]
}

extension KernelRegularization {
  init(checked value: JSONValue) {
    self.init(
      l1: value.float("l1"), orthogonal: value.float("orthogonal"),
      maxNorm: value["max_norm"]?.number?.float)
  }
}

extension JSONValue {
  /// This layer with what holds its kernel in bounds.
  func with(_ regularization: KernelRegularization) -> JSONValue {
    var json = self
    json["l1"] = JSONValue(regularization.l1)
    json["orthogonal"] = JSONValue(regularization.orthogonal)
    json["max_norm"] = regularization.maxNorm.map { JSONValue($0) } ?? .null
    return json
  }
}

extension LayerDescription {
  /// What holds its kernel in bounds; nil for a layer without one.
  var regularization: KernelRegularization? {
    switch self {
    case .conv2D(let conv): conv.regularization
    case .dense(let dense): dense.regularization
    case .depthwiseConv2D(let conv): conv.regularization
    case .conv2DTranspose(let conv): conv.regularization
    default: nil
    }
  }
}
