import Elements

/// A change of an image's pixels with its random numbers drawn; see `PixelOp` and `RandAugment.Op` for
/// the formulas.
enum PixelChange: Hashable {
  case brightness(Float)
  case contrast(Float)
  case saturation(Float)
  case sharpness(Float)
  /// `number` tells the noises of one image apart.
  case noise(deviation: Float, number: Int)
  case blur(radius: Int, sigma: Float)
  case fill(rows: Range<Int>, columns: Range<Int>, value: Float)
  case solarize(threshold: Float)
  case posterize(bits: Int)
  case autocontrast
  case equalize
}

extension PixelOp {
  /// The change that the random numbers give an image; nil where none fits it.
  func draw(height: Int, width: Int, number: Int, random: inout RandomStream) -> PixelChange? {
    switch self {
    case .brightness(let fraction): return .brightness(Self.factor(fraction, &random))
    case .contrast(let fraction): return .contrast(Self.factor(fraction, &random))
    case .noise(let deviation): return .noise(deviation: deviation, number: number)
    case .blur(let blur):
      let sigma = random.uniform(blur.sigma.lowerBound, blur.sigma.upperBound)
      return .blur(radius: blur.kernel / 2, sigma: sigma)
    case .erase(let erase):
      let (area, ratio) = (erase.area, erase.ratio)
      let (low, high) = (Elementary.log(ratio.lowerBound), Elementary.log(ratio.upperBound))
      for _ in 0..<10 {
        let pixels =
          Float(height * width) * random.uniform(area.lowerBound, area.upperBound)
        let shape = Elementary.exp(random.uniform(low, high))
        let rows = Int((pixels * shape).squareRoot().rounded(.toNearestOrEven))
        let columns = Int((pixels / shape).squareRoot().rounded(.toNearestOrEven))
        guard rows < height, columns < width else { continue }
        let top = Int(random.below(UInt32(height - rows + 1)))
        let left = Int(random.below(UInt32(width - columns + 1)))
        return .fill(rows: top..<top + rows, columns: left..<left + columns, value: erase.value)
      }
      return nil
    case .cutout(let size):
      func side(_ length: Int) -> Range<Int> {
        let first = Int(random.below(UInt32(length))) - size / 2
        return max(0, first)..<min(length, first + size)
      }
      let rows = side(height)
      return .fill(rows: rows, columns: side(width), value: 0)
    }
  }

  private static func factor(_ fraction: Float, _ random: inout RandomStream) -> Float {
    random.uniform(max(0, 1 - fraction), 1 + fraction)
  }
}

extension RandAugment {
  /// What one drawn op comes to.
  enum Drawn {
    case map(PlaneMap)
    case change(PixelChange)
  }

  func draw(height: Int, width: Int, random: inout RandomStream) -> Drawn {
    let op = ops[Int(random.below(UInt32(ops.count)))]
    let level = Float(magnitude) / Float(Self.largest)
    let sign: Float = random.uniform() < 0.5 ? -1 : 1
    switch op {
    case .identity: return .map(.identity)
    case .shearX: return .map(PlaneMap(cr: sign * level * 0.3))
    case .shearY: return .map(PlaneMap(rc: sign * level * 0.3))
    case .translateX:
      return .map(.shift(rows: 0, columns: sign * level * 150 / 331 * Float(width)))
    case .translateY:
      return .map(.shift(rows: sign * level * 150 / 331 * Float(height), columns: 0))
    case .rotate: return .map(.rotation(degrees: sign * level * 30))
    case .brightness: return .change(.brightness(1 + sign * level * 0.9))
    case .color: return .change(.saturation(1 + sign * level * 0.9))
    case .contrast: return .change(.contrast(1 + sign * level * 0.9))
    case .sharpness: return .change(.sharpness(1 + sign * level * 0.9))
    case .posterize:
      let lost = (Float(magnitude) / 7.5).rounded(.toNearestOrEven)
      return .change(.posterize(bits: 8 - Int(lost)))
    case .solarize: return .change(.solarize(threshold: 1 - level))
    case .autocontrast: return .change(.autocontrast)
    case .equalize: return .change(.equalize)
    }
  }
}
