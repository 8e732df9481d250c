import ConvNet
import ONNX

/// What an imported model answers beside what its file says, worked out operator by operator.
public struct ImportCheck: Hashable, Sendable {
  /// How many images of noise were asked about.
  public let count: Int
  /// The largest magnitude among the file's scores, or its probabilities.
  public let largestScore: Float
  public let largestDifference: Float

  /// How much of the largest score a difference may be: sums in another order, layer after layer.
  public static let tolerance: Float = 1e-4

  /// Nil where all is well.
  public var complaint: String? {
    guard largestScore.isFinite, largestDifference.isFinite else {
      return "gives scores of noise that are not finite, by which nothing can be checked"
    }
    guard largestDifference <= Self.tolerance * largestScore else {
      return "its model answers otherwise than the file says: scores differ by "
        + "\(largestDifference) of up to \(largestScore)"
    }
    return nil
  }

  /// Asks a model about the images that a file was asked about.
  /// - Throws: `ExchangeError` where they are not of as many scores; `OutOfMemory`.
  init(_ model: inout Model, _ expected: ExpectedScores) throws {
    let images = expected.images
    let found = try model.scoresInPlace(of: images)
    count = images.count
    guard expected.scores.count == found.count else {
      throw ExchangeError(
        "gives \(expected.scores.count) scores, where its model gives \(found.count)")
    }
    var (largest, difference): (Float, Float) = (0, 0)
    for (score, own) in zip(expected.scores, found) {
      largest = score.isFinite ? max(largest, abs(score)) : .infinity
      difference = max(difference, own.isFinite ? abs(score - own) : .infinity)
    }
    (largestScore, largestDifference) = (largest, difference)
  }
}

/// What a file says of some images of noise.
struct ExpectedScores {
  fileprivate let images: NoiseImages
  fileprivate let scores: [Float]

  /// The images are what comes of pixels divided by 255.
  /// - Parameters:
  ///   - graph: what was read of the file.
  ///   - beforeSoftmax: whether the scores are what a softmax at its end reads.
  ///   - team: who works them out; nil: the caller alone.
  init(
    _ file: ONNXFile, as graph: Graph, size: Extent?, beforeSoftmax: Bool, team: Team? = nil
  ) throws(ExchangeError) {
    images = NoiseImages(graph.input, count: 2)
    scores = try ONNXRun(file, size: size, team: team).scores(
      of: images, scale: graph.scale ?? 1, beforeSoftmax: beforeSoftmax)
  }
}

/// Numbers of 0 to 1, drawn evenly.
private final class NoiseImages: ImageSamples {
  let sampleShape: Shape
  let count: Int

  init(_ shape: Shape, count: Int) { (sampleShape, self.count) = (shape, count) }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    var stream = RandomStream(seed: 1, purpose: .probe, sample: UInt32(sample))
    for i in 0..<sampleShape.count { destination[i] = stream.uniform() }
  }
}

/// A file at work: every operator computed as it is told, in its own layout.
struct ONNXRun {
  private let file: ONNXFile
  private let size: Extent?
  private let evaluator: ONNXEvaluator

  init(_ file: ONNXFile, size: Extent?, team: Team? = nil) {
    (self.file, self.size) = (file, size)
    evaluator = ONNXEvaluator(opset: file.opset, most: 1 << 28, team: team)
  }

  /// - Parameters:
  ///   - scale: what images are divided by before.
  ///   - beforeSoftmax: whether to give what the softmax at the end reads.
  func scores(
    of images: some ImageSamples, scale: Float, beforeSoftmax: Bool
  ) throws(ExchangeError) -> [Float] {
    guard let port = file.inputs.first, var output = file.outputs.first?.name else { return [] }
    if beforeSoftmax {
      let softmax = file.nodes.last { $0.op == "Softmax" || $0.op == "LogSoftmax" }
      output = softmax?.inputs.first ?? output
    }
    guard case .image(let height, let width, let channels) = images.sampleShape else { return [] }
    var wanted = [Int]()
    if case .fixed(let count) = port.sizes[0], count > 0 { wanted = [count] }
    let count = max(images.count, wanted.first ?? 0)
    var values: [Float] = []
    for image in 0..<count {
      var one = [Float](repeating: 0, count: images.sampleShape.count)
      one.withUnsafeMutableBufferPointer {
        images.fill($0.baseAddress!, sample: image % images.count, epoch: 0, worker: 0)
      }
      values += one.map { $0 / scale }
    }
    let all = Tensor(values, shape: [count, height, width, channels])
    func isSize(_ place: Int, _ size: Int) -> Bool {
      if case .fixed(let own) = port.sizes[place] { own == size } else { true }
    }
    let isLast = ONNXReader.hasChannelsLast(file, port)
    guard isSize(isLast ? 3 : 1, channels) else { return [] }
    let ordered = isLast ? all : all.transposed([0, 3, 1, 2])
    let batch = wanted.first ?? count
    let size = ordered.values.count / count
    var scores: [Float] = []
    for first in stride(from: 0, to: count, by: batch) {
      let part = Tensor(
        Array(ordered.values[first * size..<(first + batch) * size]),
        shape: [batch] + ordered.shape.dropFirst())
      scores += try run(port.name, part, output)
    }
    return Array(scores.prefix(scores.count / count * images.count))
  }

  /// - Parameter images: in the order of the file's own input.
  func scores(of images: Tensor) throws(ExchangeError) -> [Float] {
    guard let port = file.inputs.first, let output = file.outputs.first else { return [] }
    return try run(port.name, images, output.name)
  }

  private func run(
    _ input: String, _ images: Tensor, _ output: String
  ) throws(ExchangeError) -> [Float] {
    var values: [String: ONNXArray] = [input: .floats(images)]
    let constants = Dictionary(
      file.constants.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    var readers: [String: Int] = [output: 1]
    for node in file.nodes { for name in node.inputs { readers[name, default: 0] += 1 } }
    // What does not lead to the output is not computed.
    var needed: Set = [output]
    var isNeeded = file.nodes.map { _ in false }
    for (place, node) in file.nodes.enumerated().reversed()
    where node.outputs.contains(where: needed.contains) {
      isNeeded[place] = true
      needed.formUnion(node.inputs)
    }
    for (place, node) in file.nodes.enumerated() where isNeeded[place] {
      let result = try evaluator.evaluate(
        node, node.inputs.map { $0.isEmpty ? nil : values[$0] ?? constants[$0] })
      for name in node.inputs {
        readers[name, default: 0] -= 1
        if readers[name] == 0 { values[name] = nil }
      }
      if let name = node.outputs.first { values[name] = result }
    }
    guard let result = values[output]?.numbers else {
      throw ExchangeError("gives \(output), which is not of floats")
    }
    return result
  }
}
