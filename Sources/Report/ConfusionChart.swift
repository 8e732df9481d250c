/// What the images of each class were taken for, as a grid: a row for each class, a column for each
/// that it was taken for, the darker the greater the part of the row. Mistakes are a hundredth of a
/// row each, mostly, so that shades go by the root of the part.
public struct ConfusionChart: Hashable, Sendable {
  public var title: String
  public var classNames: [String]
  /// How many images of a class (row) were taken for another (column).
  public var counts: [[Int]]

  public init(title: String, classNames: [String], counts: [[Int]]) {
    self.title = title
    self.classNames = classNames
    self.counts = counts
  }

  public func svg() -> String { element().file }

  private static let cell = 38.0

  func element() -> Element {
    let p = Element.pixels
    let size = 12.0
    let names = classNames.map { SVGText.shortened($0, to: 120, size: size) }
    let side = Self.cell * Double(counts.count)
    let widest = names.map { SVGText.width($0, size: size) }.max() ?? 0
    let page = Page(
      title: title, notes: ["rows: the true class; columns: what it was taken for"],
      legend: Legend(entries: [], width: 0), inner: max(side + widest + 10, 320))
    let left = Page.margin + widest + 10
    let top = page.top + size + 8
    var parts: [Element] = []
    for (c, name) in names.enumerated() {
      let middle = (Double(c) + 0.5) * Self.cell
      let shown = SVGText.shortened(name, to: Self.cell - 4, size: size)
      parts.append(
        .label(shown, left + middle, top - 7, anchor: "middle", size: size, color: Palette.title))
      parts.append(
        .label(
          name, left - 8, top + middle + size * 0.35, anchor: "end", size: size,
          color: Palette.title))
    }
    for (row, counts) in counts.enumerated() {
      let total = counts.reduce(0, +)
      for (column, count) in counts.enumerated() {
        let part = total == 0 ? 0 : Double(count) / Double(total)
        let (x, y) = (left + Double(column) * Self.cell, top + Double(row) * Self.cell)
        let (width, name) = (p(Self.cell - 1), "\(classNames[row]) taken for \(classNames[column])")
        var cell = [Element("title", text: "\(name): \(count)")]
        cell.append(
          Element(
            "rect",
            [
              "x": p(x), "y": p(y), "width": width, "height": width,
              "fill": row == column ? Palette.lines[0] : Palette.lines[1],
              "fill-opacity": DecimalText.text(part.squareRoot(), decimals: 3, trimmed: true),
            ]))
        if count > 0 {
          let color = part.squareRoot() > 0.6 ? Palette.background : Palette.title
          cell.append(
            .label(
              String(count), x + Self.cell / 2, y + Self.cell / 2 + 4, anchor: "middle",
              color: color))
        }
        parts.append(Element("g", children: cell))
      }
    }
    let right = counts.indices.reduce(0) { $0 + counts[$1][$1] }
    let all = counts.reduce(0) { $0 + $1.reduce(0, +) }
    return page.element(
      parts, bottom: top + side, spoken: "\(right) of \(all) images were taken for what they are.")
  }
}
