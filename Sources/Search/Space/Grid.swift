/// All combinations of a few values of each parameter, told apart by a number, never expanded.
///
/// In the order of the space's parameters, the last varying fastest. A parameter whose condition
/// doesn't hold has no value and doesn't multiply anything, so that no configuration comes twice.
public struct Grid: Sendable {
  public let space: SearchSpace
  /// How many configurations there are.
  public let count: Int

  private let axes: [GridAxis]
  /// The parameters whose condition is on parameter i.
  private let children: [[Int]]
  /// How many combinations parameter i and those that depend on it have, where it is active.
  private let sizes: [Int]

  /// Nil when there are more configurations than an `Int` counts, or when a range doesn't say how
  /// many points a grid takes of it.
  public init?(_ space: SearchSpace) {
    self.space = space
    var axes: [GridAxis] = []
    var children = Array(repeating: [Int](), count: space.parameters.count)
    for (place, parameter) in space.parameters.enumerated() {
      guard let axis = GridAxis(parameter) else { return nil }
      axes.append(axis)
      if let condition = parameter.condition { children[condition.parameter].append(place) }
    }
    // size(p) = Σ over its values of Π over the children that the value makes active.
    var sizes = axes.map(\.count)
    for place in space.parameters.indices.reversed() where !children[place].isEmpty {
      var sum = 0
      for option in 0..<axes[place].count {
        var product = 1
        for child in children[place]
        where space.parameters[child].condition!.options.contains(option) {
          guard let next = Self.product(product, sizes[child]) else { return nil }
          product = next
        }
        let (next, overflow) = sum.addingReportingOverflow(product)
        if overflow { return nil }
        sum = next
      }
      sizes[place] = sum
    }
    var count = 1
    for (place, parameter) in space.parameters.enumerated() where parameter.condition == nil {
      guard let next = Self.product(count, sizes[place]) else { return nil }
      count = next
    }
    self.axes = axes
    self.children = children
    self.sizes = sizes
    self.count = count
  }

  private static func product(_ a: Int, _ b: Int) -> Int? {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? nil : product
  }

  /// Configuration `index` of 0..<count.
  public subscript(index: Int) -> Configuration {
    precondition((0..<count).contains(index))
    var index = index
    // The combinations of all parameters to come that are known to be active.
    var rest = count
    var values: [Configuration.Value?] = []
    for place in axes.indices {
      guard space.isActive(place, in: values) else {
        values.append(nil)
        continue
      }
      rest /= sizes[place]
      var chosen = 0
      if children[place].isEmpty {
        chosen = index / rest
        index %= rest
      } else {
        var below = rest * childProduct(place, option: 0)
        while index >= below {
          index -= below
          chosen += 1
          below = rest * childProduct(place, option: chosen)
        }
        rest = below
      }
      values.append(axes[place].value(chosen))
    }
    return Configuration(values)
  }

  private func childProduct(_ place: Int, option: Int) -> Int {
    children[place].reduce(1) { product, child in
      space.parameters[child].condition!.options.contains(option)
        ? product * sizes[child] : product
    }
  }
}

extension SearchSpace {
  /// How many configurations a grid over this space has; nil as for `Grid.init`.
  public var gridSize: Int? { Grid(self)?.count }
}

/// The values that a grid takes of one parameter.
private enum GridAxis {
  case values([Configuration.Value])
  /// So many whole numbers from `lower`.
  case integers(lower: Int, count: Int)

  /// Nil for a range without a number of points.
  init?(_ parameter: Parameter) {
    switch parameter.domain {
    case .choice(let options):
      self = .values(options.indices.map(Configuration.Value.option))
    case .integers(let lower, let upper, _):
      let count = upper - lower + 1
      if let points = parameter.points, points < count {
        self = .values(Self.spaced(points, of: parameter.domain))
      } else {
        self = .integers(lower: lower, count: count)
      }
    case .range:
      guard let points = parameter.points else { return nil }
      self = .values(Self.spaced(points, of: parameter.domain))
    }
  }

  /// Values at equal distances on the scale of the domain, both ends among them (the middle, for
  /// one point); equal ones once.
  private static func spaced(_ points: Int, of domain: Domain) -> [Configuration.Value] {
    var values: [Configuration.Value] = []
    for i in 0..<points {
      let u = points == 1 ? 0.5 : Double(i) / Double(points - 1)
      let value: Configuration.Value =
        switch domain {
        case .range(let lower, let upper, _):
          i == points - 1 && points > 1
            ? .number(upper) : (u == 0 ? .number(lower) : domain.value(at: u))
        case .integers(let lower, let upper, let scale):
          .integer(Self.integer(at: u, lower, upper, scale))
        case .choice: preconditionFailure("options have no order")
        }
      if values.last != value { values.append(value) }
    }
    return values
  }

  /// The whole number nearest to the point u of [lower, upper], so that 0 and 1 are the ends.
  private static func integer(
    at u: Double, _ lower: Int, _ upper: Int, _ scale: Domain.Scale
  ) -> Int {
    let range = Domain.range(lower: Double(lower), upper: Double(upper), scale: scale)
    guard upper > lower, case .number(let x) = range.value(at: u) else { return lower }
    return min(max(Int(x.rounded()), lower), upper)
  }

  var count: Int {
    switch self {
    case .values(let values): values.count
    case .integers(_, let count): count
    }
  }

  func value(_ place: Int) -> Configuration.Value {
    switch self {
    case .values(let values): values[place]
    case .integers(let lower, _): .integer(lower + place)
    }
  }
}
