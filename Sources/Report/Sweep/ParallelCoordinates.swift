/// Each trial of a sweep as a line through an axis for every parameter to its metric, whose colour
/// it has (Inselberg 1985).
///
/// Values that are not active, and trials without a metric, lie under the axes. Stopped trials are
/// pale, failed ones grey; the best few are drawn last and thick. Equal tables give equal bytes.
public struct ParallelCoordinates: Hashable, Sendable {
  public var table: SweepTable

  public init(_ table: SweepTable) { self.table = table }

  /// The picture as a whole SVG 1.1 file.
  public func svg() -> String { ParallelDrawing(table).element().file }
}

struct ParallelDrawing {
  private let table: SweepTable
  private let axes: [ParameterAxis]
  private let scale: MetricScale
  private let ranking: [Int]
  private let sample: TrialSample
  private let page: Page
  /// The first axis, and the distance from each to the next.
  private let left: Double
  private let spacing: Double
  private let top: Double
  private let bottom: Double
  /// Which axes have a place for what isn't there; the last is the metric's.
  private let hasSlot: [Bool]

  private static let size = Element.labelSize
  private static let plotHeight = 330.0
  private static let headRoom = 40.0
  private static let slotRoom = 30.0
  private static let barWidth = 12.0
  private static let longestLabel = 150.0
  private static let mostLines = 300
  private static let mostPoints = 12_000

  init(_ whole: SweepTable) {
    let (table, leftOut) = whole.limited()
    self.table = table
    ranking = table.ranking()
    scale = MetricScale(of: table)
    let count = table.parameters.count + 1
    let sample = TrialSample(
      of: table, most: max(50, min(Self.mostLines, Self.mostPoints / count)), ranking: ranking)
    self.sample = sample
    let axes = table.parameters.indices.map { i in
      ParameterAxis(
        table.parameters[i], values: table.trials.lazy.map { $0.values[i] }, intervals: 7)
    }
    self.axes = axes
    hasSlot =
      axes.indices.map { i in
        sample.places.contains { axes[i].position(table.trials[$0].values[i]) == nil }
      } + [sample.places.contains { SweepTable.value(of: table.trials[$0]) == nil }]

    func width(_ text: String) -> Double { SVGText.width(text, size: Self.size) }
    let labels = axes.first?.marks.map { min(width($0.label), Self.longestLabel) } ?? []
    let names = table.parameters.map { Self.parts(of: $0.name) }
    func width(of name: (group: String, name: String)) -> Double {
      max(width(name.group), SVGText.width(name.name, size: Self.size, bold: true))
    }
    // Half of the first name stands to the left of its axis.
    let firstName = names.first.map { min(width(of: $0), 150) / 2 + 5 - Page.margin } ?? 0
    let leftRoom = max(34, (labels.max() ?? 0) + 10, firstName)
    let values = scale.axis.ticks.map { width($0.label) } + [width("failed")]
    let rightRoom = max(48, (values.max() ?? 0) + Self.barWidth + 10)
    let widest = names.map(width(of:)).max() ?? 0
    let least = max(108, min(widest, 150) + 14)
    let inner = max(664, leftRoom + rightRoom + least * Double(count - 1))
    left = Page.margin + leftRoom
    spacing = (inner - leftRoom - rightRoom) / Double(max(1, count - 1))
    page = Page(
      title: table.title,
      notes: table.notes(
        ranking: ranking, more: [scale.note("end at the edge"), sample.note, leftOut], width: inner),
      legend: Legend(entries: Self.legend(table, ranking, scale, hasSlot), width: inner),
      inner: inner)
    top = page.top + Self.headRoom
    bottom = top + Self.plotHeight
  }

  /// How many of the best are drawn thick.
  private static func thickCount(_ ranking: [Int]) -> Int { ranking.count < 10 ? 1 : 3 }

  private static func legend(
    _ table: SweepTable, _ ranking: [Int], _ scale: MetricScale, _ hasSlot: [Bool]
  ) -> [Legend.Entry] {
    var entries: [Legend.Entry] = []
    let best = ranking.prefix(thickCount(ranking)).map { "\(table.trials[$0].number)" }
    if !best.isEmpty {
      let text =
        best.count == 1
        ? "best: trial \(best[0])" : "best \(best.count): trials \(best.joined(separator: ", "))"
      let value = ranking.first.flatMap { SweepTable.value(of: table.trials[$0]) }
      let color = ColorScale.color(value.map(scale.badness) ?? 0)
      entries.append(Legend.line(text, color: color, width: Look.best.width))
    }
    let states = Set(table.trials.map(SweepTable.shownState))
    if states.contains(.completed) {
      let look = Look.completed(of: table.trials.count)
      entries.append(
        Legend.line(
          "completed", color: ColorScale.color(0.45), width: look.width, opacity: 0.85))
    }
    if states.contains(.stoppedEarly) {
      let look = Look.stopped
      entries.append(
        Legend.line(
          "stopped early", color: ColorScale.color(0.45), width: look.width,
          opacity: look.opacity))
    }
    if states.contains(.failed) {
      entries.append(Legend.line("failed", color: Palette.rest, width: Look.failed.width))
    }
    if hasSlot.dropLast().contains(true) {
      entries.append(
        Legend.entry("not active", width: 8) { x, y in
          [.label(ParameterAxis.inactive, x + 4, y + size * 0.35, anchor: "middle")]
        })
    }
    return entries
  }

