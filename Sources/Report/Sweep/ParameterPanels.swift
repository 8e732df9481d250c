/// Each parameter of a sweep against its metric: a scatter for every one, over a common metric axis.
///
/// Trials of one option are spread over a band, by their numbers. Equal tables give equal bytes.
public struct ParameterPanels: Hashable, Sendable {
  public var table: SweepTable

  public init(_ table: SweepTable) { self.table = table }

  /// The picture as a whole SVG 1.1 file.
  public func svg() -> String { ParameterPanelsDrawing(table).element().file }
}

struct ParameterPanelsDrawing {
  private let table: SweepTable
  private let ranking: [Int]
  private let sample: TrialSample
  private let scale: MetricScale
  private let page: Page
  private let columns: Int
  private let hasStrip: Bool
  private let labelRoom: Double

  private static let size = Element.labelSize
  private static let gap = 26.0
  private static let titleRoom = 24.0
  private static let rowGap = 18.0
  private static let mostMarks = 12_000
  private static let mostHints = 4000
  private static let longestLabel = 130.0

  init(_ whole: SweepTable) {
    let (table, leftOut) = whole.limited()
    self.table = table
    let count = table.parameters.count
    ranking = table.ranking()
    sample = TrialSample(
      of: table, most: max(50, min(2000, Self.mostMarks / max(1, count))), ranking: ranking)
    scale = MetricScale(of: table)
    hasStrip = table.trials.contains { SweepTable.value(of: $0) == nil }
    labelRoom = TrialPlot.labelRoom(scale, hasStrip: hasStrip)
    columns =
      switch count {
      case ...1: 1
      case 2, 4: 2
      case 3, 5, 6, 9: 3
      default: 4
      }
    let inner = labelRoom + Double(columns) * (Self.width(columns) + Self.gap) - Self.gap
    page = Page(
      title: table.title,
      notes: table.notes(
        ranking: ranking, more: [scale.note("drawn at the edge"), sample.note, leftOut],
        width: inner),
      legend: Legend(entries: TrialPlot.legend(table, ranking: ranking), width: inner),
      inner: inner)
  }

  /// The width of a panel where there are so many beside each other.
  private static func width(_ columns: Int) -> Double {
    switch columns {
    case 1: 620
    case 2: 340
    case 3: 270
    default: 240
    }
  }

  func element() -> Element {
    var parts: [Element] = []
    var y = page.top
    let places = table.parameters.indices
    for start in stride(from: 0, to: places.count, by: columns) {
      let row = places[start..<min(start + columns, places.count)].map { panel($0, top: y) }
      let room = row.map(\.labels.room).max() ?? 0
      let name = SVGText.shortened(
        table.metric.name, to: page.width - 2 * Page.margin, size: 13, bold: true)
      parts.append(
        .label(
          name, Page.margin, y + 11, size: 13, color: Palette.title, bold: true))
      for (column, panel) in row.enumerated() {
        parts.append(element(of: panel, isFirst: column == 0))
      }
      y = row[0].plot.foot + room + 20 + Self.rowGap
    }
    if places.isEmpty {
      parts.append(
        .label("no parameters", page.width / 2, y + 40, anchor: "middle"))
      y += 60
    }
    return page.element(
      parts, bottom: y - Self.rowGap,
      spoken: table.spoken("Each parameter against \(table.metric.name)", ranking: ranking))
  }

  private struct Panel {
    let parameter: Int
    let axis: ParameterAxis
    let plot: TrialPlot
    let labels: TickLabels
    /// Where the axis ends and the place for what is not active begins; nil where there is none.
    let slot: Double?

    private static let inset = 10.0
    private static let slotWidth = 30.0

    init(_ parameter: Int, axis: ParameterAxis, plot: TrialPlot, hasSlot: Bool) {
      self.parameter = parameter
      self.axis = axis
      self.plot = plot
      slot = hasSlot ? plot.right - Self.slotWidth : nil
      labels = TickLabels(
        axis.marks, length: (slot ?? plot.right) - plot.left - 2 * Self.inset,
        longest: ParameterPanelsDrawing.longestLabel)
    }

    func x(_ fraction: Double) -> Double {
      plot.left + Self.inset + fraction * length
    }
    var length: Double { (slot ?? plot.right) - plot.left - 2 * Self.inset }

    func x(of trial: SweepTable.TrialRow) -> Double {
      let spread = ParameterAxis.spread(trial.number)
      guard let position = axis.position(trial.values[parameter]) else {
        return plot.right - Self.slotWidth / 2 + spread * 16
      }
      return x(position) + spread * min(axis.band * length, 60)
    }
  }

