// A file that is to be trusted to the last bit keeps a digest of all of itself.
extension Safetensors {
  /// Where in the metadata it is: SHA-256 of the whole file, header and padding included, in which
  /// these 64 digits are zeros.
  public static let digestKey = "sha256"

  /// The file's bytes with their digest in the metadata.
  public var sealed: [UInt8] {
    var file = self
    file.metadata[Self.digestKey] = Self.blank
    var bytes = file.encoded
    // No text of the header can look so: within one, quotes are escaped.
    let place = Self.placeOfDigest(in: bytes)!
    bytes.replaceSubrange(place, with: Self.digest(of: bytes, digitsAt: place).utf8)
    return bytes
  }

  /// Calls `body` with the parts of a file of floats, one after another, that has its digest in the metadata.
  /// - Parameter tensors: in the order of their names.
  public static func withSealedParts<Result, Failure: Error>(
    _ tensors: [(name: String, shape: [Int], floats: UnsafeBufferPointer<Float>)],
    metadata: [String: String],
    _ body: ([UnsafeRawBufferPointer]) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var metadata = metadata
    metadata[digestKey] = blank
    var header = header(
      of: tensors.map { (name: $0.name, type: .f32, shape: $0.shape) }, metadata)
    let rest = tensors.map { UnsafeRawBufferPointer($0.floats) }
    let place = placeOfDigest(in: header)!
    let digest = SHA256()
    header.withUnsafeBytes { digest.update($0) }
    for part in rest { digest.update(part) }
    header.replaceSubrange(place, with: digest.finalizeHex().utf8)
    return try header.withUnsafeBufferPointer { (header) throws(Failure) in
      try body([UnsafeRawBufferPointer(header)] + rest)
    }
  }

  /// Whether a file's bytes have the digest that they hold; nil where they hold none.
  public static func hasItsDigest(_ bytes: [UInt8]) -> Bool? {
    placeOfDigest(in: bytes).map { place in
      digest(of: bytes, digitsAt: place).utf8.elementsEqual(bytes[place])
    }
  }

  private static let blank = String(repeating: "0", count: 64)

  private static func digest(of bytes: [UInt8], digitsAt place: Range<Int>) -> String {
    let digest = SHA256()
    bytes.withUnsafeBytes { bytes in
      digest.update(UnsafeRawBufferPointer(rebasing: bytes[..<place.lowerBound]))
      digest.update(Array(blank.utf8))
      digest.update(UnsafeRawBufferPointer(rebasing: bytes[place.upperBound...]))
    }
    return digest.finalizeHex()
  }

  /// The digits behind `"sha256":"`, which the header has but once.
  private static func placeOfDigest(in bytes: [UInt8]) -> Range<Int>? {
    guard let mark = place(of: "\"\(digestKey)\":\"", inHeaderOf: bytes) else { return nil }
    let digits = mark.upperBound..<mark.upperBound + 64
    guard digits.upperBound < headerEnd(of: bytes), bytes[digits.upperBound] == UInt8(ascii: "\"")
    else {
      return nil
    }
    return digits
  }

  /// Where a text first is in the header of a file, of which the header's bytes, or some of them, are
  /// enough.
  public static func place(of text: String, inHeaderOf bytes: [UInt8]) -> Range<Int>? {
    let text = Array(text.utf8)
    let end = headerEnd(of: bytes)
    guard end >= 8 + text.count else { return nil }
    for start in 8...end - text.count
    where bytes[start] == text[0] && bytes[start..<start + text.count].elementsEqual(text) {
      return start..<start + text.count
    }
    return nil
  }

  /// Where the header ends by its first 8 bytes, at the end of `bytes` at the latest.
  private static func headerEnd(of bytes: [UInt8]) -> Int {
    guard bytes.count >= 8 else { return 0 }
    let length = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    return 8 + Int(min(length, UInt64(bytes.count - 8)))
  }
}
