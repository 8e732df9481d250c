import ConvNet
import Testing

@testable import Exchange
@testable import ONNX

/// What is written as ONNX says what the model computes, to the last bit where nothing is folded.
@Suite struct ONNXTests {
  /// The file of a case, as bytes.
  private func bytes(
    _ graph: Graph, _ layout: ONNXLayout = .nchw
  ) throws -> [UInt8] {
    try ONNXWriter.file(graph, name: "case", layout: layout, metadata: []).encoded
  }

  private func readBack(_ bytes: [UInt8]) throws -> Graph {
    try ONNXReader.graph(of: ONNXFile(parsing: bytes))
  }

  @Test(arguments: GraphCase.all) func isReadBackAsItWas(_ example: GraphCase) throws {
    let model = try example.made()
    let graph = Graph(model)
    for layout in ONNXLayout.allCases {
      let bytes = try bytes(graph, layout)
      let again = try readBack(bytes)
      #expect(again.input == graph.input && again.scale == graph.scale)
      #expect(again.normalization == graph.normalization)
      let scores = try Scores.of(model)
      #expect(try Scores.of(graph.model()).isClose(to: scores, within: 1e-6))
      #expect(try Scores.of(again.model()) == Scores.of(graph.model()))
      // What was read is written to the same bytes, but for names.
      let layers = try readBack(self.bytes(again, layout)).nodes.map(\.layer)
      #expect(layers == again.nodes.map(\.layer))
    }
  }

  @Test(arguments: GraphCase.all) func withoutPreparationAndWithProbabilities(
    _ example: GraphCase
  ) throws {
    let model = try example.made()
    var options = Graph.Options()
    (options.preparation, options.softmax, options.foldsBatchNorms) = (false, true, true)
    let again = try readBack(bytes(Graph(model, options)))
    #expect(again.scale == nil && again.normalization == nil && again.endsInSoftmax)
    var rebuilt = try again.model()
    rebuilt.normalization = model.normalization
    #expect(try Scores.of(rebuilt).isClose(to: Scores.of(model, probabilities: true), within: 1e-5))
  }

  @Test func batchNormsAreFoldedWhereTheyCanBe() throws {
    func count(_ graph: Graph) -> Int {
      graph.nodes.count { if case .batchNorm = $0.layer { true } else { false } }
    }
    for (name, before, after) in [
      ("batch norms behind what can take them in", 3, 0), ("norms of images", 2, 1),
    ] {
      let example = try #require(GraphCase.all.first { $0.name == name })
      var graph = Graph(try example.made())
      #expect(count(graph) == before)
      #expect(graph.foldBatchNorms() == before - after)
      #expect(count(graph) == after)
    }
  }

  /// Whatever the bytes are, they are read or refused by an error.
  @Test func damagedBytesAreRefusedOrRead() throws {
    for name in ["merges", "whitened", "norms of images", "transposed convolutions"] {
      let example = try #require(GraphCase.all.first { $0.name == name })
      let bytes = try bytes(Graph(example.made()))
      var stream = RandomStream(seed: 1, purpose: .probe)
      for length in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 200) {
        #expect(throws: ExchangeError.self) { try readBack(Array(bytes[..<length])).model() }
      }
      for _ in 0..<400 {
        var damaged = bytes
        for _ in 0...stream.below(3) {
          damaged[Int(stream.below(UInt32(bytes.count)))] ^= UInt8(1 << stream.below(8))
        }
        do { _ = try readBack(damaged).model() } catch is ExchangeError {}
      }
    }
  }

  @Test func whatIsNotReadIsNamed() throws {
    let example = GraphCase.all[0]
    var file = try ONNXWriter.file(
      Graph(try example.made()), name: "case", layout: .nchw, metadata: [])
    let place = try #require(file.nodes.firstIndex { $0.op == "Relu" })
    file.nodes[place].op = "Hardmax"
    #expect {
      try readBack(file.encoded)
    } throws: { "\($0)".contains("Hardmax") }
  }
}

/// The scores of a model on three images of noise.
struct Scores: Equatable {
  let values: [Float]

  static func of(_ model: Model, probabilities: Bool = false) throws -> Scores {
    let source = Noise(model.plan.description.input)
    let inference = try Inference(model, team: Team(threads: 1))
    if probabilities { return Scores(values: inference.probabilities(of: source)) }
    var values = [Float](repeating: 0, count: 3 * model.plan.description.classes)
    values.withUnsafeMutableBufferPointer { inference.scores(of: source, range: 0..<3, into: $0) }
    return Scores(values: values)
  }

  /// Whether no score differs by more than a part of the largest.
  func isClose(to others: Scores, within tolerance: Float) -> Bool {
    let largest = others.values.map { abs($0) }.max()!
    return zip(values, others.values).allSatisfy { abs($0 - $1) <= tolerance * largest }
  }
}

private final class Noise: ImageSamples {
  let sampleShape: Shape
  let count = 3

  init(_ shape: Shape) { sampleShape = shape }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    var stream = RandomStream(seed: 7, purpose: .probe, sample: UInt32(sample))
    guard case .image(let height, let width, let channels) = sampleShape else { return }
    for i in 0..<height * width * channels { destination[i] = stream.uniform() }
  }
}
