import ConvNet
import Datasets
import Images
import Storage
import Testing

@testable import Exchange
@testable import Experiment
@testable import ONNX

/// Every format says what the model computes, and its bytes alone are believed.
@Suite struct ExportTests {
  private func file(_ model: Model) -> ModelFile {
    let input = model.plan.description.input
    var preparation = ImagePreparation()
    preparation.shape = ImageShape(
      height: input.extent.height, width: input.extent.width, channels: input.channels)
    return ModelFile(
      model: model, name: "a \"case\" */ of\u{301} many", classNames: ["a", "\"b\\", "č"],
      preparation: preparation, epoch: 1, kernel: "HASWELL")
  }

  private func options(_ format: ExchangeFormat, folding: Bool) -> ExportOptions {
    var options = ExportOptions(format)
    if format != .npz {
      (options.graph.foldsBatchNorms, options.graph.softmax) = (folding, folding)
    }
    return options
  }

  @Test(arguments: GraphCase.all, ExchangeFormat.allCases)
  func isReadBackAsItWas(_ example: GraphCase, _ format: ExchangeFormat) throws {
    let model = try example.made()
    for folding in [false, true] {
      let export = try Export(file(model), options(format, folding: folding))
      let files = try export.files(named: "case\(format.ending)")
      #expect(files == (try export.files(named: "case\(format.ending)")))
      let graph = try export.readBack(files)
      #expect(graph.scale == export.graph.scale)
      let scores = try Scores.of(model, probabilities: export.options.graph.softmax)
      #expect(try Scores.of(graph.model()).isClose(to: scores, within: 1e-5))
    }
  }

  /// A change of any byte is seen, or makes another graph.
  @Test(arguments: ExchangeFormat.allCases) func damage(_ format: ExchangeFormat) throws {
    for name in ["merges", "normalised by pixel", "norms of images"] {
      let example = try #require(GraphCase.all.first { $0.name == name })
      let export = try Export(file(example.made()), options(format, folding: false))
      let files = try export.files(named: "case\(format.ending)")
      let bytes = files[0].bytes
      var stream = RandomStream(seed: 2, purpose: .probe)
      func read(_ bytes: [UInt8]) throws -> Graph {
        var files = files
        files[0] = ExportedFile(name: files[0].name, bytes: bytes)
        return try export.readBack(files)
      }
      for length in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 50) {
        #expect(throws: ExchangeError.self) { try read(Array(bytes[..<length])).model() }
      }
      for _ in 0..<100 {
        var damaged = bytes
        damaged[Int(stream.below(UInt32(bytes.count)))] ^= UInt8(1 << stream.below(8))
        do { _ = try read(damaged).model() } catch is ExchangeError {}
      }
    }
  }

  @Test func optionsThatAFormatCannotFollow() throws {
    let model = file(try GraphCase.all[0].made())
    var options = ExportOptions(.npz)
    options.graph.softmax = true
    #expect(throws: ExchangeError.self) { try Export(model, options) }
    options = ExportOptions(.c)
    options.layout = .nhwc
    #expect(throws: ExchangeError.self) { try Export(model, options) }
  }

  @Test func weightsThatCHasNoWordFor() throws {
    var model = try GraphCase.all[0].made()
    model.weights[3] = .infinity
    #expect(throws: ExchangeError.self) {
      try Export(file(model), ExportOptions(.c)).files(named: "case.h")
    }
  }

  /// The comparison counts what differs.
  @Test func comparison() throws {
    let example = try #require(GraphCase.all.first { $0.name == "merges" })
    let model = file(try example.made())
    let images = CheckedImages(noise: 20, seed: 1, for: model)
    #expect(images.digest == CheckedImages(noise: 20, seed: 1, for: model).digest)
    #expect(images.digest != CheckedImages(noise: 20, seed: 2, for: model).digest)
    let team = try Team(threads: 1)
    let export = try Export(model, ExportOptions(.onnx))
    let files = try export.files(named: "case.onnx")
    let scores = try export.scores(of: images, team: team)
    let same = try export.compare(files, with: scores, on: images, team: team)
    #expect(same.isPassed && same.complaint == nil && same.modelAccuracy == nil)
    var others = scores
    others.swapAt(3, 4)
    others.swapAt(4, 5)
    let other = try export.compare(files, with: others, on: images, team: team)
    #expect(other.differingAnswers <= 1 && other.largestDifference > 0)
    #expect(other.complaint != nil)
  }
}
