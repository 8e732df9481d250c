import ConvNet
import Datasets
import Foundation
import Storage
import Testing

@testable import Exchange
@testable import Experiment

/// A quantised network and its .tflite: Fixtures/make_int8.py asked LiteRT's reference kernels about it.
@Suite struct LiteRTTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures")

  private struct Fixture {
    let file: QuantizedModelFile
    let images: ImageSet
    let exports: JSONValue

    init() throws {
      file = try QuantizedModelFile(reading: folder.appending(path: "tiny.int8.safetensors").path)
      let json = try JSONValue(
        parsing: Array(Data(contentsOf: folder.appending(path: "int8.json"))), name: "int8.json")
      let pixels = try #require(Data(base64Encoded: json["images"]?.string ?? ""))
      images = ImageSet(
        height: 28, width: 28, channels: 1, classes: 10, pixels: [UInt8](pixels),
        labels: Labels(repeating: 0, count: pixels.count / 784))
      exports = try #require(json["exports"])
    }
  }

  private func options(softmax: Bool = false, preparation: Bool = true) -> ExportOptions {
    var options = ExportOptions(.tflite)
    (options.graph.softmax, options.graph.preparation) = (softmax, preparation)
    return options
  }

  @Test(arguments: ["scores", "probabilities"], IntegerPath.allCases)
  func answersAsLiteRTDoes(_ name: String, _ path: IntegerPath) throws {
    guard path.runs else { return }
    let fixture = try Fixture()
    let recorded = try #require(fixture.exports[name])
    let export = try QuantizedExport(fixture.file, options(softmax: name == "probabilities"))
    let files = try export.files(named: "tiny.tflite")
    #expect(SHA256.hex(of: files[0].bytes) == recorded["sha256"]?.string)
    let model = name == "scores" ? fixture.file.model : fixture.file.model.withSoftmax
    let network = try QuantizedInference(model, team: Team(threads: 1), path: path)
    let answers = try #require(recorded["answers"]?.array)
    #expect(answers.count == 20)
    for (image, answer) in answers.enumerated() {
      let found = network.quantizedScores(of: ImageSource(fixture.images), sample: image)
      #expect(found.map(Int.init) == answer.array?.compactMap(\.int))
    }
  }

  @Test func isReadBackAsItWas() throws {
    let fixture = try Fixture()
    let team = try Team(threads: 1)
    let images = CheckedImages(noise: 20, seed: 1, for: .integers(fixture.file))
    for (softmax, preparation) in [(false, true), (true, false)] {
      let export = try QuantizedExport(
        fixture.file, options(softmax: softmax, preparation: preparation))
      var files = try export.files(named: "tiny.tflite")
      let scores = try export.scores(of: images, team: team)
      let comparison = try export.compare(files, with: scores, on: images, team: team)
      #expect(comparison.isPassed && comparison.largestDifference == 0)
      // A change of any byte is seen, or changes an answer.
      var stream = RandomStream(seed: 2, purpose: .probe)
      let bytes = files[0].bytes
      for length in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 50) {
        files[0] = ExportedFile(name: "tiny.tflite", bytes: Array(bytes[..<length]))
        #expect(throws: ExchangeError.self) {
          try export.compare(files, with: scores, on: images, team: team)
        }
      }
      for _ in 0..<100 {
        var damaged = bytes
        damaged[Int(stream.below(UInt32(bytes.count)))] ^= UInt8(1 << stream.below(8))
        files[0] = ExportedFile(name: "tiny.tflite", bytes: damaged)
        do {
          _ = try export.compare(files, with: scores, on: images, team: team)
        } catch is ExchangeError {}
      }
    }
  }

  /// Normalised images come as floats; whitened ones have no form in the file.
  @Test func preparations() throws {
    var file = try Fixture().file
    file.model.normalization = Normalization(mean: [0.1], factor: [3], whitening: [])
    let export = try QuantizedExport(file, options())
    let images = CheckedImages(noise: 5, seed: 1, for: .integers(file))
    let team = try Team(threads: 1)
    let comparison = try export.compare(
      export.files(named: "a.tflite"), with: export.scores(of: images, team: team), on: images,
      team: team)
    #expect(comparison.isPassed)
    file.model.normalization = Normalization(
      mean: Array(repeating: 0, count: 784), factor: [],
      whitening: Array(repeating: 0, count: 784 * 784))
    let whitened = try QuantizedExport(file, options())
    #expect(throws: ExchangeError.self) { try whitened.files(named: "a.tflite") }
    _ = try QuantizedExport(file, options(preparation: false)).files(named: "a.tflite")
  }

  @Test func optionsThatItCannotFollow() throws {
    let file = try Fixture().file
    #expect(throws: ExchangeError.self) { try QuantizedExport(file, ExportOptions(.onnx)) }
    var folding = options()
    folding.graph.foldsBatchNorms = true
    #expect(throws: ExchangeError.self) { try QuantizedExport(file, folding) }
  }

  /// The file says what it is, to the byte, and is refused where it isn't whole.
  @Test func theModelsFile() throws {
    let file = try Fixture().file
    let bytes = file.encoded
    #expect(
      bytes == [UInt8](try Data(contentsOf: Self.folder.appending(path: "tiny.int8.safetensors"))))
    let path = FileManager.default.temporaryDirectory
      .appending(path: "quantized-\(ProcessInfo.processInfo.processIdentifier).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var stream = RandomStream(seed: 4, purpose: .probe)
    for _ in 0..<60 {
      var damaged = bytes
      damaged[Int(stream.below(UInt32(bytes.count)))] ^= UInt8(1 << stream.below(8))
      try Data(damaged).write(to: URL(filePath: path))
      #expect(throws: RecordError.self) { try QuantizedModelFile(reading: path) }
    }
    try Data(bytes).write(to: URL(filePath: path))
    #expect(try QuantizedModelFile.isOne(path))
    #expect(throws: RecordError.self) { try ModelFile(reading: path) }
    #expect(try QuantizedModelFile(reading: path).model == file.model)
  }
}
