@testable import ConvNet

/// Some layers of a network worked by hand: forward from given inputs, backward from a given
/// gradient. An identity layer before them gives them an input gradient, unless none is wanted; a dense
/// layer after them makes all of their output live.
final class LayerProbe {
  let network: Trainer
  private let input: Shape
  private let output: Shape
  /// The layers under test, as built.
  private let tested: Range<Int>
  /// Their places in the plan.
  private let places: Range<Int>

  convenience init(
    _ layers: [LayerDescription], input: Shape, samples: Int, seed: UInt64 = 3,
    numerics: Numerics = .newest, convolution: ConvolutionLowering = .im2col,
    wantsInputGradient: Bool = true
  ) throws {
    try self.init(
      model: layers.map { .layer($0) }, input: input, samples: samples, seed: seed,
      numerics: numerics, convolution: convolution, wantsInputGradient: wantsInputGradient)
  }

  init(
    model: [ModelItem], input: Shape, samples: Int, seed: UInt64 = 3, numerics: Numerics = .newest,
    convolution: ConvolutionLowering = .im2col, wantsInputGradient: Bool = true
  ) throws {
    let prefix: [ModelItem]
    switch input {
    case _ where !wantsInputGradient: prefix = []
    case .image(_, _, let channels):
      // The activation keeps a pooling under test from joining the identity.
      prefix = [
        .layer(
          .conv2D(Conv2DDescription(filters: channels, kernel: Extent(1, 1), bias: false))),
        .layer(.activation(.linear)),
      ]
    case .vector(let count):
      prefix = [.layer(.dense(DenseDescription(units: count, bias: false)))]
    }
    let suffix: [ModelItem] = [.layer(.flatten), .layer(.dense(DenseDescription(units: 2)))]
    // A worker for each tile, so that each keeps its values.
    let network = try Trainer(
      NetworkDescription(
        input: input, model: prefix + model + suffix, classes: 2, numerics: numerics,
        convolution: convolution),
      optimizer: sgd(), batchSize: samples, seed: seed, team: team(Tile.count(of: samples)))
    let places = prefix.count..<network.plan.layers.count - suffix.count
    // None, where the layer under test only tells others how to read, as a flatten does.
    let built = network.layers.count { places.contains($0.place) }
    let start = network.layers.firstIndex { $0.place >= places.lowerBound }!
    tested = start..<start + built
    self.places = places
    self.network = network
    self.input = input
    output = network.plan.layers[places.upperBound - 1].output
    guard wantsInputGradient else { return }
    let channels = input.channels
    let first = network.plan.layers[0].description.kind
    network.set(
      "\(first)_0/kernel",
      to: (0..<channels * channels).map { $0 % (channels + 1) == 0 ? 1 : 0 })
    network.weightsChanged()
  }

  /// How the layers were built: "conv2d_1+max_pool_0".
  var builtNames: [String] { network.layers[tested].map(\.name) }
  var builtLayers: [any Layer] { network.layers[tested].map(\.layer) }
  var builtPlaces: [Int] { network.layers[tested].map(\.place) }

  /// Sets the only trainable or moving tensor of this role among the layers under test.
  func set(_ role: TensorInfo.Role, to values: [Float]) { set(role.rawValue, to: values) }

  /// The same, by its role's name, after that of its kind of layer where several have the role:
  /// "kernel", "conv2d/kernel".
  func set(_ key: String, to values: [Float]) {
    network.set(name(key), to: values)
    network.weightsChanged()
  }

  func get(_ role: TensorInfo.Role) -> [Float] { Array(network.tensor(name(role.rawValue))) }

  func gradient(_ role: TensorInfo.Role) -> [Float] { gradient(role.rawValue) }

  func gradient(_ key: String) -> [Float] { network.gradient(name(key)) }

  private func name(_ key: String) -> String {
    network.tensors.first { tensor in
      let (role, kind) = (
        tensor.role.rawValue, network.plan.layers[tensor.layer].description.kind
      )
      return places.contains(tensor.layer) && (role == key || "\(kind)/\(role)" == key)
    }!.name
  }

