/// What a batch's mixing has drawn: a function of (seed, pass).
///
/// Partners are eight samples that go through the network together, its tiles: of a tile of n, sample i
/// has the partner (i + d) mod n, d drawn from 1..<n. A tile of one sample is left as it is. Batches
/// are shuffled, so that these are random pairs.
public struct BatchMix: Hashable, Sendable {
  /// λ, the part that a sample keeps.
  public let share: Float
  /// Where the partner's pixels are, if not blended everywhere.
  let rows: Range<Int>?
  let columns: Range<Int>
  /// d − 1 is this modulo n − 1.
  let turn: UInt32

  /// The samples of a batch that are in one tile with that at a place.
  public static func tile(of place: Int, batch: Int) -> Range<Int> {
    let first = place / Tile.size * Tile.size
    return first..<min(first + Tile.size, batch)
  }

  /// The place in its batch of the sample that gives the one at `place` its other part.
  public func partner(of place: Int, batch: Int) -> Int {
    let tile = Self.tile(of: place, batch: batch)
    return tile.lowerBound + partner(of: place - tile.lowerBound, in: tile.count)
  }

  /// The same within a tile.
  private func partner(of i: Int, in count: Int) -> Int {
    count < 2 ? i : (i + 1 + Int(turn % UInt32(count - 1))) % count
  }

  /// Which of a sample's two classes has the larger part.
  public func dominant(_ own: Int, _ partner: Int) -> Int { share >= 0.5 ? own : partner }

  /// Mixes the samples of a tile, (count, H, W, C), in place.
  /// - Parameter scratch: as many floats.
  public func apply(
    to values: UnsafeMutablePointer<Float>, count: Int, sample shape: Shape,
    scratch: UnsafeMutablePointer<Float>
  ) {
    guard count > 1 else { return }
    let size = shape.count
    scratch.update(from: values, count: count * size)
    for i in 0..<count {
      let sample = values + i * size
      let other = scratch + partner(of: i, in: count) * size
      guard let rows else {
        let (own, rest) = (share, 1 - share)
        for k in 0..<size { sample[k] = own * sample[k] + rest * other[k] }
        continue
      }
      let (width, channels) = (shape.extent.width, shape.channels)
      for row in rows {
        let start = (row * width + columns.lowerBound) * channels
        (sample + start).update(from: other + start, count: columns.count * channels)
      }
    }
  }
}

extension BatchMix {
  /// Draws one of the mixings, each as likely as the others; nil where the batch is to be left as it
  /// is.
  /// - Parameter pass: the forward pass of the run, from 1.
  public init?(_ mixings: [BatchMixing], input: Shape, seed: UInt64, pass: Int) {
    guard !mixings.isEmpty else { return nil }
    var random = RandomStream(
      seed: seed, purpose: .mixing, epoch: UInt32(truncatingIfNeeded: pass))
    let mixing = mixings[Int(random.below(UInt32(mixings.count)))]
    let chance = random.uniform()
    let turn = random.next()
    switch mixing {
    case .mixup(let draw):
      guard chance < draw.p else { return nil }
      self.init(
        share: Float(random.beta(Double(draw.alpha), Double(draw.alpha))), rows: nil,
        columns: 0..<0,
        turn: turn)
    case .cutmix(let draw):
      guard chance < draw.p else { return nil }
      let extent = input.extent
      let share = random.beta(Double(draw.alpha), Double(draw.alpha))
      let row = Int(random.below(UInt32(extent.height)))
      let column = Int(random.below(UInt32(extent.width)))
      self.init(cutting: share, row: row, column: column, of: extent, turn: turn)
    }
    if share == 1 { return nil }
  }

  /// A rectangle around a centre, whose sides are √(1 − λ) of the image's.
  init(cutting share: Double, row: Int, column: Int, of extent: Extent, turn: UInt32) {
    let side = Float((1 - share).squareRoot())
    func range(_ centre: Int, _ length: Int) -> Range<Int> {
      let half = Int(0.5 * side * Float(length))
      return max(0, centre - half)..<min(length, centre + half)
    }
    let (rows, columns) = (range(row, extent.height), range(column, extent.width))
    self.init(
      share: 1 - Float(rows.count * columns.count) / Float(extent.height * extent.width),
      rows: rows, columns: columns, turn: turn)
  }
}

/// A network's mixing of its batches, with memory for each worker.
final class Mixer {
  private let mixings: [BatchMixing]
  private let input: Shape
  private let classes: Int
  private let seed: UInt64
  /// A tile's samples as they were, per worker.
  private let samples: Buffer
  /// A gradient by the scores of one sample, per worker.
  private let gradients: Buffer

  init(
    _ mixings: [BatchMixing], input: Shape, classes: Int, seed: UInt64, workers: Int, arena: Arena
  ) {
    self.mixings = mixings
    self.input = input
    self.classes = classes
    self.seed = seed
    samples = arena.floats(workers, Tile.size, input.count)
    gradients = arena.floats(workers, classes)
  }

  func draw(pass: Int) -> BatchMix? {
    BatchMix(mixings, input: input, seed: seed, pass: pass)
  }

  func mix(_ values: UnsafeMutablePointer<Float>, by mix: BatchMix, _ tile: Tile) {
    mix.apply(
      to: values, count: tile.count, sample: input,
      scratch: samples.base + tile.worker * Tile.size * input.count)
  }

  func scratch(of worker: Int) -> UnsafeMutablePointer<Float> {
    gradients.base + worker * classes
  }

}

extension LossFunction {
  /// Makes a sample's loss and its gradient by its scores those of two classes: λ times what they are,
  /// plus 1 − λ times those of another class.
  /// - Parameters:
  ///   - other: the sample that is mixed in.
  ///   - share: λ.
  ///   - scale: what the gradient was multiplied by.
  ///   - scratch: as many floats as there are classes.
  func mix(
    _ loss: inout Float, _ gradient: UnsafeMutablePointer<Float>, _ z: UnsafePointer<Float>,
    with other: Int, in labels: Labels, share: Float, scale: Float,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let second = self.loss(z, of: other, in: labels, scratch: scratch).loss
    self.gradient(z, of: other, in: labels, scratch: scratch, scale: scale)
    loss = share * loss + (1 - share) * second
    for c in 0..<classes { gradient[c] = share * gradient[c] + (1 - share) * scratch[c] }
  }
}
