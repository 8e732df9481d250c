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

  @Test(arguments: [
    "A", "AA", "AAA", "AA==A", "A===", "====", "AA=A", "A!==", "AB==", "AAé=",
    "AAAA=",
  ])
  func whatIsNoneIsRefused(_ text: String) {
    #expect(Base64.decode(text) == nil)
  }
}
