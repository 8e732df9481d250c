/// One line of a chart: a value over epochs, steps or what the chart's x axis counts.
///
/// Points that aren't finite (or, on a logarithmic axis, not positive) are gaps: the line stops
/// before them and goes on after. Lines of the same name have the same colour in every panel.
public struct Series: Hashable, Sendable {
  public enum Line: Hashable, Sendable {
    case solid, dashed
  }

  public struct Point: Hashable, Sendable {
    public var x: Double
    public var y: Double
    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// How far values reach around a line at an x.
  public struct Range: Hashable, Sendable {
    public var x: Double
    public var low: Double
    public var high: Double
    public init(_ x: Double, _ low: Double, _ high: Double) {
      self.x = x
      self.low = low
      self.high = high
    }
  }

  /// What the line is of, as the legend says it.
  public var name: String
  public var line: Line
  public var points: [Point]
  /// The band that the line runs in; none where it is empty.
  public var band: [Range]
  /// Points with a ring around them; what it means is told by the chart's `markMeaning`.
  public var marks: [Point]

  public init(
    _ name: String, line: Line = .solid, points: [Point], band: [Range] = [], marks: [Point] = []
  ) {
    self.name = name
    self.line = line
    self.points = points
    self.band = band
    self.marks = marks
  }

  /// All values that an axis has to show.
  var values: [Double] {
    points.map(\.y) + band.flatMap { [$0.low, $0.high] } + marks.map(\.y)
  }
}

/// A value of the x axis that matters, and what it is: a vertical line with a label.
public struct ReferenceLine: Hashable, Sendable {
  public var x: Double
  public var label: String
  public init(_ x: Double, _ label: String) {
    self.x = x
    self.label = label
  }
}

/// One pair of axes with its lines.
public struct Panel: Hashable, Sendable {
  /// What the y axis shows, written above it.
  public var title: String
  public var format: AxisFormat
  public var logarithmic: Bool
  public var series: [Series]
  public var referenceLines: [ReferenceLine]

  public init(
    _ title: String, format: AxisFormat = .number, logarithmic: Bool = false, series: [Series],
    referenceLines: [ReferenceLine] = []
  ) {
    self.title = title
    self.format = format
    self.logarithmic = logarithmic
    self.series = series
    self.referenceLines = referenceLines
  }
}

/// A chart of one or more panels over a common x axis, drawn as SVG. Equal charts give equal bytes.
public struct LineChart: Hashable, Sendable {
  public enum Arrangement: Hashable, Sendable {
    case sideBySide, stacked
  }

  public var title: String
  /// A line under the title; nothing when empty.
  public var subtitle: String
  public var xLabel: String
  public var xFormat: AxisFormat
  public var hasLogarithmicX: Bool
  public var panels: [Panel]
  public var arrangement: Arrangement
  /// What solid and dashed lines stand for, as the legend says it.
  public var solidMeaning: String
  public var dashedMeaning: String
  /// What bands and rings stand for, where there are any.
  public var bandMeaning: String
  public var markMeaning: String

  public init(
    title: String, subtitle: String = "", xLabel: String, xFormat: AxisFormat = .number,
    hasLogarithmicX: Bool = false, panels: [Panel], arrangement: Arrangement = .sideBySide,
    solidMeaning: String = "", dashedMeaning: String = "", bandMeaning: String = "",
    markMeaning: String = ""
  ) {
    self.title = title
    self.subtitle = subtitle
    self.xLabel = xLabel
    self.xFormat = xFormat
    self.hasLogarithmicX = hasLogarithmicX
    self.panels = panels
    self.arrangement = arrangement
    self.solidMeaning = solidMeaning
    self.dashedMeaning = dashedMeaning
    self.bandMeaning = bandMeaning
    self.markMeaning = markMeaning
  }

  /// The chart as a whole SVG 1.1 file.
  public func svg() -> String { ChartDrawing(self).element().file }
}
