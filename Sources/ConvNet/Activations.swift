/// A tensor between two layers: the values of a batch's samples and the loss's gradient by them.
///
/// A tile of samples is worked on by one worker from its first layer to its last and back, so its
/// values need memory only per worker and stay in that worker's cache. A tensor that must survive
/// until the whole batch is done (`wholeBatch`) has memory for each sample.
final class Activations {
  /// Stored rows and columns: only those that anything reads.
  let extent: Extent
  let channels: Int
  /// Whose values these are, where they are not its own.
  private let viewed: Activations?
  /// Floats per sample.
  let size: Int
  private(set) var values = Buffer(0)
  /// Empty where no gradient is wanted.
  private(set) var gradients = Buffer(0)
  private var winners = Buffer(0)
  private var slotsPerWorker = 0
  var wholeBatch = false {
    didSet { if wholeBatch { viewed?.wholeBatch = true } }
  }
  /// Whether each value also keeps which position of its pooling window gave it.
  var hasWinners = false
  var hasGradient: Bool

  init(extent: Extent, channels: Int, hasGradient: Bool) {
    viewed = nil
    self.extent = extent
    self.channels = channels
    self.hasGradient = hasGradient
    size = extent.height * extent.width * channels
  }

  /// Another tensor's values, with a gradient of its own: that by one of its readers.
  init(viewing other: Activations) {
    viewed = other
    extent = other.extent
    channels = other.channels
    size = other.size
    hasGradient = true
  }

  /// To be called of the tensor that is viewed before its views.
  /// - Parameter tile: the most samples that a worker has in hand at once.
  func allocate(batch: Int, workers: Int, tile: Int) {
    slotsPerWorker = tile
    if let viewed { wholeBatch = viewed.wholeBatch }
    let slots = max(workers * tile, wholeBatch ? batch : 0)
    values = viewed?.values ?? Buffer(slots * size)
    gradients = Buffer(hasGradient ? slots * size : 0)
    winners = Buffer(hasWinners ? slots * size : 0)
  }

  var bytes: Int { ((viewed == nil ? values.count : 0) + gradients.count + winners.count) * 4 }

  @inline(__always)
  private func slot(_ tile: Tile) -> Int {
    wholeBatch && tile.isTraining ? tile.first : tile.worker * slotsPerWorker
  }

  /// The tile's values, (tile.count, H, W, C).
  @inline(__always)
  func values(of tile: Tile) -> UnsafeMutablePointer<Float> { values.base + slot(tile) * size }

  /// The gradient by the tile's values, same shape.
  @inline(__always)
  func gradients(of tile: Tile) -> UnsafeMutablePointer<Float> {
    gradients.base + slot(tile) * size
  }

  /// The whole batch's values, (N, H, W, C), and gradients; only of a `wholeBatch` tensor, training.
  var batchValues: UnsafeMutablePointer<Float> { values.base }
  var batchGradients: UnsafeMutablePointer<Float> { gradients.base }

  /// The position in its window of each pooled value, same shape.
  @inline(__always)
  func winners(of tile: Tile) -> UnsafeMutablePointer<Float> { winners.base + slot(tile) * size }
}

/// Samples of a batch that are worked on together, by one worker. Its size is fixed by the network,
/// so the number of workers changes no sum.
struct Tile {
  static let size = 8
  /// For a layer whose kernel is too large to be read once for every eight samples.
  static let wideSize = 32

  /// Its place in the batch, in tiles of its size.
  let index: Int
  let size: Int
  let count: Int
  let worker: Int
  let isTraining: Bool
  /// The step of the run, from 1; keys dropout.
  let step: Int

  /// A tile of a batch in training.
  init(index: Int, size: Int, batch: Int, worker: Int, step: Int) {
    self.init(
      index: index, size: size, count: min(size, batch - index * size), worker: worker,
      isTraining: true, step: step)
  }

  init(index: Int, size: Int, count: Int, worker: Int, isTraining: Bool, step: Int) {
    self.index = index
    self.size = size
    self.count = count
    self.worker = worker
    self.isTraining = isTraining
    self.step = step
  }

  var first: Int { index * size }

  /// How many tiles a batch has.
  static func count(of batch: Int, size: Int = Tile.size) -> Int { (batch + size - 1) / size }
}
