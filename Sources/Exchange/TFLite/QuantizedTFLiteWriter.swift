import ConvNet
import ONNX
import Quantization

/// Writes a quantised model as TensorFlow Lite's int8. Images are (1, H, W, C): bytes of 0 to 255, floats of 0 to
/// 255 where the model normalises them, or with no preparation int8 as the first layer reads them.
struct QuantizedTFLiteWriter {
  private let model: QuantizedModel
  private var file: TFLiteFile
  private var taken: Set<String> = []
  /// The file's value for each of the model's.
  private var values: [Int?]

  /// - Throws: `ExchangeError` for what has no form there.
  static func file(
    _ model: QuantizedModel, preparation: Bool, description: String
  ) throws(ExchangeError) -> TFLiteFile {
    var writer = QuantizedTFLiteWriter(model, description)
    try writer.prepare(preparation)
    for operation in model.operations { writer.write(operation) }
    writer.file.input = 0
    writer.file.output = writer.values[model.operations.last!.output]!
    return writer.file
  }

  /// The model with the kernels and biases of a file in the places of its own.
  /// - Throws: `ExchangeError` where one is missing, or of another length.
  static func model(
    _ model: QuantizedModel, reading bytes: [UInt8]
  ) throws(ExchangeError) -> QuantizedModel {
    let constants = try TFLiteFile.constants(in: bytes)
    return try model.reading { name, kernel throws(ExchangeError) in
      guard let weights = constants["\(name)/kernel"], weights.count == kernel.weights.count,
        let bias = constants["\(name)/bias"], bias.count == 4 * kernel.bias.count
      else { throw ExchangeError("its tensors of \(name) are missing, or of another length") }
      var kernel = kernel
      kernel.weights = weights.map { Int8(bitPattern: $0) }
      kernel.bias = kernel.bias.indices.map { f in
        Int32(
          bitPattern: (0..<4).reduce(UInt32(0)) {
            $0 | UInt32(bias[bias.startIndex + 4 * f + $1]) << UInt32(8 * $1)
          })
      }
      return kernel
    }
  }

  private init(_ model: QuantizedModel, _ description: String) {
    self.model = model
    file = TFLiteFile(description: description)
    values = model.values.map { _ in nil }
  }

  // MARK: values and operators

