/// Configurations as points for a Gaussian process.
///
/// A number is its coordinate in [0, 1] (of a whole number, the middle of its cell); a choice is
/// one-hot, its options at distance 1 from each other. What has no value is ½, or all zeros: whether
/// it has one is told by the choice that it depends on.
struct GaussianProcessFeatures {
  let space: SearchSpace
  /// The features of each parameter.
  let groups: [Range<Int>]

  init(_ space: SearchSpace) {
    self.space = space
    var groups: [Range<Int>] = []
    for parameter in space.parameters {
      let start = groups.last?.upperBound ?? 0
      if case .choice(let options) = parameter.domain {
        groups.append(start..<start + options.count)
      } else {
        groups.append(start..<start + 1)
      }
    }
    self.groups = groups
  }

  func points(_ configurations: [Configuration]) -> GaussianProcess.Points {
    var values: [Double] = []
    for configuration in configurations { append(configuration, to: &values) }
    return GaussianProcess.Points(values: values, groups: groups)
  }

  /// The points of places in the unit cube: what `space.configuration(at:)` would be, but for the
  /// rounding of numbers.
  func points(at places: [[Double]]) -> GaussianProcess.Points {
    var values: [Double] = []
    for place in places { append(at: place, to: &values) }
    return GaussianProcess.Points(values: values, groups: groups)
  }

  private func append(_ configuration: Configuration, to values: inout [Double]) {
    for (parameter, value) in zip(space.parameters, configuration.values) {
      append(parameter.domain, value, value.map(parameter.domain.coordinate), to: &values)
    }
  }

  private func append(at place: [Double], to values: inout [Double]) {
    var chosen: [Configuration.Value?] = []
    for (p, parameter) in space.parameters.enumerated() {
      guard space.isActive(p, in: chosen) else {
        chosen.append(nil)
        append(parameter.domain, nil, nil, to: &values)
        continue
      }
      if case .range = parameter.domain {
        chosen.append(.number(0))
        append(parameter.domain, .number(0), place[p], to: &values)
      } else {
        let value = parameter.domain.value(at: place[p])
        chosen.append(value)
        append(parameter.domain, value, parameter.domain.coordinate(of: value), to: &values)
      }
    }
  }

  private func append(
    _ domain: Domain, _ value: Configuration.Value?, _ coordinate: Double?,
    to values: inout [Double]
  ) {
    if case .choice(let options) = domain {
      let start = values.count
      values.append(contentsOf: repeatElement(0, count: options.count))
      if case .option(let option)? = value { values[start + option] = 0.5.squareRoot() }
    } else {
      values.append(coordinate ?? 0.5)
    }
  }
}
