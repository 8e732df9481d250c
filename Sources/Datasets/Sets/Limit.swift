import Storage

/// How much is read at most, of whatever file.
enum Limit {
  /// Bytes of one set's images, 4 GiB.
  static let content = 1 << 32
  /// Pixels of one image file, 8192 x 8192.
  static let pixels = 1 << 26
  /// Bytes of one image file, 256 MiB.
  static let file = 1 << 28
  /// Images of one set.
  static let images = 10_000_000
}

/// Refuses images of so many bytes where there is not so much memory, before any of it is taken.
func checkMemory(ofImages bytes: Int) throws(DatasetError) {
  try checkMemory(bytes, "the images take")
}
