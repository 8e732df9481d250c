extension DigitStrokes {
  /// How wide MNIST's strokes are at least, in its pixels.
  private static let narrowest: Float = 2
  /// Pixels of the box.
  private static let boxSide = 20
  /// Parts of a pixel in which pens are made wider.
  private static let parts = 4

  /// 28 x 28 bytes: the strokes fill a box of 20 x 20 by their longer side, its centre of mass lies in the
  /// middle of the image, by whole pixels.
  func box() -> [UInt8] {
    let box = fitted()
    let (height, width) = (box.height, box.width)
    let most = max(box.values.max()!, 1e-6)
    var (mass, massX, massY) = (0.0, 0.0, 0.0)
    for y in 0..<height {
      for x in 0..<width {
        let value = Double(box.values[y * width + x])
        mass += value
        massX += value * (Double(x) + 0.5)
        massY += value * (Double(y) + 0.5)
      }
    }
    let side = DigitPreparation.side
    let left = max(0, min(side - width, side / 2 - Int(massX / mass)))
    let top = max(0, min(side - height, side / 2 - Int(massY / mass)))
    var image = [UInt8](repeating: 0, count: side * side)
    for y in 0..<height {
      for x in 0..<width {
        let level = box.values[y * width + x] / most * 255 + 0.5
        image[(top + y) * side + left + x] = UInt8(level)
      }
    }
    return image
  }

  /// The strokes in their box, thin ones widened.
  private func fitted() -> DigitPlane {
    let region = inkRegion()
    let fine = Self.boxSide * Self.parts
    let large = sized(region, to: fine)
    let missing = Self.narrowest * Float(Self.parts) - Self.strokeWidth(large)
    let radius = Int(missing / 2 + 0.5)
    guard radius > 0 else { return sized(region, to: Self.boxSide) }
    let wide = sized(region, to: fine - 2 * radius).thickened(by: radius)
    let whole = DigitRegion(top: 0, left: 0, height: wide.height, width: wide.width)
    let height = max(1, (wide.height + Self.parts / 2) / Self.parts)
    let width = max(1, (wide.width + Self.parts / 2) / Self.parts)
    return wide.resampled(whole, height: height, width: width)
  }

  private func sized(_ region: DigitRegion, to side: Int) -> DigitPlane {
    func length(_ own: Int) -> Int {
      max(1, (2 * own * side + region.longest) / (2 * region.longest))
    }
    return ink.resampled(region, height: length(region.height), width: length(region.width))
  }

  /// What holds all that is not 0.
  private func inkRegion() -> DigitRegion {
    var (top, left, bottom, right) = (ink.height, ink.width, 0, 0)
    for y in 0..<ink.height {
      for x in 0..<ink.width where ink.values[y * ink.width + x] > 0 {
        (top, left, bottom, right) = (min(top, y), min(left, x), max(bottom, y), max(right, x))
      }
    }
    return DigitRegion(top: top, left: left, height: bottom - top + 1, width: right - left + 1)
  }

  /// Twice the area by the outline, whose steps along the rows and columns are π/4 of what they claim.
  static func strokeWidth(_ plane: DigitPlane) -> Float {
    func isInk(_ y: Int, _ x: Int) -> Bool {
      y >= 0 && y < plane.height && x >= 0 && x < plane.width
        && plane.values[y * plane.width + x] > 0.5
    }
    var (area, outline) = (0, 0)
    for y in 0..<plane.height {
      for x in 0..<plane.width where isInk(y, x) {
        area += 1
        for (ny, nx) in [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)] where !isInk(ny, nx) {
          outline += 1
        }
      }
    }
    return outline == 0 ? 0 : 2 * Float(area) / (Float(outline) * 0.785_398_2)
  }
}

extension DigitPlane {
  var longest: Int { max(height, width) }

  /// Larger by the radius on each side: the greatest value within a disc around each pixel.
  fileprivate func thickened(by radius: Int) -> DigitPlane {
    var result = DigitPlane(height: height + 2 * radius, width: width + 2 * radius)
    for dy in -radius...radius {
      for dx in -radius...radius where dy * dy + dx * dx <= radius * radius + radius {
        for y in 0..<height {
          for x in 0..<width {
            let i = (y + radius + dy) * result.width + x + radius + dx
            result.values[i] = max(result.values[i], values[y * width + x])
          }
        }
      }
    }
    return result
  }
}
