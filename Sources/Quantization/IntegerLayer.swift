import CInt8
import ConvNet

/// An operation of a quantised model, ready to be computed on one worker's memory.
protocol IntegerLayer: AnyObject {
  /// Writes what stays as it is.
  func prepare(_ memory: UnsafeMutablePointer<UInt8>)
  func run(_ memory: UnsafeMutablePointer<UInt8>)
}

extension IntegerLayer {
  func prepare(_ memory: UnsafeMutablePointer<UInt8>) {}
}

/// Where values lie in a worker's memory.
struct IntegerMemory {
  private(set) var bytes = 0

  /// The place of so many bytes, on a 64-byte boundary, with as many behind them that may be read.
  mutating func take(_ count: Int) -> Int {
    defer { bytes = (bytes + count + 127) & ~63 }
    return bytes
  }
}

/// The image that a window slides over: the value itself, or a copy with zeros around it.
final class IntegerPlane {
  /// Where it is, and its rows' bytes.
  let place: Int
  let row: Int
  private let source: Int
  private let copied: Int
  private let rows: Int
  private let first: Int
  private let size: Int
  private let zero: UInt8

  init(
    _ source: Int, _ value: QuantizedModel.Value, _ sides: Sides, _ memory: inout IntegerMemory
  ) {
    let (extent, channels) = (value.shape.extent, value.shape.channels)
    self.source = source
    copied = extent.width * channels
    rows = extent.height
    zero = UInt8(value.zeroPoint + 128)
    guard sides != Sides(top: 0, bottom: 0, left: 0, right: 0) else {
      (place, row, first, size) = (source, copied, 0, 0)
      return
    }
    row = (sides.left + extent.width + sides.right) * channels
    size = (sides.top + extent.height + sides.bottom) * row
    first = sides.top * row + sides.left * channels
    place = memory.take(size)
  }

  func prepare(_ memory: UnsafeMutablePointer<UInt8>) {
    (memory + place).update(repeating: zero, count: size)
  }

  func fill(_ memory: UnsafeMutablePointer<UInt8>) {
    guard size > 0 else { return }
    for r in 0..<rows {
      (memory + (place + first + r * row)).update(
        from: memory + (source + r * copied), count: copied)
    }
  }
}

/// What becomes of the sums of a kernel, as the C code takes it.
final class IntegerScaling {
  let scaling: Int8Scaling
  private let numbers: UnsafeMutablePointer<Int32>

  /// - Parameters:
  ///   - sums: of each filter's weights, which the input's zero point is taken out by.
  ///   - roundsOnce: as TensorFlow Lite's kernel of dense layers does, and no other.
  init(
    _ kernel: QuantizedKernel, sums: [Int32], from input: QuantizedModel.Value,
    to output: QuantizedModel.Value, _ activation: QuantizedActivation, roundsOnce: Bool = false
  ) {
    let channels = kernel.bias.count
    let padded = Int(int8_padded(Int32(channels)))
    numbers = .allocate(capacity: 6 * padded)
    numbers.initialize(repeating: 0, count: 6 * padded)
    let zero = Int32(input.zeroPoint + 128)
    // The most that a filter's products come to.
    let largest = kernel.weights.count / channels * 255 * 127
    var isPlain = !roundsOnce
    for (c, multiplier) in kernel.multipliers(from: input, to: output).enumerated() {
      numbers[c] = kernel.bias[c] &- zero &* sums[c]
      isPlain = isPlain && multiplier.left == 0 && largest + Int(numbers[c].magnitude) < 1 << 30
      numbers[4 * padded + c] = multiplier.right > 0 ? 1 << (multiplier.right - 1) : 0
      numbers[5 * padded + c] = multiplier.right > 0 ? -1 : 0
      numbers[padded + c] = multiplier.multiplier
      numbers[2 * padded + c] = multiplier.left
      numbers[3 * padded + c] = multiplier.right
    }
    let (low, high) = activation.bounds(output)
    scaling = Int8Scaling(
      bias: numbers, multiplier: numbers + padded, left: numbers + 2 * padded,
      right: numbers + 3 * padded, half: numbers + 4 * padded, sign: numbers + 5 * padded,
      zero_point: Int32(output.zeroPoint + 128), low: low, high: high, channels: Int32(channels),
      rounds_once: roundsOnce ? 1 : 0, is_plain: isPlain ? 1 : 0)
  }

  deinit { numbers.deallocate() }
}