  private func panel(_ i: Int, top: Double) -> Panel {
    let width = Self.width(columns)
    let left = Page.margin + labelRoom + Double(i % columns) * (width + Self.gap)
    let plotTop = top + Self.titleRoom
    let plot = TrialPlot(
      scale: scale, left: left, right: left + width, top: plotTop,
      bottom: plotTop + (columns == 1 ? 280 : 200), hasStrip: hasStrip, headroom: 11,
      radius: TrialPlot.radius(sample.places.count))
    let values = table.trials.lazy.map { $0.values[i] }
    func axis(_ count: Int) -> ParameterAxis {
      ParameterAxis(table.parameters[i], values: values, intervals: count)
    }
    // As many ticks as have room beside each other.
    var panel: Panel?
    for count in stride(from: columns == 1 ? 10 : 6, through: 2, by: -1) {
      let axis = axis(count)
      let hasSlot = sample.places.contains { axis.position(table.trials[$0].values[i]) == nil }
      panel = Panel(i, axis: axis, plot: plot, hasSlot: hasSlot)
      if axis.isChoice || panel!.labels.areLevel { break }
    }
    return panel!
  }

  private func element(of panel: Panel, isFirst: Bool) -> Element {
    let plot = panel.plot
    var parts = plot.grid(isLabelled: isFirst)
    for label in panel.labels.shown {
      parts.append(.rule("M\(p(panel.x(label.position))) \(p(plot.foot))v4", Palette.axis))
      parts.append(panel.labels.element(label, x: panel.x(label.position), top: plot.foot))
    }
    if let slot = panel.slot {
      var line = Element.rule("M\(p(slot)) \(p(plot.top))V\(p(plot.foot))", Palette.axis)
      line.attributes.append(("stroke-dasharray", "1.5 3"))
      parts.append(line)
      parts.append(
        .label(
          ParameterAxis.inactive, (slot + plot.right) / 2, plot.foot + 17, anchor: "middle"))
    }
    let name = table.parameters[panel.parameter].name
    let shown = SVGText.shortened(name, to: plot.right - plot.left, size: Self.size)
    let label = Element.label(
      shown, (plot.left + plot.right) / 2, plot.foot + panel.labels.room + 17, anchor: "middle",
      color: Palette.title)
    parts.append(Element("g", children: [Element("title", text: name), label]))
    let best = ranking.first.map { table.trials[$0].number }
    let hasHints = sample.places.count * table.parameters.count <= Self.mostHints
    let marks = sample.places.map { place in
      (trial: table.trials[place], x: panel.x(of: table.trials[place]))
    }
    parts += plot.marks(
      marks, best: best, hint: hasHints ? { hint($0, panel.parameter) } : nil)
    if plot.scale.isEmpty {
      let text = table.trials.isEmpty ? "no trials" : "no trial has a value"
      parts.append(
        .label(
          text, (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2, anchor: "middle"))
    }
    return Element("g", ["class": "panel"], children: parts)
  }

  private func hint(_ trial: SweepTable.TrialRow, _ parameter: Int) -> String {
    let value = trial.values[parameter].map(table.parameters[parameter].text)
    return "\(table.hint(trial)), \(value ?? "not active")"
  }

  private func p(_ value: Double) -> String { Element.pixels(value) }
}

/// The labels under an axis: level where each has room, else upright, and thinned out where even
/// that is too dense.
struct TickLabels {
  struct Label {
    let position: Double
    let text: String
    let fullText: String
  }

  let shown: [Label]
  let areLevel: Bool
  /// The height that they take.
  let room: Double

  private static let size = Element.labelSize
  private static let gap = 7.0

  /// Labels for `marks` on an axis `length` pixels long; upright ones are shortened to `longest`.
  init(_ marks: [ParameterAxis.Mark], length: Double, longest: Double) {
    func width(_ text: String) -> Double { SVGText.width(text, size: Self.size) }
    areLevel =
      zip(marks, marks.dropFirst()).allSatisfy { a, b in
        (width(a.label) + width(b.label)) / 2 + Self.gap <= (b.position - a.position) * length
      } && marks.allSatisfy { width($0.label) <= max(length, 40) }
    if areLevel {
      shown = marks.map { Label(position: $0.position, text: $0.label, fullText: $0.label) }
      room = 20
    } else {
      let most = max(1, Int(length / (Self.size + 2.5)))
      let every = (marks.count + most - 1) / most
      shown = marks.enumerated().filter { $0.offset % every == 0 }.map { _, mark in
        Label(
          position: mark.position,
          text: SVGText.shortened(mark.label, to: longest, size: Self.size), fullText: mark.label)
      }
      room = (shown.map { width($0.text) }.max() ?? 0) + 12
    }
  }

  func element(_ label: Label, x: Double, top: Double) -> Element {
    if areLevel { return .label(label.text, x, top + 17, anchor: "middle") }
    let y = top + 8
    var element = Element.label(label.text, x + Self.size * 0.35, y, anchor: "end")
    let p = Element.pixels
    element.attributes.append(("transform", "rotate(-90 \(p(x + Self.size * 0.35)) \(p(y)))"))
    guard label.text != label.fullText else { return element }
    return Element("g", children: [Element("title", text: label.fullText), element])
  }
}
