import ConvNet
import Foundation
import Testing

@testable import Datasets

/// What torchvision gives; see Fixtures/make_pixels.py.
private struct PixelFixture: Decodable {
  struct Case: Decodable, CustomTestStringConvertible {
    let op: String
    let shape: [Int]
    let values: [Float]
    let bytes: [UInt8]
    let result: [Float]

    var image: [Float] { bytes.map { Float($0) / 255 } }

    var testDescription: String { "\(op) \(values) of \(shape)" }

    var change: PixelChange? {
      switch op {
      case "brightness": .brightness(values[0])
      case "contrast": .contrast(values[0])
      case "blur": .blur(radius: Int(values[0]), sigma: values[1])
      case "fill":
        .fill(
          rows: Int(values[0])..<Int(values[0] + values[1]),
          columns: Int(values[2])..<Int(values[2] + values[3]), value: values[4])
      case "solarize": .solarize(threshold: values[0])
      case "posterize": .posterize(bits: Int(values[0]))
      case "autocontrast": .autocontrast
      default: nil
      }
    }

    /// torchvision counts columns and rows from the image's upper left corner, and gives a pixel's
    /// centre an extra half.
    var map: PlaneMap {
      let (h, w) = (Double(shape[0]) / 2, Double(shape[1]) / 2)
      func point(_ i: Int) -> PlanePoint {
        PlanePoint(row: Double(values[2 * i + 1]) - h, column: Double(values[2 * i]) - w)
      }
      switch op {
      case "hflip": return .flip(.horizontal)
      case "vflip": return .flip(.vertical)
      case "crop": return .shift(rows: values[0], columns: values[1])
      default:
        return .perspective(
          from: PlanePoint(row: -h, column: -w), PlanePoint(row: h - 1, column: w - 1),
          to: (point(0), point(1), point(2), point(3)))
      }
    }
  }
  let cases: [Case]

  static let cases: [Case] = {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/pixels.json")
    return try! JSONDecoder().decode(PixelFixture.self, from: Data(contentsOf: url)).cases
  }()
}

