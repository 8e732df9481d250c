@testable import ConvNet
@testable import Quantization

/// A quantised model as TensorFlow Lite's reference kernels compute it: element by element, of q in
/// −128...127, rounded by divisions as they write them.
struct PlainIntegers {
  let model: QuantizedModel

  /// ⌊a·b/2³¹⌉ as gemmlowp's `SaturatingRoundingDoublingHighMul`.
  static func doublingHighMultiply(_ a: Int, _ b: Int) -> Int {
    let product = a * b
    return (product + (product >= 0 ? 1 << 30 : 1 - 1 << 30)) / (1 << 31)
  }

  /// gemmlowp's `RoundingDivideByPOT`.
  static func divide(_ x: Int, byPowerOfTwo exponent: Int) -> Int {
    let mask = 1 << exponent - 1
    return x >> exponent + (x & mask > mask >> 1 + (x < 0 ? 1 : 0) ? 1 : 0)
  }

  static func scale(_ x: Int, _ multiplier: FixedPointMultiplier) -> Int {
    divide(
      doublingHighMultiply(x << max(multiplier.shift, 0), Int(multiplier.multiplier)),
      byPowerOfTwo: max(-multiplier.shift, 0))
  }

  /// Rounded once, half up, as the kernel of dense layers does.
  static func scaleOnce(_ x: Int, _ multiplier: FixedPointMultiplier) -> Int {
    let shift = 31 - multiplier.shift
    return (x * Int(multiplier.multiplier) + 1 << (shift - 1)) >> shift
  }

  /// What all values are for an image, which is prepared.
  func values(of image: [Float]) -> [[Int]] {
    var values: [[Int]] = model.values.map { _ in [] }
    let input = model.input
    values[0] = image.map {
      min(max(Int(($0 / input.scale).rounded()) + input.zeroPoint, -128), 127)
    }
    for operation in model.operations {
      values[operation.output] = output(of: operation, operation.inputs.map { values[$0] })
    }
    return values
  }

  private func held(
    _ x: Int, _ value: QuantizedModel.Value, _ activation: QuantizedActivation
  ) -> Int {
    let six = value.zeroPoint + Int((6 / value.scale).rounded())
    return switch activation {
    case .linear: min(max(x, -128), 127)
    case .relu: min(max(x, value.zeroPoint), 127)
    case .relu6: min(max(x, value.zeroPoint), min(127, six))
    }
  }

