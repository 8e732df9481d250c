/// A model at work: forward only, without dropout and with moving statistics. It holds the weights and,
/// for each worker, the values of one tile of samples; no gradients, no moments, no labels.
///
/// Tiles begin at multiples of their size of the source, wherever a range begins, so that what is
/// answered for a sample depends neither on the range nor on the number of workers. Where the bits of a
/// layer's product depend on how many rows it has, that layer works out as many samples as have the bits of a
/// full tile's, however few are asked for.
public final class Inference: TeamWork, ScoringNetwork {
  public let plan: NetworkPlan
  public let team: Team

  /// What is done to every image before the first layer; nil for nothing.
  public var normalization: Normalization? {
    get { normalizer?.normalization }
    set {
      normalizer = newValue.map {
        Normalizer($0, input: plan.description.input, workers: team.count)
      }
    }
  }
  private(set) var normalizer: Normalizer?

  let arena: Arena
  private let weights: Buffer
  private let parameters: [Parameter]
  private let layers: [BuiltLayer]
  private let input: Activations
  private let logits: Activations
  /// What is kept of images while layers are frozen, and how many layers make it; see `Freezing`.
  private let kept: (output: Activations, layers: Int)?
  /// The place of the last layer that has weights, among those that were made, and what it reads.
  private let head: (place: Int, input: Activations)
  /// Samples of a tile.
  private let tile: Int
  /// Of each layer, of how many samples it is to work out a multiple.
  private let together: [Int]
  private var current = Current()
  /// The one whose weights these are.
  private var owner: Inference?

  /// Where a pass begins and ends.
  enum Part {
    case whole
    /// From the images to what is kept of them, and from that to the scores.
    case base, head
  }

  /// What the tiles of one call share.
  private struct Current {
    var part = Part.whole
    var source: (any ImageSamples)?
    var range = 0..<0
    /// The first sample of the first tile.
    var firstOfTiles = 0
    var sink: (TileScores) -> Void = { _ in }
    /// Where what the last layer reads is copied to, (range.count, featureCount).
    var features: UnsafeMutablePointer<Float>?
  }

  /// - Throws: `OutOfMemory`.
  public convenience init(_ model: Model, team: Team) throws(OutOfMemory) {
    try self.init(model, team: team, tilesAreWide: true)
  }

  /// - Parameter tilesAreWide: whether it takes more than `Tile.size` samples together where that is faster.
  convenience init(_ model: Model, team: Team, tilesAreWide: Bool) throws(OutOfMemory) {
    let layout = TensorLayout(model.plan)
    let bytes = Self.bytes(of: model.plan, workers: team.count, tilesAreWide: tilesAreWide)
    let arena = try Arena(bytes: bytes)
    self.init(
      model.plan, layout, weights: arena.floats(layout.count), team: team, arena: arena,
      tilesAreWide: tilesAreWide)
    self.model = model
  }

  /// What one takes, but for what normalises its images.
  static func bytes(of plan: NetworkPlan, workers: Int, tilesAreWide: Bool) -> Int {
    let (layout, counter) = (TensorLayout(plan), Arena())
    _ = Inference(
      plan, layout, weights: counter.floats(layout.count), team: Team(counting: workers),
      arena: counter, tilesAreWide: tilesAreWide)
    return counter.bytes
  }

  /// Another that answers with the same weights, which are in memory once, on a thread of its own.
  /// Neither's weights may be changed any more.
  /// - Throws: `OutOfMemory`.
  public convenience init(sharing other: Inference, team: Team) throws(OutOfMemory) {
    let layout = TensorLayout(other.plan)
    let counter = Arena()
    _ = Inference(
      other.plan, layout, weights: other.weights, team: Team(counting: team.count), arena: counter)
    let arena = try Arena(bytes: counter.bytes)
    self.init(other.plan, layout, weights: other.weights, team: team, arena: arena)
    owner = other
    normalization = other.normalization
    weightsChanged()
  }

  /// Whether an image has the bits that it has alone in whatever company it is asked about.
  public var imagesAreApart: Bool {
    plan.description.numerics.keepsImagesApart || together.allSatisfy { $0 == 1 }
  }

  /// - Parameter weights: the tensors, which others may change between two calls; see `weightsChanged`.
  init(
    _ plan: NetworkPlan, _ layout: TensorLayout, weights: Buffer, team: Team, arena: Arena,
    tilesAreWide: Bool = true
  ) {
    self.plan = plan
    self.team = team
    self.arena = arena
    self.weights = weights
    let builder = NetworkBuilder(
      plan, layout, for: .inference, weights: weights, workers: team.count, arena: arena,
      tilesAreWide: tilesAreWide)
    _ = builder.allocateTensors(isShared: true)
    parameters = builder.parameters
    layers = builder.layers
    kept = builder.kept
    input = builder.input
    logits = builder.logits
    // A part of a network may have no weights.
    let parameters = parameters
    let place =
      layers.lastIndex { built in
        parameters.contains { $0.layer == built.place && $0.role == .kernel }
      } ?? layers.count - 1
    head = (place, layers.isEmpty ? input : layers[place].layer.inputs[0])
    let tile = builder.inferenceTile
    self.tile = tile
    together = layers.map { built in
      let few = built.layer.samplesTogether
      return few == 1 || tile == Tile.size ? few : tile
    }
  }

