/// A network's shapes, inferred and checked, before any memory is taken.
public struct NetworkPlan: Sendable {
  public struct Layer: Sendable {
    public let description: LayerDescription
    /// Where the model has it.
    public let place: LayerPlace
    /// What it is called: its kind, or `residual` for the sum that ends such a block.
    public let kind: String
    /// The name that the user gave it.
    public let name: String?
    /// What it is called where it must be told from all others: its name, or its kind and number among
    /// its kind, from 0 ("conv2d_1" is the second convolution).
    public let label: String
    public let inputs: [LayerInput]
    /// How often its output is read.
    public fileprivate(set) var readers = 0
    /// The textbook shapes; of several inputs, that of the first.
    public let input: Shape
    public let output: Shape
    /// How much of the output, from its first row and column, anything downstream reads. Outputs
    /// beyond it are dead and never computed.
    public fileprivate(set) var live = Extent(1, 1)
    /// Trainable numbers.
    public let parameters: Int
    /// Floating-point operations of one sample's textbook forward pass; a multiply-add counts two.
    public let flops: Int
    package let geometry: WindowGeometry?
  }

  public let description: NetworkDescription
  public private(set) var layers: [Layer]

  public var parameters: Int { layers.reduce(0) { $0 + $1.parameters } }

  private var batchNorms: [BatchNormDescription] {
    layers.compactMap { if case .batchNorm(let norm) = $0.description { norm } else { nil } }
  }
  /// Of the batch norms whose moving statistics keep what is left of their beginning.
  public var uncorrectedMomenta: [Float] { batchNorms.filter { !$0.debias }.map(\.momentum) }
  /// Whether a batch norm corrects its moving statistics by the count of batches.
  public var correctsMovingStatistics: Bool { batchNorms.contains(where: \.debias) }

  /// Operations of one sample's textbook forward pass.
  public var forwardFLOPs: Int { layers.reduce(0) { $0 + $1.flops } }

  /// Operations of one sample's textbook training step: forward, weight gradient, input gradient
  /// (none where nothing below has weights).
  public var trainingFLOPs: Int {
    var hasWeights: [Bool] = []
    var total = 0
    for layer in layers {
      let isBelow = layer.inputs.contains {
        if case .layer(let input) = $0 { hasWeights[input] } else { false }
      }
      total += (layer.parameters > 0 && !isBelow ? 2 : 3) * layer.flops
      hasWeights.append(isBelow || layer.parameters > 0)
    }
    return total
  }

  /// Whether a layer reads the one before it alone, as in a chain.
  public func followsTheLast(_ layer: Int) -> Bool {
    layers[layer].inputs == [layer == 0 ? .images : .layer(layer - 1)]
  }

  /// The most images that one thread works on at once.
  public static let imagesTogether = Tile.wideSize

  /// The largest tensor, in floats, that a network may ask for.
  static let largest = 1 << 31

  /// The most operations that a layer may take for one sample; sums over layers do not overflow.
  static let largestWork = 1 << 46

  /// - Throws: `NetworkError`, naming the layer, where shapes do not fit or sizes overflow.
  public init(_ description: NetworkDescription) throws(NetworkError) {
    guard !description.model.isEmpty else { throw NetworkError("the model has no layers") }
    guard description.classes >= 2 else { throw NetworkError("a classifier needs two classes") }
    guard description.classes <= Labels.mostClasses else {
      throw NetworkError(
        "\(description.classes) classes are too many (at most \(Labels.mostClasses) are allowed)")
    }
    try Self.check(description.input)
    var expansion = try ModelExpansion(description.model)
    if let quantization = description.quantization { try expansion.add(quantization) }
    var drafts: [Draft] = []
    for node in expansion.nodes {
      let shapes = node.inputs.map { input in
        if case .layer(let place) = input { drafts[place].output } else { description.input }
      }
      do throws(NetworkError) {
        let draft = try Draft(node.layer, inputs: shapes)
        try Self.check(draft.output)
        drafts.append(draft)
      } catch {
        let message = node.isResidual ? Self.residualMessage(shapes) : error.message
        throw NetworkError(layer: node.place, "\(node.kind): \(message)")
      }
    }
    let shape = drafts.last!.output
    guard shape.count == description.classes else {
      throw NetworkError(
        layer: expansion.nodes.last!.place,
        "the last layer gives \(shape) values, but the data has \(description.classes) classes; "
          + "end with a dense layer of \(description.classes) units")
    }
    guard drafts.contains(where: { $0.parameters > 0 }) else {
      throw NetworkError("the model has no layer with weights to train")
    }
    self.description = description
    layers = drafts.indices.map { i in
      let (draft, node) = (drafts[i], expansion.nodes[i])
      return Layer(
        description: draft.layer, place: node.place, kind: node.kind, name: node.name,
        label: expansion.labels[i], inputs: node.inputs, input: draft.input, output: draft.output,
        parameters: draft.parameters, flops: draft.inferred.flops,
        geometry: draft.inferred.geometry)
    }
    findReaders()
  }

