import CCrypto

/// SHA-256 (FIPS 180-4), by libcrypto. Feed bytes with `update`, then take the digest once.
public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  public init() {
    // Neither call fails except for want of memory.
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      fatalError("out of memory for a SHA-256 digest")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  public func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    EVP_DigestUpdate(context, base, bytes.count)
  }

  public func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The 32 bytes of the digest.
  public consuming func finalize() -> [UInt8] { finish() }

  /// As `finalize`, for an owner that cannot give the digest away; nothing may follow.
  package func finish() -> [UInt8] {
    let context = context
    return [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
      count = 32
    }
  }

  /// The digest of what was fed so far, as 64 hexadecimal digits; more may follow.
  public var current: String {
    let copy = SHA256()
    guard EVP_MD_CTX_copy_ex(copy.context, context) == 1 else {
      fatalError("out of memory for a SHA-256 digest")
    }
    return copy.finalizeHex()
  }

  /// The digest as 64 hexadecimal digits.
  public consuming func finalizeHex() -> String { Self.hex(finalize()) }

  public static func hex(of bytes: UnsafeRawBufferPointer) -> String {
    let digest = SHA256()
    digest.update(bytes)
    return digest.finalizeHex()
  }

  public static func hex(of bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { hex(of: $0) }
  }

  public static func hex(ofFile path: String) throws(FileError) -> String {
    let digest = SHA256()
    try FileDescriptor.reading(path).forEachPiece { digest.update($0) }
    return hex(digest.finish())
  }

  /// Bytes as lowercase hexadecimal digits.
  public static func hex(_ digest: [UInt8]) -> String {
    func digit(_ value: UInt8) -> UInt8 {
      value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
    }
    return String(unsafeUninitializedCapacity: 2 * digest.count) { text in
      for (place, byte) in digest.enumerated() {
        text[2 * place] = digit(byte >> 4)
        text[2 * place + 1] = digit(byte & 15)
      }
      return 2 * digest.count
    }
  }
}
