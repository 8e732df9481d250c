import Elements

/// Changes what the pixels of one image at a time hold, with its buffers. H, W, C are the image's
/// sizes, R the radius of a blur.
///
/// `@unchecked Sendable`: it is made by one thread and then used by one worker only.
final class PixelChanger: @unchecked Sendable {
  /// What red, green and blue count for in a grey value (ITU-R 601, as torchvision rounds it).
  private static let luma: [Float] = [0.2989, 0.587, 0.114]
  private let height: Int, width: Int, channels: Int
  private let count: Int
  /// What each number counts for in the mean of the image's grey values, (H, W, C).
  private let grey: [Float]
  private let noise: NormalNoise
  /// W·C rounded up to whole vectors.
  private let pitch: Int
  /// The largest R.
  private let radius: Int
  /// (R + H + R, pitch): the image, mirrored above and below; or the image as it was, (H, W·C).
  private let mirrored: UnsafeMutablePointer<Float>
  /// R·C, W·C and R·C floats of a row, with slack for a vector: blurred down the columns, mirrored to
  /// both sides.
  private let row: UnsafeMutablePointer<Float>
  /// R + 1 taps.
  private let taps: UnsafeMutableBufferPointer<Float>
  /// What is counted of each byte, and then what it becomes, (256).
  private let levels: UnsafeMutableBufferPointer<Int>

  init(height: Int, width: Int, channels: Int, radius: Int, seed: UInt64) {
    self.height = height
    self.width = width
    self.channels = channels
    self.radius = radius
    count = height * width * channels
    let luma =
      channels == 3 ? Self.luma : Array(repeating: 1 / Float(channels), count: channels)
    let pixels = Float(height * width)
    grey = (0..<count).map { luma[$0 % channels] / pixels }
    noise = NormalNoise(count: count, seed: seed)
    pitch = (width * channels + 15) / 16 * 16
    let rows = (height + 2 * radius) * pitch
    mirrored = .allocate(capacity: rows)
    mirrored.initialize(repeating: 0, count: rows)
    let length = pitch + 2 * radius * channels + 16
    row = .allocate(capacity: length)
    row.initialize(repeating: 0, count: length)
    taps = .allocate(capacity: radius + 1)
    taps.initialize(repeating: 0)
    levels = .allocate(capacity: 256)
    levels.initialize(repeating: 0)
  }

  deinit {
    mirrored.deallocate()
    row.deallocate()
    taps.deallocate()
    levels.deallocate()
  }

  /// Changes H·W·C floats in [0, 1]; (`epoch`, `sample`) key the noise.
  func apply(
    _ change: PixelChange, to image: UnsafeMutablePointer<Float>, epoch: UInt32, sample: UInt32
  ) {
    switch change {
    case .brightness(let factor): scale(image, by: factor, from: 0)
    case .contrast(let factor): scale(image, by: factor, from: (1 - factor) * greyMean(of: image))
    case .saturation(let factor): saturate(image, by: factor)
    case .sharpness(let factor): sharpen(image, by: factor)
    case .noise(let deviation, let number):
      noise.add(
        times: deviation, to: image,
        RandomPurpose.augmentation.rawValue | UInt32(number + 1) << 8, epoch, sample)
      for i in 0..<count { image[i] = Self.bounded(image[i]) }
    case .blur(let radius, let sigma): blur(image, radius: radius, sigma: sigma)
    case .fill(let rows, let columns, let value):
      for y in rows {
        (image + (y * width + columns.lowerBound) * channels)
          .update(repeating: value, count: columns.count * channels)
      }
    case .solarize(let threshold):
      for i in 0..<count { image[i] = image[i] >= threshold ? 1 - image[i] : image[i] }
    case .posterize(let bits):
      let steps = Float(1 << bits)
      for i in 0..<count {
        let step = Float(Int32(image[i] * steps))
        image[i] = (step < steps ? step : steps - 1) / steps
      }
    case .autocontrast:
      for channel in 0..<channels { stretch(image, channel) }
    case .equalize:
      for channel in 0..<channels { equalize(image, channel) }
    }
  }

  @inline(__always)
  private static func bounded(_ x: Float) -> Float { x < 0 ? 0 : (x > 1 ? 1 : x) }

  private func scale(_ image: UnsafeMutablePointer<Float>, by factor: Float, from start: Float) {
    for i in 0..<count { image[i] = Self.bounded(factor * image[i] + start) }
  }

  /// Σ x·w, in sixteen partial sums that are added in order.
  private func greyMean(of image: UnsafeMutablePointer<Float>) -> Float {
    grey.withUnsafeBufferPointer { grey in
      let weights = grey.baseAddress!
      var partial = SIMD16<Float>()
      var i = 0
      while i &+ 16 <= count {
        partial += SymmetricFilter.load(image + i) * SymmetricFilter.load(weights + i)
        i = i &+ 16
      }
      var sum: Float = 0
      for lane in 0..<16 { sum += partial[lane] }
      while i < count {
        sum += image[i] * weights[i]
        i = i &+ 1
      }
      return sum
    }
  }

