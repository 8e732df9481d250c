import Elements

/// The displacement of each pixel of an elastic distortion: uniform noise in [−1, 1), smoothed by a
/// Gaussian and multiplied by α (Simard, Steinkraus and Platt, "Best practices for convolutional
/// neural networks applied to visual document analysis", ICDAR 2003).
///
/// The Gaussian is cut at four deviations, and noise is zero outside the image, as
/// scipy.ndimage.gaussian_filter does with mode "constant".
///
/// `@unchecked Sendable`: it is made by one thread and then used by one worker only.
final class ElasticField: @unchecked Sendable {
  let height: Int
  let width: Int
  /// The Gaussian at 0, 1, … radius, scaled so that the whole sums to 1.
  let weights: [Float]
  let alpha: Float

  /// W rounded up to whole vectors of 16.
  private let pitch: Int
  private let radius: Int
  /// (radius + H + radius, pitch): noise amid rows of zeros.
  private let noise: UnsafeMutablePointer<Float>
  /// At least (H, W), as they are drawn.
  private let numbers: UnsafeMutablePointer<Float>
  private let numbersCount: Int
  /// (radius + pitch + radius): one row smoothed down the columns, amid zeros.
  private let row: UnsafeMutablePointer<Float>

  init(height: Int, width: Int, alpha: Float, sigma: Float) {
    precondition(sigma > 0)
    self.height = height
    self.width = width
    self.alpha = alpha
    // In Double: a deviation of any size stays a number.
    let reach = min(4 * Double(sigma) + 0.5, 1e6)
    var bell = [Float](repeating: 0, count: Int(reach) + 1)
    bell.withUnsafeMutableBufferPointer { SymmetricFilter.gaussian(sigma: sigma, into: $0) }
    // Taps further than the longer side only ever meet zeros.
    weights = Array(bell.prefix(max(height, width)))
    radius = weights.count - 1
    pitch = (width + 15) / 16 * 16
    noise = .allocate(capacity: (height + 2 * radius) * pitch)
    noise.initialize(repeating: 0, count: (height + 2 * radius) * pitch)
    numbersCount = (height * width + 3) / 4 * 4
    numbers = .allocate(capacity: numbersCount)
    numbers.initialize(repeating: 0, count: numbersCount)
    row = .allocate(capacity: pitch + 2 * radius)
    row.initialize(repeating: 0, count: pitch + 2 * radius)
  }

  deinit {
    noise.deallocate()
    numbers.deallocate()
    row.deallocate()
  }

  /// field += α · smoothed noise; field is (H, pitch).
  func add(to field: UnsafeMutablePointer<Float>, noise source: NoiseSource) {
    source.fill(numbers, count: numbersCount)
    for y in 0..<height {
      (noise + (radius + y) * pitch).update(from: numbers + y * width, count: width)
    }
    addSmoothed(to: field)
  }

  /// The same for given noise, (H, W).
  func add(to field: UnsafeMutablePointer<Float>, noise given: [Float]) {
    precondition(given.count == height * width)
    for y in 0..<height {
      for x in 0..<width { noise[(radius + y) * pitch + x] = given[y * width + x] }
    }
    addSmoothed(to: field)
  }

  private func addSmoothed(to field: UnsafeMutablePointer<Float>) {
    weights.withUnsafeBufferPointer { weights in
      for y in 0..<height {
        for x in stride(from: 0, to: pitch, by: 16) {
          let sum = SymmetricFilter.apply(noise + (radius + y) * pitch + x, weights, step: pitch)
          SymmetricFilter.store(sum, at: row + radius + x)
        }
        for x in stride(from: 0, to: pitch, by: 16) {
          let sum = SymmetricFilter.apply(row + radius + x, weights, step: 1)
          let out = field + y * pitch + x
          SymmetricFilter.store(SymmetricFilter.load(out) + alpha * sum, at: out)
        }
      }
    }
  }
}