  /// The plan up to a layer, whose output becomes that of the network: as many classes as it has values.
  /// What is called a layer here is called so there. The description goes on saying the whole.
  /// - Throws: `NetworkError` where no layer has this label.
  public func ending(in label: String) throws(NetworkError) -> NetworkPlan {
    guard let end = layers.firstIndex(where: { $0.label == label }) else {
      throw NetworkError(
        "no layer is called \"\(label)\"; they are \(layers.map(\.label).joined(separator: ", "))")
    }
    var description = description
    description.classes = layers[end].output.count
    return NetworkPlan(description, layers: Array(layers[...end]))
  }

  private init(_ description: NetworkDescription, layers: [Layer]) {
    self.description = description
    self.layers = layers
    findReaders()
  }

  /// How often each output is read, and how much of it: from the last layer back, by whichever reads
  /// most.
  private mutating func findReaders() {
    for i in layers.indices {
      layers[i].readers = 0
      layers[i].live = Extent(1, 1)
    }
    layers[layers.count - 1].live = layers.last!.output.extent
    for (i, layer) in layers.enumerated().reversed() {
      let definition = layer.description.definition
      if definition.liveOutputs == .all { layers[i].live = layer.output.extent }
      let read = definition.inputRead(by: layers[i].live, of: layer.input, layer.geometry)
      for case .layer(let input) in layer.inputs {
        // What is multiplied may have one row or column for all of the others'.
        let (live, whole) = (layers[input].live, layers[input].output.extent)
        layers[input].live = Extent(
          max(live.height, min(read.height, whole.height)),
          max(live.width, min(read.width, whole.width)))
        layers[input].readers += 1
      }
    }
    // An element-by-element layer keeps all that its input holds.
    for (i, layer) in layers.enumerated() where layer.description.definition.liveOutputs == .asInput
    {
      if case .layer(let input) = layer.inputs[0] {
        layers[i].live = layers[input].live
      } else {
        layers[i].live = layer.input.extent
      }
    }
  }

  private struct Draft {
    let layer: LayerDescription
    let input: Shape
    let inferred: InferredLayer
    let parameters: Int

    init(_ layer: LayerDescription, inputs: [Shape]) throws(NetworkError) {
      self.layer = layer
      input = inputs[0]
      inferred = try layer.definition.infer(inputs)
      parameters = layer.definition.parameters(of: input).reduce(0) { $0 + $1.count }
    }

    var output: Shape { inferred.output }
  }

  private static func check(_ shape: Shape) throws(NetworkError) {
    let sizes: [Int]
    switch shape {
    case .image(let h, let w, let c): sizes = [h, w, c]
    case .vector(let n): sizes = [n]
    }
    _ = try product(sizes, what: "an output of \(shape)")
  }

  /// The product of sizes, checked against overflow and `largest`.
  package static func product(_ sizes: [Int], what: String) throws(NetworkError) -> Int {
    var result = 1
    for size in sizes {
      guard size > 0 else { throw NetworkError("\(what) has a size below 1") }
      let (value, overflow) = result.multipliedReportingOverflow(by: size)
      guard !overflow, value <= largest else {
        throw NetworkError("\(what) is too large (at most \(largest) numbers are allowed)")
      }
      result = value
    }
    return result
  }

  /// Operations of one sample where each of `weights` is a multiply-add at each position.
  static func work(_ weights: Int, at output: Extent) throws(NetworkError) -> Int {
    let positions = try product([output.height, output.width, 2], what: "the output")
    let (flops, overflow) = weights.multipliedReportingOverflow(by: positions)
    guard !overflow, flops <= largestWork else {
      throw NetworkError(
        "\(weights) weights at \(positions / 2) positions are too much work for one sample")
    }
    return flops
  }

  static func image(
    _ shape: Shape, for layer: String
  ) throws(NetworkError) -> (Extent, channels: Int) {
    guard case .image(let h, let w, let c) = shape else {
      throw NetworkError("needs an image, not a vector of \(shape)")
    }
    return (Extent(h, w), c)
  }
}
