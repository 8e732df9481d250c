import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Photos and drawings of digits, as make_drawings.py draws them, and what becomes of them.
@Suite struct DigitPreparationTests {
  static let folder = FormatFixture.folder + "/drawings"

  /// The images of one kind, by digit and number.
  static func images(_ kind: String) throws -> [(name: String, image: StoredImages)] {
    try (0..<10).flatMap { digit in
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(kind)/\(digit)")
      return try names.sorted().map {
        ("\(digit)/\($0.prefix(3))", try ImageFile("\(folder)/\(kind)/\(digit)/\($0)").decode())
      }
    }
  }

  static func correlation(_ a: [UInt8], _ b: [UInt8]) -> Double {
    func deviations(_ bytes: [UInt8]) -> [Double] {
      let mean = bytes.reduce(0) { $0 + Double($1) } / Double(bytes.count)
      return bytes.map { Double($0) - mean }
    }
    let (x, y) = (deviations(a), deviations(b))
    func product(_ x: [Double], _ y: [Double]) -> Double {
      zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return product(x, y) / (product(x, x) * product(y, y)).squareRoot()
  }

  /// Beside what Pillow and MNIST's rule make of the strokes alone, and beside the images of MNIST whose
  /// strokes they are, though written with other pens and turned.
  @Test func thirtyDrawings() throws {
    let (drawn, clean) = (try Self.images("drawn"), try Self.images("clean"))
    let untouched = try Self.images("untouched")
    #expect(drawn.count == 30 && drawn.map(\.name) == clean.map(\.name))
    #expect(drawn.map(\.name) == untouched.map(\.name))
    var prepared = [UInt8](repeating: 0, count: 30 * 784)
    prepared.withUnsafeMutableBufferPointer { bytes in
      let made = SendablePointer(bytes.baseAddress!)
      forEachPart(of: 30, threads: 2) { range in
        for i in range {
          let image = drawn[i].image
          let digit = DigitPreparation.prepare(image.pixels, shape: image.shape)
          if let digit { (made.pointer + i * 784).update(from: digit, count: 784) }
        }
      }
    }
    var toClean: [Double] = []
    var toUntouched: [Double] = []
    for i in 0..<30 {
      let digit = Array(prepared[i * 784..<(i + 1) * 784])
      try #require(digit.max() == 255, "nothing was found on \(drawn[i].name)")
      toClean.append(Self.correlation(digit, clean[i].image.pixels))
      toUntouched.append(Self.correlation(digit, untouched[i].image.pixels))
      #expect(toClean[i] > 0.7, "\(drawn[i].name)")
      #expect(toUntouched[i] > 0.4, "\(drawn[i].name)")
    }
    #expect(toClean.sorted()[15] > 0.95 && toUntouched.sorted()[15] > 0.78)
    // The same bits everywhere.
    #expect(
      SHA256.hex(of: prepared)
        == "ccebeef993dc67bb617d6f967edc86a0544cf6673f52e04dd8eab797da45a663")
  }

  /// What is as MNIST's stays so, whichever is light, however much ground there is around it, and in
  /// whichever channel it is.
  @Test func digitsOfMNIST() throws {
    var unchanged = 0
    for (name, image) in try Self.images("untouched") {
      let bytes = image.pixels
      let digit = try #require(DigitPreparation.prepare(bytes, shape: image.shape))
      if zip(bytes, digit).allSatisfy({ abs(Int($0) - Int($1)) < 8 }) { unchanged += 1 }
      #expect(Self.correlation(digit, bytes) > 0.9, "\(name)")
      let dark = try #require(DigitPreparation.prepare(bytes.map { ~$0 }, shape: image.shape))
      #expect(Self.correlation(dark, digit) > 0.99, "\(name)")
      let shape = ImageShape(height: 28, width: 28, channels: 3)
      let colours = bytes.flatMap { (byte: UInt8) -> [UInt8] in [byte / 2, 200, 255 - byte] }
      let coloured = try #require(DigitPreparation.prepare(colours, shape: shape))
      #expect(Self.correlation(coloured, digit) > 0.99, "\(name)")
      var wide = [UInt8](repeating: 0, count: 60 * 90)
      for y in 0..<28 {
        for x in 0..<28 { wide[(y + 25) * 90 + x + 7] = bytes[y * 28 + x] }
      }
      let larger = ImageShape(height: 60, width: 90, channels: 1)
      let cropped = try #require(DigitPreparation.prepare(wide, shape: larger))
      #expect(Self.correlation(cropped, digit) > 0.99, "\(name)")
    }
    // The strokes of two are narrower than two pixels.
    #expect(unchanged >= 28)
  }

