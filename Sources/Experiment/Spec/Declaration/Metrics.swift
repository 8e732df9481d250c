import ConvNet
import Storage

// All that is said of metrics here follows from their declarations, `MetricKind.all`.

extension SpecDescription {
  /// Those that have to be asked for.
  private static let asked = MetricKind.all.filter { !$0.isAlways }

  /// A list of figures by name.
  static let classificationMetrics = Notation<[MetricName]>.list(
    of: Notation<String>.form(askedName).converted({ MetricName($0) }, back: { $0.text }),
    count: 0...256, noun: "metrics")

  private static let askedName = TextForm(
    pattern: "^(\(asked.map(\.pattern).joined(separator: "|")))$",
    expectation:
      "a metric such as \(asked.map { $0.example() }.quotedChoice) (for \"macro\" "
      + "also the number or the name of a class)",
    examples: asked.map { $0.example() },
    hint: { word in
      guard let near = Metric.nearMiss(to: word, of: [.validation])?.name else { return nil }
      return near.kind.isAlways
        ? "\(near.text) is measured in any case, so leave it out"
        : "did you mean \"\(near.text)\"?"
    }, matches: { MetricName($0).map { !$0.kind.isAlways } ?? false })

  static let metricsDoc =
    "What is measured of the validation images, as columns of metrics.csv, and of the test images, "
    + "besides loss and accuracy: "
    + asked.map { "\($0.example()) (\($0.reference))" }.joined(separator: "; ")
    + "; for the mean over the classes, macro, also one of them by its number or name, as in f1_7 or "
    + "f1_cat. What is measured can be watched by early_stopping and reduce_on_plateau, bounded by "
    + "expect, and be a sweep's metric, with val_ or test_ before it."

  /// A metric that is measured in every epoch.
  static let monitor = watched(of: [.training, .validation])

  /// A metric that is measured in every epoch.
  /// - Parameter parts: a name that doesn't say of which images it is, is of the first that has it.
  package static func watched(of parts: [Metric.Part]) -> Notation<Metric> {
    let always = Metric.always.filter(\.isMonitorable).map(\.rawValue)
    let form = TextForm(
      pattern: Metric.pattern(parts, MetricKind.all),
      expectation: "one of \(always.quotedList), or val_ with what \"metrics\" asks for "
        + "(\"val_f1_macro\")",
      examples: always + ["val_f1_macro"],
      hint: { word in
        Metric.nearMiss(to: word, of: parts).map { "did you mean \"\($0.rawValue)\"?" }
      }, matches: { Metric(rawValue: $0)?.isMonitorable ?? false })
    return Notation<String>.form(form).converted(
      { Metric(rawValue: $0) }, back: { $0.rawValue })
  }

  // MARK: - Expectations

  /// Bounds of figures by their names; only what is expected is written.
  static let expectations = Notation<[Expectation]>(
    .object(
      ObjectType(
        fields: Metric.always.map(expected(of:)) + ExpectedFigure.others.map(expected(of:)),
        others: expectedMetrics)),
    decode: { json in
      guard let members = json.object?.members else { return nil }
      var expectations: [Expectation] = []
      for member in members where !member.value.isNull {
        guard let figure = ExpectedFigure(member.key),
          let expectation = bounds(of: figure).decode(member.value)
        else { return nil }
        // Without either bound nothing is expected.
        if expectation.min != nil || expectation.max != nil { expectations.append(expectation) }
      }
      return expectations
    },
    encode: { expectations in
      .object(
        expectations.reduce(into: JSONObject()) {
          $0[$1.figure.name] = bounds(of: $1.figure).encode($1)
        })
    })

  private static func expected(of metric: Metric) -> Field {
    Field(
      metric.rawValue, .object(bounds(of: .metric(metric)).type), .none,
      aliases: metric == .testLoss ? ["loss"] : metric == .testAccuracy ? ["accuracy"] : [],
      "Bounds of the run's \(metric.rawValue), as its summary.json gives it.")
  }

  private static func expected(of figure: ExpectedFigure) -> Field {
    let (aliases, doc): ([String], String) =
      switch figure {
      case .integerAccuracy:
        (
          ["int8_accuracy"],
          "Bounds of the test accuracy of the 8-bit integers that a training with quantization leaves."
        )
      case .bytes:
        (
          ["size", "model_bytes", "file_size"],
          "Bounds of the size of the model's file: model.safetensors, or model.int8.safetensors where the "
            + "training has a quantization."
        )
      default:
        (
          ["latency", "latency_us"],
          "Bounds of what an image takes that model alone on one core, the median of 800, measured when the "
            + "run ends. It depends on the machine, so that summary.json says nothing of it."
        )
      }
    return Field(
      figure.name, .object(bounds(of: figure).type), .none, aliases: aliases, doc)
  }

