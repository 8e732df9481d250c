import ConvNet
import ONNX

// What is done to images before the first layer.
extension ONNXReader {
  /// Whether a value is the images as they come in, or prepared, on its way to be so further: others read
  /// it not, as the parts of a function would.
  func isPreparation(_ value: ONNXValue, _ node: ONNXFile.Node) -> Bool {
    value.input == .images && value.function == nil && value.preparation.count < 8
      && node.inputs.allSatisfy { values[$0] == nil || readers[$0] == 1 }
  }

  mutating func readPreparation(
    _ node: ONNXFile.Node, _ value: ONNXValue, _ array: ONNXArray
  ) throws(ExchangeError) {
    let isFirst = constants[node.inputs[0]] != nil
    guard let numbers = imageNumbers(array, value.layout) else {
      throw refused(node, "its constant is not of the images, or of their channels")
    }
    if numbers.count > 1 { try hold(numbers.count, node) }
    var prepared = value
    switch node.op {
    case "Mul": prepared.preparation.append(.multiplied(numbers))
    case "Add": prepared.preparation.append(.added(numbers))
    case "Div" where !isFirst: prepared.preparation.append(.divided(numbers))
    case "Sub" where !isFirst: prepared.preparation.append(.subtracted(numbers))
    case "Sub": prepared.preparation += [.multiplied([-1]), .added(numbers)]
    default: throw refused(node, "of the images it is not read")
    }
    try define(node, prepared)
  }

  /// A constant as the catalogue has it: one number, one of each channel, or one of each number of an
  /// image, rows, columns, channels.
  private func imageNumbers(_ array: ONNXArray, _ layout: ONNXValueLayout) -> [Float]? {
    if array.shape.allSatisfy({ $0 == 1 }) { return array.numbers }
    if let row = channelNumbers(array, layout, isVector: false) { return row }
    let sizes = layout.sizes
    let missing = sizes.count + 1 - array.shape.count
    guard missing >= 0 else { return nil }
    let shape = Array(repeating: 1, count: missing) + array.shape
    guard shape[0] == 1, Array(shape.dropFirst()) == sizes, let tensor = array.tensor() else {
      return nil
    }
    return layout.ordered(tensor).values
  }

  /// Every layer that reads the images is to read the same.
  func commit(_ steps: [ONNXPreparation], to known: inout [ONNXPreparation]?) throws(ExchangeError)
  {
    guard known == nil || known == steps else {
      throw ExchangeError("prepares its images in two ways, of which a model has but one")
    }
    known = steps
  }

  mutating func commit(_ steps: [ONNXPreparation]) throws(ExchangeError) {
    var known = preparation
    try commit(steps, to: &known)
    preparation = known
  }

  /// Puts down what is done to the images: a factor for all, then a normalisation.
  mutating func prepare(_ steps: [ONNXPreparation]) throws(ExchangeError) {
    var rest = steps[...]
    // As this program writes it, to the last bit.
    if case .multiplied(let scale)? = rest.first, scale.count == 1 {
      graph.scale = scale[0]
      rest.removeFirst()
    }
    if rest.isEmpty { return }
    if case .subtracted(let mean)? = rest.first, rest.count == 2 {
      let channels = graph.input.channels
      switch rest.last {
      case .multiplied(let factor) where factor.count == mean.count && factor.count >= channels:
        graph.normalization = Normalization(mean: mean, factor: factor, whitening: [])
        return
      case .whitened(let matrix):
        // Of each channel it is the same for all of its pixels.
        let all = (0..<graph.input.count).map {
          mean[mean.count == graph.input.count ? $0 : $0 % mean.count]
        }
        graph.normalization = Normalization(mean: all, factor: [], whitening: matrix)
        return
      default: break
      }
    }
    try prepare(byLines: Array(rest))
  }

  /// x·a + b = (x − m)·a, m = −b/a, of each channel or each number.
  private mutating func prepare(byLines steps: [ONNXPreparation]) throws(ExchangeError) {
    let count = steps.map { step in
      switch step {
      case .multiplied(let row), .divided(let row), .added(let row), .subtracted(let row),
        .whitened(let row):
        row.count
      }
    }.reduce(graph.input.channels, max)
    var (factor, offset) = (
      [Double](repeating: 1, count: count), [Double](repeating: 0, count: count)
    )
    for step in steps {
      func each(_ row: [Float], _ body: (Int, Double) -> Void) {
        for i in 0..<count { body(i, Double(row[i % row.count])) }
      }
      switch step {
      case .multiplied(let row):
        each(row) {
          factor[$0] *= $1
          offset[$0] *= $1
        }
      case .divided(let row):
        each(row) {
          factor[$0] /= $1
          offset[$0] /= $1
        }
      case .added(let row): each(row) { offset[$0] += $1 }
      case .subtracted(let row): each(row) { offset[$0] -= $1 }
      case .whitened: throw ExchangeError("whitens its images, and goes on preparing them")
      }
    }
    guard factor.allSatisfy({ $0.isFinite && $0 != 0 }), offset.allSatisfy(\.isFinite) else {
      throw ExchangeError("multiplies its images by 0, or by what is no number")
    }
    graph.normalization = Normalization(
      mean: zip(factor, offset).map { Float(-$1 / $0) }, factor: factor.map { Float($0) },
      whitening: [])
  }
}
