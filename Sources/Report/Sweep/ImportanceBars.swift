/// How much each parameter of a sweep matters, as bars.
///
/// Equal charts give equal bytes.
public struct ImportanceBars: Hashable, Sendable {
  public struct Bar: Hashable, Sendable {
    public var name: String
    /// A part of 1; below 0 there is no bar but the figure, and what isn't finite is unknown.
    public var value: Double
    /// How uncertain it is, drawn to both sides of its end; nil where that isn't known.
    public var deviation: Double?

    public init(_ name: String, _ value: Double, deviation: Double? = nil) {
      self.name = name
      self.value = value
      self.deviation = deviation
    }

    /// From the value to the end of what is uncertain.
    fileprivate var reach: ClosedRange<Double>? {
      guard let deviation, deviation.isFinite, deviation >= 0, value.isFinite, abs(value) < 1e4
      else { return nil }
      return max(0, value - deviation)...max(0, min(1, value + deviation), value)
    }
  }

  public var title: String
  /// The method, and what the parts are of; a line under the title.
  public var subtitle: String
  public var bars: [Bar]

  /// How many bars are drawn, the longest.
  static let most = 40

  public init(title: String, subtitle: String, bars: [Bar]) {
    self.title = title
    self.subtitle = subtitle
    self.bars = bars
  }

  /// The picture as a whole SVG 1.1 file.
  public func svg() -> String { element().file }

  /// The bars as they are drawn: from the longest, equal ones in their order, unknown ones last.
  var ordered: [Bar] {
    bars.enumerated().sorted { a, b in
      let (first, second) = (Self.rank(a.element.value), Self.rank(b.element.value))
      return first == second ? a.offset < b.offset : first > second
    }.map(\.element)
  }

  private static func rank(_ value: Double) -> Double { value.isFinite ? value : -.infinity }

  func element() -> Element {
    let size = 12.0
    let inner = 664.0
    let rowHeight = 24.0
    let p = Element.pixels
    let shown = ordered.prefix(Self.most)
    var notes = SVGText.lines(of: [subtitle], to: inner, size: Page.noteSize)
    if bars.count > shown.count {
      notes.append("the \(shown.count) that matter most of \(DecimalText.grouped(bars.count))")
    }
    let page = Page(
      title: title, notes: notes, legend: Legend(entries: [], width: inner), inner: inner)
    let longestName = 250.0
    let names = shown.map { SVGText.shortened($0.name, to: longestName, size: size) }
    let values = shown.map { bar in
      bar.value.isFinite && abs(bar.value) < 1e4
        ? DecimalText.percent(bar.value)
          + (bar.reach == nil ? "" : " ± " + DecimalText.percent(bar.deviation!)) : "unknown"
    }
    func width(_ text: String) -> Double { SVGText.width(text, size: size) }
    let left = Page.margin + (names.map(width).max() ?? 0) + 10
    let right = page.width - Page.margin - (values.map(width).max() ?? 0) - 8
    let longest = max(
      shown.map { $0.reach?.upperBound ?? $0.value }.filter { $0.isFinite && $0 < 1e4 }.max() ?? 0,
      1e-300)
    var parts: [Element] = []
    var y = page.top
    for ((bar, name), value) in zip(zip(shown, names), values) {
      let part = bar.value.isFinite && bar.value < 1e4 ? max(0, bar.value) / longest : 0
      let length = part * (right - left)
      var row = [Element("title", text: "\(bar.name): \(value)")]
      row.append(
        .label(
          name, left - 10, y + rowHeight / 2 + size * 0.35, anchor: "end", size: size,
          color: Palette.title))
      row.append(
        Element(
          "rect",
          [
            "class": "bar", "x": p(left), "y": p(y + 4), "width": p(length),
            "height": p(rowHeight - 8), "fill": Palette.lines[0],
          ]))
      var end = left + length
      if let reach = bar.reach {
        let (low, high) = (reach.lowerBound, reach.upperBound)
        func x(_ value: Double) -> Double { left + value / longest * (right - left) }
        let middle = y + rowHeight / 2
        var whisker = Element.rule(
          "M\(p(x(low))) \(p(middle - 4))v8M\(p(x(low))) \(p(middle))H\(p(x(high)))"
            + "m0 -4v8", Palette.title)
        whisker.attributes += [("class", "deviation"), ("fill", "none")]
        row.append(whisker)
        end = max(end, x(high))
      }
      row.append(.label(value, end + 7, y + rowHeight / 2 + size * 0.35, size: size))
      parts.append(Element("g", children: row))
      y += rowHeight
    }
    if shown.isEmpty {
      parts.append(.label("no parameters", Page.margin, y + rowHeight / 2, size: size))
      y += rowHeight
    } else {
      parts.append(.rule("M\(p(left)) \(p(page.top))V\(p(y))", Palette.axis))
    }
    let spoken = zip(shown.prefix(20), values).map { "\($0.name) \($1)" }.joined(separator: ", ")
    return page.element(parts, bottom: y, spoken: "\(subtitle): \(spoken)")
  }
}
