/// Lays a chart out from top to bottom: title, subtitle, legend, panels.
struct ChartDrawing {
  let chart: LineChart
  private let styles: [String: LineStyle]
  private let page: Page
  private let inner: Double

  private static let panelGap = 36.0
  private static let plotHeight = 250.0

  init(_ chart: LineChart) {
    self.chart = chart
    let columns = Self.columns(chart)
    let panelWidth = columns == 1 ? 664.0 : 440
    inner = panelWidth * Double(columns) + Self.panelGap * Double(columns - 1)

    let series = chart.panels.flatMap(\.series)
    var names: [String] = []
    var seen: Set<String> = []
    for one in series where seen.insert(one.name).inserted { names.append(one.name) }
    let hasSolid = series.contains { $0.line == .solid }
    let hasDashed = series.contains { $0.line == .dashed }
    var styles: [String: LineStyle] = [:]
    for (i, name) in names.enumerated() { styles[name] = LineStyle(index: i) }
    self.styles = styles

    var entries: [Legend.Entry] = []
    if names.count == 1 {
      // One name needs no legend of its own; its two lines do, each in its colour.
      if hasSolid && !chart.solidMeaning.isEmpty {
        entries.append(
          Legend.entry(chart.solidMeaning, style: LineStyle(index: 0), hasMarker: true))
      }
      if hasDashed && !chart.dashedMeaning.isEmpty {
        entries.append(
          Legend.entry(chart.dashedMeaning, style: LineStyle(index: 1), line: .dashed))
      }
    } else {
      let told = Array(names.prefix(Palette.distinct))
      let short = DistinctNames.short(told, to: Legend.longest, size: Legend.size)
      for (name, text) in zip(told, short) {
        entries.append(
          Legend.entry(text, fullText: name, style: styles[name], hasMarker: true))
      }
      if names.count > Palette.distinct {
        let text = "\(names.count - Palette.distinct) more"
        entries.append(Legend.entry(text, style: LineStyle(index: Palette.distinct)))
      }
      if hasSolid && !chart.solidMeaning.isEmpty {
        entries.append(Legend.entry(chart.solidMeaning, style: nil))
      }
      if hasDashed && !chart.dashedMeaning.isEmpty {
        entries.append(Legend.entry(chart.dashedMeaning, style: nil, line: .dashed))
      }
    }
    if !chart.bandMeaning.isEmpty, series.contains(where: { !$0.band.isEmpty }) {
      entries.append(Legend.band(chart.bandMeaning))
    }
    if !chart.markMeaning.isEmpty, series.contains(where: { !$0.marks.isEmpty }) {
      entries.append(Legend.ring(chart.markMeaning))
    }
    page = Page(
      title: chart.title, notes: [chart.subtitle], legend: Legend(entries: entries, width: inner),
      inner: inner)
  }

  /// How many panels there are beside each other: up to three, four as two by two.
  private static func columns(_ chart: LineChart) -> Int {
    guard chart.arrangement == .sideBySide else { return 1 }
    return chart.panels.count == 4 ? 2 : min(max(1, chart.panels.count), 3)
  }

  /// The look of a line: its name's, but for the dashed line of a chart of one name.
  private func style(of series: Series) -> LineStyle {
    styles.count == 1 && series.line == .dashed ? LineStyle(index: 1) : styles[series.name]!
  }

  func element() -> Element {
    var y = page.top
    var parts: [Element] = []
    let columns = Self.columns(chart)
    let panelWidth = (inner - Self.panelGap * Double(columns - 1)) / Double(columns)
    let xAxis = Axis(
      values: chart.panels.flatMap { $0.series.flatMap { $0.points.map(\.x) } },
      format: chart.xFormat, intervals: panelWidth > 500 ? 14 : 10,
      logarithmic: chart.hasLogarithmicX, rounded: false)
    for (i, panel) in chart.panels.enumerated() {
      let column = i % columns
      let drawing = PanelDrawing(
        panel: panel, xAxis: xAxis, xLabel: chart.xLabel,
        lines: panel.series.map { ($0, style(of: $0)) },
        meanings: (chart.solidMeaning, chart.dashedMeaning),
        left: Page.margin + Double(column) * (panelWidth + Self.panelGap), top: y,
        width: panelWidth, plotHeight: Self.plotHeight)
      parts.append(drawing.element())
      if column == columns - 1 || i == chart.panels.count - 1 {
        y += drawing.height + (i == chart.panels.count - 1 ? 0 : 22)
      }
    }
    return page.element(parts, bottom: y, spoken: spoken)
  }

  /// The chart in a sentence, for those who hear it.
  private var spoken: String {
    let panels = chart.panels.map(\.title).joined(separator: ", ")
    let names = styles.keys.sorted().prefix(20).joined(separator: ", ")
    let more = styles.count > 20 ? " and \(styles.count - 20) more" : ""
    return "\(panels) over \(chart.xLabel): \(names)\(more). \(chart.subtitle)"
  }
}
