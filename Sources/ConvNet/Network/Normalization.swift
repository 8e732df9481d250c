/// How images are normalised before the first layer, by what is fitted on the training images.
public enum NormalizationDescription: Hashable, Sendable {
  /// (x − μ)/(σ + ε), μ and σ of a channel's pixels in all images (σ by the count, not the count less
  /// one; torchvision's Normalize and Keras's `featurewise` options take such numbers).
  case perChannel(epsilon: Float = 0)
  /// The same with a μ and a σ for each pixel of each channel (scikit-learn's StandardScaler).
  case perPixel(epsilon: Float = 0)
  /// W·(x − μ), μ as of `perPixel`, W = U·(Λ + ε)^(−½)·Uᵀ of the covariance C = U·Λ·Uᵀ of the pixels
  /// (Bell and Sejnowski 1997; Krizhevsky 2009).
  case zca(epsilon: Float = 0.01)
}

/// A normalisation with its numbers: y = (x − mean)·factor, or, whitened, y = (x − mean)·W.
///
/// A number that never varies is only moved, whatever σ is then divided by.
public struct Normalization: Hashable, Sendable {
  /// Of each channel, or of each number of an image, (H, W, C).
  public let mean: [Float]
  /// As long as `mean`; empty where W does its work.
  public let factor: [Float]
  /// W, (H·W·C, H·W·C), or empty. It is symmetric.
  public let whitening: [Float]

  /// - Precondition: the sizes agree.
  public init(mean: [Float], factor: [Float], whitening: [Float]) {
    precondition(
      whitening.isEmpty
        ? factor.count == mean.count
        : factor.isEmpty && whitening.count == mean.count * mean.count)
    self.mean = mean
    self.factor = factor
    self.whitening = whitening
  }

  /// Fits it on all samples of a source, in their order and without augmentation.
  /// - Throws: `LAPACKError` where the covariance has no eigenvectors to be found.
  public init(_ description: NormalizationDescription, fitting source: any SampleSource) throws {
    let moments = Moments(of: source)
    switch description {
    case .perPixel(let epsilon):
      self.init(moments.mean, moments.variance, epsilon)
    case .perChannel(let epsilon):
      let pooled = moments.pooled(channels: source.sampleShape.channels)
      self.init(pooled.mean, pooled.variance, epsilon)
    case .zca(let epsilon):
      let mean = moments.mean.map { Float($0) }
      let whitening = try Self.whitening(
        covariance: Self.covariance(of: source, mean: mean), order: mean.count, epsilon: epsilon)
      self.init(mean: mean, factor: [], whitening: whitening)
    }
  }

  private init(_ mean: [Double], _ variance: [Double], _ epsilon: Float) {
    self.init(
      mean: mean.map { Float($0) },
      factor: variance.map { $0 > 0 ? Float(1 / ($0.squareRoot() + Double(epsilon))) : 1 },
      whitening: [])
  }

  /// The mean and the variance of each number of a source's samples.
  private struct Moments {
    var mean: [Double]
    var variance: [Double]

    init(mean: [Double], variance: [Double]) {
      self.mean = mean
      self.variance = variance
    }

    /// Sums are taken of the differences from the first sample, so that what never varies has a
    /// variance of exactly 0.
    init(of source: any SampleSource) {
      let size = source.sampleShape.count
      let (first, sample) = (Buffer(size), Buffer(size))
      source.fill(first.base, sample: 0, epoch: 0, worker: 0)
      var sums = [Double](repeating: 0, count: size)
      var squares = sums
      for i in 0..<source.count {
        source.fill(sample.base, sample: i, epoch: 0, worker: 0)
        for k in 0..<size {
          let d = Double(sample.base[k]) - Double(first.base[k])
          sums[k] += d
          squares[k] += d * d
        }
      }
      let count = Double(source.count)
      mean = (0..<size).map { Double(first.base[$0]) + sums[$0] / count }
      variance = (0..<size).map {
        max(0, (squares[$0] - sums[$0] * sums[$0] / count) / count)
      }
    }

    /// Those of each channel: the mean of the variances and the variance of the means.
    func pooled(channels: Int) -> Moments {
      var pooled = Moments(mean: [], variance: [])
      for channel in 0..<channels {
        let places = stride(from: channel, to: mean.count, by: channels)
        let count = Double(mean.count / channels)
        let centre = places.reduce(0) { $0 + mean[$1] } / count
        let spread = places.reduce(0) {
          $0 + variance[$1] + (mean[$1] - centre) * (mean[$1] - centre)
        }
        pooled.mean.append(centre)
        pooled.variance.append(spread / count)
      }
      return pooled
    }
  }

