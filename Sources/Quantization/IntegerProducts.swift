import CInt8
import ConvNet

/// A convolution of all channels, or a dense layer, with the 2x2 max pooling behind it where there is one:
/// what becomes of a sum grows with it, so that the largest sum is pooled and scaled alone.
final class IntegerProduct: IntegerLayer {
  private let path: Int32
  private let plane: IntegerPlane?
  private let input: Int
  private let output: Int
  private let isPooled: Bool
  private let scaling: IntegerScaling
  private let offsets: UnsafeMutablePointer<Int>
  private let packed: UnsafeMutableRawPointer
  private var product: Int8Product
  /// Rows of what is given, positions of each, and the bytes from one row's first to the next one's.
  private let rows: Int
  private let positions: Int
  private let rowStep: Int
  private let outputRow: Int

  /// - Parameter pooled: what the pooling gives; nil where there is none.
  init(
    _ window: QuantizedWindow, _ kernel: QuantizedKernel, _ activation: QuantizedActivation,
    from input: QuantizedModel.Value, at place: Int, to output: QuantizedModel.Value,
    pooled: QuantizedModel.Value?, at target: Int, _ path: IntegerPath,
    _ memory: inout IntegerMemory
  ) {
    let plane = IntegerPlane(place, input, window.sides, &memory)
    let channels = input.shape.channels
    var offsets: [Int] = []
    for i in 0..<window.size.height {
      let row = i * window.dilation.height * plane.row
      if window.dilation.width == 1 {
        offsets.append(row)
      } else {
        for j in 0..<window.size.width {
          offsets.append(row + j * window.dilation.width * channels)
        }
      }
    }
    let runs = offsets.count
    (self.plane, self.input, self.output) = (plane, plane.place, target)
    let extent = (pooled ?? output).shape.extent
    let factor = pooled == nil ? 1 : 2
    let step = window.stride.height * plane.row
    let filters = kernel.bias.count
    // Positions that all lie beside each other are one row.
    let isFlat =
      pooled == nil && window.size == Extent(1, 1) && window.stride == Extent(1, 1)
      && window.sides == Sides(top: 0, bottom: 0, left: 0, right: 0)
    rows = isFlat ? 1 : extent.height
    positions = isFlat ? extent.height * extent.width : factor * extent.width
    rowStep = factor * step
    outputRow = extent.width * filters
    isPooled = pooled != nil
    (self.path, scaling, self.offsets, packed, product) = Self.make(
      kernel, offsets, length: kernel.weights.count / filters / runs, from: input, to: output,
      activation, path, step: window.stride.width * channels, rowStep: step)
  }

  init(
    _ kernel: QuantizedKernel, _ activation: QuantizedActivation,
    from input: QuantizedModel.Value, at place: Int, to output: QuantizedModel.Value,
    at target: Int, _ path: IntegerPath
  ) {
    (plane, self.input, self.output) = (nil, place, target)
    (rows, positions, rowStep, outputRow, isPooled) = (1, 1, 0, 0, false)
    (self.path, scaling, offsets, packed, product) = Self.make(
      kernel, [0], length: kernel.shape[1], from: input, to: output, activation, path, step: 0,
      rowStep: 0)
  }

  private static func make(
    _ kernel: QuantizedKernel, _ offsets: [Int], length: Int, from input: QuantizedModel.Value,
    to output: QuantizedModel.Value, _ activation: QuantizedActivation, _ path: IntegerPath,
    step: Int, rowStep: Int
  ) -> (
    Int32, IntegerScaling, UnsafeMutablePointer<Int>, UnsafeMutableRawPointer, Int8Product
  ) {
    let filters = kernel.bias.count
    let perFilter = kernel.weights.count / filters
    let sums = (0..<filters).map { f in
      kernel.weights[f * perFilter..<(f + 1) * perFilter].reduce(Int32(0)) { $0 + Int32($1) }
    }
    let scaling = IntegerScaling(
      kernel, sums: sums, from: input, to: output, activation, roundsOnce: kernel.shape.count == 2)
    let places = UnsafeMutablePointer<Int>.allocate(capacity: offsets.count)
    places.initialize(from: offsets, count: offsets.count)
    let (count, runs, number) = (Int32(filters), Int32(offsets.count), path.number)
    let packed = UnsafeMutableRawPointer.allocate(
      byteCount: max(64, int8_packed_bytes(number, count, runs, Int32(length))), alignment: 64)
    int8_pack(number, kernel.weights, count, runs, Int32(length), packed)
    let product = Int8Product(
      input: nil, step: step, row_step: rowStep, offsets: places, runs: runs,
      length: Int32(length), weights: packed, scaling: scaling.scaling, output: nil)
    return (number, scaling, places, packed, product)
  }