  /// How a line is drawn, whatever its colour.
  private struct Look {
    let width: Double
    let opacity: Double
    static let best = Look(width: 2.8, opacity: 1)
    static let stopped = Look(width: 1, opacity: 0.55)
    static let failed = Look(width: 1, opacity: 0.8)
    /// The more there are, the more they let through.
    static func completed(of count: Int) -> Look {
      Look(width: count > 100 ? 1.1 : 1.5, opacity: max(0.45, min(0.85, 0.4 + 16 / Double(count))))
    }
  }

  /// A key path as its group and its own name: `model[2].` and `filters`.
  static func parts(of path: String) -> (group: String, name: String) {
    guard let dot = path.lastIndex(of: "."), dot != path.indices.last else { return ("", path) }
    let start = path.index(after: dot)
    return (String(path[..<start]), String(path[start...]))
  }

  func element() -> Element {
    var parts = [Element("defs", children: [gradient])]
    parts.append(lines())
    for i in axes.indices { parts.append(axis(i)) }
    parts.append(metricAxis())
    if sample.places.isEmpty || axes.isEmpty {
      let text = axes.isEmpty ? "no parameters" : "no trials"
      let center = axes.isEmpty ? left + spacing / 2 : (x(0) + x(axes.count)) / 2
      parts.append(.label(text, center, (top + bottom) / 2, anchor: "middle"))
    }
    return page.element(
      parts, bottom: slotY + 10,
      spoken: table.spoken("Parallel coordinates", ranking: ranking))
  }

  /// The place of an axis; a metric alone stands at the right all the same.
  private func x(_ i: Int) -> Double { left + spacing * Double(axes.isEmpty ? 1 : i) }
  private func y(_ fraction: Double) -> Double { bottom - fraction * (bottom - top) }
  private var slotY: Double { hasSlot.contains(true) ? bottom + Self.slotRoom : bottom }

  // MARK: Lines

  private func lines() -> Element {
    let best = Array(ranking.prefix(Self.thickCount(ranking)))
    let bestPlaces = Set(best)
    let rank: (SweepTable.TrialRow.State) -> Int = { state in
      switch state {
      case .failed: 0
      case .stoppedEarly: 1
      case .completed: 2
      }
    }
    // Under all the failed, then the stopped, then the completed from the worst to the best.
    let others = sample.places.filter { !bestPlaces.contains($0) }
      .map { place in
        let trial = table.trials[place]
        let badness = SweepTable.value(of: trial).map(scale.badness) ?? 0
        return (place: place, state: rank(SweepTable.shownState(of: trial)), badness: badness)
      }
      .sorted { a, b in
        if a.state != b.state { return a.state < b.state }
        return a.badness == b.badness ? a.place < b.place : a.badness > b.badness
      }
    let paths =
      others.map { line(table.trials[$0.place], isBest: false) }
      + best.reversed().map { line(table.trials[$0], isBest: true) }
    return Element("g", ["fill": "none"], children: paths)
  }

  private func line(_ trial: SweepTable.TrialRow, isBest: Bool) -> Element {
    let value = SweepTable.value(of: trial)
    var points: [(x: Double, y: Double)] = []
    for (i, axis) in axes.enumerated() {
      let position = axis.position(trial.values[i])
      let band = position == nil ? 12 : min(axis.band * (bottom - top), 20)
      let spread = band * ParameterAxis.spread(trial.number)
      points.append((x(i), (position.map(y) ?? slotY) + spread))
    }
    points.append((x(axes.count), value.map { y(scale.fraction($0)) } ?? slotY))
    var path = "M\(p(points[0].x)) \(p(points[0].y))"
    if points.count == 1 { path += "h0" }
    for (a, b) in zip(points, points.dropFirst()) {
      let bend = (b.x - a.x) * 0.35
      path += "C\(p(a.x + bend)) \(p(a.y)) \(p(b.x - bend)) \(p(b.y)) \(p(b.x)) \(p(b.y))"
    }
    let look =
      switch (isBest, SweepTable.shownState(of: trial)) {
      case (true, _): Look.best
      case (_, .completed): Look.completed(of: table.trials.count)
      case (_, .stoppedEarly): Look.stopped
      case (_, .failed): Look.failed
      }
    return Element(
      "path",
      [
        "class": "trial", "d": path,
        "stroke": value.map { ColorScale.color(scale.badness($0)) } ?? Palette.rest,
        "stroke-width": p(look.width), "stroke-opacity": p(look.opacity),
      ], children: [Element("title", text: hint(trial))])
  }

