/// How a picture was held when it was taken, as EXIF and TIFF count it (EXIF 2.32, tag 0x0112): by where
/// its first row and its first column belong.
package enum Orientation: Int, Hashable, CaseIterable {
  case upright = 1
  case mirrored, upsideDown, flipped
  /// Rows and columns change places.
  case transposed, turnedLeft, transversed, turnedRight

  /// Whether rows become columns.
  package var isAcross: Bool { rawValue >= 5 }

  package func shape(of shape: ImageShape) -> ImageShape {
    isAcross
      ? ImageShape(height: shape.width, width: shape.height, channels: shape.channels) : shape
  }
}

extension Orientation {
  /// What EXIF data say: a TIFF file's header and first directory, perhaps after `Exif\0\0`; upright
  /// where they say nothing that can be understood.
  package init(exif: ArraySlice<UInt8>) { self = Self(noted: exif) ?? .upright }

  /// The same; nil where they say nothing.
  package init?(noted exif: ArraySlice<UInt8>) {
    let prefix = Array("Exif\0\0".utf8)
    let data = Array(exif.starts(with: prefix) ? exif.dropFirst(prefix.count) : exif)
    guard data.count >= 8, data[0] == data[1], [0x49, 0x4D].contains(data[0]) else { return nil }
    func number(_ place: Int, _ count: Int) -> Int? {
      guard place >= 0, place + count <= data.count else { return nil }
      let bytes = data[place..<place + count]
      return (data[0] == 0x4D ? Array(bytes) : bytes.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(2, 2) == 42, let start = number(4, 4), let entries = number(start, 2) else {
      return nil
    }
    for entry in 0..<entries {
      let place = start + 2 + 12 * entry
      guard let tag = number(place, 2), let kind = number(place + 2, 2) else { return nil }
      // Two bytes or four.
      if tag == 0x0112, kind == 3 || kind == 4 {
        guard let value = number(place + 8, kind == 3 ? 2 : 4) else { return nil }
        self.init(rawValue: value)
        return
      }
    }
    return nil
  }
}

extension StoredImages {
  /// One image turned upright: Pillow's `ImageOps.exif_transpose`.
  package func turned(_ orientation: Orientation) -> StoredImages {
    if orientation == .upright { return self }
    let (height, width, channels) = (shape.height, shape.width, shape.channels)
    precondition(count == 1)
    let turned = orientation.shape(of: shape)
    let result = [UInt8](unsafeUninitializedCapacity: shape.count) { buffer, initialized in
      pixels.withUnsafeBufferPointer { source in
        for y in 0..<turned.height {
          for x in 0..<turned.width {
            let (fromY, fromX) =
              switch orientation {
              case .upright: (y, x)
              case .mirrored: (y, width - 1 - x)
              case .upsideDown: (height - 1 - y, width - 1 - x)
              case .flipped: (height - 1 - y, x)
              case .transposed: (x, y)
              case .turnedLeft: (height - 1 - x, y)
              case .transversed: (height - 1 - x, width - 1 - y)
              case .turnedRight: (x, width - 1 - y)
              }
            for c in 0..<channels {
              buffer[(y * turned.width + x) * channels + c] =
                source[(fromY * width + fromX) * channels + c]
            }
          }
        }
      }
      initialized = shape.count
    }
    return StoredImages(shape: turned, pixels: result)
  }
}
