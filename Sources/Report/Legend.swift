/// What a chart's lines and marks stand for, laid out in rows.
struct Legend {
  struct Entry {
    let text: String
    var fullText: String
    /// Draws what the text stands for, from its left end and its middle height.
    let sample: (Double, Double) -> [Element]
    let sampleWidth: Double
  }

  static let size = 12.0
  static let rowHeight = 19.0
  static let sample = 26.0
  private static let gap = 22.0
  static let longest = 250.0

  let entries: [Entry]
  /// Where each entry begins, from the legend's top left corner.
  let places: [(x: Double, y: Double)]
  let height: Double

  init(entries: [Entry], width: Double) {
    self.entries = entries
    let widths = entries.map {
      $0.sampleWidth + 7 + SVGText.width($0.text, size: Self.size)
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

  /// An entry for the lines of one name, or, without a style, for what solid and dashed mean.
  static func entry(
    _ text: String, fullText: String? = nil, style: LineStyle?, line: Series.Line = .solid,
    hasMarker: Bool = false
  ) -> Entry {
    var entry = Self.line(
      text, color: style?.color ?? Palette.text, dashes: line == .dashed ? "5 3.5" : nil,
      marker: hasMarker ? style?.marker : nil)
    if let fullText { entry.fullText = fullText }
    return entry
  }

  /// An entry for what bands stand for.
  static func band(_ text: String) -> Entry {
    let p = Element.pixels
    return entry(text, width: sample) { x, middle in
      [
        Element(
          "rect",
          [
            "x": p(x), "y": p(middle - 5), "width": p(sample), "height": "10",
            "fill": Palette.text, "fill-opacity": Palette.bandOpacity,
          ])
      ]
    }
  }

  /// An entry for what rings stand for.
  static func ring(_ text: String) -> Entry {
    entry(text, width: 12) { x, middle in [.ring(x + 6, middle, color: Palette.text)] }
  }

  /// An entry with a short piece of line, and a marker in its middle.
  static func line(
    _ text: String, color: String, width: Double = 2, opacity: Double = 1, dashes: String? = nil,
    marker: Marker? = nil
  ) -> Entry {
    let p = Element.pixels
    return entry(text, width: sample) { x, middle in
      var line = Element(
        "path",
        [
          "d": "M\(p(x)) \(p(middle))h\(p(sample))", "stroke": color, "stroke-width": p(width),
          "fill": "none",
        ])
      if opacity < 1 { line.attributes.append(("stroke-opacity", p(opacity))) }
      if let dashes { line.attributes.append(("stroke-dasharray", dashes)) }
      guard let marker else { return [line] }
      let shape = marker.path(x + sample / 2, middle, radius: 3)
      return [line, Element("path", ["d": shape, "fill": color])]
    }
  }

  /// An entry with whatever `sample` draws in so much width.
  static func entry(
    _ text: String, width: Double, sample: @escaping (Double, Double) -> [Element]
  ) -> Entry {
    Entry(
      text: SVGText.shortened(text, to: longest, size: size), fullText: text, sample: sample,
      sampleWidth: width)
  }

  func elements(x left: Double, y top: Double) -> [Element] {
    zip(entries, places).map { entry, place in
      let x = left + place.x
      let middle = top + place.y + Self.rowHeight / 2
      var parts = entry.sample(x, middle)
      if entry.text != entry.fullText {
        parts.insert(Element("title", text: entry.fullText), at: 0)
      }
      parts.append(
        .label(
          entry.text, x + entry.sampleWidth + 7, middle + Self.size * 0.35, size: Self.size))
      return Element("g", children: parts)
    }
  }
}
