/// One panel: its title, grid, axes, lines, and the last value of each line beside its end.
struct PanelDrawing {
  let panel: Panel
  let xAxis: Axis
  let xLabel: String
  let lines: [(series: Series, style: LineStyle)]
  let meanings: (solid: String, dashed: String)
  let left: Double
  let top: Double
  let width: Double
  let plotHeight: Double

  private static let size = Element.labelSize
  private static let titleSize = 13.0
  private static let titleRoom = 26.0
  private static let bottomRoom = 40.0
  /// With more lines than this, their last values would be a column of figures.
  private static let mostEndLabels = 6
  private static let mostMarkers = 40

  var height: Double { Self.titleRoom + plotHeight + Self.bottomRoom }

  /// The rectangle of the grid, in which both axes find their pixels.
  private struct Frame {
    let xAxis: Axis
    let yAxis: Axis
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double
    /// The lines begin and end a little inside of the frame.
    private static let inset = 8.0

    func x(_ fraction: Double) -> Double {
      left + Self.inset + fraction * (right - left - 2 * Self.inset)
    }
    func y(_ fraction: Double) -> Double { bottom - fraction * (bottom - top) }

    func place(_ point: Series.Point) -> (x: Double, y: Double)? {
      guard let fx = xAxis.fraction(point.x), let fy = yAxis.fraction(point.y) else { return nil }
      return (x(fx), y(fy))
    }
  }

  func element() -> Element {
    let yAxis = Axis(
      values: lines.flatMap(\.series.values), format: panel.format, intervals: 6,
      logarithmic: panel.logarithmic)
    let labelRoom = yAxis.ticks.map { SVGText.width($0.label, size: Self.size) }.max() ?? 0
    let endRoom =
      lastValues.map { SVGText.width($0.text, size: Self.size) }.max().map { $0 + 8 } ?? 4
    let plotTop = top + Self.titleRoom
    let frame = Frame(
      xAxis: xAxis, yAxis: yAxis, left: left + labelRoom + 10, right: left + width - endRoom,
      top: plotTop, bottom: plotTop + plotHeight)
    return Element(
      "g", children: axes(frame) + referenceLines(frame) + curves(frame) + endLabels(frame))
  }

  /// Under the lines, each labelled at its top, on the side that has room.
  private func referenceLines(_ frame: Frame) -> [Element] {
    panel.referenceLines.flatMap { line -> [Element] in
      guard let fraction = xAxis.fraction(line.x), (0...1).contains(fraction) else { return [] }
      let x = frame.x(fraction)
      let isLeft = x + 6 + SVGText.width(line.label, size: Self.size) > frame.right
      return [
        .rule("M\(p(x)) \(p(frame.top))V\(p(frame.bottom))", Palette.text),
        .label(
          line.label, x + (isLeft ? -6 : 6), frame.top + Self.size,
          anchor: isLeft ? "end" : "start", color: Palette.title),
      ]
    }
  }

  private func axes(_ frame: Frame) -> [Element] {
    let title = SVGText.shortened(panel.title, to: width, size: Self.titleSize, bold: true)
    var parts: [Element] = [
      .label(
        title, left, top + Self.titleSize, size: Self.titleSize, color: Palette.title, bold: true)
    ]
    for tick in frame.yAxis.ticks {
      let y = frame.y(frame.yAxis.position(tick.value))
      parts.append(.rule("M\(p(frame.left)) \(p(y))H\(p(frame.right))", Palette.grid))
      parts.append(.label(tick.label, frame.left - 8, y + Self.size * 0.35, anchor: "end"))
    }
    parts.append(
      .rule("M\(p(frame.left)) \(p(frame.bottom))H\(p(frame.right))", Palette.axis))
    for tick in frame.xAxis.ticks {
      let x = frame.x(frame.xAxis.position(tick.value))
      parts.append(.rule("M\(p(x)) \(p(frame.bottom))v4", Palette.axis))
      parts.append(.label(tick.label, x, frame.bottom + 17, anchor: "middle"))
    }
    let middle = (frame.left + frame.right) / 2
    let name = SVGText.shortened(xLabel, to: frame.right - frame.left, size: Self.size)
    parts.append(.label(name, middle, frame.bottom + 35, anchor: "middle"))
    return parts
  }

