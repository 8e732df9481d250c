import Storage

// Values as the spec and the tables write them.

extension Domain {
  /// What stands in the experiment: the option's own value, or a number.
  public func json(_ value: Configuration.Value) -> JSONValue {
    switch (self, value) {
    case (.choice(let options), .option(let place)): options[place].value
    case (_, .number(let x)): JSONValue(x)
    case (_, .integer(let k)): JSONValue(k)
    default: preconditionFailure("a value of another domain")
    }
  }

  /// What stands in a table: the option's label, or the number's shortest text.
  public func label(_ value: Configuration.Value) -> String {
    switch (self, value) {
    case (.choice(let options), .option(let place)): options[place].label
    case (_, .number(let x)): x.description
    case (_, .integer(let k)): String(k)
    default: preconditionFailure("a value of another domain")
    }
  }

  /// The value that `label(_:)` wrote; nil when it is none of this domain.
  public func value(labelled label: String) -> Configuration.Value? {
    let value: Configuration.Value? =
      switch self {
      case .choice(let options):
        options.firstIndex { $0.label == label }.map(Configuration.Value.option)
      case .range: Double(label).map(Configuration.Value.number)
      case .integers: Int(label).map(Configuration.Value.integer)
      }
    return value.flatMap { contains($0) ? $0 : nil }
  }
}

extension SearchSpace {
  /// The labels of a configuration, in the order of the parameters; nil where a condition doesn't
  /// hold.
  public func labels(of configuration: Configuration) -> [String?] {
    zip(parameters, configuration.values).map { parameter, value in
      value.map(parameter.domain.label)
    }
  }

  /// The configuration with these labels; nil when this space has none such.
  public func configuration(labelled labels: [String?]) -> Configuration? {
    guard labels.count == parameters.count else { return nil }
    var values: [Configuration.Value?] = []
    for (parameter, label) in zip(parameters, labels) {
      guard let label else {
        values.append(nil)
        continue
      }
      guard let value = parameter.domain.value(labelled: label) else { return nil }
      values.append(value)
    }
    let configuration = Configuration(values)
    return contains(configuration) ? configuration : nil
  }
}
