/// A network's shapes, inferred and checked, before any memory is taken.
public struct NetworkPlan: Sendable {
  public struct Layer: Sendable {
    public let description: LayerDescription
    /// The textbook shapes.
    public let input: Shape
    public let output: Shape
    /// How much of the output, from its first row and column, anything downstream reads. Outputs
    /// beyond it are dead and never computed.
    public let live: Extent
    /// Trainable numbers.
    public let parameters: Int
    /// Floating-point operations of one sample's textbook forward pass; a multiply-add counts two.
    public let flops: Int
    let geometry: WindowGeometry?
  }

  public let description: NetworkDescription
  public let layers: [Layer]

  public var parameters: Int { layers.reduce(0) { $0 + $1.parameters } }

  /// Operations of one sample's textbook forward pass.
  public var forwardFLOPs: Int { layers.reduce(0) { $0 + $1.flops } }

  /// Operations of one sample's textbook training step: forward, weight gradient, input gradient
  /// (none for the first layer that has weights).
  public var trainingFLOPs: Int {
    let first = layers.first { $0.parameters > 0 }?.flops ?? 0
    return 3 * forwardFLOPs - first
  }

  /// The largest tensor, in floats, that a network may ask for.
  static let largest = 1 << 31

  /// The most operations that a layer may take for one sample; sums over layers do not overflow.
  static let largestWork = 1 << 46

  /// - Throws: `NetworkError`, naming the layer, where shapes do not fit or sizes overflow.
  public init(_ description: NetworkDescription) throws(NetworkError) {
    guard !description.layers.isEmpty else { throw NetworkError("the model has no layers") }
    guard description.classes >= 2 else { throw NetworkError("a classifier needs two classes") }
    // A prediction is kept in a byte.
    guard description.classes <= 256 else {
      throw NetworkError("\(description.classes) classes are too many (at most 256 are allowed)")
    }
    try Self.check(description.input, layer: nil)
    var shape = description.input
    var drafts: [Draft] = []
    for (i, layer) in description.layers.enumerated() {
      do throws(NetworkError) {
        let draft = try Self.infer(layer, input: shape)
        try Self.check(draft.output, layer: i)
        drafts.append(draft)
        shape = draft.output
      } catch {
        throw NetworkError(layer: i, "\(layer.kind): \(error.message)")
      }
    }
    guard shape.count == description.classes else {
      throw NetworkError(
        layer: drafts.count - 1,
        "the last layer gives \(shape) values, but the data has \(description.classes) classes; "
          + "end with a dense layer of \(description.classes) units")
    }
    guard drafts.contains(where: { $0.parameters > 0 }) else {
      throw NetworkError("the model has no layer with weights to train")
    }
    let lives = Self.liveOutputs(of: drafts)
    self.description = description
    layers = zip(drafts, lives).map { draft, live in
      Layer(
        description: draft.layer, input: draft.input, output: draft.output, live: live,
        parameters: draft.parameters, flops: draft.flops, geometry: draft.geometry)
    }
  }

  private struct Draft {
    let layer: LayerDescription
    let input: Shape
    let output: Shape
    var parameters = 0
    var flops = 0
    var geometry: WindowGeometry?
  }

  private static func check(_ shape: Shape, layer: Int?) throws(NetworkError) {
    let sizes: [Int]
    switch shape {
    case .image(let h, let w, let c): sizes = [h, w, c]
    case .vector(let n): sizes = [n]
    }
    _ = try product(sizes, what: "an output of \(shape)")
  }

