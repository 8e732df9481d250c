import ConvNet
import Datasets
import ONNX
import Quantization

/// A quantised model as one C header of integers: static arrays and loops, for C99 and later and for C++, which give
/// the bits that the model is defined by. Images are bytes, or int8 as the first layer reads them where they come
/// prepared, rows, columns, channels; one goes through at a time.
struct QuantizedCHeader {
  /// An operation, with the max pooling that is computed with it.
  private struct Step {
    let operation: QuantizedModel.Operation
    let pooling: QuantizedModel.Operation?
    var output: Int { (pooling ?? operation).output }
  }

  let model: QuantizedModel
  let title: String
  let classNames: [String]
  /// What every name begins with.
  let prefix: String
  private let takesBytes: Bool
  /// What bytes of 0 to 255 become in each channel, 256 numbers each; empty where that is the byte less 128.
  private let table: [Int8]
  private let steps: [Step]
  private let names: [String]
  private let memory: CMemory
  /// Which of the memory's values each of the model's is.
  private let memoryValues: [Int]

  /// - Throws: `ExchangeError` for images that are prepared otherwise than channel by channel; `OutOfMemory`.
  init(
    _ model: QuantizedModel, title: String, classNames: [String], preparation: Bool
  ) throws {
    self.model = model
    self.title = title
    self.classNames = classNames
    takesBytes = preparation
    table = preparation ? try Self.table(of: model) : []
    var identifiers = Identifiers(reserved: [])
    prefix = identifiers.identifier(title)
    identifiers = Identifiers(
      reserved: Set(
        QuantizedCFunctions.all.map(\.name) + [
          "high", "divided", "scaled", "held", "raised", "exp", "images", "memory", "table",
          "scores", "probabilities", "classify", "class_name",
        ]))
    var steps: [Step] = []
    var pooled: Set<Int> = []
    for operation in model.operations where !pooled.contains(operation.output) {
      var pooling: QuantizedModel.Operation?
      if case .conv2D = operation.kind { pooling = model.pooling(of: operation.output) }
      if let pooling { pooled.insert(pooling.output) }
      steps.append(Step(operation: operation, pooling: pooling))
    }
    var values = model.values.map { _ in 0 }
    for (place, step) in steps.enumerated() { values[step.output] = place + 1 }
    self.steps = steps
    names = steps.map { identifiers.identifier($0.operation.name) }
    memoryValues = values
    memory = CMemory(
      images: model.input.shape.count,
      steps.map { step in
        let isView = if case .reshape = step.operation.kind { true } else { false }
        return CMemory.Step(
          inputs: step.operation.inputs.map { values[$0] },
          count: model.values[step.output].shape.count, isView: isView)
      })
  }

  /// What each byte becomes in each channel, by the program's own arithmetic.
  private static func table(of model: QuantizedModel) throws -> [Int8] {
    let shape = model.input.shape
    let (extent, channels) = (shape.extent, shape.channels)
    if let normalization = model.normalization {
      guard normalization.whitening.isEmpty, normalization.mean.count == channels else {
        throw ExchangeError(
          "images that are normalised pixel by pixel have no form in a header of integers; "
            + "--without-preparation leaves that out")
      }
    }
    // One image of each byte.
    let network = try QuantizedInference(model, team: Team(threads: 1))
    var table = [Int8](repeating: 0, count: 256 * channels)
    for byte in 0..<256 {
      let image = ImageSet(
        height: extent.height, width: extent.width, channels: channels, classes: 2,
        pixels: [UInt8](repeating: UInt8(byte), count: shape.count),
        labels: Labels(repeating: 0, count: 1))
      let numbers = network.quantizedImage(of: ImageSource(image), sample: 0)
      for c in 0..<channels { table[256 * c + byte] = numbers[c] }
    }
    let isPlain = table.indices.allSatisfy { Int(table[$0]) == $0 % 256 - 128 }
    return isPlain ? [] : table
  }

  // MARK: arrays

  /// The model with the numbers of a header's arrays in the places of its own.
  /// - Throws: `ExchangeError` where an array is missing, or of another length.
  func model(reading text: [UInt8]) throws(ExchangeError) -> QuantizedModel {
    func arrays<Number: FixedWidthInteger>(
      _ type: String
    ) throws(ExchangeError) -> [String: [Number]] {
      try CHeader.arrays(of: type, in: text, prefix: prefix) {
        Number(String(decoding: $0, as: UTF8.self))
      }
    }
    let (bytes, words): ([String: [Int8]], [String: [Int32]]) = (
      try arrays("int8_t"), try arrays("int32_t")
    )
    let own = Dictionary(
      zip(steps, names).map { ($0.operation.name, $1) }, uniquingKeysWith: { first, _ in first })
    return try model.reading { name, kernel throws(ExchangeError) in
      guard let identifier = own[name], let weights = bytes["\(identifier)_kernel"],
        weights.count == kernel.weights.count, let bias = words["\(identifier)_bias"],
        bias.count == kernel.bias.count
      else { throw ExchangeError("its arrays of \(name) are missing, or of another length") }
      var kernel = kernel
      (kernel.weights, kernel.bias) = (weights, bias)
      return kernel
    }
  }

