/// A search space as a forest sees it: each dimension is [0, 1], or a set of options.
///
/// Numbers are the coordinates of their domains, so that equal lengths are equally likely to be tried.
/// A choice of more than 64 options is taken as ordered, each option with an equal share of [0, 1].
struct UnitBox {
  enum Dimension: Equatable {
    case ordered
    case options(Int)
  }

  static let largestChoice = 64

  let dimensions: [Dimension]
  private let parameters: [Parameter]

  init(_ space: SearchSpace) {
    parameters = space.parameters
    dimensions = space.parameters.map {
      if case .choice(let options) = $0.domain, options.count <= Self.largestChoice {
        .options(options.count)
      } else {
        .ordered
      }
    }
  }

  /// A value as a coordinate: a place in [0, 1], or the number of an option. What is inactive has no
  /// coordinate that matters, and gets 0.
  func coordinate(of value: Configuration.Value?, along dimension: Int) -> Double {
    guard let value else { return 0 }
    if case .options = dimensions[dimension], case .option(let option) = value {
      return Double(option)
    }
    return parameters[dimension].domain.coordinate(of: value)
  }

  /// The choice that decides whether a parameter is active, and the options with which it is, as bits;
  /// nil where there is none, or one of too many options.
  func choiceBehind(_ dimension: Int) -> (dimension: Int, options: UInt64)? {
    guard let condition = parameters[dimension].condition,
      case .options = dimensions[condition.parameter]
    else { return nil }
    return (condition.parameter, condition.options.reduce(0) { $0 | 1 << UInt64($1) })
  }

  /// Whether a parameter is active everywhere in a box, given by its bounds and its sets of options.
  func isActive(_ dimension: Int, low: [Double], high: [Double], options: [UInt64]) -> Bool {
    guard let condition = parameters[dimension].condition else { return true }
    let parent = condition.parameter
    guard isActive(parent, low: low, high: high, options: options) else { return false }
    if let (_, allowed) = choiceBehind(dimension) { return options[parent] & ~allowed == 0 }
    guard case .choice(let all) = parameters[parent].domain else { return false }
    return all.indices.allSatisfy {
      let middle = (Double($0) + 0.5) / Double(all.count)
      return middle < low[parent] || middle >= high[parent] || condition.options.contains($0)
    }
  }
}