  /// C = Σ (x − μ)(x − μ)ᵀ/N, in blocks of samples.
  private static func covariance(of source: any SampleSource, mean: [Float]) -> [Float] {
    let size = mean.count
    let block = 256
    let samples = Buffer(block * size)
    let product = Buffer(size * size)
    var sums = [Double](repeating: 0, count: size * size)
    for first in stride(from: 0, to: source.count, by: block) {
      let rows = min(block, source.count - first)
      for row in 0..<rows {
        let sample = samples.base + row * size
        source.fill(sample, sample: first + row, epoch: 0, worker: 0)
        for k in 0..<size { sample[k] -= mean[k] }
      }
      let x = Matrix(samples.base, rows: rows, columns: size)
      gemm(x.transposed, x, into: Matrix(product.base, rows: size, columns: size))
      for i in 0..<size * size { sums[i] += Double(product.base[i]) }
    }
    let count = Double(source.count)
    return sums.map { Float($0 / count) }
  }

  /// U·(Λ + ε)^(−½)·Uᵀ; eigenvalues that rounding has made negative count as 0.
  private static func whitening(
    covariance: [Float], order: Int, epsilon: Float
  ) throws -> [Float] {
    let vectors = Buffer(order * order)
    _ = vectors.all.update(fromContentsOf: covariance)
    let values = try LAPACK.symmetricEigen(vectors.base, order: order)
    // A row of `vectors` is an eigenvector.
    let scaled = Buffer(order * order)
    for (row, value) in values.enumerated() {
      let total = max(0, value) + epsilon
      let factor = total > 0 ? 1 / total.squareRoot() : 0
      for k in row * order..<(row + 1) * order { scaled.base[k] = factor * vectors.base[k] }
    }
    let result = Buffer(order * order)
    gemm(
      Matrix(vectors.base, rows: order, columns: order).transposed,
      Matrix(scaled.base, rows: order, columns: order),
      into: Matrix(result.base, rows: order, columns: order))
    return Array(result.all)
  }
}

/// Normalises the samples of a tile, with memory for each worker.
package final class Normalizer {
  let normalization: Normalization
  private let size: Int
  /// One for each number of a sample.
  private let mean: Buffer
  private let factor: Buffer
  private let whitening: Matrix?
  private let memory: Buffer
  /// A tile's samples less their mean, per worker.
  private let centred: Buffer

  package init(_ normalization: Normalization, input: Shape, workers: Int) {
    self.normalization = normalization
    size = input.count
    mean = Buffer(size)
    factor = Buffer(normalization.factor.isEmpty ? 0 : size)
    let period = normalization.mean.count
    precondition(period == size || period == input.channels)
    for i in 0..<size { mean.base[i] = normalization.mean[i % period] }
    for i in 0..<factor.count { factor.base[i] = normalization.factor[i % period] }
    memory = Buffer(normalization.whitening.count)
    _ = memory.all.update(fromContentsOf: normalization.whitening)
    whitening =
      normalization.whitening.isEmpty ? nil : Matrix(memory.base, rows: size, columns: size)
    centred = Buffer(whitening == nil ? 0 : workers * Tile.size * size)
  }

  package var bytes: Int { 4 * (mean.count + factor.count + memory.count + centred.count) }

  /// Normalises `count` samples in place.
  package func apply(_ values: UnsafeMutablePointer<Float>, count: Int, worker: Int) {
    guard let whitening else {
      let (mean, factor) = (mean.base, factor.base)
      for start in stride(from: 0, to: count * size, by: size) {
        let x = values + start
        for k in 0..<size { x[k] = (x[k] - mean[k]) * factor[k] }
      }
      return
    }
    let scratch = centred.base + worker * Tile.size * size
    for first in stride(from: 0, to: count, by: Tile.size) {
      let rows = min(Tile.size, count - first)
      for row in 0..<rows {
        let (x, y) = (values + (first + row) * size, scratch + row * size)
        for k in 0..<size { y[k] = x[k] - mean.base[k] }
      }
      gemm(
        Matrix(scratch, rows: rows, columns: size), whitening,
        into: Matrix(values + first * size, rows: rows, columns: size))
    }
  }
}
