import ConvNet
import Datasets
import Foundation
import Images
import Quantization
import Storage
import Testing

@testable import Exchange
@testable import Experiment
@testable import ONNX

/// A quantised network, its file, and its .tflite.
@Suite struct QuantizedExportTests {
  /// A small network with all that has a form in integers.
  private func file(
    _ description: QuantizationDescription = QuantizationDescription(),
    _ spec: QuantizationSpec? = nil
  ) throws -> QuantizedModelFile {
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
      description, calibratedOn: ImageSource(images.images), team: Team(threads: 1))
    return QuantizedModelFile(quantized, of: whole, calibration: "min-max of noise", spec)
  }

  private func options(
    _ format: ExchangeFormat = .tflite, softmax: Bool = false, preparation: Bool = true
  ) -> ExportOptions {
    var options = ExportOptions(format)
    (options.graph.softmax, options.graph.preparation) = (softmax, preparation)
    return options
  }

  @Test(arguments: QuantizedExport.formats) func isReadBackAsItWas(
    _ format: ExchangeFormat
  ) throws {
    let file = try self.file()
    let team = try Team(threads: 1)
    let images = CheckedImages(noise: 20, seed: 1, for: .integers(file))
    let name = "tiny\(format.ending)"
    for (softmax, preparation) in [(false, true), (true, false)] {
      let export = try QuantizedExport(
        file, options(format, softmax: softmax, preparation: preparation))
      var files = try export.files(named: name)
      let scores = try export.scores(of: images, team: team)
      let comparison = try export.compare(files, with: scores, on: images, team: team)
      #expect(comparison.isPassed, "\(comparison)")
      // QDQ rounds sums of floats, and in one step.
      #expect(
        comparison.largestDifference
          <= (format == .onnx ? 2.01 * Double(softmax ? 1 / 256 : file.model.output.scale) : 0))
      // A change of any byte is seen, or changes an answer.
      var stream = RandomStream(seed: 2, purpose: .probe)
      let bytes = files[0].bytes
      for length in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 50) {
        files[0] = ExportedFile(name: name, bytes: Array(bytes[..<length]))
        #expect(throws: ExchangeError.self) {
          try export.compare(files, with: scores, on: images, team: team)
        }
      }
      for _ in 0..<100 {
        var damaged = bytes
        damaged[Int(stream.below(UInt32(bytes.count)))] ^= UInt8(1 << stream.below(8))
        files[0] = ExportedFile(name: name, bytes: damaged)
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
    let images = CheckedImages(noise: 5, seed: 1, for: .integers(file))
    let team = try Team(threads: 1)
    for format in QuantizedExport.formats {
      for layout in ONNXLayout.allCases where layout == .nchw || format == .onnx {
        var options = options(format)
        options.layout = layout
        let export = try QuantizedExport(file, options)
        let files = try export.files(named: "a\(format.ending)")
        let comparison = try export.compare(
          files, with: export.scores(of: images, team: team), on: images, team: team)
        #expect(comparison.isPassed, "\(format) \(layout)")
        // A table of what bytes become.
        if format == .c {
          let text = String(decoding: files[0].bytes, as: UTF8.self)
          #expect(text.contains("static const int8_t a_table[256] = {"))
        }
      }
    }
    file.model.normalization = Normalization(
      mean: Array(repeating: 0, count: 81), factor: [],
      whitening: Array(repeating: 0, count: 81 * 81))
    for format in [ExchangeFormat.tflite, .c] {
      let whitened = try QuantizedExport(file, options(format))
      #expect(throws: ExchangeError.self) { try whitened.files(named: "a\(format.ending)") }
    }
    _ = try QuantizedExport(file, options(preparation: false)).files(named: "a.tflite")
  }

  /// The certificate of a QDQ file says how much it may differ by, and is read as it was written.
  @Test func theCertificate() throws {
    let file = try self.file()
    let team = try Team(threads: 1)
    let images = CheckedImages(noise: 20, seed: 1, for: .integers(file))
    let export = try QuantizedExport(file, options(.onnx))
    let files = try export.files(named: "a.onnx")
    let scores = try export.scores(of: images, team: team)
    let comparison = try export.compare(files, with: scores, on: images, team: team)
    #expect(comparison.allowance == 8 * Double(file.model.output.scale))
    let certificate = Certificate(export, files, of: "a", images, comparison, kernel: "HASWELL")
    let path = FileManager.default.temporaryDirectory
      .appending(path: "certificate-\(ProcessInfo.processInfo.processIdentifier).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(certificate.json.pretty.utf8).write(to: URL(filePath: path))
    #expect(try Certificate(reading: path).comparison == comparison)
    // Another network's scores are none of this one's.
    let others = try export.compare(
      files, with: scores.map { $0 + 9 * file.model.output.scale }, on: images, team: team)
    #expect(others.complaint?.contains("its scores differ by up to") == true)
  }

  /// The header gives the engine's bits, compiled by what compiler there is, with every warning and the
  /// sanitizer of what is undefined.
  @Test func theHeaderCompiled() throws {
    let file = try self.file()
    let team = try Team(threads: 1)
    let images = CheckedImages(noise: 20, seed: 1, for: .integers(file))
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "header-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let pixels = images.images.pixels.withUnsafeBufferPointer { Array($0) }
    try Data(pixels).write(to: folder.appending(path: "pixels"))
    for softmax in [false, true] {
      let export = try QuantizedExport(file, options(.c, softmax: softmax))
      try Data(export.files(named: "m.h")[0].bytes).write(to: folder.appending(path: "m.h"))
      let answer = softmax ? "probabilities" : "scores"
      let source = """
        #include <stdio.h>
        #include "m.h"
        int main(void) {
          static unsigned char pixels[M_PIXELS];
          int8_t scores[M_CLASSES];
          while (fread(pixels, 1, M_PIXELS, stdin) == M_PIXELS) {
            m_\(answer)(pixels, scores);
            if (m_classify(pixels) >= M_CLASSES || !m_class_name(0)[0]) return 1;
            fwrite(scores, 1, M_CLASSES, stdout);
          }
          return 0;
        }
        """
      try Data(source.utf8).write(to: folder.appending(path: "main.c"))
      let scores = try export.scores(of: images, team: team)
      let scale: Float = softmax ? 1 / 256 : file.model.output.scale
      let zero = softmax ? -128 : file.model.output.zeroPoint
      let expected = scores.map { UInt8(bitPattern: Int8(Int(($0 / scale).rounded()) + zero)) }
      var compiled = 0
      for compiler in ["gcc -std=c99", "clang -std=c11", "g++ -x c++"] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
          "-c",
          """
          command -v ${0%% *} > /dev/null || exit 77
          cd "$1" && $0 -pedantic -O1 -Wall -Wextra -Wconversion -Werror -fsanitize=undefined \
            -fno-sanitize-recover main.c -o main && ./main < pixels > found
          """, compiler, folder.path,
        ]
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus == 77 { continue }
        #expect(process.terminationStatus == 0, "\(compiler)")
        let found = Array(try Data(contentsOf: folder.appending(path: "found")))
        #expect(found == expected, "\(compiler)")
        compiled += 1
      }
      #expect(compiled > 0, "there is no C compiler")
    }
  }

  @Test func optionsThatItCannotFollow() throws {
    let file = try self.file()
    #expect(throws: ExchangeError.self) { try QuantizedExport(file, ExportOptions(.keras)) }
    var last = options(.c)
    last.layout = .nhwc
    #expect(throws: ExchangeError.self) { try QuantizedExport(file, last) }
    var folding = options()
    folding.graph.foldsBatchNorms = true
    #expect(throws: ExchangeError.self) { try QuantizedExport(file, folding) }
  }

  /// The file says what it is, to the byte, and is refused where it isn't whole.
  @Test(arguments: [8, 6, 4, 2]) func theModelsFile(_ bits: Int) throws {
    var spec = QuantizationSpec()
    (spec.weightBits, spec.correctsBias, spec.calibration) = (bits, true, .percentile)
    let file = try self.file(spec.description, spec)
    let bytes = file.encoded
    #expect(file.model.operations.allSatisfy { $0.kind.kernel?.bits ?? bits == bits })
    let path = FileManager.default.temporaryDirectory
      .appending(path: "quantized-\(bits)-\(ProcessInfo.processInfo.processIdentifier).safetensors")
      .path
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
    let read = try QuantizedModelFile(reading: path)
    #expect(read.model == file.model && read.quantization == spec)
    #expect(read.encoded == bytes)
  }
}
