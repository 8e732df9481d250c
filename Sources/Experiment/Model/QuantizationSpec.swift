import Quantization
import Storage

/// How a model is to be quantised: what `runner quantize` reads, and what the model's file says of it.
public struct QuantizationSpec: Hashable, Sendable {
  /// How ranges are taken.
  public enum Calibration: String, Hashable, Sendable, CaseIterable {
    case minMax = "min-max"
    case percentile
    case leastSquares = "least-squares"
  }

  public var calibration = Calibration.minMax
  /// Of a hundred numbers, what is left out at each end by a percentile.
  public var percentile = 0.01
  /// How many images are looked at.
  public var images = 500
  public var equalization = Equalization.none
  public var correctsBias = false
  public var rounding = QuantizationDescription.Rounding.nearest
  public var iterations = 1000
  public var weightBits = 8

  public init() {}

  public var description: QuantizationDescription {
    let method: CalibrationMethod =
      switch calibration {
      case .minMax: .minimumMaximum
      case .percentile: .percentile(percentile)
      case .leastSquares: .leastSquares
      }
    var description = QuantizationDescription(method)
    description.equalization = equalization
    description.correctsBias = correctsBias
    description.rounding = rounding
    description.iterations = iterations
    description.weightBits = weightBits
    return description
  }

  /// Reads a file, if there is one, and applies `key=value` arguments.
  /// - Throws: `SpecErrors` with all that is wrong, by position.
  public init(reading path: String?, overrides: [String]) throws(SpecErrors) {
    var reading = SpecReading()
    var bytes = Array("{}".utf8)
    if let path {
      do { bytes = try specBytes(path) } catch { throw SpecErrors([error]) }
    }
    guard var root = reading.parse(bytes, name: path ?? "command line") else {
      throw reading.errors
    }
    for override in reading.overrides(overrides) { reading.apply(override, to: &root) }
    var checker = SpecChecker(root: root)
    let checked = checker.check(root, .object(SpecDescription.quantization.type), Path())
    reading.report(checker.problems)
    guard reading.isFine, let checked, let spec = SpecDescription.quantization.decode(checked)
    else { throw reading.errors }
    for (key, isIdle, other) in [
      ("percentile", spec.calibration != .percentile, "calibration percentile"),
      ("iterations", spec.rounding != .adaptive, "rounding adaptive"),
    ] where isIdle {
      guard let given = root[key] else { continue }
      reading.report(
        SpecChecker.Problem(
          origin: given.value.origin, path: Path() + key, message: "goes with \(other)"))
    }
    guard reading.isFine else { throw reading.errors }
    self = spec
  }

  /// The spec of a document that says all.
  public init(resolved: JSONValue, name: String) throws(SpecErrors) {
    let root = JSONNode(resolved, origin: .file(offset: 0))
    var checker = SpecChecker(root: root)
    let checked = checker.check(root, .object(SpecDescription.quantization.type), Path())
    guard checker.problems.isEmpty, let checked,
      let spec = SpecDescription.quantization.decode(checked)
    else { throw SpecErrors(checker.problems, of: name) }
    self = spec
  }

  /// Every default written out.
  public var json: JSONValue { SpecDescription.quantization.encode(self) }

  /// What is otherwise than by default.
  var brief: JSONValue { SpecDescription.quantization.brief(self) }

  /// Its keys.
  public static var keys: [String] { SpecDescription.quantization.type.fields.map(\.name) }

  /// What `runner explain` tells of it.
  public static func catalogue() -> [CatalogueEntry] {
    SpecDescription.quantization.type.catalogue(
      kind: "a spec", name: "quantization",
      doc: "How runner quantize makes a model of integers: the whole of a file, or key=value.")
  }
}

extension SpecDescription {
  static let quantization = Declaration(QuantizationSpec()) {
    calibrationKeys
    Key(
      "equalization", \.equalization,
      .choice("a way to equalise", aliases: ["cle": "weights", "smoothquant": "activations"]),
      aliases: ["equalisation", "cross_layer_equalization", "cle"],
      "What the channels between two layers are divided by, and the weights that read them multiplied by, "
        + "which changes nothing in floats: weights: √(r₁/r₂), so that the largest weights of a channel "
        + "are equal in both (Nagel et al. 2019); activations: √(a/r₂), so that its largest number is "
        + "that of the weights that read it (Xiao et al. 2022). A relu6 stays one: no channel is raised "
        + "to where its images would reach 6.")
    Key(
      "bias_correction", \.correctsBias, .boolean, aliases: ["correct_bias"],
      "Whether biases make up for what rounding the weights changes in the mean of the images, "
        + "b − Σ(ŵ − w)·E[x] (Nagel et al. 2019).")
    Key(
      "rounding", \.rounding, .choice("a rounding", aliases: ["adaround": "adaptive"]),
      "How weights are rounded: each to the nearest, or adaptive: up or down so that what the layer gives "
        + "for the images changes least (Nagel et al. 2020, AdaRound).")
    Key(
      "iterations", \.iterations, .integer(1...1_000_000), aliases: ["steps"],
      "With rounding adaptive, the steps of Adam.")
    weightBits
  }

  /// How ranges are looked up, and on what.
  @ListBuilder<Key<QuantizationSpec>> static var calibrationKeys: [Key<QuantizationSpec>] {
    Key(
      "calibration", \.calibration,
      .choice(
        "a way to take ranges",
        aliases: [
          "min_max": "min-max", "minmax": "min-max", "least_squares": "least-squares",
          "mse": "least-squares",
        ]),
      aliases: ["method", "observer"],
      "How the range of a layer's numbers is taken: all of them, without some at each end, or where the "
        + "squares of what rounding and cutting off change sum to the least.")
    Key(
      "percentile", \.percentile, .number(.from(0, below: 50)),
      "With calibration percentile, what is left out at each end, of a hundred numbers.")
    Key(
      "images", \.images, .integer(1...1_000_000), aliases: ["samples", "count"],
      "How many images ranges, and what rounding goes by, are looked up on.")
  }

  static let weightBits = Key<QuantizationSpec>(
    "weight_bits", \.weightBits, .integer(2...8), aliases: ["bits", "w_bits"],
    "Of a weight, computed with as one of 8; of 4 and less two are stored in a byte.")
}
