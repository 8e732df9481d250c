/// Draws a `NetworkChart`.
struct NetworkDrawing {
  private let chart: NetworkChart
  private let layout: NetworkLayout
  private let page: Page
  private let boxWidth: Double
  /// The left edge of each lane, and the top and height of each row.
  private let lanes: [Double]
  private let rows: [(y: Double, height: Double)]

  private static let size = 12.0
  private static let lineHeight = 16.0
  private static let rowGap = 30.0
  private static let trackWidth = 13.0

  init(_ chart: NetworkChart) {
    self.chart = chart
    layout = NetworkLayout(chart.boxes.map(\.inputs))
    let widest = chart.boxes.flatMap(\.lines).map {
      SVGText.width($0.text, size: Self.size) + SVGText.width($0.detail, size: Self.size)
    }.max()
    boxWidth = min(360, max(150, (widest ?? 0) + 44))
    var lanes: [Double] = []
    var x = 0.0
    for tracks in layout.tracks {
      lanes.append(x)
      x += boxWidth + 26 + (tracks == 0 ? 0 : 8 + Double(tracks) * Self.trackWidth)
    }
    let inner = max(300, x - 26)
    let notes = SVGText.lines(of: [chart.subtitle], to: inner, size: Page.noteSize)
    page = Page(
      title: chart.title, notes: notes, legend: Legend(entries: [], width: inner), inner: inner)
    self.lanes = lanes.map { $0 + Page.margin }
    var heights = Array(repeating: 0.0, count: (layout.rows.max() ?? -1) + 1)
    for (box, row) in zip(chart.boxes, layout.rows) {
      heights[row] = max(heights[row], Self.height(box))
    }
    var y = page.top
    var rows: [(y: Double, height: Double)] = []
    for height in heights {
      rows.append((y, height))
      y += height + Self.rowGap
    }
    self.rows = rows
  }

  private static func height(_ box: NetworkChart.Box) -> Double {
    Double(box.lines.count) * lineHeight + 8
  }

  func element() -> Element {
    let bottom = rows.last.map { $0.y + $0.height } ?? page.top
    let count = chart.boxes.reduce(0) { $0 + $1.lines.count }
    return page.element(
      layout.lines.map(line) + chart.boxes.indices.map(box), bottom: bottom + 8,
      spoken: "A network of \(count) layers. \(chart.subtitle)")
  }

  private func box(_ i: Int) -> Element {
    let box = chart.boxes[i]
    let p = Element.pixels
    let (x, y) = (lanes[layout.lanes[i]], rows[layout.rows[i]].y)
    let (fill, edge) =
      switch box.look {
      case .weights: ("#E8F1F8", Palette.lines[0])
      case .merge: ("#FBEFE6", Palette.lines[1])
      case .plain: (Palette.background, Palette.axis)
      }
    var parts: [Element] = []
    if !box.note.isEmpty { parts.append(Element("title", text: box.note)) }
    parts.append(
      Element(
        "rect",
        [
          "class": "box", "x": p(x), "y": p(y), "width": p(boxWidth),
          "height": p(Self.height(box)), "rx": "4", "fill": fill, "stroke": edge,
        ]))
    for (k, line) in box.lines.enumerated() {
      let base = y + 4 + Double(k) * Self.lineHeight + Self.size
      let room = boxWidth - 30
      let detail = SVGText.width(line.detail, size: Self.size)
      let text = SVGText.shortened(line.text, to: max(40, room - detail), size: Self.size)
      parts.append(.label(text, x + 10, base, size: Self.size, color: Palette.title))
      parts.append(
        .label(line.detail, x + boxWidth - 10, base, anchor: "end", size: Self.size))
    }
    return Element("g", children: parts)
  }

  /// From the bottom of one box to the top of another: straight down, but for a bend after the first
  /// and one before the last.
  private func line(_ line: NetworkLayout.Line) -> Element {
    let p = Element.pixels
    let (from, to) = (line.from, line.to)
    let start = (
      x: middle(of: from), y: rows[layout.rows[from]].y + Self.height(chart.boxes[from])
    )
    let count = chart.boxes[to].inputs.count
    let spread = min(24, boxWidth * 0.6 / Double(max(1, count - 1)))
    let end = (
      x: middle(of: to) + (Double(line.input) - Double(count - 1) / 2) * spread,
      y: rows[layout.rows[to]].y
    )
    var path = "M\(p(start.x)) \(p(start.y))"
    var (x, y) = start
    func bend(to newX: Double, _ newY: Double) {
      let middle = (y + newY) / 2
      path +=
        x == newX
        ? "V\(p(newY))"
        : "C\(p(x)) \(p(middle)) \(p(newX)) \(p(middle)) \(p(newX)) \(p(newY))"
      (x, y) = (newX, newY)
    }
    bend(to: x, bottom(ofRow: layout.rows[from]))
    let down: Double? =
      switch line.route {
      case .near: nil
      case .lane(let lane): lanes[lane] + boxWidth / 2
      case .track(let lane, let track):
        lanes[lane] + boxWidth + 10 + Double(track) * Self.trackWidth
      }
    if let down { bend(to: down, rows[layout.rows[from] + 1].y) }
    bend(to: x, bottom(ofRow: layout.rows[to] - 1))
    bend(to: end.x, end.y)
    path += "m-3 -6l3 6l3 -6"
    return Element(
      "path",
      [
        "class": "line", "d": path, "fill": "none", "stroke": Palette.axis, "stroke-width": "1.4",
      ])
  }

  private func bottom(ofRow row: Int) -> Double { rows[row].y + rows[row].height }

  private func middle(of box: Int) -> Double { lanes[layout.lanes[box]] + boxWidth / 2 }
}
