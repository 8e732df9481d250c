import ConvNet
import Storage

// The keys that several layers have.

extension SpecDescription {
  static func filters<Layer>(_ place: Key<Layer>.Place<Int>) -> Key<Layer> {
    Key(
      "filters", place, .integer(1...65_536), otherwise: .required,
      aliases: ["channels", "out_channels"], "How many channels it gives.")
  }

  static func kernel<Layer>(_ place: Key<Layer>.Place<Extent>) -> Key<Layer> {
    Key(
      "kernel", place, .extent, otherwise: .required, aliases: ["kernel_size", "size"],
      "Height and width of the filters, or both in one number.")
  }

  static func stride<Layer>(_ place: Key<Layer>.Place<Extent>) -> Key<Layer> {
    Key(
      "stride", place, .extent, aliases: ["strides"], "The step from one position to the next.")
  }

  static func padding<Layer>(_ place: Key<Layer>.Place<Padding>, _ doc: String) -> Key<Layer> {
    Key("padding", place, .padding, doc)
  }

  static func dilation<Layer>(_ place: Key<Layer>.Place<Extent>) -> Key<Layer> {
    Key(
      "dilation", place, .extent, aliases: ["dilation_rate"],
      "The step from one row or column that the kernel sees to the next.")
  }

  static func initializer<Layer>(_ place: Key<Layer>.Place<Initializer>) -> Key<Layer> {
    Key(
      "initializer", place, initializers, aliases: ["kernel_initializer", "init"],
      "How the weights begin: glorot with the variance 2/(inputs + outputs) (Glorot and Bengio 2010), he "
        + "with 2/inputs (He et al. 2015), lecun with 1/inputs (LeCun et al. 1998), of a uniform "
        + "distribution or a normal one cut at two deviations, as Keras's; orthogonal by a QR "
        + "decomposition (Saxe et al. 2014).")
  }

  private static let initializers = Notation<Initializer>.choice(
    "an initializer",
    aliases: [
      "xavier_uniform": "glorot_uniform", "xavier_normal": "glorot_normal",
      "kaiming_uniform": "he_uniform", "kaiming_normal": "he_normal",
      "glorot": "glorot_uniform", "he": "he_uniform", "xavier": "glorot_uniform",
    ]
  ).named("initializer")

  /// What convolutions and dense layers share: how the kernel begins, what holds it in bounds, and what
  /// is done to its product.
  @ListBuilder<Key<Layer>> static func weights<Layer: KernelLayer>() -> [Key<Layer>] {
    Key("activation", \.activation, activation, "The function applied to the result.")
    Key("bias", \.bias, .boolean, aliases: ["use_bias"], "Whether it adds a learned bias.")
    initializer(\.initializer)
    Key(
      "l2", \.l2, .float(.from(0, to: 1000)), aliases: ["kernel_regularizer", "regularizer"],
      "Adds this times the sum of the squared weights to the objective.")
    Key(
      "l1", \.regularization.l1, .float(.from(0, to: 1000)),
      "Adds this times the sum of the weights' absolute values to the objective.")
    Key(
      "orthogonal", \.regularization.orthogonal, .float(.from(0, to: 1000)),
      aliases: ["orthogonal_penalty", "orthogonal_regularizer"],
      "Adds this times ‖WᵀW − I‖² to the objective; a column of W is a filter or a unit.")
    Key(
      "max_norm", \.regularization.maxNorm, .float(.above(0, to: 1e6)),
      aliases: ["maxnorm", "kernel_constraint"],
      "The largest norm of a filter's or a unit's weights, kept after each step; null for any.")
  }

  static func windowSize<Layer>(_ place: Key<Layer>.Place<Extent>) -> Key<Layer> {
    Key(
      "size", place, .extent, aliases: ["pool_size", "kernel", "kernel_size"],
      "Height and width of the window, or both in one number.")
  }

  static func windowStride<Layer>(_ place: Key<Layer>.Place<Extent>) -> Key<Layer> {
    Key(
      "stride", place, .extent,
      otherwise: .derived("The default is the size.") { $0.siblings["size"] ?? 2 },
      aliases: ["strides"], "The step from one window to the next.")
  }

  static func epsilon<Layer>(_ place: Key<Layer>.Place<Float>) -> Key<Layer> {
    Key(
      "epsilon", place, .float(.above(0, to: 1)), aliases: ["eps"], "Added to the variance.")
  }

  static func scale<Layer>(_ place: Key<Layer>.Place<Bool>) -> Key<Layer> {
    Key("scale", place, .boolean, "Whether it learns a factor per channel.")
  }

  static func center<Layer>(_ place: Key<Layer>.Place<Bool>) -> Key<Layer> {
    Key(
      "center", place, .boolean, aliases: ["offset"], "Whether it learns an offset per channel.")
  }

  static func dropRate<Layer>(_ place: Key<Layer>.Place<Float>, of what: String) -> Key<Layer> {
    Key(
      "rate", place, .float(.from(0, below: 1)), otherwise: .required,
      aliases: ["p", "probability"], "The share of \(what) that are dropped.")
  }

  fileprivate static let sides = Declaration(Sides(top: 0, bottom: 0, left: 0, right: 0)) {
    Key("top", \.top, .integer(0...1024), "Rows above.")
    Key("bottom", \.bottom, .integer(0...1024), "Rows below.")
    Key("left", \.left, .integer(0...1024), "Columns to the left.")
    Key("right", \.right, .integer(0...1024), "Columns to the right.")
  }
}

extension Notation where Value == Extent {
  /// A number, or `[height, width]`.
  static var extent: Notation {
    let side = Notation<Int>.integer(1...1024)
    let sides = side.pair(names: "[height, width]")
    return Notation(
      .either([side.type, sides.type]),
      decode: { json in
        json.int.map { Extent($0, $0) } ?? sides.decode(json).map { Extent($0.0, $0.1) }
      },
      encode: { sides.encode(($0.height, $0.width)) },
      brief: {
        $0.height == $0.width ? side.brief($0.height) : sides.brief(($0.height, $0.width))
      })
  }
}

extension Notation where Value == Sides {
  /// A number for all sides, or each side's.
  static var sides: Notation {
    let (all, each) = (Notation<Int>.integer(0...1024), object(SpecDescription.sides))
    return Notation(
      .either([all.type, each.type]),
      decode: { json in
        json.int.map { Sides(top: $0, bottom: $0, left: $0, right: $0) } ?? each.decode(json)
      },
      encode: each.encode)
  }
}

extension Notation where Value == Padding {
  /// A name, a number for all sides, or each side's.
  static var padding: Notation {
    let names: [String: Padding] = ["valid": .valid, "same": .same]
    let (choice, sides) = (
      Choice(noun: "a padding", names: ["valid", "same"]), Notation<Sides>.sides
    )
    guard case .either(let forms) = sides.type else { preconditionFailure("sides have two forms") }
    return Notation(
      .either([.choice(choice)] + forms),
      decode: { json in
        if let name = json.string { return names[name] }
        return sides.decode(json).map {
          .explicit(top: $0.top, bottom: $0.bottom, left: $0.left, right: $0.right)
        }
      },
      encode: { padding in
        switch padding {
        case .valid: "valid"
        case .same: "same"
        case .explicit(let top, let bottom, let left, let right):
          sides.encode(Sides(top: top, bottom: bottom, left: left, right: right))
        }
      }
    ).named("padding")
  }
}
