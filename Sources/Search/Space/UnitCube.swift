import ConvNet

// A domain as the interval [0, 1]: samplers draw and model coordinates, not values.

extension Domain {
  /// The value at coordinate u of [0, 1].
  ///
  /// - range: lower + u·(upper − lower), or lower·(upper/lower)ᵘ on the log scale, rounded to six
  ///   significant decimal digits of itself (of the width, where that is smaller), within the
  ///   bounds.
  /// - integers: each k has a cell of its own, half open, so that the ends are as likely as any:
  ///   [k, k + 1) of [lower, upper + 1), or [ln(k − ½), ln(k + ½)) of the logarithms.
  /// - choice: option ⌊u·count⌋.
  public func value(at u: Double) -> Configuration.Value {
    let u = min(max(u, 0), 1)
    switch self {
    case .choice(let options):
      return .option(min(Int(u * Double(options.count)), options.count - 1))
    case .range(let lower, let upper, let scale):
      let x =
        switch scale {
        case .linear: lower * (1 - u) + upper * u
        case .log:
          Elementary.exp(Elementary.log(lower) * (1 - u) + Elementary.log(upper) * u)
        }
      let size = upper > lower ? min(abs(x), upper - lower) : abs(x)
      return .number(min(max(x.rounded(toDigits: 6, of: size), lower), upper))
    case .integers(let lower, let upper, let scale):
      let (low, high) = (Double(lower), Double(upper))
      let x =
        switch scale {
        case .linear: low + u * (high - low + 1)
        case .log:
          Elementary.exp(Elementary.log(low - 0.5) * (1 - u) + Elementary.log(high + 0.5) * u) + 0.5
        }
      return .integer(Int(min(max(x.rounded(.down), low), high)))
    }
  }

  /// The coordinate in [0, 1] of a value of this domain: where `value(at:)` gives it back. For an
  /// integer or an option, the middle of its cell.
  public func coordinate(of value: Configuration.Value) -> Double {
    if case .range(let lower, let upper, let scale) = self, case .number(let x) = value {
      guard upper > lower else { return 0.5 }
      let u =
        switch scale {
        case .linear: (x - lower) / (upper - lower)
        case .log:
          (Elementary.log(x) - Elementary.log(lower))
            / (Elementary.log(upper) - Elementary.log(lower))
        }
      return min(max(u, 0), 1)
    }
    let cell = cell(of: value)
    return (cell.lowerBound + cell.upperBound) / 2
  }

  /// The coordinates that an option or an integer takes up; one point for a number of a range.
  public func cell(of value: Configuration.Value) -> ClosedRange<Double> {
    switch (self, value) {
    case (.choice(let options), .option(let place)):
      let width = 1 / Double(options.count)
      return Double(place) * width...Double(place + 1) * width
    case (.integers(let lower, let upper, .linear), .integer(let k)):
      let width = 1 / (Double(upper) - Double(lower) + 1)
      let start = (Double(k) - Double(lower)) * width
      return start...max(start, start + width)
    case (.integers(let lower, let upper, .log), .integer(let k)):
      let start = Elementary.log(Double(lower) - 0.5)
      let width = Elementary.log(Double(upper) + 0.5) - start
      let low = (Elementary.log(Double(k) - 0.5) - start) / width
      return low...max(low, (Elementary.log(Double(k) + 0.5) - start) / width)
    case (.range, .number):
      let u = coordinate(of: value)
      return u...u
    default: preconditionFailure("a value of another domain")
    }
  }

  /// Whether `value` is of this domain.
  public func contains(_ value: Configuration.Value) -> Bool {
    switch (self, value) {
    case (.choice(let options), .option(let place)): options.indices.contains(place)
    case (.range(let lower, let upper, _), .number(let x)): lower <= x && x <= upper
    case (.integers(let lower, let upper, _), .integer(let k)): lower <= k && k <= upper
    default: false
    }
  }
}

extension SearchSpace {
  /// Whether parameter `place` matters, given the values of those before it.
  public func isActive(_ place: Int, in values: [Configuration.Value?]) -> Bool {
    guard let condition = parameters[place].condition else { return true }
    guard case .option(let option)? = values[condition.parameter] else { return false }
    return condition.options.contains(option)
  }

  /// The configuration at a point of the unit cube, a coordinate for every parameter; those of
  /// parameters whose condition doesn't hold are passed over.
  public func configuration(at point: [Double]) -> Configuration {
    precondition(point.count == parameters.count)
    return configuration { place, domain in domain.value(at: point[place]) }
  }

  /// The configuration whose active parameters take what `value` gives, asked in their order.
  package func configuration(
    _ value: (_ place: Int, _ domain: Domain) -> Configuration.Value
  ) -> Configuration {
    var values: [Configuration.Value?] = []
    values.reserveCapacity(parameters.count)
    for place in parameters.indices {
      values.append(isActive(place, in: values) ? value(place, parameters[place].domain) : nil)
    }
    return Configuration(values)
  }

  /// The coordinate of each active parameter; nil for the others.
  public func coordinates(of configuration: Configuration) -> [Double?] {
    zip(parameters, configuration.values).map { parameter, value in
      value.map(parameter.domain.coordinate)
    }
  }

  /// Whether a configuration is one of this space: exactly the parameters whose conditions hold
  /// have a value, each of its domain.
  public func contains(_ configuration: Configuration) -> Bool {
    guard configuration.values.count == parameters.count else { return false }
    return parameters.indices.allSatisfy { place in
      guard isActive(place, in: configuration.values) else {
        return configuration.values[place] == nil
      }
      return configuration.values[place].map(parameters[place].domain.contains) ?? false
    }
  }
}
