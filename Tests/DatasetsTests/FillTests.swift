import ConvNet
import TestSupport
import Testing

@testable import Datasets

/// What lies around an image, against SciPy and, in Fixtures/make_fill.py, Keras.
@Suite struct FillTests {
  private struct Cases: Decodable {
    struct Case: Decodable {
      let shape: [Int]
      let image, field: [Float]
      let results: [String: [Double]]
    }
    let cases: [Case]
  }

  @Test func agreesWithSciPy() throws {
    let cases = try Fixture.load("fill", as: Cases.self).cases
    #expect(cases.count == 4)
    for c in cases {
      for fill in BorderFill.allCases {
        let resampler = Resampler(height: c.shape[0], width: c.shape[1], channels: 1, fill: fill)
        c.image.withUnsafeBufferPointer { resampler.load($0.baseAddress!) }
        resampler.setField(c.field)
        var out = [Float](repeating: -1, count: c.image.count)
        out.withUnsafeMutableBufferPointer {
          resampler.resample(.identity, displaced: true, into: $0.baseAddress!)
        }
        expectClose(out, c.results[fill.rawValue]!, within: 2e-5, "\(fill) \(c.shape)")
      }
    }
  }

  /// Of two channels, by whole pixels: what NumPy's roll and pad do, to the bit.
  @Test func wholePixels() {
    let (height, width) = (3, 4)
    let image = (0..<24).map { UInt8($0 * 10) }
    func pixel(_ y: Int, _ x: Int, _ fill: BorderFill) -> (Int, Int)? {
      func place(_ i: Int, _ n: Int) -> Int? {
        switch fill {
        case .constant: (0..<n).contains(i) ? i : nil
        case .nearest: min(max(i, 0), n - 1)
        case .reflect: i < 0 ? -1 - i : i < n ? i : 2 * n - 1 - i
        case .wrap: ((i % n) + n) % n
        }
      }
      guard let row = place(y, height), let column = place(x, width) else { return nil }
      return (row, column)
    }
    for fill in BorderFill.allCases {
      let resampler = Resampler(height: height, width: width, channels: 2, fill: fill)
      let map = PlaneMap.shift(rows: 2, columns: -3)
      #expect(resampler.canCopy(map) == (fill == .constant))
      #expect(resampler.canCopy(.flip(.horizontal)) && resampler.canCopy(.identity))
      image.withUnsafeBufferPointer { resampler.load($0.baseAddress!) }
      var out = [Float](repeating: -1, count: 24)
      out.withUnsafeMutableBufferPointer {
        resampler.resample(map, displaced: false, into: $0.baseAddress!)
      }
      for y in 0..<height {
        for x in 0..<width {
          let source = pixel(y - 2, x + 3, fill)
          for c in 0..<2 {
            let expected = source.map { Float(image[($0.0 * width + $0.1) * 2 + c]) * (1 / 255) }
            #expect(out[(y * width + x) * 2 + c] == expected ?? 0, "\(fill) \(y) \(x)")
          }
        }
      }
    }
  }

  /// A white image has no black edges but where the fill is black.
  @Test func everyDistortionIsFilled() {
    let ops: [AugmentationOp] = [
      .rotate(degrees: 40), .shift(fraction: 0.4), .zoom(fraction: 0.4), .shear(degrees: 30),
      .crop(padding: 5), .elastic(.init(alpha: 30, sigma: 3)),
      .perspective(.init(distortion: 0.6, p: 1)),
      .randAugment(
        RandAugment(magnitude: 25, ops: [.rotate, .shearX, .shearY, .translateX, .translateY])),
    ]
    let white = [UInt8](repeating: 255, count: 12 * 10 * 3)
    for op in ops {
      for fill in BorderFill.allCases {
        let augmenter = Augmenter(
          ops: [op], fill: fill, height: 12, width: 10, channels: 3, seed: 3, workers: 1)
        var least: Float = 1
        for index in 0..<20 {
          var out = [Float](repeating: -1, count: white.count)
          out.withUnsafeMutableBufferPointer { out in
            white.withUnsafeBufferPointer {
              augmenter.distort(
                $0.baseAddress!, into: out.baseAddress!, index: index, epoch: 1, worker: 0)
            }
          }
          least = min(least, out.min()!)
        }
        #expect(fill == .constant ? least < 0.5 : least > 0.9999, "\(op) \(fill) \(least)")
      }
    }
  }
}
