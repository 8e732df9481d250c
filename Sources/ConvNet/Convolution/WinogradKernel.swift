/// A convolution's kernel as Winograd's filtering multiplies by it, renewed when the kernel has changed.
///
///     U = G·W·Gᵀ        a matrix (C, F) for each of a tile's products
struct WinogradKernel {
  let filter: WinogradFilter
  let channels: Int
  let filters: Int
  /// U
  let values: Buffer
  /// Uᵀ, matrices (F, C); nil where no gradient goes through it.
  let transposed: Buffer?
  /// Of each part that is renewed.
  private let scratch: Buffer

  init(
    _ filter: WinogradFilter, channels: Int, filters: Int, goesBack: Bool, in arena: Arena
  ) {
    self.init(filter, channels: channels, filters: filters, goesBack: goesBack) {
      arena.floats($0)
    }
  }

  /// Without gradients, in memory of its own.
  init(_ filter: WinogradFilter, channels: Int, filters: Int) {
    self.init(filter, channels: channels, filters: filters, goesBack: false) { Buffer($0) }
  }

  private init(
    _ filter: WinogradFilter, channels: Int, filters: Int, goesBack: Bool,
    _ floats: (Int) -> Buffer
  ) {
    self.filter = filter
    self.channels = channels
    self.filters = filters
    let size = filter.products * Self.apart(channels * filters)
    values = floats(size)
    transposed = goesBack ? floats(size) : nil
    scratch = floats(Self.mostParts * Self.scratchOfPart)
  }

  /// Floats from one of a tile's matrices to the next: an odd number of cache lines, so that a column
  /// through all of them does not fall into one set.
  static func apart(_ floats: Int) -> Int { ((floats + 15) / 16 | 1) * 16 }

  private var apart: Int { Self.apart(channels * filters) }

  /// U of a product, (C, F).
  func matrix(_ product: Int) -> Matrix {
    Matrix(values.base + product * apart, rows: channels, columns: filters)
  }

  /// Uᵀ of a product, (F, C).
  func transposedMatrix(_ product: Int) -> Matrix {
    Matrix(transposed!.base + product * apart, rows: filters, columns: channels)
  }

  // MARK: renewal

  /// Parts that are renewed apart from one another.
  var parts: Int { min(Self.mostParts, channels, filters) }
  private static let mostParts = 8
  private static let scratchOfPart = 3 * 6 * 16

  private func part(_ index: Int, of count: Int) -> Range<Int> {
    index * count / parts..<(index + 1) * count / parts
  }

  /// - Parameters:
  ///   - kernel: W, (3·3·C, F).
  ///   - kernelTransposed: Wᵀ, (F, 3·3·C), where gradients go back.
  func renew(_ kernel: UnsafeMutablePointer<Float>, transposed wt: Buffer?, part index: Int) {
    switch filter {
    case .two: renew(FilterOfTwo.Kernel.self, kernel, wt, index)
    case .four: renew(FilterOfFour.Kernel.self, kernel, wt, index)
    }
  }

  private func renew<G: LineTransform>(
    _: G.Type, _ kernel: UnsafeMutablePointer<Float>, _ wt: Buffer?, _ index: Int
  ) {
    let scratch = scratch.base + index * Self.scratchOfPart
    let tap = channels * filters
    let own = part(index, of: channels)
    TileTransform(
      G.self,
      TileGrid(kernel + own.lowerBound * filters, rowStep: 3 * tap, columnStep: tap),
      to: TileGrid(
        values.base + own.lowerBound * filters, rowStep: filter.seen * apart, columnStep: apart),
      scratch: scratch
    ).run(channels: own.count * filters)
    guard let transposed, let wt else { return }
    for f in part(index, of: filters) {
      TileTransform(
        G.self,
        TileGrid(wt.base + f * 9 * channels, rowStep: 3 * channels, columnStep: channels),
        to: TileGrid(
          transposed.base + f * channels, rowStep: filter.seen * apart, columnStep: apart),
        scratch: scratch
      ).run(channels: channels)
    }
  }

  /// dW = Gᵀ·dU·G, (3·3·C, F), of dU, matrices (C, F) as U's.
  func gradient(
    _ dU: UnsafeMutablePointer<Float>, to gradient: Matrix, scratch: UnsafeMutablePointer<Float>
  ) {
    switch filter {
    case .two: self.gradient(FilterOfTwo.KernelAdjoint.self, dU, gradient, scratch)
    case .four: self.gradient(FilterOfFour.KernelAdjoint.self, dU, gradient, scratch)
    }
  }

  private func gradient<GT: LineTransform>(
    _: GT.Type, _ dU: UnsafeMutablePointer<Float>, _ gradient: Matrix,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let tap = channels * filters
    precondition(gradient.stride == filters)
    TileTransform(
      GT.self, TileGrid(dU, rowStep: filter.seen * apart, columnStep: apart),
      to: TileGrid(gradient.base, rowStep: 3 * tap, columnStep: tap), scratch: scratch
    ).run(channels: tap)
  }
}
