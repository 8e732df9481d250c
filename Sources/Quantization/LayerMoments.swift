import ConvNet

/// What a layer with a kernel reads for some images: the mean E[x] and, where it is asked for, the second moment
/// H = E[x·xᵀ] of the numbers x that a filter multiplies, zeros around an image being some of them. Of a depthwise
/// convolution each channel has its own.
struct LayerMoments {
  /// (channels, K); one channel but for the depthwise.
  let mean: [Float]
  /// (channels, K, K); empty where it wasn't asked for.
  let second: [Float]
  /// Numbers of a filter.
  let size: Int

  /// The same of numbers that are multiplied, channel by channel of the input.
  func scaled(by factors: [Float]?, isDepthwise: Bool) -> LayerMoments {
    guard let factors else { return self }
    func factor(_ channel: Int, _ k: Int) -> Float {
      isDepthwise ? factors[channel] : factors[k % factors.count]
    }
    let size = size
    return LayerMoments(
      mean: mean.enumerated().map { $1 * factor($0 / size, $0 % size) },
      second: second.enumerated().map { place, value in
        let channel = place / (size * size)
        return value * factor(channel, place / size % size) * factor(channel, place % size)
      }, size: size)
  }
}

/// Works out moments from the numbers of some samples, to the same bits with any number of threads.
final class MomentSums: TeamWork {
  private let node: FoldedNetwork.Node
  private let input: Shape
  private let isDepthwise: Bool
  /// Positions of a filter, channels that have moments of their own, numbers of a filter.
  private let positions: Int
  private let channels: Int
  private let size: Int
  private let geometry: WindowGeometry?
  /// (positions, channels, K) of the sample that is worked on.
  private var patches: [Float]
  private var sums: [Double]
  /// (channels, K, K): of one sample, and of all.
  private let products: UnsafeMutablePointer<Float>
  private let totals: UnsafeMutablePointer<Float>
  private let productCount: Int
  private var count = 0

  /// - Throws: `NetworkError`, never for a node of a folded network.
  init(_ node: FoldedNetwork.Node, reads input: Shape, second: Bool) throws(NetworkError) {
    self.node = node
    self.input = input
    switch node.kind {
    case .conv2D(let window), .depthwiseConv2D(let window):
      geometry = try window.geometry(input)
      if case .depthwiseConv2D = node.kind { isDepthwise = true } else { isDepthwise = false }
    default: (geometry, isDepthwise) = (nil, false)
    }
    positions = geometry.map { $0.output.height * $0.output.width } ?? 1
    channels = isDepthwise ? node.bias.count : 1
    size = node.kernel.count / node.bias.count
    patches = [Float](repeating: 0, count: positions * channels * size)
    sums = [Double](repeating: 0, count: channels * size)
    productCount = second ? channels * size * size : 0
    products = .allocate(capacity: max(1, productCount))
    totals = .allocate(capacity: max(1, productCount))
    totals.initialize(repeating: 0, count: productCount)
    products.initialize(repeating: 0, count: productCount)
  }

  deinit {
    products.deallocate()
    totals.deallocate()
  }

  /// Takes in what the layer reads of a sample.
  func add(_ sample: UnsafePointer<Float>, _ team: Team) {
    gather(sample)
    count += 1
    patches.withUnsafeBufferPointer { patches in
      let row = channels * size
      for k in 0..<row {
        var sum: Double = 0
        for p in 0..<positions { sum += Double(patches[p * row + k]) }
        sums[k] += sum
      }
    }
    if productCount > 0 { team.run(self, phase: 0, tiles: channels * size) }
  }

  /// A row of a channel's products.
  func perform(phase: Int, tile: Int, worker: Int) {
    let (channel, i) = (tile / size, tile % size)
    let (size, row) = (size, channels * size)
    let own = products + tile * size
    own.update(repeating: 0, count: size)
    patches.withUnsafeBufferPointer { patches in
      for p in 0..<positions {
        let x = patches.baseAddress! + p * row + channel * size
        let factor = x[i]
        if factor == 0 { continue }
        for k in 0..<size { own[k] += factor * x[k] }
      }
    }
    let total = totals + tile * size
    for k in 0..<size { total[k] += own[k] }
  }

  private func gather(_ sample: UnsafePointer<Float>) {
    guard let geometry, let window = node.kind.window else {
      for k in 0..<size { patches[k] = sample[k] }
      return
    }
    let all = input.channels
    patches.withUnsafeMutableBufferPointer { patches in
      for r in 0..<geometry.output.height {
        for q in 0..<geometry.output.width {
          let position = r * geometry.output.width + q
          for i in 0..<window.size.height {
            for j in 0..<window.size.width {
              let row = r * window.stride.height + i * window.dilation.height - window.sides.top
              let column = q * window.stride.width + j * window.dilation.width - window.sides.left
              let isInside =
                row >= 0 && row < input.extent.height && column >= 0
                && column < input.extent.width
              let tap = i * window.size.width + j
              let from = sample + (isInside ? (row * input.extent.width + column) * all : 0)
              for c in 0..<all {
                let place = isDepthwise ? c * size + tap : tap * all + c
                patches[position * channels * size + place] = isInside ? from[c] : 0
              }
            }
          }
        }
      }
    }
  }

  var moments: LayerMoments {
    let all = Double(max(1, count * positions))
    return LayerMoments(
      mean: sums.map { Float($0 / all) },
      second: (0..<productCount).map { Float(Double(totals[$0]) / all) }, size: size)
  }
}

extension FoldedNetwork.Kind {
  fileprivate var window: QuantizedWindow? {
    switch self {
    case .conv2D(let window), .depthwiseConv2D(let window): window
    default: nil
    }
  }
}