  private func hint(_ trial: SweepTable.TrialRow) -> String {
    var parts = [table.hint(trial)]
    for (parameter, value) in zip(table.parameters.prefix(20), trial.values) {
      guard let value else { continue }
      parts.append("\(Self.parts(of: parameter.name).name) \(parameter.text(value))")
    }
    return parts.joined(separator: ", ")
  }

  // MARK: Axes

  private func axis(_ i: Int) -> Element {
    let (x, axis) = (x(i), axes[i])
    var parts = header(table.parameters[i].name, at: x, room: i == 0 ? left - 4 : .infinity)
    parts.append(.rule("M\(p(x)) \(p(top))V\(p(bottom))", Palette.axis))
    let most = Int((bottom - top) / 14)
    let every = max(1, (axis.marks.count + most - 1) / most)
    let limit = min(Self.longestLabel, spacing - 24)
    for (place, mark) in axis.marks.enumerated() where place % every == 0 {
      parts += label(mark.label, at: x, y(mark.position), limit: i == 0 ? Self.longestLabel : limit)
    }
    if hasSlot[i] {
      parts += slot(at: x) + label(ParameterAxis.inactive, at: x, slotY, limit: limit)
    }
    return Element("g", ["class": "axis"], children: parts)
  }

  /// A tick and its text on the left.
  private func label(_ text: String, at x: Double, _ y: Double, limit: Double) -> [Element] {
    let shown = SVGText.shortened(text, to: limit, size: Self.size)
    let name = Element.label(
      shown, x - 7, y + Self.size * 0.35, anchor: "end", color: Palette.title
    ).haloed()
    let tick = Element.rule("M\(p(x - 4)) \(p(y))h4", Palette.axis)
    guard shown != text else { return [tick, name] }
    return [tick, Element("g", children: [Element("title", text: text), name])]
  }

  /// The place under an axis for what isn't there.
  private func slot(at x: Double) -> [Element] {
    var line = Element.rule("M\(p(x)) \(p(bottom + 4))V\(p(slotY - 4))", Palette.axis)
    line.attributes.append(("stroke-dasharray", "1.5 3"))
    return [line]
  }

  /// The name of an axis above it, in two lines: the group that it is of, and its own.
  private func header(_ path: String, at x: Double, room: Double) -> [Element] {
    let limit = 2 * min(room, spacing / 2 - 4)
    let (group, name) = Self.parts(of: path)
    func line(_ text: String, _ y: Double, _ color: String, bold: Bool) -> Element {
      let shown = SVGText.shortened(text, to: limit, size: Self.size, bold: bold)
      return .label(shown, x, y, anchor: "middle", color: color, bold: bold)
    }
    var parts = [Element("title", text: path)]
    if !group.isEmpty { parts.append(line(group, top - 26, Palette.text, bold: false)) }
    parts.append(line(name, top - 12, Palette.title, bold: true))
    return [Element("g", children: parts)]
  }

  private var gradient: Element {
    ColorScale.gradient(id: gradientName, bestOnTop: scale.higherIsBetter)
  }
  private var gradientName: String { scale.higherIsBetter ? "best-on-top" : "best-below" }

  /// The metric's axis is the bar that tells the colours.
  private func metricAxis() -> Element {
    let x = x(axes.count)
    var parts = header(table.metric.name, at: x, room: page.width - x - 4)
    if !scale.isEmpty {
      parts.append(
        Element(
          "rect",
          [
            "x": p(x), "y": p(top), "width": p(Self.barWidth), "height": p(bottom - top),
            "fill": "url(#\(gradientName))",
          ]))
      for tick in scale.axis.ticks {
        let y = y(scale.axis.position(tick.value))
        parts.append(.rule("M\(p(x + Self.barWidth)) \(p(y))h4", Palette.axis))
        parts.append(
          .label(
            tick.label, x + Self.barWidth + 7, y + Self.size * 0.35, color: Palette.title))
      }
    } else {
      parts.append(.rule("M\(p(x)) \(p(top))V\(p(bottom))", Palette.axis))
    }
    if hasSlot[axes.count] {
      parts += slot(at: x)
      parts.append(.label("failed", x + 7, slotY + Self.size * 0.35, color: Palette.title))
    }
    return Element("g", ["class": "axis"], children: parts)
  }

  private func p(_ value: Double) -> String { Element.pixels(value) }
}