  private func output(of operation: QuantizedModel.Operation, _ x: [[Int]]) -> [Int] {
    let inputs = operation.inputs.map { model.values[$0] }
    let (from, to) = (inputs[0], model.values[operation.output])
    let (extent, channels) = (from.shape.extent, from.shape.channels)
    func factor(_ scale: Float) -> FixedPointMultiplier {
      FixedPointMultiplier(Double(from.scale) * Double(scale) / Double(to.scale))
    }
    /// Calls the body with the places of a window in the image, and with those in the window.
    func forEach(_ window: QuantizedWindow, _ r: Int, _ q: Int, _ body: (Int, Int) -> Void) {
      for i in 0..<window.size.height {
        for j in 0..<window.size.width {
          let row = r * window.stride.height + i * window.dilation.height - window.sides.top
          let column = q * window.stride.width + j * window.dilation.width - window.sides.left
          guard (0..<extent.height).contains(row), (0..<extent.width).contains(column) else {
            continue
          }
          body(row * extent.width + column, i * window.size.width + j)
        }
      }
    }
    func windows(_ body: (Int, Int) -> [Int]) -> [Int] {
      (0..<to.shape.extent.height).flatMap { r in
        (0..<to.shape.extent.width).flatMap { q in body(r, q) }
      }
    }
    switch operation.kind {
    case .conv2D(let window, let kernel, let activation):
      let size = kernel.weights.count / kernel.bias.count
      return windows { r, q in
        kernel.bias.indices.map { f in
          var sum = Int(kernel.bias[f])
          forEach(window, r, q) { place, tap in
            for c in 0..<channels {
              sum +=
                (x[0][place * channels + c] - from.zeroPoint)
                * Int(kernel.weights[f * size + tap * channels + c])
            }
          }
          return held(Self.scale(sum, factor(kernel.scales[f])) + to.zeroPoint, to, activation)
        }
      }
    case .depthwiseConv2D(let window, let kernel, let activation):
      return windows { r, q in
        (0..<channels).map { c in
          var sum = Int(kernel.bias[c])
          forEach(window, r, q) { place, tap in
            sum +=
              (x[0][place * channels + c] - from.zeroPoint)
              * Int(kernel.weights[tap * channels + c])
          }
          return held(Self.scale(sum, factor(kernel.scales[c])) + to.zeroPoint, to, activation)
        }
      }
    case .dense(let kernel, let activation):
      let size = kernel.shape[1]
      return kernel.bias.indices.map { f in
        let sum = (0..<size).reduce(Int(kernel.bias[f])) {
          $0 + (x[0][$1] - from.zeroPoint) * Int(kernel.weights[f * size + $1])
        }
        return held(Self.scaleOnce(sum, factor(kernel.scales[f])) + to.zeroPoint, to, activation)
      }
    case .maxPool(let window):
      return windows { r, q in
        (0..<channels).map { c in
          var largest = -128
          forEach(window, r, q) { place, _ in largest = max(largest, x[0][place * channels + c]) }
          return largest
        }
      }
    case .averagePool(let window):
      return windows { r, q in
        (0..<channels).map { c in
          var (sum, count) = (0, 0)
          forEach(window, r, q) { place, _ in
            sum += x[0][place * channels + c]
            count += 1
          }
          return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count
        }
      }
    case .mean:
      let count = extent.height * extent.width
      let scale = FixedPointMultiplier(Double(from.scale) / Double(to.scale))
      var shift = 0
      while 1 << (shift + 1) <= count { shift += 1 }
      shift = min(shift, 31 + scale.shift)
      let multiplier = Int(scale.multiplier) << shift / count
      return (0..<channels).map { c in
        let sum = (0..<count).reduce(0) { $0 + x[0][$1 * channels + c] - from.zeroPoint }
        let (left, right) = (max(scale.shift - shift, 0), max(shift - scale.shift, 0))
        let mean = Self.divide(
          Self.doublingHighMultiply(sum << left, multiplier), byPowerOfTwo: right)
        return held(mean + to.zeroPoint, to, .linear)
      }
    case .add(let activation):
      let twice = 2 * Double(max(inputs[0].scale, inputs[1].scale))
      return x[0].indices.map { i in
        let parts = (0..<2).map { k in
          Self.scale(
            (x[k][i] - inputs[k].zeroPoint) << 20,
            FixedPointMultiplier(Double(inputs[k].scale) / twice))
        }
        let last = FixedPointMultiplier(twice / (0x1p20 * Double(to.scale)))
        return held(Self.scale(parts[0] + parts[1], last) + to.zeroPoint, to, activation)
      }
    case .clamp(let activation): return x[0].map { held($0, to, activation) }
    case .pad(let sides):
      let width = extent.width
      return (-sides.top..<extent.height + sides.bottom).flatMap { r in
        (-sides.left..<width + sides.right).flatMap { q in
          (0..<channels).map { c in
            (0..<extent.height).contains(r) && (0..<width).contains(q)
              ? x[0][(r * width + q) * channels + c] : from.zeroPoint
          }
        }
      }
    case .reshape: return x[0]
    case .softmax:
      // By real numbers: the fixed-point arithmetic comes to these within one unit.
      let powers = x[0].map { exponential(Double(from.scale) * Double($0 - x[0].max()!)) }
      let sum = powers.reduce(0, +)
      return powers.map { min(Int(($0 / sum * 256).rounded()) - 128, 127) }
    }
  }

  private func exponential(_ x: Double) -> Double {
    // (1 + x/2ⁿ)^(2ⁿ)
    (0..<30).reduce(1 + x / 0x1p30) { power, _ in power * power }
  }
}
