import ConvNet
import Testing

@testable import Exchange
@testable import ONNX

/// Transposed convolutions as plain ones whose blocks are put beside each other.
@Suite struct TFLiteTransposedTests {
  /// The blocks are what comes of spreading each number of an image by the kernel.
  @Test(arguments: [
    (Extent(3, 3), Extent(2, 2)), (Extent(2, 2), Extent(3, 3)), (Extent(4, 3), Extent(2, 1)),
    (Extent(1, 1), Extent(2, 2)), (Extent(5, 2), Extent(2, 3)), (Extent(3, 2), Extent(1, 1)),
  ])
  func blocksBesideEachOther(kernel: Extent, stride: Extent) {
    let (from, channels, filters) = (Extent(4, 3), 2, 3)
    let form = TFLiteTransposed(
      Conv2DTransposeDescription(filters: filters, kernel: kernel, stride: stride))
    let weights = Tensor(
      (0..<kernel.height * kernel.width * filters * channels).map { Float($0 * 5 % 13 - 6) },
      shape: [kernel.height, kernel.width, filters, channels])
    let window = form.spread(weights)
    #expect(window.shape == form.shape(channels: channels))
    #expect(form.gathered(window, weights.shape).values == weights.values)

    func x(_ row: Int, _ column: Int, _ channel: Int) -> Float {
      guard 0..<from.height ~= row, 0..<from.width ~= column else { return 0 }
      return Float(((row * from.width + column) * channels + channel) * 7 % 11 - 5)
    }
    let around = Extent(form.window.height - 1, form.window.width - 1)
    let places = Extent(from.height + around.height, from.width + around.width)
    let whole = Extent(places.height * stride.height, places.width * stride.width)
    func place(_ row: Int, _ column: Int, _ filter: Int) -> Int {
      (row * whole.width + column) * filters + filter
    }
    var beside = [Float](repeating: 0, count: whole.height * whole.width * filters)
    var spread = beside
    for m in 0..<places.height {
      for n in 0..<places.width {
        for output in 0..<form.positions * filters {
          let (block, f) = (output / filters, output % filters)
          var sum: Float = 0
          for i in 0...around.height {
            for j in 0...around.width {
              for c in 0..<channels {
                let w = ((output * form.window.height + i) * form.window.width + j) * channels + c
                sum += x(m + i - around.height, n + j - around.width, c) * window.values[w]
              }
            }
          }
          let (a, b) = (block / stride.width, block % stride.width)
          beside[place(m * stride.height + a, n * stride.width + b, f)] = sum
        }
      }
    }
    for p in 0..<from.height {
      for q in 0..<from.width {
        for i in 0..<kernel.height {
          for j in 0..<kernel.width {
            for f in 0..<filters {
              for c in 0..<channels {
                let k = ((i * kernel.width + j) * filters + f) * channels + c
                spread[place(p * stride.height + i, q * stride.width + j, f)] +=
                  x(p, q, c) * weights.values[k]
              }
            }
          }
        }
      }
    }
    // Small whole numbers, so that no sum is rounded.
    #expect(beside == spread)
  }
}
