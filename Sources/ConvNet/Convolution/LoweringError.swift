/// How far a convolution's results are from those in double precision, by Winograd's minimal filtering and by
/// im2col.
public struct LoweringError: Sendable {
  /// Relative to the largest result, and to the mean of their sizes.
  public struct Errors: Sendable {
    public let largest: Double
    public let mean: Double
  }

  /// The layer's label in its plan.
  public let layer: String
  /// "F(4x4, 3x3)"
  public let filter: String
  public let winograd: Errors
  public let im2col: Errors

  /// The most rows and columns of results that are looked at.
  private static let side = 32

  /// Of a convolution of `description`, whose kernel is drawn as Glorot and Bengio's uniform and whose
  /// image is half of normal numbers, as behind a ReLU: of its first 32 x 32 results.
  fileprivate init(
    _ layer: NetworkPlan.Layer, _ filter: WinogradFilter, filters: Int
  ) {
    let geometry = layer.geometry!
    let live = Extent(min(layer.live.height, Self.side), min(layer.live.width, Self.side))
    let stored = geometry.inputRead(by: live)
    let channels = layer.input.channels
    let patch = 9 * channels
    let (positions, pixels) = (live.height * live.width, stored.height * stored.width)
    var stream = RandomStream(seed: 1, purpose: .probe)
    let (image, kernel) = (Buffer(pixels * channels), Buffer(patch * filters))
    for i in 0..<image.count { image.base[i] = max(0, stream.uniform(-1, 1)) }
    let limit = (6 / Float(9 * (channels + filters))).squareRoot()
    for i in 0..<kernel.count { kernel.base[i] = stream.uniform(-limit, limit) }

    // By im2col, and with the same patches in double precision.
    let (columns, lowered) = (Buffer(positions * patch), Buffer(positions * filters))
    Lowering(geometry: geometry, channels: channels, stored: stored, columns: live.width)
      .im2col(image.base, rows: 0..<live.height, to: columns.base)
    gemm(
      Matrix(columns.base, rows: positions, columns: patch),
      Matrix(kernel.base, rows: patch, columns: filters),
      into: Matrix(lowered.base, rows: positions, columns: filters))
    func doubles(_ buffer: Buffer) -> [Double] { buffer.all.map(Double.init) }
    var (left, right) = (doubles(columns), doubles(kernel))
    var exact = [Double](repeating: 0, count: positions * filters)
    left.withUnsafeMutableBufferPointer { left in
      right.withUnsafeMutableBufferPointer { right in
        exact.withUnsafeMutableBufferPointer { exact in
          gemm(
            MatrixView(left.baseAddress!, rows: positions, columns: patch),
            MatrixView(right.baseAddress!, rows: patch, columns: filters),
            into: MatrixView(exact.baseAddress!, rows: positions, columns: filters))
        }
      }
    }

    // By minimal filtering.
    let tiling = WinogradTiling(
      filter, geometry, live: live, stored: stored, channels: channels, filters: filters,
      poolHeight: 1, isAlone: true)
    let filtered = Buffer(positions * filters)
    let memory = Buffer(tiling.memory(goesBack: false))
    let form = WinogradKernel(filter, channels: channels, filters: filters)
    for part in 0..<form.parts { form.renew(kernel.base, transposed: nil, part: part) }
    tiling.forEachBlock(of: 1, in: memory.base) { block in
      tiling.lower(image.base, block)
      tiling.multiply(block, by: form)
      let first = tiling.results(of: block.rows).lowerBound
      tiling.raise(block, to: filtered.base + tiling.size(of: 0..<first))
    }

    self.layer = layer.label
    self.filter = filter.name
    winograd = Errors(of: filtered, from: exact)
    im2col = Errors(of: lowered, from: exact)
  }
}

extension LoweringError.Errors {
  fileprivate init(of results: Buffer, from exact: [Double]) {
    var (largest, sum, largestSize, size) = (0.0, 0.0, 0.0, 0.0)
    for i in exact.indices {
      let error = abs(Double(results.base[i]) - exact[i])
      largest = max(largest, error)
      sum += error
      largestSize = max(largestSize, abs(exact[i]))
      size += abs(exact[i])
    }
    self.largest = largest / largestSize
    mean = sum / size
  }
}

extension NetworkPlan {
  /// The convolutions that are computed by minimal filtering, with their errors; none where the plan's
  /// `convolution` is im2col.
  public func loweringErrors() -> [LoweringError] {
    minimalFilters.map { layer, filter, filters in
      LoweringError(layer, filter, filters: filters)
    }
  }

  /// The labels of the convolutions that are computed by minimal filtering.
  public var minimallyFiltered: [String] { minimalFilters.map(\.0.label) }

  private var minimalFilters: [(Layer, WinogradFilter, filters: Int)] {
    guard description.convolution == .winograd else { return [] }
    return layers.compactMap { layer in
      guard case .conv2D(let conv) = layer.description,
        let filter = WinogradFilter.gains(
          layer.geometry!, groups: conv.groups, live: layer.live, channels: layer.input.channels,
          filters: conv.filters)
      else { return nil }
      return (layer, filter, conv.filters)
    }
  }
}
