// Lowering where a window's row is not one run of floats: of dilated windows, and of the channels of
// one group. Letters as in Im2col.swift.

extension Lowering {
  /// `im2col`, a run of C floats for each position of a window.
  func gather(
    _ image: UnsafePointer<Float>, rows: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) {
    var to = target
    forEachRun(of: rows) { offset in
      if let offset {
        let run = image + offset
        for i in 0..<channels { to[i] = run[i] }
      } else {
        for i in 0..<channels { to[i] = 0 }
      }
      to += channels
    }
  }

  /// The transpose of `gather`: adds the patches to the image.
  func spread(
    _ source: UnsafePointer<Float>, rows: Range<Int>, addTo image: UnsafeMutablePointer<Float>
  ) {
    var from = source
    forEachRun(of: rows) { offset in
      if let offset { addRun(from, to: image + offset, count: channels) }
      from += channels
    }
  }

  /// The runs of the output rows' patches, in the order of the lowered matrix: where in the image
  /// each begins, nil in the padding.
  @inline(__always)
  private func forEachRun(of rows: Range<Int>, _ body: (Int?) -> Void) {
    for y in rows {
      for x in 0..<columns {
        for i in 0..<geometry.window.height {
          let row =
            y &* geometry.stride.height &- geometry.top &+ i &* geometry.dilation.height
          for j in 0..<geometry.window.width {
            let column =
              x &* geometry.stride.width &- geometry.left &+ j &* geometry.dilation.width
            let isInside =
              row >= 0 && row < stored.height && column >= 0 && column < stored.width
            body(isInside ? (row &* stored.width &+ column) &* pixel : nil)
          }
        }
      }
    }
  }
}
