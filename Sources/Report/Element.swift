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
