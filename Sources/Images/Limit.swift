import Storage

/// How much is read at most, of whatever file.
package enum Limit {
  /// Bytes of one set's images, 4 GiB.
  package static let content = 1 << 32
  /// Pixels of one image file, 8192 x 8192.
  package static let pixels = 1 << 26
  /// Bytes of one image file, 256 MiB.
  package static let file = 1 << 28
  /// Images of one set.
  package static let images = 10_000_000
}

/// Refuses images of so many bytes where there is not so much memory, before any of it is taken.
package func checkMemory(ofImages bytes: Int) throws(InputError) {
  try checkMemory(bytes, "the images take")
}
