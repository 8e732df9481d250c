import CCrypto

/// MD5 (RFC 1321), by libcrypto: for files whose publishers give no better digest.
package enum MD5 {
  package static func hex(ofFile path: String) throws(FileError) -> String {
    // Neither call fails except for want of memory.
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_md5(), nil) == 1 else {
      fatalError("out of memory for an MD5 digest")
    }
    defer { EVP_MD_CTX_free(context) }
    try FileDescriptor.reading(path).forEachPiece {
      EVP_DigestUpdate(context, $0.baseAddress, $0.count)
    }
    var digest = [UInt8](repeating: 0, count: 16)
    EVP_DigestFinal_ex(context, &digest, nil)
    return SHA256.hex(digest)
  }
}
