import ConvNet
import ONNX

/// A graph as one C header: static arrays and loops, for C99 and later and for C++. Images are bytes, or
/// floats where they come prepared, rows, columns, channels; one goes through at a time.
struct CHeader {
  let graph: Graph
  let title: String
  let classNames: [String]
  /// What every name begins with.
  let prefix: String
  private let names: [String]
  private let memory: CMemory

  init(_ graph: Graph, title: String, classNames: [String]) throws(ExchangeError) {
    let numbers =
      graph.nodes.flatMap { $0.tensors.values.map(\.values) }
      + [graph.normalization?.mean, graph.normalization?.factor, graph.normalization?.whitening]
      .compactMap { $0 }
    guard numbers.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw ExchangeError("C has no way to write the weights that are not finite")
    }
    // Indices within a tensor are ints there.
    guard graph.nodes.allSatisfy({ $0.output.count < 1 << 30 }), graph.input.count < 1 << 30 else {
      throw ExchangeError("a value of 2^30 numbers is too large for the C header")
    }
    self.graph = graph
    self.title = title
    self.classNames = classNames
    var identifiers = Identifiers(reserved: [])
    prefix = identifiers.identifier(title)
    identifiers = Identifiers(
      reserved: Set(CFunctions.all.map(\.name) + ["tap", "images", "mean", "factor", "whitening"]))
    names = graph.nodes.map { identifiers.identifier($0.name) }
    memory = CMemory(graph) { $0.layer == .flatten || $0.layer == .activation(.linear) }
  }

  // MARK: arrays

  private struct NamedNumbers {
    let name: String
    let values: [Float]
  }

  private func arrayName(_ place: Int, _ role: TensorInfo.Role) -> String {
    "\(names[place])_\(role.rawValue)"
  }

  private var arrays: [NamedNumbers] {
    var arrays: [NamedNumbers] = []
    if let normalization = graph.normalization {
      for (name, values) in [
        ("mean", normalization.mean), ("factor", normalization.factor),
        ("whitening", normalization.whitening),
      ] where !values.isEmpty { arrays.append(NamedNumbers(name: name, values: values)) }
    }
    for (place, node) in graph.nodes.enumerated() {
      for (role, tensor) in node.tensors.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        arrays.append(NamedNumbers(name: arrayName(place, role), values: tensor.values))
      }
    }
    return arrays
  }

  /// The graph with the numbers of a header's arrays in the places of its own.
  /// - Throws: `ExchangeError` where an array is missing, or of another length.
  func graph(reading text: [UInt8]) throws(ExchangeError) -> Graph {
    let read = try Self.arrays(in: text, prefix: prefix)
    func values(_ name: String, _ count: Int) throws(ExchangeError) -> [Float] {
      guard let values = read[name], values.count == count else {
        throw ExchangeError("its array \(name) is missing, or of another length")
      }
      return values
    }
    var graph = graph
    for place in graph.nodes.indices {
      for (role, tensor) in graph.nodes[place].tensors {
        graph.nodes[place].tensors[role] = Tensor(
          try values(arrayName(place, role), tensor.values.count), shape: tensor.shape)
      }
    }
    if let normalization = graph.normalization {
      func part(_ name: String, _ own: [Float]) throws(ExchangeError) -> [Float] {
        own.isEmpty ? [] : try values(name, own.count)
      }
      graph.normalization = Normalization(
        mean: try part("mean", normalization.mean),
        factor: try part("factor", normalization.factor),
        whitening: try part("whitening", normalization.whitening))
    }
    return graph
  }

  /// `static const float P_NAME[COUNT] = {`, numbers and commas in lines, `};`
  private static func arrays(
    in text: [UInt8], prefix: String
  ) throws(ExchangeError) -> [String: [Float]] {
    try arrays(of: "float", in: text, prefix: prefix) { token in
      token.last == UInt8(ascii: "f")
        ? Float(String(decoding: token.dropLast(), as: UTF8.self)) : nil
    }
  }

  /// The same of other numbers, each as a word of the text has it.
  static func arrays<Number>(
    of type: String, in text: [UInt8], prefix: String, _ number: (ArraySlice<UInt8>) -> Number?
  ) throws(ExchangeError) -> [String: [Number]] {
    let mark = Array("static const \(type) \(prefix)_".utf8)
    var arrays: [String: [Number]] = [:]
    var name: String?
    var values: [Number] = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
      if let open = name {
        if line.starts(with: Array("};".utf8)) {
          arrays[open] = values
          (name, values) = (nil, [])
          continue
        }
        for token in line.split(whereSeparator: {
          $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ")
        }) {
          guard let value = number(token) else {
            throw ExchangeError("its array \(open) holds what is no number")
          }
          values.append(value)
        }
      } else if line.starts(with: mark) {
        name = String(
          decoding: line.dropFirst(mark.count).prefix { $0 != UInt8(ascii: "[") }, as: UTF8.self)
      }
    }
    return arrays
  }

  // MARK: text

  /// The bytes of the file.
  var bytes: [UInt8] {
    let (height, width, channels) = graph.input.sizes!
    let body = statements
    let guardName = "\(prefix.uppercased())_H"
    let isBytes = graph.scale != nil
    let input = isBytes ? "unsigned char" : "float"
    let answer = graph.endsInSoftmax ? "probabilities" : "scores"
    let count = graph.classes
    var text = """
      /* The network \(Self.commented(title)), written by runner. C99 or C++, with nothing but the mathematics
         library (-lm).

             \(prefix)_\(answer)(pixels, \(answer)) gives the \(answer) of the \(count) classes,
             \(prefix)_classify(pixels) the class, and \(prefix)_class_name(class) what that is called.

         pixels are \(height) rows of \(width) columns of \(channels) channels, \(
          isBytes ? "of 0 to 255" : "as the model has prepared them"). The memory is shared: one
         image at a time. */
      #ifndef \(guardName)
      #define \(guardName)

      #include <math.h>
      #include <stddef.h>

      #define \(prefix.uppercased())_PIXELS \(graph.input.count)
      #define \(prefix.uppercased())_CLASSES \(count)


      """
    var bytes = Array(text.utf8)
    for array in arrays {
      bytes += Array("static const float \(prefix)_\(array.name)[\(array.values.count)] = {\n".utf8)
      for start in stride(from: 0, to: array.values.count, by: 8) {
        let line = array.values[start..<min(start + 8, array.values.count)]
          .map { "\($0)f" }.joined(separator: ", ")
        bytes += Array("    \(line),\n".utf8)
      }
      bytes += Array("};\n\n".utf8)
    }
    let used = body.joined(separator: "\n")
    text = "static float \(prefix)_memory[\(memory.size)];\n\n"
    for function in CFunctions.all where used.contains("\(prefix)_\(function.name)(") {
      text += function.text.replacing("P_", with: "\(prefix)_") + "\n\n"
    }
    text += """
      static inline void \(prefix)_\(answer)(const \(input) *pixels, float *\(answer)) {
        float *memory = \(prefix)_memory;
      \(body.map { "  \($0)" }.joined(separator: "\n"))
      }

      static inline int \(prefix)_classify(const \(input) *pixels) {
        float \(answer)[\(count)];
        int most = 0;
        \(prefix)_\(answer)(pixels, \(answer));
        for (int n = 1; n < \(count); n++)
          if (\(answer)[n] > \(answer)[most]) most = n;
        return most;
      }

      static inline const char *\(prefix)_class_name(int number) {
        static const char *const names[\(count)] = {
      \(classNames.map { "      \(Self.quoted($0))," }.joined(separator: "\n"))
        };
        return names[number];
      }

      #endif

      """
    return bytes + Array(text.utf8)
  }

  static func commented(_ text: String) -> String {
    String(text.map { $0 == "*" || $0 == "/" || $0.isNewline ? "-" : $0 })
  }

  /// UTF-8 as octal escapes, so that no character of a name means anything to a compiler.
  static func quoted(_ text: String) -> String {
    "\""
      + text.utf8.map { byte in
        let isPlain = byte >= 32 && byte < 127 && !"\"\\?".utf8.contains(byte)
        let octal = String(byte, radix: 8)
        return isPlain
          ? String(UnicodeScalar(byte))
          : "\\" + String(repeating: "0", count: 3 - octal.count) + octal
      }.joined() + "\""
  }

  private func place(_ input: LayerInput) -> String {
    switch input {
    case .images: "memory + \(memory.images)"
    case .layer(let place): "memory + \(memory.places[place])"
    }
  }

  /// What is done to one image.
  private var statements: [String] {
    var lines = preparation
    for (number, node) in graph.nodes.enumerated() {
      lines += statements(node, number, node.inputs.map(place), place(.layer(number)))
    }
    let answer = graph.endsInSoftmax ? "probabilities" : "scores"
    let last = memory.places[graph.nodes.count - 1]
    lines.append("for (int i = 0; i < \(graph.classes); i++) \(answer)[i] = memory[\(last) + i];")
    return lines
  }

  private var preparation: [String] {
    let count = graph.input.count
    let target = memory.images == 0 ? "memory[i]" : "memory[\(memory.images) + i]"
    let value = graph.scale.map { "(float)pixels[i] * \($0)f" } ?? "pixels[i]"
    let loop = "for (int i = 0; i < \(count); i++) "
    guard let normalization = graph.normalization else { return [loop + "\(target) = \(value);"] }
    let period = normalization.mean.count
    let index = period == count ? "i" : "i % \(period)"
    let centred = "(\(value) - \(prefix)_mean[\(index)])"
    guard !normalization.whitening.isEmpty else {
      return [loop + "\(target) = \(centred) * \(prefix)_factor[\(index)];"]
    }
    return [
      loop + "\(target) = 0.0f;", "for (int j = 0; j < \(count); j++) {",
      "  float centred = (\(value) - \(prefix)_mean[\(index)]);".replacing("[i]", with: "[j]")
        .replacing("i %", with: "j %"),
      "  " + loop + "\(target) += centred * \(prefix)_whitening[(size_t)j * \(count) + (size_t)i];",
      "}",
    ]
  }

  private func statements(
    _ node: Graph.Node, _ number: Int, _ inputs: [String], _ y: String
  ) -> [String] {
    let x = inputs[0]
    let shape = graph.shape(of: node.inputs[0])
    let count = node.output.count
    func sizes(_ shape: Shape) -> String {
      "\(shape.extent.height), \(shape.extent.width), \(shape.channels)"
    }
    func pair(_ extent: Extent) -> String { "\(extent.height), \(extent.width)" }
    func array(_ role: TensorInfo.Role) -> String {
      node.tensors[role] == nil ? "NULL" : "\(prefix)_\(arrayName(number, role))"
    }
    func call(_ name: String, _ arguments: String...) -> [String] {
      ["\(prefix)_\(name)(\(arguments.joined(separator: ", ")));"]
    }
    let from = "\(x), \(sizes(shape))"
    let to = "\(y), \(sizes(node.output))"
    let toExtent = "\(y), \(pair(node.output.extent))"
    switch node.layer {
    case .conv2D(let conv):
      let sides = node.sides
      return call(
        "conv", from, array(.kernel), array(.bias), to, pair(conv.kernel), pair(conv.stride),
        pair(conv.dilation), "\(sides.top), \(sides.left), \(conv.groups)")
    case .conv2DTranspose(let conv):
      let (cut, _) = conv.sides(from: shape.extent, to: node.output.extent)
      return call(
        "conv_transpose", from, array(.kernel), array(.bias), to, pair(conv.kernel),
        pair(conv.stride), "\(cut.top), \(cut.left)")
    case .dense(let dense):
      return call(
        "dense", "\(x), \(shape.count)", array(.kernel), array(.bias), y, "\(dense.units)")
    case .maxPool(let pool):
      return call(
        "max_pool", from, toExtent, pair(pool.size), pair(pool.stride),
        "\(node.sides.top), \(node.sides.left)")
    case .averagePool(let pool):
      return call(
        "average_pool", from, toExtent, pair(pool.size), pair(pool.stride),
        "\(node.sides.top), \(node.sides.left), \(pool.countIncludePad ? 1 : 0)")
    case .globalPool(let pool):
      let name = pool.pooling == .average ? "average_pool" : "max_pool"
      let extent = pair(shape.extent)
      return call(
        name, from, "\(y), 1, 1", extent, extent, "0, 0" + (pool.pooling == .average ? ", 1" : ""))
    case .frame(let frame):
      let sign = frame.change == .zeroPad ? 1 : -1
      return call(
        "frame", from, toExtent, "\(sign * frame.sides.top), \(sign * frame.sides.left)")
    case .upsample(let upsample):
      return call(
        upsample.interpolation == .nearest ? "nearest" : "bilinear", from, y, pair(upsample.size))
    case .batchNorm(let norm):
      return call(
        "batch_norm", x, y, "\(count), \(shape.channels)", array(.movingMean),
        array(.movingVariance), array(.scale), array(.offset), "\(norm.epsilon)f")
    case .layerNorm(let norm):
      let channels = shape.channels
      let norm =
        "\(prefix)_group_norm(\(x) + i, \(y) + i, 1, \(channels), 1, \(array(.scale)), "
        + "\(array(.offset)), \(norm.epsilon)f);"
      return ["for (int i = 0; i < \(count); i += \(channels)) \(norm)"]
    case .groupNorm(let norm):
      return call(
        "group_norm", x, y, "\(count / shape.channels), \(shape.channels), \(norm.groups)",
        array(.scale), array(.offset), "\(norm.epsilon)f")
    case .prelu: return call("prelu", x, y, "\(count), \(shape.channels)", array(.slope))
    case .flatten, .activation(.linear): return []
    case .activation(.softmax): return call("softmax", x, y, "\(count), \(shape.channels)")
    case .activation(let activation):
      return [
        "for (int i = 0; i < \(count); i++) {", "  float x = (\(x))[i];",
        "  (\(y))[i] = \(Self.expression(activation));", "}",
      ]
    case .merge(let merge): return statements(merge.merge, node, inputs, y)
    case .dropout, .spatialDropout, .gaussianNoise, .depthwiseConv2D, .squeezeExcite, .fakeQuantize:
      preconditionFailure("a graph has no \(node.layer.kind)")
    }
  }

  private func statements(
    _ merge: Merge, _ node: Graph.Node, _ inputs: [String], _ y: String
  ) -> [String] {
    let shapes = node.inputs.map { graph.shape(of: $0) }
    let (count, channels) = (node.output.count, node.output.channels)
    switch merge {
    case .add:
      let sum = inputs.map { "(\($0))[i]" }.joined(separator: " + ")
      return ["for (int i = 0; i < \(count); i++) (\(y))[i] = \(sum);"]
    case .concat:
      var lines = ["for (int p = 0; p < \(count / channels); p++) {"]
      var first = 0
      for (input, shape) in zip(inputs, shapes) {
        let own = shape.channels
        lines.append(
          "  for (int n = 0; n < \(own); n++) (\(y))[p * \(channels) + \(first) + n] = "
            + "(\(input))[p * \(own) + n];")
        first += own
      }
      return lines + ["}"]
    case .multiply:
      let extent = node.output.extent
      return ["for (int i = 0; i < \(count); i++) (\(y))[i] = 1.0f;"]
        + zip(inputs, shapes).map { input, shape in
          "\(prefix)_multiply(\(y), \(extent.height), \(extent.width), \(channels), \(input), "
            + "\(shape.extent.height), \(shape.extent.width), \(shape.channels));"
        }
    }
  }

  /// A function of x.
  private static func expression(_ activation: Activation) -> String {
    switch activation {
    case .relu: "x > 0.0f ? x : 0.0f"
    case .relu6: "x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x"
    case .leakyReLU(let slope): "x > 0.0f ? x : \(slope)f * x"
    case .elu(let alpha): "x > 0.0f ? x : \(alpha)f * expm1f(x)"
    case .gelu(approximate: false): "0.5f * x * (1.0f + erff(x * 0.70710677f))"
    case .gelu(approximate: true):
      "0.5f * x * (1.0f + tanhf(0.7978846f * (x + 0.044715f * x * x * x)))"
    case .sigmoid: "1.0f / (1.0f + expf(-x))"
    case .hardSigmoid: "fminf(fmaxf(x / 6.0f + 0.5f, 0.0f), 1.0f)"
    case .swish: "x / (1.0f + expf(-x))"
    case .hardSwish: "x * fminf(fmaxf(x / 6.0f + 0.5f, 0.0f), 1.0f)"
    case .mish: "x * tanhf(fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))))"
    case .tanh: "tanhf(x)"
    case .softplus: "fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)))"
    case .linear, .softmax: preconditionFailure("it has a statement of its own")
    }
  }
}
