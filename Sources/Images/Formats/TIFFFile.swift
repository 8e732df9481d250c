import CTIFF

/// Pixels of a TIFF file's first page by libtiff, as Pillow makes them: one channel where it is grey,
/// else three; palettes looked up, bits spread over 0 to 255, transparency dropped. Of 16 bits the high
/// byte is taken, as of a PNG file. How the picture is held belongs to the form: it is turned upright.
package enum TIFFFile: ImageFormat {
  /// `II` or `MM`, then 42, or 43 where its offsets are of 8 bytes.
  package static func begins(_ file: [UInt8]) -> Bool {
    [[0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43]]
      .contains { file.starts(with: $0) }
  }

  package static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader {
    let (shape, orientation, hasMore) = try stored(file)
    return ImageHeader(shape: orientation.shape(of: shape), isFirstOfSeveral: hasMore)
  }

  package static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8]
  {
    let (shape, orientation, _) = try stored(file)
    var pixels = [UInt8](repeating: 0, count: shape.count)
    var found = TIFFHeader()
    try ImageProblem.check {
      tiff_reader_read(file, file.count, &found, &pixels, pixels.count, $0)
    }
    return StoredImages(shape: shape, pixels: pixels).turned(orientation).pixels
  }

  /// The shape as it lies in the file, and how it is held.
  private static func stored(
    _ file: [UInt8]
  ) throws(ImageProblem) -> (ImageShape, Orientation, hasMore: Bool) {
    var found = TIFFHeader()
    try ImageProblem.check { tiff_reader_read(file, file.count, &found, nil, 0, $0) }
    try ImageProblem.check(width: Int(found.width), height: Int(found.height))
    return (
      ImageShape(
        height: Int(found.height), width: Int(found.width), channels: Int(found.channels)),
      Orientation(rawValue: Int(found.orientation)) ?? .upright, found.has_more != 0
    )
  }
}
