import ConvNet

/// A network in eight bits, by the scheme of TensorFlow Lite (Jacob et al. 2018): real numbers are x = s(q − z)
/// with q in −128...127, of each value one scale s and zero point z; of a kernel z = 0, q in ±127 and a scale
/// for each filter; biases are of 32 bits with the scale of a product. What it answers is defined by integers
/// alone: every processor gives the same bits.
public struct QuantizedModel: Hashable, Sendable {
  /// What operations read and give.
  public struct Value: Hashable, Sendable {
    public var name: String
    /// Of one sample; images are height, width, channels.
    public var shape: Shape
    public var scale: Float
    /// −128...127
    public var zeroPoint: Int

    public init(_ name: String, _ shape: Shape, scale: Float, zeroPoint: Int) {
      self.name = name
      self.shape = shape
      self.scale = scale
      self.zeroPoint = zeroPoint
    }
  }

  public struct Operation: Hashable, Sendable {
    public var name: String
    public var kind: QuantizedOperation
    /// Values, by their numbers.
    public var inputs: [Int]
    public var output: Int

    public init(_ name: String, _ kind: QuantizedOperation, inputs: [Int], output: Int) {
      self.name = name
      self.kind = kind
      self.inputs = inputs
      self.output = output
    }
  }

  /// What is done to every image before it is quantised; nil for nothing.
  public var normalization: Normalization?
  /// The first is the image; the last operation gives the scores.
  public private(set) var values: [Value]
  /// Each after those whose values it reads.
  public private(set) var operations: [Operation]

  /// - Throws: `NetworkError` naming an operation whose shapes, sizes or numbers don't fit.
  public init(
    values: [Value], operations: [Operation], normalization: Normalization?
  ) throws(NetworkError) {
    self.values = values
    self.operations = operations
    self.normalization = normalization
    try check()
  }

  public var input: Value { values[0] }
  public var output: Value { values[operations.last!.output] }
  public var classes: Int { output.shape.count }

  /// Bytes of kernels, biases and scales.
  public var byteCount: Int {
    operations.reduce(0) { $0 + ($1.kind.kernel?.byteCount ?? 0) }
  }

  /// Of the weights of all its kernels, the part that is 0.
  public var shareOfZeros: Double {
    let kernels = operations.compactMap(\.kind.kernel)
    let zeros = kernels.reduce(0) { $0 + $1.weights.count { $0 == 0 } }
    return Double(zeros) / Double(kernels.reduce(0) { $0 + $1.weights.count })
  }

  /// The same network with other kernels and biases, each by the name of its operation.
  /// - Throws: what the body does, and `NetworkError` for kernels that don't fit.
  public func withKernels(
    _ body: (String, QuantizedKernel) throws -> QuantizedKernel
  ) throws -> QuantizedModel {
    var operations = operations
    for place in operations.indices {
      guard let kernel = operations[place].kind.kernel else { continue }
      operations[place].kind = operations[place].kind.with(try body(operations[place].name, kernel))
    }
    return try QuantizedModel(
      values: values, operations: operations, normalization: normalization)
  }

  /// The max pooling of windows that lie beside each other which alone reads a value, so that it can be computed
  /// with that: what becomes of a sum grows with it, so that the largest sum is pooled and scaled alone.
  public func pooling(of value: Int) -> Operation? {
    guard readers[value] == 1, let reader = operations.first(where: { $0.inputs == [value] }),
      case .maxPool(let window) = reader.kind, window.size == window.stride,
      window.sides == Sides(top: 0, bottom: 0, left: 0, right: 0)
    else { return nil }
    return reader
  }

  /// Multiplications and additions of one image, as the textbook counts them: those that scale and shift channels
  /// one by one, as a batch norm that no layer before it could take in, are none of them.
  public var multiplyAdds: Int {
    operations.reduce(0) { sum, operation in
      guard let kernel = operation.kind.kernel else { return sum }
      if case .depthwiseConv2D(let window, _, _) = operation.kind, window.size == Extent(1, 1) {
        return sum
      }
      let positions = values[operation.output].shape.count / kernel.bias.count
      return sum + positions * kernel.weights.count
    }
  }

  /// How often each value is read; the scores once more.
  public var readers: [Int] {
    var readers = values.map { _ in 0 }
    for operation in operations {
      for input in operation.inputs { readers[input] += 1 }
    }
    readers[operations.last!.output] += 1
    return readers
  }

  /// The same, with a softmax at the end where it has none.
  public var withSoftmax: QuantizedModel {
    if case .softmax = operations.last!.kind { return self }
    var model = self
    model.values.append(
      Value("probabilities", .vector(classes), scale: 1 / 256, zeroPoint: -128))
    model.operations.append(
      Operation(
        "probabilities", .softmax, inputs: [operations.last!.output], output: values.count))
    return model
  }
}

/// What an operation computes.
public enum QuantizedOperation: Hashable, Sendable {
  /// Of one filter for all channels: the kernel is (F, K, K, C).
  case conv2D(QuantizedWindow, QuantizedKernel, QuantizedActivation)
  /// Of one filter for each channel: the kernel is (K, K, C).
  case depthwiseConv2D(QuantizedWindow, QuantizedKernel, QuantizedActivation)
  /// The kernel is (units, inputs).
  case dense(QuantizedKernel, QuantizedActivation)
  /// Over what of the window lies in the image, as means are; output and input have one scale.
  case maxPool(QuantizedWindow)
  case averagePool(QuantizedWindow)
  /// Of a whole map, per channel.
  case mean
  case add(QuantizedActivation)
  /// An activation alone; output and input have one scale.
  case clamp(QuantizedActivation)
  /// Zeros around an image.
  case pad(Sides)
  /// The same bytes in another shape.
  case reshape
  /// In 1/256, the zero point −128.
  case softmax

