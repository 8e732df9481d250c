import Storage

/// The sizes of an 8-bit image.
public struct ImageShape: Hashable, Sendable, CustomStringConvertible {
  public var height: Int, width: Int, channels: Int

  public init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// The image that `flat` numbers without a shape are: the one expected, if there are as many; else
  /// a square one, grey or of three colours; nil where they are neither.
  package init?(flat: Int, expected: ImageShape?) {
    if let expected, flat == expected.count {
      self = expected
      return
    }
    guard flat > 0, flat <= 3 * Limit.pixels else { return nil }
    for channels in [1, 3] where flat % channels == 0 {
      let side = Int(Double(flat / channels).squareRoot().rounded())
      if side > 0, side * side * channels == flat {
        self.init(height: side, width: side, channels: channels)
        return
      }
    }
    return nil
  }

  public var count: Int { height * width * channels }
  public var description: String { "\(height)x\(width)x\(channels)" }

  /// Refuses what is no image of one or three channels.
  package func check(_ path: String) throws(InputError) {
    let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
    guard height > 0, width > 0, [1, 3].contains(channels), !overflow, pixels <= Limit.pixels
    else {
      throw InputError(
        .damaged,
        "\(path): its images are \(self); they must be height x width x 1 or 3, of at most "
          + "\(Limit.pixels) pixels")
    }
  }
}