  /// The product of sizes, checked against overflow and `largest`.
  private static func product(_ sizes: [Int], what: String) throws(NetworkError) -> Int {
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

  private static func infer(_ layer: LayerDescription, input: Shape) throws(NetworkError) -> Draft {
    switch layer {
    case .conv2D(let conv):
      let (extent, channels) = try image(input, for: "conv2d")
      let geometry = try WindowGeometry(
        input: extent, window: conv.kernel, stride: conv.stride, padding: conv.padding)
      let kernel = try product(
        [conv.kernel.height, conv.kernel.width, channels, conv.filters],
        what: "a kernel of \(conv.kernel.height)x\(conv.kernel.width)x\(channels)x\(conv.filters)")
      let positions = try product(
        [geometry.output.height, geometry.output.width, 2], what: "the output")
      let (flops, overflow) = kernel.multipliedReportingOverflow(by: positions)
      guard !overflow, flops <= largestWork else {
        throw NetworkError(
          "\(kernel) weights at \(positions / 2) positions are too much work for one sample")
      }
      return Draft(
        layer: layer, input: input,
        output: .image(
          height: geometry.output.height, width: geometry.output.width, channels: conv.filters),
        parameters: kernel + (conv.bias ? conv.filters : 0), flops: flops, geometry: geometry)
    case .maxPool(let pool):
      let (extent, channels) = try image(input, for: "max_pool")
      let geometry = try WindowGeometry(
        input: extent, window: pool.size, stride: pool.stride, padding: pool.padding)
      guard pool.size.height * pool.size.width <= 255 else {
        throw NetworkError("a window of more than 255 positions is not supported")
      }
      if case .explicit(let top, let bottom, let left, let right) = pool.padding,
        max(top, bottom) >= pool.size.height || max(left, right) >= pool.size.width
      {
        throw NetworkError("padding must be smaller than the window")
      }
      return Draft(
        layer: layer, input: input,
        output: .image(
          height: geometry.output.height, width: geometry.output.width, channels: channels),
        geometry: geometry)
    case .flatten:
      return Draft(layer: layer, input: input, output: .vector(input.count))
    case .dense(let dense):
      guard case .vector(let inputs) = input else {
        throw NetworkError(
          "needs a vector, not an image of \(input); put a flatten layer before it")
      }
      let kernel = try product([inputs, dense.units], what: "a kernel of \(inputs)x\(dense.units)")
      return Draft(
        layer: layer, input: input, output: .vector(dense.units),
        parameters: kernel + (dense.bias ? dense.units : 0), flops: 2 * kernel)
    case .dropout(let rate):
      guard rate >= 0, rate < 1 else {
        throw NetworkError("a rate of \(rate) is not in 0..<1")
      }
      return Draft(layer: layer, input: input, output: input)
    case .activation:
      return Draft(layer: layer, input: input, output: input)
    case .batchNorm(let norm):
      let channels = input.channels
      return Draft(
        layer: layer, input: input, output: input,
        parameters: (norm.scale ? channels : 0) + (norm.center ? channels : 0))
    }
  }

  private static func image(
    _ shape: Shape, for layer: String
  ) throws(NetworkError) -> (Extent, channels: Int) {
    guard case .image(let h, let w, let c) = shape else {
      throw NetworkError("needs an image, not a vector of \(shape)")
    }
    return (Extent(h, w), c)
  }

  /// From the last layer back: how much of each output is read.
  private static func liveOutputs(of drafts: [Draft]) -> [Extent] {
    var lives: [Extent] = []
    var live = drafts.last!.output.extent
    for draft in drafts.reversed() {
      // Batch statistics are taken over the whole map.
      if case .batchNorm = draft.layer { live = draft.output.extent }
      lives.append(live)
      switch draft.layer {
      case .conv2D, .maxPool: live = draft.geometry!.inputRead(by: live)
      case .flatten, .batchNorm: live = draft.input.extent
      case .dense, .dropout, .activation: break
      }
    }
    lives.reverse()
    // An element-by-element layer keeps all that its input holds.
    for (i, draft) in drafts.enumerated() {
      switch draft.layer {
      case .dropout, .activation: lives[i] = i == 0 ? draft.input.extent : lives[i - 1]
      default: break
      }
    }
    return lives
  }
}

extension Shape {
  /// Numbers per sample.
  public var count: Int {
    switch self {
    case .image(let h, let w, let c): h * w * c
    case .vector(let n): n
    }
  }

  /// Height and width; 1x1 for a vector.
  public var extent: Extent {
    switch self {
    case .image(let h, let w, _): Extent(h, w)
    case .vector: Extent(1, 1)
    }
  }

  /// Channels of an image, or a vector's length.
  public var channels: Int {
    switch self {
    case .image(_, _, let c): c
    case .vector(let n): n
    }
  }
}