  /// What answers, as a value.
  public var model: Model {
    get { Model(plan, weights: Array(weights.all), normalization: normalization) }
    set {
      precondition(newValue.weights.count == weights.count)
      _ = weights.all.update(fromContentsOf: newValue.weights)
      normalization = newValue.normalization
      weightsChanged()
    }
  }

  /// To be called when the weights were written from outside: renews kernels in another form.
  func weightsChanged() {
    parameters.renewCopies(weights.base)
  }

  public var classes: Int { plan.description.classes }

  /// How many numbers the last layer with weights reads of a sample: what the network knows of it before
  /// it says what that means.
  public var featureCount: Int { head.input.size }

  /// The scores of the classes (logits) of some samples, (range.count, classes), and in the same pass the
  /// features: what the last layer with weights reads, (range.count, featureCount), an image's channels
  /// running fastest.
  public func scores(
    of source: any ImageSamples, range: Range<Int>, into scores: UnsafeMutableBufferPointer<Float>,
    features: UnsafeMutableBufferPointer<Float>
  ) {
    let classes = plan.description.classes
    precondition(scores.count == range.count * classes)
    precondition(features.count == range.count * featureCount)
    guard let base = scores.baseAddress else { return }
    forEachTile(of: source, range: range, .whole, features: features.baseAddress) { tile in
      (base + (tile.samples.lowerBound - range.lowerBound) * classes).update(
        from: tile.values, count: tile.samples.count * classes)
    }
  }

  /// The probabilities of the classes of one sample, p = softmax(z) of its scores z.
  public static func probabilities(ofScores scores: some Collection<Float>) -> [Float] {
    var values = Array(scores)
    values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      _ = softmax(base, to: base, count: values.count)
    }
    return values
  }

  public func forEachTile(
    of source: any ImageSamples, range: Range<Int>, _ body: (TileScores) -> Void
  ) {
    forEachTile(of: source, range: range, source is KeptFeatures ? .head : .whole, body)
  }

  /// Calls `body` with the scores of tile after tile of a range, on any worker.
  /// - Parameter part: `head` of a source of what was kept, of the others one of images.
  func forEachTile(
    of source: any ImageSamples, range: Range<Int>, _ part: Part,
    features: UnsafeMutablePointer<Float>? = nil, _ body: (TileScores) -> Void
  ) {
    precondition(
      part == .head
        ? source.sampleShape.count == kept!.output.size
        : source.sampleShape == plan.description.input)
    precondition(range.lowerBound >= 0 && range.upperBound <= source.count)
    guard !range.isEmpty else { return }
    withoutActuallyEscaping(body) { sink in
      current = Current(
        part: part, source: source, range: range, firstOfTiles: range.lowerBound / tile * tile,
        sink: sink, features: features)
      let tiles = Tile.count(of: range.upperBound - current.firstOfTiles, size: tile)
      team.run(self, phase: 0, tiles: tiles)
      current = Current()
    }
  }

  public func perform(phase: Int, tile index: Int, worker: Int) {
    let start = current.firstOfTiles + index * tile
    let samples = start..<start + tile
    let range = samples.clamped(to: current.range)
    let tile = Tile(
      index: index, size: tile, count: range.count, worker: worker, isTraining: false, step: 0)
    let (first, last) = (current.part == .head ? kept!.output : input, end)
    let values = first.values(of: tile)
    for (i, sample) in range.enumerated() {
      current.source!.fill(values + i * first.size, sample: sample, epoch: 0, worker: worker)
    }
    if current.part != .head { normalizer?.apply(values, count: tile.count, worker: worker) }
    for place in last.layers {
      if place == head.place, let features = current.features {
        // Before it runs: later layers may have its input's memory.
        let size = head.input.size
        (features + (range.lowerBound - current.range.lowerBound) * size).update(
          from: head.input.values(of: tile), count: range.count * size)
      }
      forward(place, tile)
    }
    current.sink(TileScores(values: last.output.values(of: tile), samples: range, worker: worker))
  }

  /// A layer's outputs for a tile, and for samples of zeros behind it where it works out more.
  private func forward(_ place: Int, _ tile: Tile) {
    let layer = layers[place].layer
    let count = (tile.count + together[place] - 1) / together[place] * together[place]
    guard count > tile.count else { return layer.forward(tile) }
    for input in layer.inputs {
      (input.values(of: tile) + tile.count * input.size).update(
        repeating: 0, count: (count - tile.count) * input.size)
    }
    layer.forward(tile.holding(count))
  }

  /// The scores of a few images, at most `Tile.size`, worked out by the calling worker, (count, classes); they
  /// are there until it asks again.
  /// - Parameter images: before they are normalised, (count, H, W, C).
  /// - Parameter change: is lent them when they are.
  func scores(
    of images: UnsafePointer<Float>, count: Int, worker: Int,
    changing change: (UnsafeMutablePointer<Float>) -> Void
  ) -> UnsafePointer<Float> {
    let own = Tile(index: 0, size: tile, count: count, worker: worker, isTraining: false, step: 0)
    let values = input.values(of: own)
    values.update(from: images, count: count * input.size)
    normalizer?.apply(values, count: count, worker: worker)
    change(values)
    for place in layers.indices { forward(place, own) }
    return UnsafePointer(logits.values(of: own))
  }

  /// The layers of the part under way, and what they give in the end.
  private var end: (layers: Range<Int>, output: Activations) {
    switch current.part {
    case .whole: (0..<layers.count, logits)
    case .base: (0..<kept!.layers, kept!.output)
    case .head: (kept!.layers..<layers.count, logits)
    }
  }
}
