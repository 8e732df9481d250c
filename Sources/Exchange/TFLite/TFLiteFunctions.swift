import ConvNet

// Frames, merges, and functions of single numbers.
extension TFLiteWriter {
  mutating func write(
    _ frame: FrameDescription, _ x: Int, _ name: String, _ output: [Int]
  ) -> Int {
    frame.change == .zeroPad
      ? pad(x, frame.sides, "\(name)_y", output) : slice(x, frame.sides, "\(name)_y", output)
  }

  mutating func write(
    _ merge: Merge, _ node: Graph.Node, _ inputs: [Int], _ name: String, _ output: [Int]
  ) -> Int {
    if merge == .concat {
      return add(
        .concatenation, inputs, "\(name)_y", output, (10, [0: .int(output.count - 1)]))
    }
    // A vector is as an image of one position.
    var operands: [(value: Int, shape: [Int])] = []
    for (input, value) in zip(node.inputs, inputs) {
      let shape = graph.shape(of: input)
      if node.output.isImage, !shape.isImage {
        let sizes = [1, 1, 1, shape.channels]
        operands.append((reshape(value, "\(name)_image", sizes), sizes))
      } else {
        operands.append((value, batch(shape)))
      }
    }
    var (value, shape) = operands[0]
    for (i, operand) in operands.enumerated().dropFirst() {
      shape = zip(shape, operand.shape).map { max($0, $1) }
      value = arithmetic(
        merge == .add ? .add : .mul, value, operand.value, "\(name)_\(i)", shape)
    }
    return value
  }

  mutating func write(
    _ activation: Activation, _ x: Int, _ name: String, _ shape: [Int]
  ) -> Int {
    var step = 0
    func next() -> String {
      step += 1
      return "\(name)_\(step)"
    }
    func one(_ op: TFLiteFile.Operator, _ a: Int, _ writer: inout TFLiteWriter) -> Int {
      writer.add(op, [a], next(), shape)
    }
    func two(
      _ op: TFLiteFile.Operator, _ a: Int, _ b: Int, _ writer: inout TFLiteWriter
    ) -> Int { writer.arithmetic(op, a, b, next(), shape) }
    func with(
      _ op: TFLiteFile.Operator, _ a: Int, _ number: Float, _ writer: inout TFLiteWriter
    ) -> Int {
      let constant = writer.scalar(number)
      return two(op, a, constant, &writer)
    }
    switch activation {
    case .linear: return x
    case .relu: return one(.relu, x, &self)
    case .relu6: return one(.relu6, x, &self)
    case .leakyReLU(let slope): return add(.leakyRelu, [x], next(), shape, (75, [0: .float(slope)]))
    case .elu(let alpha):
      if alpha == 1 { return one(.elu, x, &self) }
      // max(x, 0) + α·elu(min(x, 0))
      let low = with(.minimum, x, 0, &self)
      let bent = one(.elu, low, &self)
      let scaled = with(.mul, bent, alpha, &self)
      let high = one(.relu, x, &self)
      return two(.add, high, scaled, &self)
    case .gelu(let approximate):
      return add(.gelu, [x], next(), shape, (116, approximate ? [0: .bool(true)] : Self.none))
    case .sigmoid: return one(.logistic, x, &self)
    case .hardSigmoid:
      let scaled = with(.mul, x, 1 / 6, &self)
      let line = with(.add, scaled, 0.5, &self)
      let high = with(.maximum, line, 0, &self)
      return with(.minimum, high, 1, &self)
    case .swish:
      let gate = one(.logistic, x, &self)
      return two(.mul, x, gate, &self)
    case .hardSwish: return add(.hardSwish, [x], next(), shape, (91, Self.none))
    case .mish:
      // x·n/(n + 2), n = e²ˣ + 2eˣ; from x = 20 on that is x
      let low = with(.minimum, x, 20, &self)
      let e = one(.exp, low, &self)
      let more = with(.add, e, 2, &self)
      let n = two(.mul, e, more, &self)
      let below = with(.add, n, 2, &self)
      let quotient = two(.div, n, below, &self)
      return two(.mul, x, quotient, &self)
    case .tanh: return one(.tanh, x, &self)
    case .softplus:
      // max(x, 0) + ln(1 + e^−|x|)
      let size = one(.abs, x, &self)
      let negative = one(.neg, size, &self)
      let e = one(.exp, negative, &self)
      let sum = with(.add, e, 1, &self)
      let logarithm = one(.log, sum, &self)
      let high = one(.relu, x, &self)
      return two(.add, high, logarithm, &self)
    case .softmax: return add(.softmax, [x], next(), shape, (9, [0: .float(1)]))
    }
  }
}
