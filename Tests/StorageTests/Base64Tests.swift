import Foundation
import Storage
import Testing

@Suite struct Base64Tests {
  @Test func isFoundations() {
    for count in 0...70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ count) }
      let text = Data(bytes).base64EncodedString()
      #expect(Base64.encode(bytes) == text)
      #expect(Base64.decode(text) == bytes)
    }
  }

  @Test func asOthersWriteIt() {
    for count in 0...70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ count) }
      let plain = Base64.encode(bytes)
      var text = plain.replacingOccurrences(of: "+", with: "-")
        .replacingOccurrences(of: "/", with: "_")
      #expect(Base64.decode(lenient: plain) == bytes)
      #expect(Base64.decode(lenient: text) == bytes)
      while text.last == "=" { text.removeLast() }
      #expect(Base64.decode(lenient: text) == bytes)
      #expect(Base64.decode(lenient: text.map { "\($0)\r\n " }.joined()) == bytes)
    }
    for text in ["A", "A===", "A!", "AA=A", "é"] { #expect(Base64.decode(lenient: text) == nil) }
  }

  @Test(arguments: [
    "A", "AA", "AAA", "AA==A", "A===", "====", "AA=A", "A!==", "AB==", "AAé=",
    "AAAA=",
  ])
  func whatIsNoneIsRefused(_ text: String) {
    #expect(Base64.decode(text) == nil)
  }
}