  private func array<Number: BinaryInteger>(
    _ type: String, _ name: String, _ values: [Number]
  ) -> [UInt8] {
    var bytes = Array("static const \(type) \(prefix)_\(name)[\(values.count)] = {\n".utf8)
    for start in stride(from: 0, to: values.count, by: 16) {
      let line = values[start..<min(start + 16, values.count)].map { "\($0)" }
      bytes += Array("    \(line.joined(separator: ", ")),\n".utf8)
    }
    return bytes + Array("};\n\n".utf8)
  }

  private var arrays: [UInt8] {
    var bytes = table.isEmpty ? [] : array("int8_t", "table", table)
    for (step, name) in zip(steps, names) {
      let operation = step.operation
      guard let kernel = operation.kind.kernel else { continue }
      let multipliers = kernel.multipliers(
        from: model.values[operation.inputs[0]], to: model.values[operation.output])
      bytes += array("int8_t", "\(name)_kernel", kernel.weights)
      bytes += array("int32_t", "\(name)_bias", kernel.bias)
      bytes += array("int32_t", "\(name)_multipliers", multipliers.map(\.multiplier))
      bytes += array("int8_t", "\(name)_shifts", multipliers.map(\.shift))
    }
    return bytes
  }

  // MARK: text

  /// The bytes of the file.
  var bytes: [UInt8] {
    let (input, output) = (model.input, model.output)
    let (extent, channels) = (input.shape.extent, input.shape.channels)
    let isSoftmax = if case .softmax = model.operations.last!.kind { true } else { false }
    let answer = isSoftmax ? "probabilities" : "scores"
    let (count, upper) = (model.classes, prefix.uppercased())
    let pixel = takesBytes ? "unsigned char" : "int8_t"
    let body = statements(answer)
    var text = """
      /* The network \(CHeader.commented(title)) in integers of 8 bits, written by runner. C99 or C++, without
         floating point and without a library. Right shifts of negative numbers are to be arithmetic, as every
         compiler has them.

             \(prefix)_\(answer)(pixels, \(answer)) gives the \(answer) of the \(count) classes as int8_t q, each
                 for the number \(output.number(" * ", "-")),
             \(prefix)_classify(pixels) the class, and \(prefix)_class_name(class) what that is called.

         pixels are \(extent.height) rows of \(extent.width) columns of \(channels) channel\(channels == 1 ? "" : "s"), \(
           takesBytes ? "of 0 to 255" : "int8_t q for the number \(input.number(" * ", "-"))").
         It takes \(memory.size) bytes of memory, which are shared: one image at a time. */
      #ifndef \(upper)_H
      #define \(upper)_H

      #include <stddef.h>
      #include <stdint.h>

      #define \(upper)_PIXELS \(input.shape.count)
      #define \(upper)_CLASSES \(count)
      /* Of the \(answer). */
      #define \(upper)_SCALE \(output.scale)f
      #define \(upper)_ZERO_POINT (\(output.zeroPoint))


      """
    var bytes = Array(text.utf8) + arrays
    let used = body.joined(separator: "\n")
    text = "static int8_t \(prefix)_memory[\(memory.size)];\n\n"
    text += QuantizedCFunctions.arithmetic.replacing("P_", with: "\(prefix)_") + "\n\n"
    for function in QuantizedCFunctions.all where used.contains("\(prefix)_\(function.name)(") {
      text += function.text.replacing("P_", with: "\(prefix)_") + "\n\n"
    }
    text += """
      static inline void \(prefix)_\(answer)(const \(pixel) *pixels, int8_t *\(answer)) {
        int8_t *memory = \(prefix)_memory;
      \(body.map { "  \($0)" }.joined(separator: "\n"))
      }

      static inline int \(prefix)_classify(const \(pixel) *pixels) {
        int8_t \(answer)[\(count)];
        int most = 0;
        \(prefix)_\(answer)(pixels, \(answer));
        for (int n = 1; n < \(count); n++)
          if (\(answer)[n] > \(answer)[most]) most = n;
        return most;
      }

      static inline const char *\(prefix)_class_name(int number) {
        static const char *const names[\(count)] = {
      \(classNames.map { "      \(CHeader.quoted($0))," }.joined(separator: "\n"))
        };
        return names[number];
      }

      #endif

      """
    bytes += Array(text.utf8)
    return bytes
  }