  public var kernel: QuantizedKernel? {
    switch self {
    case .conv2D(_, let kernel, _), .depthwiseConv2D(_, let kernel, _), .dense(let kernel, _):
      kernel
    default: nil
    }
  }

  /// The same with another kernel, where it has one.
  public func with(_ kernel: QuantizedKernel) -> QuantizedOperation {
    switch self {
    case .conv2D(let window, _, let activation): .conv2D(window, kernel, activation)
    case .depthwiseConv2D(let window, _, let activation):
      .depthwiseConv2D(window, kernel, activation)
    case .dense(_, let activation): .dense(kernel, activation)
    default: self
    }
  }

  /// The zeros that it puts around an image.
  public var sides: Sides? {
    switch self {
    case .conv2D(let window, _, _), .depthwiseConv2D(let window, _, _): window.sides
    case .pad(let sides): sides
    default: nil
    }
  }

  /// The name of its kind.
  public var word: String {
    switch self {
    case .conv2D: "conv2d"
    case .depthwiseConv2D: "depthwise_conv2d"
    case .dense: "dense"
    case .maxPool: "max_pool"
    case .averagePool: "average_pool"
    case .mean: "mean"
    case .add: "add"
    case .clamp: "clamp"
    case .pad: "pad"
    case .reshape: "reshape"
    case .softmax: "softmax"
    }
  }
}

/// The activations that are bounds.
public enum QuantizedActivation: String, Hashable, Sendable, CaseIterable {
  case linear, relu, relu6

  /// What q + 128 is held in: the bounds as a value's scale has them, to the nearest.
  public func bounds(_ value: QuantizedModel.Value) -> (low: Int32, high: Int32) {
    let zero = Int32(value.zeroPoint + 128)
    guard self == .relu6 else { return (self == .linear ? 0 : zero, 255) }
    let six = (6 / value.scale).rounded()
    return (zero, six < 255 ? min(255, zero + Int32(six)) : 255)
  }
}

/// A window that slides over an image, with what lies around that: zeros, or of a pooling nothing.
public struct QuantizedWindow: Hashable, Sendable {
  public var size: Extent
  public var stride: Extent
  public var dilation: Extent
  public var sides: Sides

  public init(
    size: Extent, stride: Extent, dilation: Extent = Extent(1, 1),
    sides: Sides = Sides(top: 0, bottom: 0, left: 0, right: 0)
  ) {
    self.size = size
    self.stride = stride
    self.dilation = dilation
    self.sides = sides
  }

  /// Rows and columns from the window's first to its last.
  var span: Extent {
    Extent((size.height - 1) * dilation.height + 1, (size.width - 1) * dilation.width + 1)
  }

  /// Of an image.
  /// - Throws: `NetworkError` where the window does not fit.
  func geometry(_ input: Shape) throws(NetworkError) -> WindowGeometry {
    guard case .image = input else {
      throw NetworkError("needs an image, not a vector of \(input)")
    }
    return try WindowGeometry(
      input: input.extent, window: size, stride: stride,
      padding: .explicit(
        top: sides.top, bottom: sides.bottom, left: sides.left, right: sides.right),
      dilation: dilation)
  }
}

/// Weights and what goes with them.
public struct QuantizedKernel: Hashable, Sendable {
  /// In ±127, or of fewer bits in ±(2^(bits − 1) − 1); the last index runs fastest.
  public var weights: [Int8]
  public var shape: [Int]
  /// Of each filter's weights.
  public var scales: [Float]
  /// In units of the input's scale times the filter's.
  public var bias: [Int32]
  /// Of a weight, 2 to 8; it is computed with as one of 8.
  public var bits: Int

  public init(
    weights: [Int8], shape: [Int], scales: [Float], bias: [Int32], bits: Int = 8
  ) {
    self.weights = weights
    self.shape = shape
    self.scales = scales
    self.bias = bias
    self.bits = bits
  }

  public var byteCount: Int { packedWeights.count + 4 * scales.count + 4 * bias.count }

  /// The weights as they are stored: of 4 bits and less two in a byte, the first in its lower half, and 0 in the
  /// last byte's upper half where their number is odd.
  public var packedWeights: [UInt8] {
    guard bits <= 4 else { return weights.map { UInt8(bitPattern: $0) } }
    return stride(from: 0, to: weights.count, by: 2).map { place in
      let high = place + 1 < weights.count ? weights[place + 1] : 0
      return UInt8(bitPattern: weights[place]) & 15 | UInt8(bitPattern: high) << 4
    }
  }

  /// So many weights of bytes that hold them two by two; nil where they are not as many.
  public static func unpacked(_ bytes: some Collection<UInt8>, count: Int) -> [Int8]? {
    guard bytes.count == (count + 1) / 2 else { return nil }
    var weights = bytes.flatMap { byte in
      [Int8(bitPattern: byte << 4) >> 4, Int8(bitPattern: byte) >> 4]
    }
    if weights.count > count { weights.removeLast() }
    return weights
  }
}
