/// What models reach against what they cost: accuracy over time and over bytes, with the models marked that no other
/// beats in both. Equal charts give equal bytes.
public struct TradeoffChart: Hashable, Sendable {
  /// A model as it was measured.
  public struct Model: Hashable, Sendable {
    public var name: String
    public var accuracy: Double
    /// What the accuracy is likely to lie between.
    public var interval: ClosedRange<Double>
    /// Of an image, on one core.
    public var microseconds: Double
    public var bytes: Int

    public init(
      _ name: String, accuracy: Double, interval: ClosedRange<Double>, microseconds: Double,
      bytes: Int
    ) {
      self.name = name
      self.accuracy = accuracy
      self.interval = interval
      self.microseconds = microseconds
      self.bytes = bytes
    }
  }

  public var title: String
  public var subtitle: String
  public var models: [Model]

  public init(title: String, subtitle: String, models: [Model]) {
    (self.title, self.subtitle, self.models) = (title, subtitle, models)
  }

  /// Whether each of some models is one that none beats: that is as good at no more cost and better in one of
  /// both (Pareto's front).
  public static func front(costs: [Double], values: [Double]) -> [Bool] {
    precondition(costs.count == values.count)
    return costs.indices.map { i in
      !costs.indices.contains { k in
        costs[k] <= costs[i] && values[k] >= values[i]
          && (costs[k] < costs[i] || values[k] > values[i])
      }
    }
  }

  /// The picture as a whole SVG 1.1 file.
  public func svg() -> String {
    let panelWidth = 440.0
    let gap = 36.0
    let inner = 2 * panelWidth + gap
    let names = models.map(\.name)
    let short = DistinctNames.short(names, to: Legend.longest, size: Legend.size)
    var entries = zip(models.indices, zip(names, short)).map { i, name in
      Legend.entry(name.1, fullText: name.0, style: LineStyle(index: i), hasMarker: true)
    }
    entries.append(
      Legend.entry("95 % interval", style: nil, line: .dashed))
    entries.append(Legend.ring("none beats it in both"))
    let page = Page(
      title: title, notes: [subtitle], legend: Legend(entries: entries, width: inner),
      inner: inner)
    var parts: [Element] = []
    var bottom = page.top
    for (place, (title, label, costs)) in [
      ("Accuracy over time", "µs an image, one core", models.map(\.microseconds)),
      ("Accuracy over size", "bytes of the file", models.map { Double($0.bytes) }),
    ].enumerated() {
      let drawing = PanelDrawing(
        panel: Panel(title, format: .percent, series: []),
        xAxis: Axis(values: costs, format: .number, intervals: 6, logarithmic: true),
        xLabel: label, lines: lines(costs), meanings: ("", "95 % interval"),
        left: Page.margin + Double(place) * (panelWidth + gap), top: page.top, width: panelWidth,
        plotHeight: 280)
      parts.append(drawing.element())
      bottom = page.top + drawing.height
    }
    return page.element(parts, bottom: bottom, spoken: spoken).file
  }

  /// A point for each model, ringed where it is of the front, and a line for where its accuracy may lie.
  private func lines(_ costs: [Double]) -> [(series: Series, style: LineStyle)] {
    let front = Self.front(costs: costs, values: models.map(\.accuracy))
    return zip(models.indices, models).flatMap { i, model in
      let point = Series.Point(costs[i], model.accuracy)
      let style = LineStyle(index: i)
      return [
        (
          series: Series(model.name, points: [point], marks: front[i] ? [point] : []),
          style: style
        ),
        (
          series: Series(
            model.name, line: .dashed,
            points: [
              .init(costs[i], model.interval.lowerBound),
              .init(costs[i], model.interval.upperBound),
            ]), style: style
        ),
      ]
    }
  }

  private var spoken: String {
    let told = models.prefix(20).map {
      "\($0.name): \(AxisFormat.percent.text($0.accuracy)), \(AxisFormat.number.text($0.microseconds)) µs, "
        + "\($0.bytes) bytes"
    }
    return "\(told.joined(separator: "; ")). \(subtitle)"
  }
}
