import ConvNet
import TestSupport
import Testing

@testable import Datasets

/// What torchvision gives; see Fixtures/make_pixels.py.
private struct PixelFixture: Decodable {
  struct Case: Decodable, CustomTestStringConvertible {
    let op: String
    let shape: [Int]
    let values: [Float]
    let bytes: [UInt8]
    let result: [Double]

    var image: [Float] { bytes.map { Float($0) / 255 } }

    var testDescription: String { "\(op) \(values) of \(shape)" }

    var change: PixelChange? {
      switch op {
      case "brightness": .brightness(values[0])
      case "contrast": .contrast(values[0])
      case "saturation": .saturation(values[0])
      case "sharpness": .sharpness(values[0])
      case "blur": .blur(radius: Int(values[0]), sigma: values[1])
      case "fill":
        .fill(
          rows: Int(values[0])..<Int(values[0] + values[1]),
          columns: Int(values[2])..<Int(values[2] + values[3]), value: values[4])
      case "solarize": .solarize(threshold: values[0])
      case "posterize": .posterize(bits: Int(values[0]))
      case "autocontrast": .autocontrast
      case "equalize": .equalize
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

  static let cases = try! Fixture.load("pixels", as: PixelFixture.self).cases
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
    expectClose(ours, c.result)
    guard c.change == nil, c.map.isWhole else { return }
    // Whole pixels are copied, not resampled.
    let resampler = Resampler(height: h, width: w, channels: channels)
    var copied = [Float](repeating: -1, count: c.bytes.count)
    copied.withUnsafeMutableBufferPointer { resampler.copy(c.bytes, c.map, into: $0.baseAddress!) }
    expectClose(copied, c.result, within: 2e-7)
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
}
