// Letters: F filters, K window, C channels, H'·W' positions of a filter's map, S·S cells.

/// The images of another source as features that nothing was learned for: a convolution with fixed
/// random filters, ReLU, and the means over a grid of cells (Jarrett et al. 2009; Coates, Lee and Ng
/// 2011). The filters are drawn as `he_normal` draws them, and shifted to a mean of zero, so that an
/// even area gives nothing.
public final class RandomConvolutions: SampleSource {
  private let base: any SampleSource
  private let geometry: WindowGeometry
  private let lowering: Lowering
  private let cells: Extent
  /// (K·K·C, F)
  private let kernel: Buffer
  private let filters: Int
  /// Each worker's image, its patches, (H'·W', K·K·C), and its maps, (H'·W', F).
  private let scratch: [(image: Buffer, columns: Buffer, maps: Buffer)]

  /// - Parameter workers: how many may fill at once.
  /// - Throws: `NetworkError` where the samples are no images.
  public convenience init(
    _ base: any SampleSource, filters: Int = 64, kernel size: Int = 5, cells: Int = 4, seed: UInt64,
    workers: Int
  ) throws(NetworkError) {
    let (extent, channels) = try NetworkPlan.image(base.sampleShape, for: "random convolutions")
    let window = Extent(min(size, extent.height), min(size, extent.width))
    let patch = window.height * window.width * channels
    let kernel = Buffer(patch * filters)
    try Initializer.heNormal.fill(
      kernel.base, rows: patch, columns: filters, fanOut: filters, seed: seed, layer: 0)
    for f in 0..<filters {
      var mean: Float = 0
      for i in 0..<patch { mean += kernel.base[i * filters + f] }
      mean /= Float(patch)
      for i in 0..<patch { kernel.base[i * filters + f] -= mean }
    }
    try self.init(base, kernel: kernel, window: window, cells: cells, workers: workers)
  }

  /// The same with given filters.
  /// - Parameters:
  ///   - kernel: (K·K·C, F), the window's rows, its columns and the channels in order.
  ///   - window: K·K, no larger than the images.
  init(
    _ base: any SampleSource, kernel: Buffer, window: Extent, cells: Int, workers: Int
  ) throws(NetworkError) {
    let shape = base.sampleShape
    let (extent, channels) = try NetworkPlan.image(shape, for: "random convolutions")
    let geometry = try WindowGeometry(
      input: extent, window: window, stride: Extent(1, 1), padding: .valid)
    let patch = window.height * window.width * channels
    let filters = kernel.count / patch
    precondition(kernel.count == patch * filters)
    let positions = geometry.output.height * geometry.output.width
    self.base = base
    self.geometry = geometry
    self.kernel = kernel
    self.filters = filters
    self.cells = Extent(
      min(cells, geometry.output.height), min(cells, geometry.output.width))
    lowering = Lowering(
      geometry: geometry, channels: channels, stored: extent, columns: geometry.output.width)
    scratch = (0..<workers).map { _ in
      (Buffer(shape.count), Buffer(positions * patch), Buffer(positions * filters))
    }
  }

  /// (K·K·C, F)
  var kernelValues: [Float] { Array(kernel.all) }

  /// The numbers of the filters, which nothing learns.
  public var fixedParameters: Int { kernel.count }

  public var sampleShape: Shape { .vector(cells.height * cells.width * filters) }
  public var count: Int { base.count }
  public var labels: Labels { base.labels }

  public func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    let (image, columns, maps) = scratch[worker]
    let output = geometry.output
    base.fill(image.base, sample: sample, epoch: epoch, worker: worker)
    lowering.im2col(image.base, rows: 0..<output.height, to: columns.base)
    let positions = output.height * output.width
    gemm(
      Matrix(columns.base, rows: positions, columns: lowering.patch),
      Matrix(kernel.base, rows: lowering.patch, columns: filters),
      into: Matrix(maps.base, rows: positions, columns: filters))
    Activation.relu.apply(maps.base, to: maps.base, count: positions * filters)
    for row in 0..<cells.height {
      let rows = row * output.height / cells.height..<(row + 1) * output.height / cells.height
      for column in 0..<cells.width {
        let across =
          column * output.width / cells.width..<(column + 1) * output.width / cells.width
        PoolWindow(
          rows: rows.count, columns: across.count, rowStride: output.width * filters,
          columnStride: filters, channels: filters
        ).average(
          maps.base + (rows.lowerBound * output.width + across.lowerBound) * filters,
          1 / Float(rows.count * across.count),
          to: destination + (row * cells.width + column) * filters)
      }
    }
  }
}