  private func saturate(_ image: UnsafeMutablePointer<Float>, by factor: Float) {
    guard channels == 3 else { return }
    let (red, green, blue) = (Self.luma[0], Self.luma[1], Self.luma[2])
    for i in stride(from: 0, to: count, by: 3) {
      let grey = red * image[i] + green * image[i + 1] + blue * image[i + 2]
      for c in 0..<3 {
        image[i + c] = Self.bounded(factor * image[i + c] + (1 - factor) * grey)
      }
    }
  }

  private func sharpen(_ image: UnsafeMutablePointer<Float>, by factor: Float) {
    guard height > 2, width > 2 else { return }
    mirrored.update(from: image, count: count)
    let (length, channels) = (width * channels, channels)
    for y in 1..<height - 1 {
      let out = image + y * length
      let row = UnsafePointer(mirrored + y * length)
      let (above, below) = (row - length, row + length)
      for x in channels..<length - channels {
        let (left, right) = (x &- channels, x &+ channels)
        let around =
          (above[left] + above[x] + above[right]) + (row[left] + row[right])
          + (below[left] + below[x] + below[right])
        let smooth = (around + 5 * row[x]) * (1 / 13)
        out[x] = Self.bounded(row[x] + (1 - factor) * (smooth - row[x]))
      }
    }
  }

  private func stretch(_ image: UnsafeMutablePointer<Float>, _ channel: Int) {
    var (low, high) = (image[channel], image[channel])
    for i in stride(from: channel, to: count, by: channels) {
      low = image[i] < low ? image[i] : low
      high = image[i] > high ? image[i] : high
    }
    let factor = 1 / (high - low)
    guard factor.isFinite else { return }
    for i in stride(from: channel, to: count, by: channels) {
      image[i] = Self.bounded((image[i] - low) * factor)
    }
  }

  /// level ↦ ⌊(how many are below it + s/2)/s⌋, s the 255th part of how many are below the highest.
  private func equalize(_ image: UnsafeMutablePointer<Float>, _ channel: Int) {
    levels.update(repeating: 0)
    for i in stride(from: channel, to: count, by: channels) { levels[Self.byte(image[i])] += 1 }
    let highest = levels.last { $0 > 0 }!
    let step = (height * width - highest) / 255
    guard step > 0 else { return }
    var below = step / 2
    for level in 0..<256 {
      let here = levels[level]
      levels[level] = min(below / step, 255)
      below += here
    }
    for i in stride(from: channel, to: count, by: channels) {
      image[i] = Float(levels[Self.byte(image[i])]) * (1 / 255)
    }
  }

  /// As torchvision makes bytes of floats.
  @inline(__always)
  private static func byte(_ x: Float) -> Int { Int(bounded(x) * 255.999) }

  /// Down the columns, then along the rows.
  private func blur(_ image: UnsafeMutablePointer<Float>, radius: Int, sigma: Float) {
    let taps = UnsafeMutableBufferPointer(rebasing: self.taps[...radius])
    SymmetricFilter.gaussian(sigma: sigma, into: taps)
    let weights = UnsafeBufferPointer(taps)
    let length = width * channels
    for y in -radius..<height + radius {
      (mirrored + (y + radius) * pitch).update(
        from: image + Self.mirror(y, height) * length, count: length)
    }
    let start = row + radius * channels
    for y in 0..<height {
      let centre = mirrored + (y + radius) * pitch
      for x in stride(from: 0, to: pitch, by: 16) {
        SymmetricFilter.store(
          SymmetricFilter.apply(centre + x, weights, step: pitch), at: start + x)
      }
      for side in 0..<radius {
        for place in stride(from: -1 - side, through: width + side, by: width + 2 * side + 1) {
          (start + place * channels).update(
            from: start + Self.mirror(place, width) * channels, count: channels)
        }
      }
      let out = image + y * length
      var x = 0
      while x &+ 16 <= length {
        SymmetricFilter.store(
          SymmetricFilter.apply(start + x, weights, step: channels), at: out + x)
        x = x &+ 16
      }
      if x < length {
        let last = SymmetricFilter.apply(start + x, weights, step: channels)
        for lane in 0..<length - x { out[x + lane] = last[lane] }
      }
    }
  }

  /// The place within 0..<count that a place outside stands for, the outermost ones being mirrors.
  private static func mirror(_ place: Int, _ count: Int) -> Int {
    guard count > 1 else { return 0 }
    let turn = 2 * (count - 1)
    let rest = (place % turn + turn) % turn
    return rest < count ? rest : turn - rest
  }
}
