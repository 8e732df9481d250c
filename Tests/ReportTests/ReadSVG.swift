import Foundation
import Testing

@testable import Report

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// An SVG file as a reader of XML sees it.
final class ReadSVG: NSObject, XMLParserDelegate {
  struct Item {
    let name: String
    let attributes: [String: String]
    var text = ""
  }

  private(set) var items: [Item] = []
  private(set) var problem: (any Error)?
  private var open: [Int] = []

  init(_ svg: String) {
    super.init()
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = self
    if !parser.parse() { problem = parser.parserError ?? CocoaError(.fileReadCorruptFile) }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    open.append(items.count)
    items.append(Item(name: name, attributes: attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    if let last = open.last { items[last].text += string }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    open.removeLast()
  }

  func named(_ name: String) -> [Item] { items.filter { $0.name == name } }

  /// Where a text lies, by the upper estimate of its width.
  struct TextBox {
    let text: String
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double

    func overlaps(_ other: TextBox) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }
  }

  /// The boxes of all texts, `tightness` times as wide as the estimate.
  func textBoxes(tightness: Double = 1) throws -> [TextBox] {
    try named("text").map { item in
      let x = try #require(Double(item.attributes["x"] ?? ""))
      let y = try #require(Double(item.attributes["y"] ?? ""))
      let size = try #require(Double(item.attributes["font-size"] ?? ""))
      let bold = item.attributes["font-weight"] == "bold"
      let width = SVGText.width(item.text, size: size, bold: bold) * tightness
      let before =
        switch item.attributes["text-anchor"] {
        case "end": width
        case "middle": width / 2
        default: 0.0
        }
      if item.attributes["transform"]?.hasPrefix("rotate(-90 ") ?? false {
        // Reads upwards: what was to the left is below.
        return TextBox(
          text: item.text, left: x - size * 0.7, right: x + size * 0.2, top: y - width + before,
          bottom: y + before)
      }
      return TextBox(
        text: item.text, left: x - before, right: x - before + width, top: y - size * 0.7,
        bottom: y + size * 0.2)
    }
  }
}
