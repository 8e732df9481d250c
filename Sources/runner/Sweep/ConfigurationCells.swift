import Experiment
import Report
import Search
import Sweep

extension SearchSpace {
  /// A column for each parameter.
  var columns: [TextTable.Column] {
    parameters.map { parameter in
      if case .choice = parameter.domain {
        .init(parameter.path)
      } else {
        .init(parameter.path, .right)
      }
    }
  }

  /// The values of a configuration, in the order of the parameters: numbers as numbers, options by what
  /// the sweep calls them; nothing where a condition doesn't hold.
  func cells(of configuration: Configuration) -> [TextTable.Cell] {
    zip(parameters, configuration.values).map { parameter, value in
      guard let value else { return .missing("-") }
      let label = parameter.domain.label(value)
      guard case .number(let number) = parameter.domain.json(value), number.text == label else {
        return .text(label)
      }
      return number.int.map { .integer($0, label) } ?? .number(number.double, label)
    }
  }
}