@Suite struct PixelChangeTests {
  @Test(arguments: PixelFixture.cases) fileprivate func agreesWithTorchvision(
    _ c: PixelFixture.Case
  ) {
    let (h, w, channels) = (c.shape[0], c.shape[1], c.shape[2])
    var ours = c.image
    ours.withUnsafeMutableBufferPointer { pixels in
      if let change = c.change {
        let changer = PixelChanger(height: h, width: w, channels: channels, radius: 5, seed: 1)
        changer.apply(change, to: pixels.baseAddress!, epoch: 0, sample: 0)
      } else {
        let resampler = Resampler(height: h, width: w, channels: channels)
        resampler.load(UnsafePointer(pixels.baseAddress!))
        resampler.resample(c.map, displaced: false, into: pixels.baseAddress!)
      }
    }
    for i in ours.indices {
      #expect(abs(ours[i] - c.result[i]) <= 1e-5, "\(i): \(ours[i]), not \(c.result[i])")
    }
    guard c.change == nil, c.map.isWhole else { return }
    // Whole pixels are copied, not resampled.
    let resampler = Resampler(height: h, width: w, channels: channels)
    var copied = [Float](repeating: -1, count: c.bytes.count)
    copied.withUnsafeMutableBufferPointer { resampler.copy(c.bytes, c.map, into: $0.baseAddress!) }
    for i in copied.indices { #expect(abs(copied[i] - c.result[i]) <= 2e-7) }
  }

  /// However far an image is moved, what is read lies within it.
  @Test func copiesNothingFromOutside() {
    let resampler = Resampler(height: 3, width: 4, channels: 2)
    let bytes = [UInt8](repeating: 255, count: 24)
    for rows in -5...5 {
      for columns in -6...6 {
        for flip in [PlaneMap.identity, .flip(.horizontal), .flip(.vertical)] {
          let map = flip.followed(by: .shift(rows: Float(rows), columns: Float(columns)))
          var out = [Float](repeating: -1, count: 24)
          out.withUnsafeMutableBufferPointer { resampler.copy(bytes, map, into: $0.baseAddress!) }
          let inside = max(0, 3 - abs(rows)) * max(0, 4 - abs(columns)) * 2
          #expect(out.count { $0 == 1 } == inside && out.count { $0 == 0 } == 24 - inside)
        }
      }
    }
  }

  /// The noise has the deviation that it is told, and stays within [0, 1].
  @Test func noiseIsNormal() {
    let changer = PixelChanger(height: 40, width: 50, channels: 3, radius: 0, seed: 3)
    var image = [Float](repeating: 0.5, count: 6000)
    image.withUnsafeMutableBufferPointer {
      changer.apply(.noise(deviation: 0.1, number: 0), to: $0.baseAddress!, epoch: 1, sample: 2)
    }
    let mean = image.reduce(0, +) / 6000
    let variance = image.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6000
    #expect(abs(mean - 0.5) < 0.006 && abs(variance.squareRoot() - 0.1) < 0.004)
    var loud = [Float](repeating: 0.5, count: 6000)
    loud.withUnsafeMutableBufferPointer {
      changer.apply(.noise(deviation: 10, number: 0), to: $0.baseAddress!, epoch: 1, sample: 2)
    }
    #expect(loud.allSatisfy { $0 >= 0 && $0 <= 1 } && loud.contains(0) && loud.contains(1))
  }

  /// Rectangles lie within the image and have the area and the shape that they are to have; squares
  /// have centres anywhere.
  @Test func rectanglesAreAsTold() {
    var (drawn, cut, sides) = (0, 0, Set<Int>())
    for sample in 0..<500 as Range<UInt32> {
      var random = RandomStream(seed: 1, purpose: .augmentation, sample: sample)
      let erase = PixelOp.erase(area: 0.1...0.3, ratio: 0.5...2, value: 0)
      if case .fill(let rows, let columns, _) = erase.draw(
        height: 30, width: 40, number: 0, random: &random)
      {
        drawn += 1
        #expect(rows.lowerBound >= 0 && rows.upperBound <= 30)
        #expect(columns.lowerBound >= 0 && columns.upperBound <= 40)
        let area = Float(rows.count * columns.count) / 1200
        #expect(area > 0.09 && area < 0.32)
        let ratio = Float(rows.count) / Float(columns.count)
        #expect(ratio > 0.45 && ratio < 2.2)
      }
      guard
        case .fill(let rows, let columns, 0) = PixelOp.cutout(size: 8).draw(
          height: 30, width: 40, number: 0, random: &random)
      else { continue }
      #expect((4...8).contains(rows.count) && (4...8).contains(columns.count))
      sides.insert(rows.lowerBound)
      if rows.count < 8 || columns.count < 8 { cut += 1 }
    }
    #expect(drawn > 490 && cut > 100 && sides.count > 20)
  }

  @Test func randAugmentDrawsItsOps() {
    var seen = Set<String>()
    for sample in 0..<300 as Range<UInt32> {
      var random = RandomStream(seed: 1, purpose: .augmentation, sample: sample)
      switch RandAugment(magnitude: 30).draw(height: 20, width: 10, random: &random) {
      case .map(let map):
        seen.insert(map == .identity ? "identity" : "map")
        #expect(map.rr >= 0.866 && abs(map.rc) <= 0.5001 && abs(map.r) <= 9.1 && abs(map.c) <= 4.6)
      case .change(.brightness(let factor)), .change(.contrast(let factor)):
        seen.insert("factor")
        #expect(abs(abs(factor - 1) - 0.9) < 1e-6)
      case .change(.posterize(let bits)):
        seen.insert("posterize")
        #expect(bits == 4)
      case .change(let change): seen.insert("\(change)")
      }
    }
    #expect(
      seen == [
        "identity", "map", "factor", "posterize", "solarize(threshold: 0.0)", "autocontrast",
      ])
    var random = RandomStream(seed: 1, purpose: .augmentation)
    let still = RandAugment(magnitude: 0, ops: [.rotate, .shearX, .shearY, .translateX])
    for _ in 0..<20 {
      guard case .map(let map) = still.draw(height: 20, width: 10, random: &random) else {
        Issue.record("not a map")
        continue
      }
      #expect(map == .identity)
    }
  }
}