  /// Training's forward pass.
  func forward(_ values: [Float], step: Int = 1) -> [Float] {
    run(values, isTraining: true, step: step)
  }

  /// Evaluation's forward pass.
  func infer(_ values: [Float]) -> [Float] { run(values, isTraining: false, step: 0) }

  private func tiles(_ isTraining: Bool) -> [Tile] {
    (0..<Tile.count(of: network.current.count)).map {
      Tile(
        index: $0, size: Tile.size,
        count: min(Tile.size, network.current.count - $0 * Tile.size), worker: $0,
        isTraining: isTraining, step: network.current.step)
    }
  }

  private func run(_ values: [Float], isTraining: Bool, step: Int) -> [Float] {
    let count = values.count / input.count
    network.current.source = GivenSource(input, values)
    network.current.count = count
    network.current.step = step
    for i in 0..<count { network.sampleList[i] = Int32(i) }
    if isTraining { network.batchesKept += 1 }
    let tiles = tiles(isTraining)
    for tile in tiles { network.perform([.fill], tile) }
    for i in 0..<tested.upperBound {
      if let layer = network.layers[i].layer as? any BatchCoupledLayer, isTraining {
        for tile in tiles { layer.gather(tile) }
        layer.settle(batch: count)
      }
      for tile in tiles { network.layers[i].layer.forward(tile) }
      if isTraining {
        (network.layers[i].layer as? any BatchKeepingLayer)?
          .commit(count: network.batchesKept, batch: count)
      }
    }
    let result = network.layers[tested.upperBound - 1].output
    return tiles.flatMap { tile in
      Array(
        UnsafeBufferPointer(start: result.values(of: tile), count: tile.count * output.count))
    }
  }

  /// Where in its window each pooled value of the batch that `forward` was last given was found, negative
  /// where none passed.
  var winners: [Int] {
    let result = network.layers[tested.upperBound - 1].output
    return tiles(true).flatMap { tile in
      UnsafeBufferPointer(start: result.winners(of: tile), count: tile.count * output.count).map {
        Int($0)
      }
    }
  }

  /// The input gradient of the batch that `forward` was last given, or nothing where none is wanted;
  /// parameters' gradients follow.
  func backward(_ gradient: [Float]) -> [Float] {
    let tiles = tiles(true)
    let count = output.count
    let result = network.layers[tested.upperBound - 1].output
    for tile in tiles {
      let to = result.gradients(of: tile)
      for i in 0..<tile.count * count { to[i] = gradient[tile.first * count + i] }
    }
    for i in tested.reversed() {
      if let layer = network.layers[i].layer as? any BatchCoupledLayer {
        for tile in tiles { layer.gatherBackward(tile) }
        layer.settleBackward(batch: network.current.count)
      }
      for tile in tiles { network.layers[i].layer.backward(tile) }
    }
    let batch = network.current.count
    network.updater.takePass(count: batch, of: batch, isFirst: true, isLast: true)
    for (index, tile) in network.updater.tiles.enumerated() {
      if places.contains(network.updater.parameters[tile.parameter].layer) {
        network.updater.perform(
          phase: Updater.Phase.update.rawValue, tile: index, worker: 0)
      }
    }
    guard tested.lowerBound > 0 else { return [] }
    let before = network.layers[tested.lowerBound - 1].output
    return tiles.flatMap { tile in
      (0..<tile.count).flatMap { textbook(before, before.gradients(of: tile) + $0 * before.size) }
    }
  }

  /// A sample's numbers with zeros where its dead outputs would be.
  private func textbook(
    _ stored: Activations, _ values: UnsafeMutablePointer<Float>
  ) -> [Float] {
    let extent = input.extent
    var full = [Float](repeating: 0, count: input.count)
    for y in 0..<stored.extent.height {
      for x in 0..<stored.extent.width {
        for c in 0..<stored.channels {
          full[(y * extent.width + x) * stored.channels + c] =
            values[(y * stored.extent.width + x) * stored.channels + c]
        }
      }
    }
    return full
  }
}
