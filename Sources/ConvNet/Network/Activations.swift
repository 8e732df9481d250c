/// A tensor between two layers: the values of a batch's samples and the loss's gradient by them.
///
/// A tile of samples is worked on by one worker, so that its part of a tensor stays in that worker's
/// cache. Where that part lies, and which other tensors have the same memory at other times, is the
/// builder's choice (`MemoryPlan`): each worker has a region that a tile goes through from its first
/// layer to its last and back; where workers meet on the way, each tile has one.
final class Activations {
  /// Stored rows and columns: only those that anything reads.
  let extent: Extent
  let channels: Int
  /// Whose values these are, where they are not its own.
  private let viewed: Activations?
  /// Floats per sample.
  let size: Int
  /// Whether some layer reads a batch's samples as one matrix, until the update: the tensor then has
  /// memory of its own, a sample after another.
  var wholeBatch = false {
    didSet { if wholeBatch { viewed?.wholeBatch = true } }
  }
  /// Whether each value also keeps which position of its pooling window gave it.
  var hasWinners = false
  var hasGradient: Bool

  /// What is stored of each sample, `size` floats of each.
  enum Content: Int, CaseIterable {
    case values, gradients, winners
  }

  /// Where a content lies: `offset` floats, for each sample of a tile, into the tile's region, which
  /// has `stride` floats for each.
  private struct Place {
    var base: UnsafeMutablePointer<Float>
    var offset = 0
    var stride = 0
  }

  private var memory: [Buffer]
  private var values: Place
  private var gradients: Place
  private var winners: Place
  private var samplesPerWorker = 0
  private var isByTile = false

  init(extent: Extent, channels: Int, hasGradient: Bool, viewing viewed: Activations? = nil) {
    self.extent = extent
    self.channels = channels
    self.hasGradient = hasGradient
    self.viewed = viewed
    size = extent.height * extent.width * channels
    let nothing = Buffer(0)
    memory = [nothing]
    values = Place(base: nothing.base)
    gradients = values
    winners = values
  }

  /// Another tensor's values, with a gradient of its own: that by one of its readers.
  convenience init(viewing other: Activations) {
    self.init(extent: other.extent, channels: other.channels, hasGradient: true, viewing: other)
  }

  /// The tensor whose values these are.
  var root: Activations { viewed?.root ?? self }

  /// What has memory of this tensor's own.
  var contents: [Content] {
    Content.allCases.filter {
      switch $0 {
      case .values: viewed == nil
      case .gradients: hasGradient
      case .winners: hasWinners
      }
    }
  }

  // MARK: memory

  /// To be called of the tensor that is viewed before its views.
  /// - Parameters:
  ///   - tile: the most samples that a worker has in hand at once.
  ///   - isByTile: whether what a tile holds must outlast the worker's next tile.
  func prepare(tile: Int, isByTile: Bool) {
    if let viewed { wholeBatch = viewed.wholeBatch }
    samplesPerWorker = tile
    self.isByTile = isByTile || wholeBatch
  }

  func place(_ content: Content, in memory: Buffer, offset: Int, stride: Int) {
    self.memory.append(memory)
    self[content] = Place(base: memory.base, offset: offset, stride: stride)
  }

  /// Gives each content memory of its own, a sample after another.
  func allocate(samples: Int, in arena: Arena) {
    for content in contents {
      place(content, in: arena.floats(samples, size), offset: 0, stride: size)
    }
  }

  /// After the place of the values of the tensor that is viewed was set.
  func placeView() {
    guard let viewed else { return }
    memory += viewed.memory
    values = viewed.values
  }

  private subscript(content: Content) -> Place {
    get {
      switch content {
      case .values: values
      case .gradients: gradients
      case .winners: winners
      }
    }
    set {
      switch content {
      case .values: values = newValue
      case .gradients: gradients = newValue
      case .winners: winners = newValue
      }
    }
  }

  @inline(__always)
  private func pointer(_ place: Place, _ tile: Tile) -> UnsafeMutablePointer<Float> {
    isByTile && tile.isTraining
      ? place.base + (tile.first &* place.stride &+ Tile.size &* place.offset)
      : place.base + (tile.worker &* place.stride &+ place.offset) &* samplesPerWorker
  }

  /// The tile's values, (tile.count, H, W, C).
  @inline(__always)
  func values(of tile: Tile) -> UnsafeMutablePointer<Float> { pointer(values, tile) }

  /// The gradient by the tile's values, same shape.
  @inline(__always)
  func gradients(of tile: Tile) -> UnsafeMutablePointer<Float> { pointer(gradients, tile) }

  /// The position in its window of each pooled value, same shape.
  @inline(__always)
  func winners(of tile: Tile) -> UnsafeMutablePointer<Float> { pointer(winners, tile) }

  /// The whole batch's values, (N, H, W, C), and gradients; only of a `wholeBatch` tensor, training.
  var batchValues: UnsafeMutablePointer<Float> { values.base }
  var batchGradients: UnsafeMutablePointer<Float> { gradients.base }
}
