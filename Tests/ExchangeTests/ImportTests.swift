import ConvNet
import Foundation
import Storage
import Testing

@testable import Exchange
@testable import ONNX

/// What PyTorch, Keras and tf2onnx export is read, and answers as ONNX Runtime does; see
/// Fixtures/make_onnx.py.
@Suite struct ImportTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/onnx")

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: "\(name).onnx")))
  }

  private static func imported(
    _ name: String, _ options: ImportOptions = ImportOptions()
  ) throws -> ImportedModel {
    try ImportedModel(onnx: bytes(name), options)
  }

  private struct Answers: Decodable { let scores: [[Float]] }

  @Test(arguments: [
    "lenet-script", "lenet-dynamo", "residual-script", "residual-dynamo", "functions-script",
    "functions-dynamo", "viewed-script", "viewed-dynamo", "dense-script", "dense-dynamo",
    "digits-keras", "digits-tf2onnx", "blocks-keras", "blocks-tf2onnx",
  ])
  func answersAsONNXRuntimeDoes(_ name: String) throws {
    let imported = try Self.imported(name)
    #expect(imported.check.complaint == nil && imported.check.largestScore > 0)
    let expected = try JSONDecoder().decode(
      Answers.self, from: Data(contentsOf: Self.folder.appending(path: "\(name).json"))
    ).scores
    let inference = try Inference(imported.model, team: Team(threads: 1))
    let images = PatternImages(imported.model.plan.description.input)
    let classes = imported.model.plan.description.classes
    var found = [Float](repeating: 0, count: 2 * classes)
    if name.hasPrefix("functions") || name.hasPrefix("digits") {
      found = inference.probabilities(of: images)
    } else if name.hasPrefix("viewed") {
      found = inference.probabilities(of: images).map { Elementary.log($0) }
    } else {
      found.withUnsafeMutableBufferPointer {
        inference.scores(of: images, range: 0..<2, into: $0)
      }
    }
    let all = expected.flatMap { $0 }
    let largest = all.map { abs($0) }.max()!
    #expect(found.count == all.count)
    for (x, y) in zip(found, all) { #expect(abs(x - y) <= 1e-5 * largest, "\(x) \(y)") }
  }

  @Test func isWrittenAsPeopleWriteIt() throws {
    func conv(
      _ filters: Int, _ kernel: Int, padding: Padding = .same, _ activation: Activation = .linear
    ) -> ModelItem {
      .layer(
        .conv2D(
          Conv2DDescription(
            filters: filters, kernel: Extent(kernel, kernel), padding: padding,
            activation: activation)))
    }
    let pool = ModelItem.layer(.maxPool(MaxPoolDescription()))
    let lenet: [ModelItem] = [
      conv(4, 5, .relu), pool, conv(6, 3, padding: .valid, .relu), pool, .layer(.flatten),
      .layer(.dense(DenseDescription(units: 12, activation: .relu))),
      .layer(.dense(DenseDescription(units: 10))),
    ]
    for kind in ["script", "dynamo"] {
      #expect(try Self.imported("lenet-\(kind)").model.plan.description.model == lenet)
    }
    let residual = try Self.imported("residual-script").model.plan.description.model
    #expect(residual == (try Self.imported("residual-dynamo").model.plan.description.model))
    #expect(
      residual[1]
        == .repeated(2, [.residual([conv(4, 3, .relu), conv(4, 3)], activation: .relu)]))
    #expect(residual.count == 5)
  }

  /// Whatever the pixels are to be made into, it is the same as to prepare them by hand.
  @Test func preparation() throws {
    var options = ImportOptions()
    (options.scale, options.mean, options.deviation) = (1, [10, 20, 30], [50])
    let prepared = try Self.imported("residual-script", options).model
    let own = try Self.imported("residual-script").model
    let images = PatternImages(own.plan.description.input)
    let byHand = PatternImages(own.plan.description.input) { value, channel in
      (255 * value - Float(10 * (channel + 1))) / 50
    }
    let found = try Inference(prepared, team: Team(threads: 1)).probabilities(of: images)
    let expected = try Inference(own, team: Team(threads: 1)).probabilities(of: byHand)
    for (x, y) in zip(found, expected) { #expect(abs(x - y) <= 1e-5) }
    options.mean = [1, 2]
    #expect(throws: ExchangeError.self) { try Self.imported("residual-script", options) }
  }

  /// All that is not read is told at once, by name.
  @Test func refusals() throws {
    var file = try ONNXFile(parsing: Self.bytes("lenet-script"))
    let relus = file.nodes.indices.filter { file.nodes[$0].op == "Relu" }
    file.nodes[relus[0]].op = "LRN"
    file.nodes[relus[1]].op = "Selu"
    file.nodes[relus[2]].op = "Hardmax"
    #expect {
      _ = try ImportedModel(onnx: file.encoded, ImportOptions())
    } throws: { error in
      let text = "\(error)"
      return text.contains("3 operators") && text.contains("LRN /1/Relu")
        && text.contains("Selu /4/Relu") && text.contains("Hardmax /9/Relu")
    }
  }

  /// Of a file no more is read at a time than a tensor, and the same model comes of it.
  @Test func filesAreReadPieceByPiece() throws {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 20, width: 20, channels: 1),
        layers: [
          .conv2D(Conv2DDescription(filters: 3, kernel: Extent(3, 3))), .flatten,
          .dense(DenseDescription(units: 70, activation: .relu)),
          .dense(DenseDescription(units: 4)),
        ], classes: 4))
    let model = try Model(plan, seed: 1)
    let bytes = try ONNXWriter.file(Graph(model), name: "a", layout: .nchw, metadata: []).encoded
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "a.onnx").path
    try Data(bytes).write(to: URL(filePath: path))
    let taken = try ImportedModel(reading: path, ImportOptions())
    #expect(taken.model.weights == model.weights)
    #expect(taken.check == (try ImportedModel(onnx: bytes, ImportOptions())).check)
    // It becomes shorter while it is read.
    let file = try PiecewiseFile(path)
    let whole = try ONNXFile(parsing: FileBytes(file))
    try Data(bytes.prefix(bytes.count / 2)).write(to: URL(filePath: path), options: [])
    #expect(truncate(path, off_t(bytes.count / 2)) == 0)
    let numbers = whole.constants.map { $0.value.numbers?.count ?? 0 }
    #expect(numbers.max() == 3 * 18 * 18 * 70)
    #expect(file.failure != nil)
  }

  /// A model that answers otherwise than its file is told from one that does not.
  @Test func differencesAreSeen() throws {
    let file = try ONNXFile(parsing: Self.bytes("lenet-script"))
    let graph = try ONNXReader.graph(of: file)
    var model = try graph.model()
    let expected = try ExpectedScores(file, as: graph, size: nil, beforeSoftmax: false)
    func check() throws -> ImportCheck { try ImportCheck(&model, expected) }
    #expect(try check().complaint == nil)
    model.weights[0] += 0.5
    #expect(try check().complaint != nil)
  }
}

/// Two images whose pixel i is (31·i + 7·i²) mod 256, divided by 255.
private final class PatternImages: ImageSamples {
  let sampleShape: Shape
  let count = 2
  private let change: @Sendable (Float, Int) -> Float

  init(_ shape: Shape, _ change: @escaping @Sendable (Float, Int) -> Float = { value, _ in value })
  {
    (sampleShape, self.change) = (shape, change)
  }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    for place in 0..<sampleShape.count {
      let i = sample * sampleShape.count + place
      let pixel = Float((31 * i + 7 * i * i) % 256) * (1 / 255 as Float)
      destination[place] = change(pixel, place % sampleShape.channels)
    }
  }
}
