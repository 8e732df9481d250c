import CInt8
import ConvNet

/// A quantised model at work. It holds the kernels as the path wants them, and for each worker the values of one
/// sample. Its bits depend neither on the path, the processor, the number of workers, nor on what else is asked.
public final class QuantizedInference: TeamWork, ScoringNetwork {
  public let model: QuantizedModel
  public let team: Team
  public let path: IntegerPath

  private let layers: [any IntegerLayer]
  private let normalizer: Normalizer?
  /// A worker's bytes, and where the image and the scores are in them.
  private let stride: Int
  private let input: Int
  private let output: Int
  private let arena: Arena
  private let memory: UnsafeMutablePointer<UInt8>
  /// (workers, pixels), (workers, samples of a tile, classes)
  private let pixels: UnsafeMutablePointer<Float>
  private let scores: UnsafeMutablePointer<Float>
  private var current = Current()

  /// What the tiles of one call share.
  private struct Current {
    var source: (any ImageSamples)?
    var range = 0..<0
    var sink: (TileScores) -> Void = { _ in }
  }

  private static let tile = 8

  /// - Precondition: this processor runs the path.
  /// - Throws: `OutOfMemory`.
  public init(
    _ model: QuantizedModel, team: Team, path: IntegerPath = .fastest
  ) throws(OutOfMemory) {
    precondition(path.runs)
    self.model = model
    self.team = team
    self.path = path
    var builder = IntegerLayerBuilder(model, path)
    layers = builder.build()
    (input, output) = (builder.places[0]!, builder.places[model.operations.last!.output]!)
    stride = builder.memory.bytes
    normalizer = model.normalization.map {
      Normalizer($0, input: model.input.shape, workers: team.count)
    }
    let (size, classes) = (model.input.shape.count, model.classes)
    arena = try Arena(
      bytes: team.count * (stride + 4 * size + 4 * Self.tile * classes) + 3 * 128)
    memory = arena.take(UInt8.self, team.count, stride)
    pixels = arena.take(Float.self, team.count, size)
    scores = arena.take(Float.self, team.count, Self.tile, classes)
    for worker in 0..<team.count {
      for layer in layers { layer.prepare(memory + worker * stride) }
    }
  }

  public var classes: Int { model.classes }

  public func forEachTile(
    of source: any ImageSamples, range: Range<Int>, _ body: (TileScores) -> Void
  ) {
    precondition(source.sampleShape == model.input.shape)
    precondition(range.lowerBound >= 0 && range.upperBound <= source.count)
    withoutActuallyEscaping(body) { sink in
      current = Current(source: source, range: range, sink: sink)
      team.run(self, phase: 0, tiles: Tile.count(of: range.count, size: Self.tile))
      current = Current()
    }
  }

  public func perform(phase: Int, tile: Int, worker: Int) {
    let first = current.range.lowerBound + tile * Self.tile
    let samples = first..<min(first + Self.tile, current.range.upperBound)
    let scores = scores + worker * Self.tile * classes
    let (scale, zero) = (model.output.scale, Int32(model.output.zeroPoint + 128))
    for (i, sample) in samples.enumerated() {
      let bytes = answer(sample, worker)
      for c in 0..<classes { scores[i * classes + c] = scale * Float(Int32(bytes[c]) - zero) }
    }
    current.sink(TileScores(values: scores, samples: samples, worker: worker))
  }

  /// q + 128 of a sample's scores.
  private func answer(_ sample: Int, _ worker: Int) -> UnsafePointer<UInt8> {
    let size = model.input.shape.count
    let (pixels, bytes) = (pixels + worker * size, memory + worker * stride)
    current.source!.fill(pixels, sample: sample, epoch: 0, worker: worker)
    normalizer?.apply(pixels, count: 1, worker: worker)
    int8_quantize(
      pixels, size, model.input.scale, Int32(model.input.zeroPoint + 128), bytes + input)
    for layer in layers { layer.run(bytes) }
    return UnsafePointer(bytes + output)
  }