  /// A stroke from the top left to the bottom right, cut out to its border.
  @Test func cutOutClosely() throws {
    let side = 40
    var bytes = [UInt8](repeating: 230, count: side * side)
    for y in 0..<side {
      for x in max(0, y - 3)...min(side - 1, y + 3) { bytes[y * side + x] = 30 }
    }
    let digit = try #require(
      DigitPreparation.prepare(bytes, shape: ImageShape(height: side, width: side, channels: 1)))
    let rows = (0..<28).filter { y in (0..<28).contains { digit[y * 28 + $0] > 0 } }
    #expect(rows.count == 20 && rows.last! - rows[0] == 19)
    #expect(digit[13 * 28 + 13] == 255 && digit[9 * 28 + 19] == 0 && digit[19 * 28 + 9] == 0)
  }

  /// Nothing is made up where there is nothing, and no size is too small or too long.
  @Test func blankImages() {
    func isFound(_ height: Int, _ width: Int, _ channels: Int, _ pixel: (Int, Int) -> Int) -> Bool {
      var bytes: [UInt8] = []
      for y in 0..<height {
        for x in 0..<width {
          for _ in 0..<channels { bytes.append(UInt8(clamping: pixel(y, x))) }
        }
      }
      let shape = ImageShape(height: height, width: width, channels: channels)
      return DigitPreparation.prepare(bytes, shape: shape) != nil
    }
    for channels in [1, 3] {
      #expect(!isFound(28, 28, channels) { _, _ in 0 })
      #expect(!isFound(100, 60, channels) { _, _ in 255 })
      // Light from one side, with a grain.
      #expect(!isFound(90, 70, channels) { y, x in 120 + y + (x * 7919 + y * 104_729) % 13 })
      // Ruled.
      #expect(!isFound(90, 70, channels) { y, _ in y % 15 == 7 ? 120 : 240 })
      #expect(!isFound(90, 70, channels) { y, x in y % 20 == 7 || x % 20 == 7 ? 120 : 240 })
    }
    #expect(!isFound(1, 1, 1) { _, _ in 9 })
    #expect(!isFound(1, 20_000, 3) { _, x in x % 256 })
    #expect(!isFound(20_000, 1, 1) { y, _ in y < 9 ? 255 : 0 })
    #expect(!isFound(3, 2, 1) { y, x in 90 * y + x })
  }

  /// Images of two classes as a user has them, prepared.
  private func prepared(
    _ path: String, shape: ImageShape = FilePreparation.digit.shape,
    resize: ImagePreparation.Resize = .none, corrupt: CorruptImages = .stop
  ) throws -> Dataset {
    var request = DatasetRequest("files", readsTest: false)
    request.files = OwnFiles(path: path, classes: .count(2))
    request.files!.prepare = .digit
    request.preparation = ImagePreparation(shape: shape, resize: resize)
    request.corrupt = corrupt
    return try DatasetLocator(dataFolder: nil, environment: [:], currentFolder: "/nowhere")
      .load(request, threads: 2, progress: nil)
  }

  @Test func ownFiles() throws {
    let folder = try TemporaryFolder()
    let drawings = try Self.images("untouched").prefix(6)
    for (i, drawing) in drawings.enumerated() {
      let dark = drawing.image.pixels.map { ~$0 }
      _ = try folder.file("\(i / 3)/\(i).png", PNGFile.encode(dark, width: 28, height: 28))
    }
    let set = try prepared(folder.path)
    for (i, drawing) in drawings.enumerated() {
      #expect(Self.correlation(set.train.image(i), drawing.image.pixels) > 0.99)
    }
    // Then colours and sizes are made to fit as others are.
    let large = try prepared(
      folder.path, shape: ImageShape(height: 56, width: 56, channels: 3), resize: .area)
    #expect(large.train.image(0)[3 * (28 * 56 + 28)] == set.train.image(0)[14 * 28 + 14])

    let paper = [UInt8](repeating: 200, count: 784)
    let blank = try folder.file("1/blank.png", PNGFile.encode(paper, width: 28, height: 28))
    let refusal = "\(blank): \(DigitPreparation.nothingFound)"
    #expect(message { _ = try prepared(folder.path) }.hasPrefix(refusal + "\n"))
    let rest = try prepared(folder.path, corrupt: .skip)
    #expect(rest.train.count == 6 && rest.skipped == [refusal])

    func row(_ label: Int, _ pixels: [UInt8]) -> String {
      ([label] + pixels.map { Int($0) }).map(String.init).joined(separator: ",") + "\n"
    }
    let table = try folder.file(
      "table.csv", Array((row(0, drawings[0].image.pixels) + row(1, paper)).utf8))
    #expect(
      message { _ = try prepared(table) }
        == "\(table): image 1, counted from 0: \(DigitPreparation.nothingFound)")
  }
}
