import ConvNet
import Datasets
import Foundation
import Images
import Storage
import Testing

@testable import Exchange
@testable import Experiment
@testable import ONNX

/// A quantised network, its file, and its .tflite.
@Suite struct QuantizedExportTests {
  /// A small network with all that has a form in integers.
  private func file() throws -> QuantizedModelFile {
    let input = Shape.image(height: 9, width: 9, channels: 1)
    let plan = try NetworkPlan(
      NetworkDescription(
        input: input,
        model: [
          .layer(
            .conv2D(
              Conv2DDescription(
                filters: 6, kernel: Extent(3, 3), stride: Extent(2, 2), padding: .same,
                activation: .relu6))),
          .residual(
            [
              .layer(
                .depthwiseConv2D(
                  DepthwiseConv2DDescription(
                    kernel: Extent(3, 3),
                    padding: .explicit(top: 1, bottom: 1, left: 1, right: 1))))
            ], activation: .relu),
          .layer(
            .maxPool(
              MaxPoolDescription(
                size: Extent(2, 2), stride: Extent(1, 1),
                padding: .explicit(top: 1, bottom: 1, left: 1, right: 1)))),
          .layer(.averagePool(AveragePoolDescription())),
          .layer(.globalPool(GlobalPoolDescription(.average))),
          .layer(.dense(DenseDescription(units: 3))),
        ], classes: 3))
    let model = try Model(plan, seed: 3)
    var preparation = ImagePreparation()
    preparation.shape = ImageShape(height: 9, width: 9, channels: 1)
    let whole = ModelFile(
      model: model, name: "small", classNames: ["a", "b", "c"], preparation: preparation, epoch: 1,
      kernel: "HASWELL")
    let images = CheckedImages(noise: 20, seed: 5, for: whole)
    let quantized = try model.quantized(
      calibratedOn: ImageSource(images.images), team: Team(threads: 1))
    return QuantizedModelFile(quantized, of: whole, calibration: "min-max of noise")
  }

  private func options(softmax: Bool = false, preparation: Bool = true) -> ExportOptions {
    var options = ExportOptions(.tflite)
    (options.graph.softmax, options.graph.preparation) = (softmax, preparation)
    return options
  }

  @Test func isReadBackAsItWas() throws {
    let file = try self.file()
    let team = try Team(threads: 1)
    let images = CheckedImages(noise: 20, seed: 1, for: .integers(file))
    for (softmax, preparation) in [(false, true), (true, false)] {
      let export = try QuantizedExport(
        file, options(softmax: softmax, preparation: preparation))
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
    var file = try self.file()
    file.model.normalization = Normalization(mean: [0.1], factor: [3], whitening: [])
    let export = try QuantizedExport(file, options())
    let images = CheckedImages(noise: 5, seed: 1, for: .integers(file))
    let team = try Team(threads: 1)
    let comparison = try export.compare(
      export.files(named: "a.tflite"), with: export.scores(of: images, team: team), on: images,
      team: team)
    #expect(comparison.isPassed)
    file.model.normalization = Normalization(
      mean: Array(repeating: 0, count: 81), factor: [],
      whitening: Array(repeating: 0, count: 81 * 81))
    let whitened = try QuantizedExport(file, options())
    #expect(throws: ExchangeError.self) { try whitened.files(named: "a.tflite") }
    _ = try QuantizedExport(file, options(preparation: false)).files(named: "a.tflite")
  }

  @Test func optionsThatItCannotFollow() throws {
    let file = try self.file()
    #expect(throws: ExchangeError.self) { try QuantizedExport(file, ExportOptions(.onnx)) }
    var folding = options()
    folding.graph.foldsBatchNorms = true
    #expect(throws: ExchangeError.self) { try QuantizedExport(file, folding) }
  }

  /// The file says what it is, to the byte, and is refused where it isn't whole.
  @Test func theModelsFile() throws {
    let file = try self.file()
    let bytes = file.encoded
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
