// Lowering where a window's row is not one run of floats: of dilated windows, and of the channels of
// one group. Letters as in Im2col.swift.

extension Lowering {
  /// `im2col`, a run of C floats for each position of a window, copied in whole vectors as there.
  func gather(
    _ image: UnsafePointer<Float>, rows: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) {
    var to = target
    forEachRun(of: rows) { offset, isInside in
      var i = 0
      if isInside {
        repeat {
          store(load(image + (offset &+ i), as: Vector.self), to: to + i)
          i = i &+ Vector.scalarCount
        } while i < channels
      } else {
        repeat {
          store(Vector(), to: to + i)
          i = i &+ Vector.scalarCount
        } while i < channels
      }
      to += channels
    }
  }

  /// The transpose of `gather`: adds the patches to the image.
  func spread(
    _ source: UnsafePointer<Float>, rows: Range<Int>, addTo image: UnsafeMutablePointer<Float>
  ) {
    var from = source
    forEachRun(of: rows) { offset, isInside in
      if isInside { addRun(from, to: image + offset, count: channels) }
      from += channels
    }
  }

  /// The runs of the output rows' patches, in the order of the lowered matrix: where in the image
  /// each begins, and whether it is in the image rather than in the padding.
  @inline(__always)
  private func forEachRun(of rows: Range<Int>, _ body: (_ offset: Int, _ isInside: Bool) -> Void) {
    let (window, stride, dilation) = (geometry.window, geometry.stride, geometry.dilation)
    let (span, step) = (geometry.span, dilation.width &* pixel)
    let rowStep = dilation.height &* stored.width &* pixel
    for y in rows {
      let top = y &* stride.height &- geometry.top
      let hasAllRows = top >= 0 && top &+ span.height <= stored.height
      for x in 0..<columns {
        let left = x &* stride.width &- geometry.left
        var row = (top &* stored.width &+ left) &* pixel
        if hasAllRows && left >= 0 && left &+ span.width <= stored.width {
          for _ in 0..<window.height {
            var offset = row
            for _ in 0..<window.width {
              body(offset, true)
              offset = offset &+ step
            }
            row = row &+ rowStep
          }
        } else {
          for i in 0..<window.height {
            let hasRow = (0..<stored.height).contains(top &+ i &* dilation.height)
            for j in 0..<window.width {
              let column = left &+ j &* dilation.width
              body(row &+ j &* step, hasRow && (0..<stored.width).contains(column))
            }
            row = row &+ rowStep
          }
        }
      }
    }
  }
}