  /// A sample as the first layer reads it, q in −128...127.
  public func quantizedImage(of source: any ImageSamples, sample: Int) -> [Int8] {
    precondition(source.sampleShape == model.input.shape)
    let size = model.input.shape.count
    source.fill(pixels, sample: sample, epoch: 0, worker: 0)
    normalizer?.apply(pixels, count: 1, worker: 0)
    let bytes = memory + input
    int8_quantize(
      pixels, size, model.input.scale, Int32(model.input.zeroPoint + 128), bytes)
    return (0..<size).map { Int8(Int(bytes[$0]) - 128) }
  }

  /// The scores of a sample as the model has them, q in −128...127.
  public func quantizedScores(of source: any ImageSamples, sample: Int) -> [Int8] {
    precondition(source.sampleShape == model.input.shape)
    current = Current(source: source)
    defer { current = Current() }
    let bytes = answer(sample, 0)
    return (0..<classes).map { Int8(Int(bytes[$0]) - 128) }
  }
}

/// Makes the layers of a model, and finds places for its values.
private struct IntegerLayerBuilder {
  let model: QuantizedModel
  let path: IntegerPath
  var memory = IntegerMemory()
  /// Where each value is; nil of what is never made.
  var places: [Int?]

  init(_ model: QuantizedModel, _ path: IntegerPath) {
    self.model = model
    self.path = path
    places = Array(repeating: nil, count: model.values.count)
    places[0] = memory.take(model.input.shape.count)
  }

  private mutating func place(_ value: Int) -> Int {
    let place = memory.take(model.values[value].shape.count)
    places[value] = place
    return place
  }

  /// The pooling that is computed with what gives a value: of windows of 2x2.
  private func pooling(of value: Int) -> QuantizedModel.Operation? {
    guard let pooling = model.pooling(of: value), case .maxPool(let window) = pooling.kind,
      window.size == Extent(2, 2)
    else { return nil }
    return pooling
  }

  mutating func build() -> [any IntegerLayer] {
    var layers: [any IntegerLayer] = []
    for operation in model.operations where places[operation.output] == nil {
      let (input, output) = (model.values[operation.inputs[0]], model.values[operation.output])
      let source = places[operation.inputs[0]]!
      switch operation.kind {
      case .conv2D(let window, let kernel, let activation):
        let pooling = pooling(of: operation.output)
        let pooled = pooling.map { model.values[$0.output] }
        let target = place(pooling?.output ?? operation.output)
        layers.append(
          IntegerProduct(
            window, kernel, activation, from: input, at: source, to: output, pooled: pooled,
            at: target, path, &memory))
      case .depthwiseConv2D(let window, let kernel, let activation):
        let target = place(operation.output)
        layers.append(
          IntegerDepthwise(
            window, kernel, activation, from: input, at: source, to: output, at: target, path,
            &memory))
      case .dense(let kernel, let activation):
        layers.append(
          IntegerProduct(
            kernel, activation, from: input, at: source, to: output, at: place(operation.output),
            path))
      case .maxPool(let window), .averagePool(let window):
        let isMaximum = if case .maxPool = operation.kind { true } else { false }
        guard let geometry = try? window.geometry(input.shape) else {
          preconditionFailure("it was checked")
        }
        layers.append(
          IntegerPool(
            geometry, channels: input.shape.channels, isMaximum: isMaximum, from: source,
            to: place(operation.output)))
      case .mean:
        let target = place(operation.output)
        layers.append(IntegerMean(from: input, at: source, to: output, at: target, &memory))
      case .add(let activation):
        layers.append(
          IntegerSum(
            activation, from: input, model.values[operation.inputs[1]],
            at: (source, places[operation.inputs[1]]!), to: output, at: place(operation.output)))
      case .clamp(let activation):
        layers.append(
          IntegerClamp(
            activation.bounds(output), count: input.shape.count, from: source,
            to: place(operation.output)))
      case .pad(let sides):
        guard sides != Sides(top: 0, bottom: 0, left: 0, right: 0) else {
          places[operation.output] = source
          break
        }
        let pad = IntegerPad(IntegerPlane(source, input, sides, &memory))
        places[operation.output] = pad.place
        layers.append(pad)
      case .reshape: places[operation.output] = source
      case .softmax:
        layers.append(IntegerSoftmax(input, at: source, to: place(operation.output)))
      }
    }
    return layers
  }
}
