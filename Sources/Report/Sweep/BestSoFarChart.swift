/// What each trial of a sweep came to, in their order, and the best so far as a line of steps.
///
/// Equal tables give equal bytes.
public struct BestSoFarChart: Hashable, Sendable {
  public var table: SweepTable

  public init(_ table: SweepTable) { self.table = table }

  /// The picture as a whole SVG 1.1 file.
  public func svg() -> String { BestSoFarDrawing(table).element().file }
}

struct BestSoFarDrawing {
  private let table: SweepTable
  private let ranking: [Int]
  private let sample: TrialSample
  private let page: Page
  private let plot: TrialPlot
  private let xAxis: Axis

  private static let size = Element.labelSize
  private static let inner = 720.0
  private static let plotHeight = 300.0
  private static let titleRoom = 24.0
  private static let mostMarks = 3000
  private static let mostHints = 1000
  /// The marks stay so far from the left and the right end.
  private static let inset = 10.0

  init(_ table: SweepTable) {
    self.table = table
    ranking = table.ranking()
    let scale = MetricScale(of: table)
    sample = TrialSample(of: table, most: Self.mostMarks, ranking: ranking)
    var legend = TrialPlot.legend(table, ranking: ranking)
    if !ranking.isEmpty {
      legend.append(Legend.line("best so far", color: TrialPlot.bestColor, width: 1.8))
    }
    page = Page(
      title: table.title,
      notes: table.notes(
        ranking: ranking, more: [scale.note("drawn at the edge"), sample.note], width: Self.inner),
      legend: Legend(entries: legend, width: Self.inner), inner: Self.inner)
    let hasStrip = table.trials.contains { SweepTable.value(of: $0) == nil }
    plot = TrialPlot(
      scale: scale, left: Page.margin + TrialPlot.labelRoom(scale, hasStrip: hasStrip),
      right: Page.margin + Self.inner, top: page.top + Self.titleRoom,
      bottom: page.top + Self.titleRoom + Self.plotHeight, hasStrip: hasStrip, headroom: 24,
      radius: TrialPlot.radius(sample.places.count))
    xAxis = Axis(
      values: table.trials.lazy.map { Double($0.number) }, format: .whole, intervals: 14,
      rounded: false)
  }

  func element() -> Element {
    let name = SVGText.shortened(table.metric.name, to: Self.inner, size: 13, bold: true)
    var parts: [Element] = [
      .label(name, Page.margin, page.top + 11, size: 13, color: Palette.title, bold: true)
    ]
    parts += plot.grid(isLabelled: true)
    for tick in table.trials.isEmpty ? [] : xAxis.ticks {
      let x = x(tick.value)
      parts.append(.rule("M\(p(x)) \(p(plot.foot))v4", Palette.axis))
      parts.append(.label(tick.label, x, plot.foot + 17, anchor: "middle"))
    }
    let middle = (plot.left + plot.right) / 2
    parts.append(.label("trial", middle, plot.foot + 35, anchor: "middle"))
    if let line = bestSoFar() { parts.append(line) }
    let best = ranking.first.map { table.trials[$0] }
    let marks = sample.places.map { place in
      (trial: table.trials[place], x: x(Double(table.trials[place].number)))
    }
    let hasHints = marks.count <= Self.mostHints
    parts += plot.marks(
      marks, best: best?.number, hint: hasHints ? { table.hint($0) } : nil)
    if let best { parts += annotation(best) }
    if plot.scale.isEmpty {
      let text = table.trials.isEmpty ? "no trials" : "no trial has a value"
      parts.append(.label(text, middle, (plot.top + plot.bottom) / 2, anchor: "middle"))
    }
    return page.element(
      [Element("g", children: parts)], bottom: plot.foot + 40,
      spoken: table.spoken("Best so far", ranking: ranking))
  }

  private func x(_ number: Double) -> Double {
    plot.left + Self.inset
      + xAxis.position(number) * (plot.right - plot.left - 2 * Self.inset)
  }

  /// The best of all trials up to each, not only of those that are drawn; of steps closer together
  /// than half a pixel the last.
  private func bestSoFar() -> Element? {
    guard let winner = ranking.first else { return nil }
    let state = table.trials[winner].state
    var steps: [(x: Double, y: Double)] = []
    var best: Double?
    for trial in table.trials where trial.state == state {
      guard let value = SweepTable.value(of: trial),
        best.map({ table.isBetter(value, than: $0) }) ?? true
      else { continue }
      best = value
      let (x, y) = (x(Double(trial.number)), plot.y(value))
      if let last = steps.last, steps.count > 1, x - last.x < 0.5 {
        steps[steps.count - 1].y = y
      } else {
        steps.append((x, y))
      }
    }
    guard let first = steps.first else { return nil }
    var path = "M\(p(first.x)) \(p(first.y))"
    for step in steps.dropFirst() { path += "H\(p(step.x))V\(p(step.y))" }
    path += "H\(p(x(Double(table.trials[table.trials.count - 1].number))))"
    return Element(
      "path",
      [
        "class": "best-so-far", "d": path, "fill": "none", "stroke": TrialPlot.bestColor,
        "stroke-width": "1.8", "stroke-linejoin": "round",
      ])
  }

  private func annotation(_ best: SweepTable.TrialRow) -> [Element] {
    guard let value = SweepTable.value(of: best) else { return [] }
    let text = table.hint(best)
    let width = SVGText.width(text, size: Self.size, bold: true)
    let x = min(
      max(x(Double(best.number)), plot.left + width / 2 + 2), plot.right - width / 2 - 2)
    let y = plot.y(value) + (table.metric.higherIsBetter ? -10 : 18)
    return [
      .label(text, x, y, anchor: "middle", color: Palette.words[1], bold: true).haloed()
    ]
  }

  private func p(_ value: Double) -> String { Element.pixels(value) }
}
