/// Which of Winograd's minimal filters computes a convolution of 3x3.
enum WinogradFilter {
  /// F(2x2, 3x3): sixteen products for four results, by `FilterOfTwo`.
  case two
  /// F(4x4, 3x3): 36 products for sixteen results, by `FilterOfFour`.
  case four

  var name: String { self == .two ? "F(2x2, 3x3)" : "F(4x4, 3x3)" }

  /// Rows and columns of a tile of results, m.
  var results: Int { self == .two ? 2 : 4 }
  /// Rows and columns of what such a tile sees of the image, m + 2.
  var seen: Int { results + 2 }
  /// Products of a tile.
  var products: Int { seen * seen }

  /// The filter that takes the least work for an output of this size, if that gains anything over
  /// im2col. A rule on shapes alone, from measurements with AVX-512 and AVX2.
  static func gains(
    _ geometry: WindowGeometry, groups: Int, live: Extent, channels: Int, filters: Int
  ) -> WinogradFilter? {
    guard geometry.window == Extent(3, 3), geometry.stride == Extent(1, 1),
      geometry.dilation == Extent(1, 1), groups == 1,
      9 * channels * filters <= Self.largestKernel
    else { return nil }
    let best = [WinogradFilter.two, .four].min {
      $0.work(live, channels, filters) < $1.work(live, channels, filters)
    }!
    let lowered = 9 * live.height * live.width * channels * filters
    return best.work(live, channels, filters) < lowered ? best : nil
  }

  /// Multiply-adds of an image's products, and what transforms take, in such.
  private func work(_ live: Extent, _ channels: Int, _ filters: Int) -> Int {
    let tiles =
      ((live.height + results - 1) / results) * ((live.width + results - 1) / results)
    return tiles * products * (channels * filters + Self.transform * (channels + filters))
  }

  /// Weights of a kernel: in its other form it is four times as large, and read whole for every block.
  private static let largestKernel = 262_144

  /// What the transforms of a number of a tile take, in multiply-adds of a product.
  private static let transform = 16
}