  deinit {
    offsets.deallocate()
    packed.deallocate()
  }

  func prepare(_ memory: UnsafeMutablePointer<UInt8>) { plane?.prepare(memory) }

  func run(_ memory: UnsafeMutablePointer<UInt8>) {
    plane?.fill(memory)
    var product = product
    for r in 0..<rows {
      product.input = UnsafePointer(memory + (input + r * rowStep))
      product.output = memory + (output + r * outputRow)
      if isPooled {
        int8_product_pooled(path, &product, Int32(positions))
      } else {
        int8_product(path, &product, Int32(positions))
      }
    }
  }
}

/// A convolution of each channel by itself.
final class IntegerDepthwise: IntegerLayer {
  private let path: Int32
  private let plane: IntegerPlane
  private let output: Int
  private let scaling: IntegerScaling
  private let offsets: UnsafeMutablePointer<Int>
  private let weights: UnsafeMutablePointer<Int16>
  private let depthwise: Int8Depthwise
  private let extent: Extent
  private let rowStep: Int
  private let outputRow: Int

  init(
    _ window: QuantizedWindow, _ kernel: QuantizedKernel, _ activation: QuantizedActivation,
    from input: QuantizedModel.Value, at place: Int, to output: QuantizedModel.Value,
    at target: Int, _ path: IntegerPath, _ memory: inout IntegerMemory
  ) {
    plane = IntegerPlane(place, input, window.sides, &memory)
    let channels = input.shape.channels
    let (taps, padded) = (
      window.size.height * window.size.width, Int(int8_padded(Int32(channels)))
    )
    offsets = .allocate(capacity: taps)
    weights = .allocate(capacity: taps * padded)
    weights.initialize(repeating: 0, count: taps * padded)
    var sums = [Int32](repeating: 0, count: channels)
    for tap in 0..<taps {
      let (i, j) = (tap / window.size.width, tap % window.size.width)
      offsets[tap] =
        i * window.dilation.height * plane.row + j * window.dilation.width * channels
      for c in 0..<channels {
        let weight = kernel.weights[tap * channels + c]
        weights[tap * padded + c] = Int16(weight)
        sums[c] += Int32(weight)
      }
    }
    scaling = IntegerScaling(kernel, sums: sums, from: input, to: output, activation)
    self.path = path.number
    self.output = target
    extent = output.shape.extent
    rowStep = window.stride.height * plane.row
    outputRow = extent.width * channels
    depthwise = Int8Depthwise(
      input: nil, step: window.stride.width * channels, offsets: offsets, taps: Int32(taps),
      weights: weights, scaling: scaling.scaling, output: nil)
  }

  deinit {
    offsets.deallocate()
    weights.deallocate()
  }

  func prepare(_ memory: UnsafeMutablePointer<UInt8>) { plane.prepare(memory) }

  func run(_ memory: UnsafeMutablePointer<UInt8>) {
    plane.fill(memory)
    var depthwise = depthwise
    for r in 0..<extent.height {
      depthwise.input = UnsafePointer(memory + (plane.place + r * rowStep))
      depthwise.output = memory + (output + r * outputRow)
      int8_depthwise(path, &depthwise, Int32(extent.width))
    }
  }
}
