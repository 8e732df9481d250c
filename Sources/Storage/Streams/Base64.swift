/// Bytes as text of 64 letters and digits, four for three bytes (RFC 4648, section 4).
public enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  /// The value of each ASCII character, 255 of those that have none.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 128)
    for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
    return values
  }()

  public static func encode(_ bytes: some Collection<UInt8>) -> String {
    let bytes = Array(bytes)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var word = UInt32(bytes[start]) << 16
      if count > 1 { word |= UInt32(bytes[start + 1]) << 8 }
      if count > 2 { word |= UInt32(bytes[start + 2]) }
      for place in 0..<4 {
        text.append(
          place <= count
            ? alphabet[Int(word >> UInt32(18 - 6 * place)) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes; nil for what is no such text, padding included.
  public static func decode(_ text: String) -> [UInt8]? {
    let letters = Array(text.utf8)
    guard letters.count % 4 == 0 else { return nil }
    let padding = letters.suffix(2).count { $0 == UInt8(ascii: "=") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(letters.count / 4 * 3)
    var word: UInt32 = 0
    for (place, letter) in letters.enumerated() {
      var value: UInt8 = 0
      if place < letters.count - padding {
        guard letter < 128, values[Int(letter)] < 64 else { return nil }
        value = values[Int(letter)]
      } else if letter != UInt8(ascii: "=") {
        return nil
      }
      word = word << 6 | UInt32(value)
      guard place % 4 == 3 else { continue }
      bytes += [UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8)]
      bytes.append(UInt8(truncatingIfNeeded: word))
      word = 0
    }
    // Bits that no byte has are zeros, so that no two texts are the same bytes.
    if padding > 0, bytes.suffix(padding).contains(where: { $0 != 0 }) { return nil }
    bytes.removeLast(padding)
    return bytes
  }
  /// The bytes of a text as others write it, too: with white space, without padding, in the alphabet for
  /// URLs (RFC 4648, section 5); nil for what is none of these.
  public static func decode(lenient text: String) -> [UInt8]? {
    var letters: [UInt8] = []
    letters.reserveCapacity(text.utf8.count + 3)
    for letter in text.utf8 {
      switch letter {
      case UInt8(ascii: " "), UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: "\t"): continue
      case UInt8(ascii: "-"): letters.append(UInt8(ascii: "+"))
      case UInt8(ascii: "_"): letters.append(UInt8(ascii: "/"))
      default: letters.append(letter)
      }
    }
    if !letters.contains(UInt8(ascii: "=")) {
      while letters.count % 4 != 0 { letters.append(UInt8(ascii: "=")) }
    }
    return decode(String(decoding: letters, as: UTF8.self))
  }
}
