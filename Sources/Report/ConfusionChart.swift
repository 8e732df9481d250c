/// What the images of each class were taken for, as a grid: a row for each class, a column for each
/// that it was taken for, the darker the greater the part of the row. Mistakes are a hundredth of a
/// row each, mostly, so that shades go by the root of the part.
public struct ConfusionChart: Hashable, Sendable {
  public var title: String
  public var classNames: [String]
  /// How many images of a class (row) were taken for another (column).
  public var counts: [[Int]]
  /// What else is to be said of it, line by line.
  public var notes: [String]

  public init(title: String, classNames: [String], counts: [[Int]], notes: [String] = []) {
    self.title = title
    self.classNames = classNames
    self.counts = counts
    self.notes = notes
  }

  public func svg() -> String { element().file }

  /// The sides of a cell, and the sizes of its count and of the names: the smaller the more classes there
  /// are.
  private struct Scale {
    let cell: Double
    /// Nil where counts have no room.
    let count: Double?
    let name: Double

    init(classes: Int) {
      switch classes {
      case ...24: (cell, count, name) = (38, 11.5, 12)
      case ...60: (cell, count, name) = (22, 8, 11)
      default: (cell, count, name) = (12, nil, 9.5)
      }
    }
  }

  private static let longestName = 240.0

  func element() -> Element {
    let p = Element.pixels
    let scale = Scale(classes: counts.count)
    let (cell, size) = (scale.cell, scale.name)
    let names = classNames.map { SVGText.shortened($0, to: Self.longestName, size: size) }
    let side = cell * Double(counts.count)
    let widest = names.map { SVGText.width($0, size: size) }.max() ?? 0
    // Names that are wider than their columns stand upright.
    let areLevel = widest <= cell - 4
    let page = Page(
      title: title, notes: ["rows: the true class; columns: what it was taken for"] + notes,
      legend: Legend(entries: [], width: 0), inner: max(side + widest + 10, 320))
    let left = Page.margin + widest + 10
    let top = page.top + (areLevel ? size + 8 : widest + 12)
    var parts: [Element] = []
    for (c, name) in names.enumerated() {
      let middle = (Double(c) + 0.5) * cell
      let (x, y) = (left + middle, top - 7)
      if areLevel {
        parts.append(.label(name, x, y, anchor: "middle", size: size, color: Palette.title))
      } else {
        var label = Element.label(name, x + size * 0.35, y, size: size, color: Palette.title)
        label.attributes.append(("transform", "rotate(-90 \(p(x + size * 0.35)) \(p(y)))"))
        parts.append(label)
      }
      parts.append(
        .label(
          name, left - 8, top + middle + size * 0.35, anchor: "end", size: size,
          color: Palette.title))
    }
    for (row, counts) in counts.enumerated() {
      let total = counts.reduce(0, +)
      for (column, count) in counts.enumerated() {
        let part = total == 0 ? 0 : Double(count) / Double(total)
        let (x, y) = (left + Double(column) * cell, top + Double(row) * cell)
        let (width, name) = (p(cell - 1), "\(classNames[row]) taken for \(classNames[column])")
        var shown = [Element("title", text: "\(name): \(count)")]
        shown.append(
          Element(
            "rect",
            [
              "x": p(x), "y": p(y), "width": width, "height": width,
              "fill": row == column ? Palette.lines[0] : Palette.lines[1],
              "fill-opacity": DecimalText.text(part.squareRoot(), decimals: 3, trimmed: true),
            ]))
        if count > 0, let size = scale.count,
          SVGText.width(String(count), size: size) <= cell
        {
          let color = part.squareRoot() > 0.6 ? Palette.background : Palette.title
          shown.append(
            .label(
              String(count), x + cell / 2, y + cell / 2 + size * 0.35, anchor: "middle",
              size: size, color: color))
        }
        parts.append(Element("g", children: shown))
      }
    }
    let right = counts.indices.reduce(0) { $0 + counts[$1][$1] }
    let all = counts.reduce(0) { $0 + $1.reduce(0, +) }
    return page.element(
      parts, bottom: top + side,
      spoken: "\(right) of \(all) images were taken for what they are."
        + notes.map { " \($0)." }.joined())
  }
}
