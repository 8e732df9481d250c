/// The names of a chart's lines, laid out in rows.
struct Legend {
  struct Entry {
    let text: String
    let fullText: String
    let style: LineStyle?  // nil: the key to solid and dashed, in the colour of text
    let line: Series.Line
    let hasMarker: Bool
  }

  static let size = 12.0
  static let rowHeight = 19.0
  static let sample = 26.0
  private static let gap = 22.0
  private static let longest = 250.0

  let entries: [Entry]
  /// Where each entry begins, from the legend's top left corner.
  let places: [(x: Double, y: Double)]
  let height: Double

  init(entries: [Entry], width: Double) {
    self.entries = entries
    let widths = entries.map {
      Self.sample + 7 + SVGText.width($0.text, size: Self.size)
    }
    let total = widths.reduce(0, +) + Self.gap * Double(max(0, entries.count - 1))
    var places: [(x: Double, y: Double)] = []
    if total <= width {
      var x = 0.0
      for w in widths {
        places.append((x, 0))
        x += w + Self.gap
      }
      height = entries.isEmpty ? 0 : Self.rowHeight
    } else {
      // In columns of equal width, filled from the left.
      let cell = (widths.max() ?? 1) + Self.gap
      let columns = max(1, Int((width + Self.gap) / cell))
      for i in entries.indices {
        places.append((Double(i % columns) * cell, Double(i / columns) * Self.rowHeight))
      }
      height = Double((entries.count + columns - 1) / columns) * Self.rowHeight
    }
    self.places = places
  }

  static func entry(
    _ text: String, style: LineStyle?, line: Series.Line = .solid, hasMarker: Bool = false
  ) -> Entry {
    Entry(
      text: SVGText.shortened(text, to: longest, size: size), fullText: text, style: style,
      line: line, hasMarker: hasMarker)
  }

  func elements(x left: Double, y top: Double) -> [Element] {
    let p = Element.pixels
    return zip(entries, places).map { entry, place in
      let x = left + place.x
      let middle = top + place.y + Self.rowHeight / 2
      let color = entry.style?.color ?? Palette.text
      var sample = Element(
        "path",
        [
          "d": "M\(p(x)) \(p(middle))h\(p(Self.sample))", "stroke": color, "stroke-width": "2",
          "fill": "none",
        ])
      if entry.line == .dashed { sample.attributes.append(("stroke-dasharray", "5 3.5")) }
      var parts = [sample]
      if entry.text != entry.fullText {
        parts.insert(Element("title", text: entry.fullText), at: 0)
      }
      if entry.hasMarker, let style = entry.style {
        let shape = style.marker.path(x + Self.sample / 2, middle, radius: 3)
        parts.append(Element("path", ["d": shape, "fill": color]))
      }
      parts.append(
        Element(
          "text",
          [
            "x": p(x + Self.sample + 7), "y": p(middle + Self.size * 0.35),
            "font-size": p(Self.size), "fill": Palette.text,
          ], text: entry.text))
      return Element("g", children: parts)
    }
  }
}
