/// The axis of a hyperparameter: numbers, or the options of a choice in even bands.
struct ParameterAxis {
  /// Stands for a parameter that is not active.
  static let inactive = "–"

  struct Mark: Equatable {
    /// From 0 at the lower end to 1 at the upper.
    let position: Double
    let label: String
  }

  private enum Scale {
    case numbers(Axis)
    case options(Int)
  }

  let marks: [Mark]
  private let scale: Scale

  /// An axis for `parameter` and the values that trials have, with at most `count` intervals
  /// between the ticks of numbers.
  init(_ parameter: SweepTable.Parameter, values: some Sequence<Double?>, intervals count: Int) {
    let format: AxisFormat
    let isLogarithmic: Bool
    switch parameter.kind {
    case .choice(let labels):
      scale = .options(labels.count)
      marks = labels.enumerated().map { place, label in
        Mark(position: (Double(place) + 0.5) / Double(labels.count), label: label)
      }
      return
    case .number(let logarithmic): (format, isLogarithmic) = (.number, logarithmic)
    case .whole(let logarithmic): (format, isLogarithmic) = (.whole, logarithmic)
    }
    var shown = values.compactMap { $0 }.filter { $0.isFinite }
    if let bounds = parameter.bounds { shown += [bounds.lowerBound, bounds.upperBound] }
    let axis = Axis(
      values: shown, format: format, intervals: count, logarithmic: isLogarithmic, rounded: false)
    scale = .numbers(axis)
    marks = axis.ticks.map { Mark(position: axis.position($0.value), label: $0.label) }
  }

  /// Where a trial's value lies, from 0 to 1; nil where the parameter is not active.
  func position(_ value: Double?) -> Double? {
    guard let value else { return nil }
    switch scale {
    case .numbers(let axis): return value.isFinite ? axis.fraction(value) : nil
    case .options(let count):
      guard let place = Int(exactly: value), (0..<count).contains(place) else { return nil }
      return (Double(place) + 0.5) / Double(count)
    }
  }

  /// The part of the axis that an option's trials are spread over, so that they don't hide each
  /// other; 0 for numbers.
  var band: Double {
    switch scale {
    case .numbers: 0
    case .options(let count): 0.5 / Double(count)
    }
  }

  var isChoice: Bool {
    if case .options = scale { true } else { false }
  }

  /// A trial's place within a band, from −½ to ½: multiples of the golden ratio, which lie evenly
  /// however many there are (Weyl's equidistribution).
  static func spread(_ number: Int) -> Double {
    let turn = Double(number) * 0.618_033_988_749_894_8
    return turn - turn.rounded(.down) - 0.5
  }
}
