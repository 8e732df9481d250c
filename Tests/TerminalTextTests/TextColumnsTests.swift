import Foundation
import TerminalText
import TestSupport
import Testing

@Suite struct TextColumnsTests {
  struct Case: Decodable {
    let text: String
    let columns: Int
  }

  @Test func widthsAreThoseOfWcwidth() throws {
    let file = Fixture.url("columns.json")
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
    #expect(cases.count > 30)
    for c in cases { #expect(c.text.columns == c.columns, "\(c.text)") }
  }

  @Test func controlsTakeNoColumn() {
    #expect("\u{1B}\u{7}\u{0}a\r\n".columns == 1)
  }

  @Test func shortensByColumns() {
    #expect("cat".shortened(columns: 3) == "cat")
    #expect("猫と犬".shortened(columns: 6) == "猫と犬")
    #expect("猫と犬".shortened(columns: 5) == "猫と…")
    #expect("猫と犬".shortened(columns: 4) == "猫…")
    #expect("cafe\u{301}s".shortened(columns: 5) == "cafe\u{301}s")
    #expect("cafe\u{301}s".shortened(columns: 4) == "caf…")
    #expect("abc".shortened(columns: 1) == "…")
    #expect("abc".shortened(columns: 0) == "")
  }

  @Test func padsByColumns() {
    #expect("猫".padded(columns: 4) == "猫  ")
    #expect("猫".padded(columns: 4, toTheRight: true) == "  猫")
    #expect("abcdef".padded(columns: 4) == "abcdef")
  }
}