  /// What metrics asks for, those with the same range together.
  private static var expectedMetrics: [OtherKeys] {
    var ranges: [ClosedRange<Double>] = []
    for kind in asked where !ranges.contains(kind.range) { ranges.append(kind.range) }
    return ranges.map { range in
      let kinds = asked.filter { $0.range == range }
      let example = MetricName(kinds[0].example())!
      let parts: [Metric.Part] = [.validation, .test]
      return OtherKeys(
        form: TextForm(
          pattern: Metric.pattern(parts, kinds),
          expectation: "val_ or test_ with what \"metrics\" asks for, such as "
            + "\"test_\(example.text)\"",
          hint: { word in
            Metric.nearMiss(to: word, of: [.test, .validation, .training]).map {
              "did you mean \"\($0.rawValue)\"?"
            }
          },
          matches: {
            Metric(rawValue: $0).map { parts.contains($0.part) && kinds.contains($0.kind) } ?? false
          }),
        field: Field(
          "test_METRIC", .object(bounds(of: .metric(Metric(.test, example)!)).type), .none,
          "Bounds of what metrics asks for, such as test_\(example.text), or "
            + "val_\(example.text) in the epoch whose weights are tested."))
    }
  }

  private static func bounds(of figure: ExpectedFigure) -> Declaration<Expectation> {
    let range =
      switch figure {
      case .metric(let metric): metric.kind.range
      case .integerAccuracy: Metric.testAccuracy.kind.range
      case .bytes, .microseconds: 0...Double.infinity
      }
    let bounds = Bounds.from(
      range.lowerBound, to: min(range.upperBound, figure == .bytes ? 1e12 : 1e9))
    return Declaration(Expectation(figure), needsKey: true) {
      Key("min", \.min, .number(bounds), writesNull: false, "The least that will do.")
      Key("max", \.max, .number(bounds), writesNull: false, "The most that will do.")
    }
  }
}

extension MetricKind {
  /// The names of the kind, as a regular expression.
  fileprivate var pattern: String {
    switch scope {
    case .always, .whole: return name
    case .byClass: return "\(name)_[^,\"\\x00-\\x1f]+"
    case .byCount:
      let (before, after) = aroundCount
      return "\(before)([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|"
        + "655[0-2][0-9]|6553[0-5])\(after)"
    }
  }
}

extension Metric {
  /// The names of some kinds of metrics of some parts of the images, as a regular expression.
  fileprivate static func pattern(_ parts: [Part], _ kinds: [MetricKind]) -> String {
    let names = parts.map { part in
      let measured = kinds.filter { part != .training || $0.isAlways }.map(\.pattern)
      return "\(part.rawValue)_(\(measured.joined(separator: "|")))"
    }
    return "^(\(names.joined(separator: "|")))$"
  }
}

extension [String] {
  /// `"a", "b" or "c"`.
  fileprivate var quotedChoice: String {
    count < 2 ? quotedList : "\(Array(dropLast()).quotedList) or \"\(last!)\""
  }
}

extension CatalogueEntry {
  /// What a metric is, how it is told and what it is called.
  init(_ metric: MetricKind) {
    let isBounded = metric.range.upperBound.isFinite
    var doc = "\(metric.formula) (\(metric.reference))."
    doc +=
      isBounded
      ? " From \(Bounds.text(metric.range.lowerBound)) to \(Bounds.text(metric.range.upperBound))"
      : " At least \(Bounds.text(metric.range.lowerBound))"
    doc += metric.unit == .percent ? ", told as a percentage" : ""
    doc += "; \(metric.better.rawValue) is better."
    switch metric.scope {
    case .always:
      doc +=
        " Measured in every run, as train_\(metric.name), val_\(metric.name) and "
        + "test_\(metric.name)."
    case .whole, .byCount: break
    case .byClass:
      doc +=
        " Of a class by its number or its name, \(metric.name)_7 or \(metric.name)_cat, or the "
        + "mean over all classes, \(metric.name)_macro."
    }
    let name = metric.example()
    self.init(
      kind: "a metric", name: metric.name, aliases: metric.aliases,
      usage: metric.isAlways
        ? "\"early_stopping\": { \"monitor\": \"val_\(name)\", \"patience\": … }"
        : "\"metrics\": [\"\(name)\"]",
      doc: doc, keys: [])
  }
}
