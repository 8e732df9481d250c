import CInt8
import ConvNet

/// The largest or the mean of each window, over what of it lies in the image.
final class IntegerPool: IntegerLayer {
  private let geometry: WindowGeometry
  private let channels: Int
  private let isMaximum: Bool
  private let input: Int
  private let output: Int

  init(
    _ geometry: WindowGeometry, channels: Int, isMaximum: Bool, from input: Int, to output: Int
  ) {
    self.geometry = geometry
    self.channels = channels
    self.isMaximum = isMaximum
    self.input = input
    self.output = output
  }

  func run(_ memory: UnsafeMutablePointer<UInt8>) {
    let g = geometry
    let row = g.input.width * channels
    var window = Int8Window(
      input: nil, row: row, rows: 0, columns: 0, channels: Int32(channels), output: nil)
    for r in 0..<g.output.height {
      let top = r * g.stride.height - g.top
      let rows = max(top, 0)..<min(top + g.window.height, g.input.height)
      for q in 0..<g.output.width {
        let left = q * g.stride.width - g.left
        let columns = max(left, 0)..<min(left + g.window.width, g.input.width)
        window.input = UnsafePointer(
          memory + (input + rows.lowerBound * row + columns.lowerBound * channels))
        window.rows = Int32(rows.count)
        window.columns = Int32(columns.count)
        window.output = memory + (output + (r * g.output.width + q) * channels)
        if isMaximum { int8_max(&window) } else { int8_average(&window) }
      }
    }
  }
}

/// The mean of a whole map: 1/n is a part of the multiplier.
final class IntegerMean: IntegerLayer {
  private let extent: Extent
  private let channels: Int
  private let zero: Int32
  private let outputZero: Int32
  private let multiplier: Int32
  private let shift: Int32
  private let input: Int
  private let output: Int
  private let sums: Int

  init(
    from input: QuantizedModel.Value, at place: Int, to output: QuantizedModel.Value,
    at target: Int, _ memory: inout IntegerMemory
  ) {
    extent = input.shape.extent
    channels = input.shape.channels
    zero = Int32(input.zeroPoint + 128)
    outputZero = Int32(output.zeroPoint + 128)
    let scale = input.meanMultiplier(to: output)
    (multiplier, shift) = (scale.multiplier, Int32(scale.shift))
    (self.input, self.output) = (place, target)
    sums = memory.take(4 * channels)
  }

  func run(_ memory: UnsafeMutablePointer<UInt8>) {
    var window = Int8Window(
      input: memory + input, row: extent.width * channels, rows: Int32(extent.height),
      columns: Int32(extent.width), channels: Int32(channels), output: memory + output)
    let sums = UnsafeMutableRawPointer(memory + sums)
    int8_mean(
      &window, zero, multiplier, shift, outputZero, sums.assumingMemoryBound(to: Int32.self))
  }
}

/// a + b.
final class IntegerSum: IntegerLayer {
  private let sum: Int8Sum
  private let count: Int
  private let inputs: (Int, Int)
  private let output: Int

  init(
    _ activation: QuantizedActivation, from a: QuantizedModel.Value, _ b: QuantizedModel.Value,
    at places: (Int, Int), to output: QuantizedModel.Value, at target: Int
  ) {
    let scales = SumMultipliers(of: a, b, to: output)
    let (first, second, last) = (scales.inputs[0], scales.inputs[1], scales.output)
    let (low, high) = activation.bounds(output)
    sum = Int8Sum(
      zero_points: (Int32(a.zeroPoint + 128), Int32(b.zeroPoint + 128)),
      multipliers: (first.multiplier, second.multiplier), rights: (first.right, second.right),
      multiplier: last.multiplier, right: last.right, zero_point: Int32(output.zeroPoint + 128),
      low: low, high: high)
    count = a.shape.count
    inputs = places
    self.output = target
  }

  func run(_ memory: UnsafeMutablePointer<UInt8>) {
    var sum = sum
    int8_add(&sum, memory + inputs.0, memory + inputs.1, memory + output, count)
  }
}

/// An activation alone.
final class IntegerClamp: IntegerLayer {
  private let bounds: (low: Int32, high: Int32)
  private let count: Int
  private let input: Int
  private let output: Int

  init(_ bounds: (low: Int32, high: Int32), count: Int, from input: Int, to output: Int) {
    self.bounds = bounds
    self.count = count
    self.input = input
    self.output = output
  }

  func run(_ memory: UnsafeMutablePointer<UInt8>) {
    (memory + output).update(from: memory + input, count: count)
    int8_clamp(memory + output, count, bounds.low, bounds.high)
  }
}

/// Zeros around an image.
final class IntegerPad: IntegerLayer {
  private let plane: IntegerPlane
  var place: Int { plane.place }

  init(_ plane: IntegerPlane) { self.plane = plane }

  func prepare(_ memory: UnsafeMutablePointer<UInt8>) { plane.prepare(memory) }
  func run(_ memory: UnsafeMutablePointer<UInt8>) { plane.fill(memory) }
}

/// Probabilities in 1/256.
final class IntegerSoftmax: IntegerLayer {
  private let count: Int
  private let multiplier: FixedPointMultiplier
  private let lowest: Int32
  private let input: Int
  private let output: Int

  init(_ value: QuantizedModel.Value, at input: Int, to output: Int) {
    count = value.shape.count
    (multiplier, lowest) = value.softmaxMultiplier
    self.input = input
    self.output = output
  }

  func run(_ memory: UnsafeMutablePointer<UInt8>) {
    int8_softmax(
      memory + input, Int32(count), multiplier.multiplier, multiplier.left, lowest,
      memory + output)
  }
}