  private func place(_ value: Int) -> String {
    let value = memoryValues[value]
    return "memory + \(value == 0 ? memory.images : memory.places[value - 1])"
  }

  /// What is done to one image.
  private func statements(_ answer: String) -> [String] {
    let (count, channels) = (model.input.shape.count, model.input.shape.channels)
    let pixel =
      !takesBytes
      ? "pixels[i]"
      : table.isEmpty
        ? "(int8_t)(pixels[i] - 128)"
        : "\(prefix)_table[\(channels == 1 ? "" : "i % \(channels) * 256 + ")pixels[i]]"
    var lines = ["for (int i = 0; i < \(count); i++) (\(place(0)))[i] = \(pixel);"]
    for (step, name) in zip(steps, names) { lines += statements(step, name) }
    let last = place(model.operations.last!.output)
    lines.append("for (int i = 0; i < \(model.classes); i++) \(answer)[i] = (\(last))[i];")
    return lines
  }

  private func statements(_ step: Step, _ name: String) -> [String] {
    let operation = step.operation
    let (input, output) = (
      model.values[operation.inputs[0]], model.values[operation.output]
    )
    let (x, y) = (place(operation.inputs[0]), place(step.output))
    let given = model.values[step.output].shape
    func pair(_ extent: Extent) -> String { "\(extent.height), \(extent.width)" }
    func call(_ function: String, _ arguments: String...) -> [String] {
      ["\(prefix)_\(function)(\(arguments.joined(separator: ", ")));"]
    }
    func bounds(_ activation: QuantizedActivation) -> String {
      let (low, high) = activation.bounds(output)
      return "\(output.zeroPoint), \(low - 128), \(high - 128)"
    }
    let (extent, channels) = (input.shape.extent, input.shape.channels)
    let from = "\(x), \(pair(extent)), \(channels)"
    let arrays = ["kernel", "bias", "multipliers", "shifts"]
      .map { "\(prefix)_\(name)_\($0)" }.joined(separator: ", ")
    switch operation.kind {
    case .conv2D(let window, let kernel, let activation):
      var pooled = Extent(1, 1)
      if case .maxPool(let pool) = step.pooling?.kind { pooled = pool.size }
      return call(
        "conv", from, "\(input.zeroPoint)", arrays, "\(y), \(pair(given.extent))",
        "\(kernel.bias.count)", pair(window.size), pair(window.stride), pair(window.dilation),
        "\(window.sides.top), \(window.sides.left)", pair(pooled), bounds(activation))
    case .depthwiseConv2D(let window, _, let activation):
      return call(
        "depthwise", from, "\(input.zeroPoint)", arrays, "\(y), \(pair(given.extent))",
        pair(window.size), pair(window.stride), pair(window.dilation),
        "\(window.sides.top), \(window.sides.left)", bounds(activation))
    case .dense(let kernel, let activation):
      return call(
        "dense", "\(x), \(input.shape.count)", "\(input.zeroPoint)", arrays, y,
        "\(kernel.bias.count)", bounds(activation))
    case .maxPool(let window), .averagePool(let window):
      let isMaximum = if case .maxPool = operation.kind { true } else { false }
      return call(
        isMaximum ? "max_pool" : "average_pool", from, "\(y), \(pair(given.extent))",
        pair(window.size), pair(window.stride), "\(window.sides.top), \(window.sides.left)")
    case .mean:
      let scale = input.meanMultiplier(to: output)
      return call(
        "mean", "\(x), \(extent.height * extent.width), \(channels)", "\(input.zeroPoint)", y,
        "\(scale.multiplier), \(scale.shift)", "\(output.zeroPoint)")
    case .add(let activation):
      let other = model.values[operation.inputs[1]]
      let scales = SumMultipliers(of: input, other, to: output)
      func scaling(_ multiplier: FixedPointMultiplier) -> String {
        "\(multiplier.multiplier), \(multiplier.shift)"
      }
      return call(
        "add", x, place(operation.inputs[1]), y, "\(input.shape.count)",
        "\(input.zeroPoint), \(scaling(scales.inputs[0]))",
        "\(other.zeroPoint), \(scaling(scales.inputs[1]))", scaling(scales.output),
        bounds(activation))
    case .clamp(let activation):
      let (low, high) = activation.bounds(output)
      return call("clamp", x, y, "\(input.shape.count), \(low - 128), \(high - 128)")
    case .pad(let sides):
      return call(
        "pad", from, "\(input.zeroPoint)", "\(y), \(pair(given.extent))",
        "\(sides.top), \(sides.left)")
    case .reshape: return []
    case .softmax:
      let (multiplier, lowest) = input.softmaxMultiplier
      return call(
        "softmax", x, y, "\(input.shape.count)",
        "\(multiplier.multiplier), \(multiplier.shift), \(lowest)")
    }
  }
}