  private func curves(_ frame: Frame) -> [Element] {
    // The first lines lie over those that come after them, the grey rest under all, bands under lines.
    let bands = lines.reversed().compactMap { band($0.series, $0.style, frame) }
    let rings = lines.reversed().flatMap { series, style in
      series.marks.compactMap(frame.place).map {
        Element.ring($0.x, $0.y, color: style.isRest ? Palette.text : style.color)
      }
    }
    let parts = lines.reversed().compactMap { series, style -> Element? in
      let places = series.points.map(frame.place)
      return places.contains { $0 != nil } ? curve(series, style, places) : nil
    }
    if !parts.isEmpty { return bands + parts + rings }
    let (x, y) = ((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2)
    return [.label("no values", x, y, anchor: "middle")]
  }

  /// The area between the least and the greatest values.
  private func band(_ series: Series, _ style: LineStyle, _ frame: Frame) -> Element? {
    let edges = series.band.compactMap {
      range -> (low: (Double, Double), high: (Double, Double))? in
      guard let low = frame.place(.init(range.x, range.low)),
        let high = frame.place(.init(range.x, range.high))
      else { return nil }
      return (low, high)
    }
    guard edges.count > 1 else { return nil }
    let outline = edges.map(\.high) + edges.reversed().map(\.low)
    let path = outline.map { "\(p($0.0)) \(p($0.1))" }.joined(separator: "L")
    return Element(
      "path",
      [
        "class": "band", "d": "M\(path)z", "fill": style.color,
        "fill-opacity": Palette.bandOpacity,
      ])
  }

  private func curve(
    _ series: Series, _ style: LineStyle, _ places: [(x: Double, y: Double)?]
  ) -> Element {
    var path = ""
    var shapes = ""
    let radius = lines.count > 8 ? 2.2 : 2.8
    let showsMarkers =
      series.line == .solid && !style.isRest && places.count <= Self.mostMarkers
    for (i, place) in places.enumerated() {
      guard let place else { continue }
      let before = i > 0 && places[i - 1] != nil
      let after = i + 1 < places.count && places[i + 1] != nil
      if before || after { path += (before ? "L" : "M") + "\(p(place.x)) \(p(place.y))" }
      // A point alone between gaps has no line to show it.
      if showsMarkers || !(before || after) {
        shapes += style.marker.path(place.x, place.y, radius: radius)
      }
    }
    let meaning = series.line == .solid ? meanings.solid : meanings.dashed
    let hint = [series.name, meaning, lastValue(of: series) ?? ""].filter { !$0.isEmpty }
    var children = [Element("title", text: hint.joined(separator: ", "))]
    if !path.isEmpty {
      let width = (series.line == .solid ? 2.0 : 1.6) * (style.isRest || lines.count > 8 ? 0.75 : 1)
      var line = Element(
        "path",
        [
          "d": path, "fill": "none", "stroke": style.color, "stroke-width": p(width),
          "stroke-linejoin": "round",
        ])
      if series.line == .dashed {
        line.attributes.append(("stroke-dasharray", "5 3.5"))
        if lines.count > 2 { line.attributes.append(("stroke-opacity", "0.6")) }
      }
      children.append(line)
    }
    if !shapes.isEmpty {
      var points = Element("path", ["d": shapes, "fill": style.color])
      if series.line == .dashed {
        points = Element(
          "path", ["d": shapes, "fill": Palette.background, "stroke": style.color])
      }
      children.append(points)
    }
    return Element("g", children: children)
  }

  /// The lines that end in a figure: where there are lines of several names only the solid ones,
  /// and none where they are too many.
  private var lastValues: [(series: Series, style: LineStyle, text: String)] {
    let isOfOneName = Set(lines.map(\.series.name)).count == 1
    let ended = isOfOneName ? lines : lines.filter { $0.series.line == .solid }
    guard ended.count <= Self.mostEndLabels else { return [] }
    return ended.compactMap { series, style in
      lastValue(of: series).map { (series, style, $0) }
    }
  }

  /// The last value that can be shown, as text.
  private func lastValue(of series: Series) -> String? {
    let last = series.points.last { Axis.shows($0.y, logarithmic: panel.logarithmic) }
    guard let value = last?.y else { return nil }
    return panel.format.text(value)
  }

  private func endLabels(_ frame: Frame) -> [Element] {
    var ends: [(y: Double, text: String, color: String)] = []
    for (series, style, text) in lastValues {
      guard let end = series.points.reversed().lazy.compactMap(frame.place).first else { continue }
      // Lines that end in the same place share a figure, which has neither's colour.
      if let same = ends.firstIndex(where: { $0.text == text && abs($0.y - end.y) < 1 }) {
        ends[same].color = Palette.text
      } else {
        ends.append((end.y, text, style.textColor))
      }
    }
    let places = Self.spread(
      ends.map(\.y), apart: Self.size + 2, within: frame.top...frame.bottom)
    return zip(ends, places).map { end, y in
      Element.label(end.text, frame.right + 4, y + Self.size * 0.35, color: end.color)
    }
  }

  /// `wanted` moved as little as keeps each `apart` from the next, within bounds where they fit.
  static func spread(
    _ wanted: [Double], apart: Double, within bounds: ClosedRange<Double>
  ) -> [Double] {
    // Blocks of neighbours that touch; a block sits at the mean of what its members want.
    struct Block {
      var members: [Int]
      var center: Double
    }
    var blocks: [Block] = []
    func half(_ block: Block) -> Double { Double(block.members.count - 1) * apart / 2 }
    func bounded(_ block: Block) -> Double {
      let room = half(block)
      return min(
        max(block.center, bounds.lowerBound + room),
        max(bounds.upperBound - room, bounds.lowerBound + room))
    }
    for i in wanted.indices.sorted(by: { (wanted[$0], $0) < (wanted[$1], $1) }) {
      var block = Block(members: [i], center: wanted[i])
      block.center = bounded(block)
      while let last = blocks.last,
        block.center - half(block) < last.center + half(last) + apart
      {
        blocks.removeLast()
        let members = last.members + block.members
        let offsets = members.enumerated().map { wanted[$0.element] - Double($0.offset) * apart }
        let start = offsets.reduce(0, +) / Double(members.count)
        block = Block(
          members: members, center: start + Double(members.count - 1) * apart / 2)
        block.center = bounded(block)
      }
      blocks.append(block)
    }
    var result = wanted
    for block in blocks {
      for (k, member) in block.members.enumerated() {
        result[member] = block.center - half(block) + Double(k) * apart
      }
    }
    return result
  }

  private func p(_ value: Double) -> String { Element.pixels(value) }
}