  private mutating func unique(_ name: String) -> String {
    var (candidate, number) = (name, 2)
    while !taken.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  private mutating func add(_ value: TFLiteFile.Value) -> Int {
    file.values.append(value)
    return file.values.count - 1
  }

  private mutating func add(_ value: QuantizedModel.Value, _ shape: [Int]? = nil) -> Int {
    add(
      TFLiteFile.Value(
        name: unique(value.name), shape: shape ?? Self.sizes(value.shape), type: .int8,
        quantization: .init(scales: [value.scale], zeroPoints: [value.zeroPoint])))
  }

  private static func sizes(_ shape: Shape) -> [Int] {
    shape.sizes.map { [1, $0.height, $0.width, $0.channels] } ?? [1, shape.count]
  }

  private mutating func integers(_ values: [Int], _ name: String, shape: [Int]? = nil) -> Int {
    add(
      TFLiteFile.Value(
        name: unique(name), shape: shape ?? [values.count],
        constant: values.flatMap { value in
          (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }, type: .int32))
  }

  private mutating func add(
    _ op: TFLiteFile.Operator, version: Int, _ inputs: [Int], _ output: Int,
    _ options: (type: Int, fields: [Int: FlatValue])? = nil
  ) {
    file.nodes.append(
      TFLiteFile.Node(op: op, version: version, inputs: inputs, output: output, options: options))
  }

  // MARK: before the first layer

  private var quantizedImages: QuantizedModel.Value {
    var value = model.input
    value.name = "quantized"
    return value
  }

  private mutating func prepare(_ preparation: Bool) throws(ExchangeError) {
    let (input, shape) = (model.input, Self.sizes(model.input.shape))
    guard preparation else {
      values[0] = add(input)
      return
    }
    guard let normalization = model.normalization else {
      let images = add(
        TFLiteFile.Value(
          name: unique("images"), shape: shape, type: .uint8,
          quantization: .init(scales: [1 / 255], zeroPoints: [0])))
      let quantized = add(quantizedImages)
      add(.quantize, version: 1, [images], quantized)
      values[0] = quantized
      return
    }
    guard normalization.whitening.isEmpty else {
      throw ExchangeError(
        "whitened images have no form in an int8 file; --without-preparation leaves that out")
    }
    func floats(_ name: String, _ sizes: [Int], _ numbers: [Float]? = nil) -> TFLiteFile.Value {
      TFLiteFile.Value(
        name: name, shape: sizes, constant: numbers?.withUnsafeBytes { Array($0) })
    }
    let channels = input.shape.channels
    let sizes = normalization.mean.count == channels ? [1, 1, 1, channels] : shape
    var value = add(floats(unique("images"), shape))
    for (op, type, name, numbers, sizes) in [
      (TFLiteFile.Operator.mul, 21, "scale", [1 / 255 as Float], [1]),
      (.sub, 28, "mean", normalization.mean, sizes),
      (.mul, 21, "factor", normalization.factor, sizes),
    ] {
      let constant = add(floats(unique(name), sizes, numbers))
      let next = add(floats(unique("images_\(name)"), shape))
      add(op, version: 1, [value, constant], next, (type, [:]))
      value = next
    }
    let quantized = add(quantizedImages)
    add(.quantize, version: 1, [value], quantized)
    values[0] = quantized
  }

  // MARK: operations

  private func activation(_ activation: QuantizedActivation) -> Int {
    switch activation {
    case .linear: 0
    case .relu: 1
    case .relu6: 3
    }
  }

  /// Kernel and bias.
  private mutating func constants(
    _ kernel: QuantizedKernel, _ operation: QuantizedModel.Operation, shape: [Int], index: Int
  ) -> [Int] {
    let zeros = kernel.scales.map { _ in 0 }
    let scale = model.values[operation.inputs[0]].scale
    let weights = add(
      TFLiteFile.Value(
        name: unique("\(operation.name)/kernel"), shape: shape,
        constant: kernel.weights.map { UInt8(bitPattern: $0) }, type: .int8,
        quantization: .init(scales: kernel.scales, zeroPoints: zeros, index: index)))
    let bias = add(
      TFLiteFile.Value(
        name: unique("\(operation.name)/bias"), shape: [kernel.bias.count],
        constant: kernel.bias.withUnsafeBytes { Array($0) }, type: .int32,
        quantization: .init(scales: kernel.scales.map { $0 * scale }, zeroPoints: zeros)))
    return [weights, bias]
  }

  /// What a window slides over, and how it is padded: 0 for `same`, 1 for nothing.
  private mutating func windowed(
    _ x: Int, _ window: QuantizedWindow, _ operation: QuantizedModel.Operation, fill: Int? = nil
  ) -> (Int, padding: Int) {
    let (input, output) = (
      model.values[operation.inputs[0]], model.values[operation.output].shape.extent
    )
    let extent = input.shape.extent
    if window.sides == .none { return (x, 1) }
    let same = Padding.same.sides(
      extent, output, window: window.size, stride: window.stride, dilation: window.dilation)
    if window.sides == same, output.height == (extent.height - 1) / window.stride.height + 1,
      output.width == (extent.width - 1) / window.stride.width + 1
    {
      return (x, 0)
    }
    return (pad(x, input, window.sides, "\(operation.name)_padded", fill: fill), 1)
  }

  private mutating func pad(
    _ x: Int, _ input: QuantizedModel.Value, _ sides: Sides, _ name: String, fill: Int? = nil
  ) -> Int {
    let amounts = integers(
      [0, 0, sides.top, sides.bottom, sides.left, sides.right, 0, 0], "\(name)_sides",
      shape: [4, 2])
    let extent = input.shape.extent
    let whole = Extent(
      extent.height + sides.top + sides.bottom, extent.width + sides.left + sides.right)
    let padded = add(
      QuantizedModel.Value(
        name, .image(whole, input.shape.channels), scale: input.scale,
        zeroPoint: input.zeroPoint))
    guard let fill else {
      add(.pad, version: 2, [x, amounts], padded, (22, [:]))
      return padded
    }
    let number = add(
      TFLiteFile.Value(
        name: unique("\(name)_fill"), shape: [1],
        constant: [UInt8(bitPattern: Int8(fill))], type: .int8,
        quantization: .init(scales: [input.scale], zeroPoints: [input.zeroPoint])))
    add(.padV2, version: 2, [x, amounts, number], padded, (43, [:]))
    return padded
  }

  private mutating func write(_ operation: QuantizedModel.Operation) {
    let inputs = operation.inputs.map { values[$0]! }
    let value = model.values[operation.output]
    switch operation.kind {
    case .conv2D(let window, let kernel, let function):
      let (x, padding) = windowed(inputs[0], window, operation)
      let tensors = constants(kernel, operation, shape: kernel.shape, index: 0)
      let y = add(value)
      add(
        .conv, version: 3, [x] + tensors, y,
        (
          1,
          [
            0: .byte(padding), 1: .int(window.stride.width), 2: .int(window.stride.height),
            3: .byte(activation(function)), 4: .int(window.dilation.width),
            5: .int(window.dilation.height),
          ]
        ))
      values[operation.output] = y
    case .depthwiseConv2D(let window, let kernel, let function):
      let (x, padding) = windowed(inputs[0], window, operation)
      let tensors = constants(kernel, operation, shape: [1] + kernel.shape, index: 3)
      let y = add(value)
      add(
        .depthwiseConv, version: 3, [x] + tensors, y,
        (
          2,
          [
            0: .byte(padding), 1: .int(window.stride.width), 2: .int(window.stride.height),
            3: .int(1), 4: .byte(activation(function)), 5: .int(window.dilation.width),
            6: .int(window.dilation.height),
          ]
        ))
      values[operation.output] = y
    case .dense(let kernel, let function):
      let tensors = constants(kernel, operation, shape: kernel.shape, index: 0)
      let y = add(value)
      add(
        .fullyConnected, version: 12, inputs + tensors, y, (8, [0: .byte(activation(function))]))
      values[operation.output] = y
    case .maxPool(let window), .averagePool(let window):
      let isMaximum = if case .maxPool = operation.kind { true } else { false }
      let (x, padding) = windowed(inputs[0], window, operation, fill: isMaximum ? -128 : nil)
      let y = add(value)
      add(
        isMaximum ? .maxPool : .averagePool, version: 2, [x], y,
        (
          5,
          [
            0: .byte(padding), 1: .int(window.stride.width), 2: .int(window.stride.height),
            3: .int(window.size.width), 4: .int(window.size.height),
          ]
        ))
      values[operation.output] = y
    case .mean:
      let axes = integers([1, 2], "\(operation.name)_axes")
      let y = add(value)
      add(
        .mean, version: 2, inputs + [axes], y, (27, value.shape.isImage ? [0: .bool(true)] : [:]))
      values[operation.output] = y
    case .add(let function):
      let y = add(value)
      add(.add, version: 2, inputs, y, (11, [0: .byte(activation(function))]))
      values[operation.output] = y
    case .clamp(let function):
      let y = add(value)
      add(function == .relu6 ? .relu6 : .relu, version: 2, inputs, y)
      values[operation.output] = y
    case .pad(let sides):
      values[operation.output] = pad(
        inputs[0], model.values[operation.inputs[0]], sides, value.name)
    case .reshape:
      let sizes = Self.sizes(value.shape)
      let target = integers([-1] + sizes.dropFirst(), "\(operation.name)_sizes")
      let y = add(value)
      add(.reshape, version: 1, [inputs[0], target], y, (17, [:]))
      values[operation.output] = y
    case .softmax:
      let y = add(value)
      add(.softmax, version: 2, inputs, y, (9, [0: .float(1)]))
      values[operation.output] = y
    }
  }
}
