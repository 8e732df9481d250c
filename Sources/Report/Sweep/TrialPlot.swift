/// A rectangle in which trials are marks: the metric upwards, anything to the right.
///
/// The completed are dots, the stopped rings, those beyond the metric's axis triangles at its edge,
/// and the failed crosses in a strip under it.
struct TrialPlot {
  let scale: MetricScale
  let left: Double
  let right: Double
  let top: Double
  let bottom: Double
  /// Whether there is a strip for the failed.
  let hasStrip: Bool
  /// Room beyond the axis at its better end.
  let headroom: Double
  /// The size of a mark.
  let radius: Double

  private static let stripHeight = 20.0
  private static let inset = 11.0
  private static let size = Element.labelSize

  static let color = Palette.lines[0]
  static let bestColor = Palette.lines[1]

  /// The height of a plot with its strip.
  static func height(_ plotHeight: Double, hasStrip: Bool) -> Double {
    plotHeight + (hasStrip ? stripHeight : 0)
  }

  /// The room that the labels of the metric's ticks take.
  static func labelRoom(_ scale: MetricScale, hasStrip: Bool) -> Double {
    let texts =
      (scale.isEmpty ? [] : scale.axis.ticks.map(\.label)) + (hasStrip ? ["failed"] : [])
    return (texts.map { SVGText.width($0, size: size) }.max() ?? 0) + 10
  }

  /// Marks are the smaller the more there are.
  static func radius(_ count: Int) -> Double { count <= 60 ? 3.6 : count <= 400 ? 2.8 : 2 }

  /// Where the x axis lies.
  var foot: Double { Self.height(bottom, hasStrip: hasStrip) }
  private var stripY: Double { (bottom + foot) / 2 }

  func y(_ value: Double) -> Double {
    let fraction = scale.fraction(value)
    let above = scale.higherIsBetter ? headroom : Self.inset
    let below = scale.higherIsBetter ? Self.inset : headroom
    return bottom - below - fraction * (bottom - top - above - below)
  }

  /// The grid, with the ticks' labels on the left where `isLabelled`.
  func grid(isLabelled: Bool) -> [Element] {
    var parts: [Element] = []
    for tick in scale.isEmpty ? [] : scale.axis.ticks {
      let y = y(tick.value)
      parts.append(.rule("M\(p(left)) \(p(y))H\(p(right))", Palette.grid))
      if isLabelled {
        parts.append(.label(tick.label, left - 8, y + Self.size * 0.35, anchor: "end"))
      }
    }
    if hasStrip {
      parts.append(.rule("M\(p(left)) \(p(bottom))H\(p(right))", Palette.grid))
      if isLabelled {
        parts.append(.label("failed", left - 8, stripY + Self.size * 0.35, anchor: "end"))
      }
    }
    parts.append(.rule("M\(p(left)) \(p(foot))H\(p(right))", Palette.axis))
    return parts
  }

  /// The marks of trials at their places from left to right, the best over all others.
  func marks(
    _ trials: [(trial: SweepTable.TrialRow, x: Double)], best: Int?,
    hint: ((SweepTable.TrialRow) -> String)?
  ) -> [Element] {
    var dots: [Element] = []
    var rings: [Element] = []
    var crosses: [Element] = []
    var beyond: [Element] = []
    var winner: [Element] = []
    for (trial, x) in trials {
      let title = hint.map { [Element("title", text: $0(trial))] } ?? []
      let state = SweepTable.shownState(of: trial)
      guard let value = SweepTable.value(of: trial) else {
        crosses.append(
          Element(
            "path", ["class": "trial", "d": Self.cross(x, stripY, radius: radius)], children: title)
        )
        continue
      }
      let isRing = state == .stoppedEarly
      if trial.number == best {
        winner.append(
          circle(
            x, y(value), radius: max(4.5, radius + 1.5),
            ["fill": Self.bestColor, "stroke": Palette.background, "stroke-width": "1.2"], title))
      } else if scale.isClipped(value) {
        let shape = triangle(x)
        beyond.append(
          Element(
            "path",
            ["class": "trial", "d": shape, "fill": isRing ? "none" : Self.color],
            children: title))
      } else if isRing {
        rings.append(circle(x, y(value), radius: radius - 0.4, [:], title))
      } else {
        dots.append(circle(x, y(value), radius: radius, [:], title))
      }
    }
    let groups = [
      Element("g", Self.crossLook, children: crosses),
      Element("g", Self.ringLook, children: rings),
      Element("g", Self.dotLook, children: dots),
      Element("g", ["stroke": Self.color, "stroke-width": "1"], children: beyond),
      Element("g", children: winner),
    ]
    return groups.filter { !$0.children.isEmpty }
  }

  private static let dotLook: KeyValuePairs = ["fill": color, "fill-opacity": "0.6"]
  private static let ringLook: KeyValuePairs = [
    "fill": "none", "stroke": color, "stroke-width": "1.1", "stroke-opacity": "0.75",
  ]
  private static let crossLook: KeyValuePairs = [
    "fill": "none", "stroke": Palette.text, "stroke-width": "1.2",
  ]

  private func circle(
    _ x: Double, _ y: Double, radius: Double, _ look: KeyValuePairs<String, String>,
    _ title: [Element]
  ) -> Element {
    var element = Element(
      "circle", ["class": "trial", "cx": p(x), "cy": p(y), "r": p(radius)], children: title)
    element.attributes += look.map { ($0.key, $0.value) }
    return element
  }

  private static func cross(_ x: Double, _ y: Double, radius: Double) -> String {
    let p = Element.pixels
    let a = min(3, radius)
    return "M\(p(x - a)) \(p(y - a))l\(p(2 * a)) \(p(2 * a))"
      + "M\(p(x - a)) \(p(y + a))l\(p(2 * a)) \(p(-2 * a))"
  }

  /// Points out of the plot, beyond the end of the axis.
  private func triangle(_ x: Double) -> String {
    let a = min(3.2, radius)
    let down = scale.higherIsBetter ? 1.0 : -1
    let base = scale.higherIsBetter ? bottom - 3 - 1.6 * a : top + 3 + 1.6 * a
    return "M\(p(x - a)) \(p(base))h\(p(2 * a))L\(p(x)) \(p(base + down * 1.6 * a))z"
  }

  /// What the marks of a table stand for.
  static func legend(_ table: SweepTable, ranking: [Int]) -> [Legend.Entry] {
    var entries: [Legend.Entry] = []
    let p = Element.pixels
    func entry(_ text: String, _ draw: @escaping (Double, Double) -> Element) {
      entries.append(Legend.entry(text, width: 10) { x, y in [draw(x + 5, y)] })
    }
    let states = Set(table.trials.map(SweepTable.shownState))
    if let best = ranking.first {
      entry("best: trial \(table.trials[best].number)") { x, y in
        Element("circle", ["cx": p(x), "cy": p(y), "r": "5", "fill": bestColor])
      }
    }
    if states.contains(.completed) {
      entry("completed") { x, y in
        Element(
          "g", dotLook,
          children: [Element("circle", ["cx": p(x), "cy": p(y), "r": "3.6"])])
      }
    }
    if states.contains(.stoppedEarly) {
      entry("stopped early") { x, y in
        Element(
          "g", ringLook,
          children: [Element("circle", ["cx": p(x), "cy": p(y), "r": "3.2"])])
      }
    }
    if states.contains(.failed) {
      entry("failed") { x, y in
        Element("g", crossLook, children: [Element("path", ["d": cross(x, y, radius: 3)])])
      }
    }
    return entries
  }

  private func p(_ value: Double) -> String { Element.pixels(value) }
}
