/// What is around the panels of every chart: title, notes and legend above them, and the file.
struct Page {
  static let margin = 28.0
  static let noteSize = 13.0
  static let font = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

  let title: String
  let width: Double
  /// Where the panels begin.
  let top: Double
  private let heading: [Element]

  /// A page whose panels are `inner` wide.
  init(title: String, notes: [String], legend: Legend, inner: Double) {
    self.title = title
    width = inner + 2 * Self.margin
    var y = Self.margin - 4
    var parts: [Element] = []
    func text(_ content: String, size: Double, color: String, bold: Bool = false, most: Int) {
      for line in SVGText.wrapped(content, to: inner, size: size, bold: bold, most: most) {
        y += size
        parts.append(.label(line, Self.margin, y, size: size, color: color, bold: bold))
        y += 4
      }
    }
    if !title.isEmpty {
      text(title, size: 18, color: Palette.title, bold: true, most: 3)
      y += 2
    }
    for note in notes where !note.isEmpty {
      text(note, size: Self.noteSize, color: Palette.text, most: 8)
    }
    if !legend.entries.isEmpty {
      y += 10
      parts += legend.elements(x: Self.margin, y: y)
      y += legend.height
    }
    top = y + 16
    heading = parts
  }

  /// The whole chart.
  ///
  /// - Parameters:
  ///   - parts: what lies under the heading, down to `bottom`.
  ///   - spoken: the chart in a sentence, for those who hear it.
  func element(_ parts: [Element], bottom: Double, spoken: String) -> Element {
    let height = (bottom + Self.margin - 8).rounded(.up)
    let background = Element(
      "rect", ["width": "100%", "height": "100%", "fill": Palette.background])
    return Element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": Element.pixels(width),
        "height": Element.pixels(height),
        "viewBox": "0 0 \(Element.pixels(width)) \(Element.pixels(height))", "role": "img",
        "font-family": Self.font,
      ],
      children: [Element("title", text: title), Element("desc", text: spoken), background]
        + heading + parts)
  }
}
