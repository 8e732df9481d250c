import ConvNet

extension ONNXMap {
  init(_ count: Int, _ channels: Int, _ height: Int, _ width: Int, _ values: [Float]) {
    (self.count, self.channels, self.height, self.width) = (count, channels, height, width)
    self.values = values
  }

  /// The places that windows of one place read.
  func thinned(_ stride: [Int], to output: [Int]) -> ONNXMap {
    if stride == [1, 1] { return self }
    var kept: [Float] = []
    for plane in 0..<count * channels {
      for r in 0..<output[0] {
        for q in 0..<output[1] {
          kept.append(values[(plane * height + r * stride[0]) * width + q * stride[1]])
        }
      }
    }
    return ONNXMap(count, channels, output[0], output[1], kept)
  }

  /// An image amid zeros, (C, H', W').
  func padded(_ image: Int, _ pads: [Int], _ tall: Int, _ wide: Int) -> [Float] {
    var result = [Float](repeating: 0, count: channels * tall * wide)
    for c in 0..<channels {
      for r in 0..<height {
        let source = ((image * channels + c) * height + r) * width
        let target = (c * tall + r + pads[0]) * wide + pads[1]
        result.replaceSubrange(target..<target + width, with: values[source..<source + width])
      }
    }
    return result
  }
}

/// The sums of a convolution of one image, four filters at a time.
struct ONNXConvolution {
  let padded: UnsafeBufferPointer<Float>
  let kernel: UnsafeBufferPointer<Float>
  let result: UnsafeMutableBufferPointer<Float>
  let (plane, width, run): (Int, Int, Int)
  let shifts: [Int]
  let (seen, filters, groups): (Int, Int, Int)
  let window: ONNXWindow
  let bias: [Float]?

  init(
    padded: UnsafeBufferPointer<Float>, kernel: UnsafeBufferPointer<Float>,
    result: UnsafeMutableBufferPointer<Float>, plane: Int, width: Int, run: Int, shifts: [Int],
    seen: Int, filters: Int, groups: Int, window: ONNXWindow, bias: [Float]?
  ) {
    (self.padded, self.kernel, self.result) = (padded, kernel, result)
    (self.plane, self.width, self.run, self.shifts) = (plane, width, run, shifts)
    (self.seen, self.filters, self.groups, self.window, self.bias) = (
      seen, filters, groups, window, bias
    )
  }

  private static let block = 1024

  func compute(part: Int) {
    let first = 4 * part
    let own = min(4, filters - first)
    // Filters of two groups read different channels.
    let share = filters / groups
    let isOne = own == 4 && first / share == (first + 3) / share
    let sums = UnsafeMutablePointer<Float>.allocate(capacity: 4 * Self.block)
    defer { sums.deallocate() }
    var start = 0
    while start < run {
      let length = min(Self.block, run - start)
      sums.update(repeating: 0, count: 4 * Self.block)
      if isOne {
        four(first, first / share * seen, start, length, sums)
      } else {
        for f in 0..<own {
          one(first + f, (first + f) / share * seen, start, length, sums + f * Self.block)
        }
      }
      for f in 0..<own { put(first + f, start, length, sums + f * Self.block) }
      start += length
    }
  }

  private func four(
    _ filter: Int, _ channel: Int, _ start: Int, _ length: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    let size = seen * shifts.count
    let (s0, s1) = (sums, sums + Self.block)
    let (s2, s3) = (sums + 2 * Self.block, sums + 3 * Self.block)
    for c in 0..<seen {
      for (k, shift) in shifts.enumerated() {
        let place = filter * size + c * shifts.count + k
        let (w0, w1) = (kernel[place], kernel[place + size])
        let (w2, w3) = (kernel[place + 2 * size], kernel[place + 3 * size])
        let x = padded.baseAddress! + (channel + c) * plane + start + shift
        for i in 0..<length {
          let value = x[i]
          s0[i] += w0 * value
          s1[i] += w1 * value
          s2[i] += w2 * value
          s3[i] += w3 * value
        }
      }
    }
  }

  private func one(
    _ filter: Int, _ channel: Int, _ start: Int, _ length: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    for c in 0..<seen {
      for (k, shift) in shifts.enumerated() {
        let weight = kernel[(filter * seen + c) * shifts.count + k]
        let x = padded.baseAddress! + (channel + c) * plane + start + shift
        for i in 0..<length { sums[i] += weight * x[i] }
      }
    }
  }

  /// Takes of the places at stride 1 those that are outputs.
  private func put(
    _ filter: Int, _ start: Int, _ length: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    let offset = bias?[filter] ?? 0
    let base = filter * window.output[0] * window.output[1]
    let (down, right) = (window.stride[0], window.stride[1])
    for r in 0..<window.output[0] {
      let row = r * down * width
      guard row + width > start, row < start + length else { continue }
      for q in 0..<window.output[1] {
        let place = row + q * right - start
        if place >= 0, place < length {
          result[base + r * window.output[1] + q] = sums[place] + offset
        }
      }
    }
  }
}

/// The parts of a convolution, each of which writes outputs of its own.
final class ONNXConvolutionParts: TeamWork {
  private let convolution: ONNXConvolution

  init(_ convolution: ONNXConvolution) { self.convolution = convolution }

  func perform(phase: Int, tile: Int, worker: Int) { convolution.compute(part: tile) }
}
