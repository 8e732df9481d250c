/// An SVG element: a name, attributes in the order given, and either text or children.
struct Element {
  var name: String
  var attributes: [(String, String)]
  var text: String?
  var children: [Element]

  init(
    _ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String? = nil,
    children: [Element] = []
  ) {
    self.name = name
    self.attributes = attributes.map { ($0.key, $0.value) }
    self.text = text
    self.children = children
  }

  /// A length or coordinate in pixels, to a hundredth: what keeps the file short and its bits fixed.
  static func pixels(_ value: Double) -> String {
    DecimalText.text(value, decimals: 2, trimmed: true)
  }

  /// The element as a whole SVG 1.1 file.
  var file: String {
    var output = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    write(to: &output)
    return output
  }

  func write(to output: inout String, indent: Int = 0) {
    let margin = String(repeating: "  ", count: indent)
    output += "\(margin)<\(name)"
    for (key, value) in attributes { output += " \(key)=\"\(SVGText.escaped(value))\"" }
    if let text {
      output += ">\(SVGText.escaped(text))</\(name)>\n"
    } else if children.isEmpty {
      output += "/>\n"
    } else {
      output += ">\n"
      for child in children { child.write(to: &output, indent: indent + 1) }
      output += "\(margin)</\(name)>\n"
    }
  }
}

extension Element {
  /// The size of the small text of a panel.
  static let labelSize = 11.5

  /// A line of text whose base line begins, ends or is centred at (x, y).
  static func label(
    _ text: String, _ x: Double, _ y: Double, anchor: String = "start", size: Double = labelSize,
    color: String = Palette.text, bold: Bool = false
  ) -> Element {
    var element = Element(
      "text", ["x": pixels(x), "y": pixels(y), "font-size": pixels(size), "fill": color],
      text: text)
    if anchor != "start" { element.attributes.append(("text-anchor", anchor)) }
    if bold { element.attributes.append(("font-weight", "bold")) }
    return element
  }

  /// The text with a white edge around it, so that it can be read over lines.
  func haloed() -> Element {
    var element = self
    element.attributes += [
      ("stroke", Palette.background), ("stroke-width", "3"), ("stroke-linejoin", "round"),
      ("stroke-opacity", "0.85"), ("paint-order", "stroke"),
    ]
    return element
  }

  /// A ring around a point.
  static func ring(_ x: Double, _ y: Double, color: String) -> Element {
    var shape = Element(
      "path",
      ["d": Marker.circle.path(x, y, radius: 5), "fill": "none", "stroke": color])
    shape.attributes.append(("stroke-width", "1.8"))
    return shape
  }

  /// A thin line of a grid or an axis.
  static func rule(_ path: String, _ color: String) -> Element {
    Element("path", ["d": path, "stroke": color, "stroke-width": "1"])
  }
}
