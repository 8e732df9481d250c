// Lowering: a convolution as a product (Chellapilla, Puri and Simard 2006).
// H', W': output rows and columns; K: window; C: channels. Images lie as (H, W, C).

/// How one image is lowered: a window's geometry, and the memory it is read from.
struct Lowering {
  let geometry: WindowGeometry
  /// Channels that are lowered: the image's, or those of one group.
  let channels: Int
  /// Floats from one position of the stored image to the next.
  let pixel: Int
  /// Columns of the stored image, which may hold fewer than the textbook's: only the live ones.
  let stored: Extent
  /// Live columns of the output.
  let columns: Int

  init(
    geometry: WindowGeometry, channels: Int, pixel: Int? = nil, stored: Extent, columns: Int
  ) {
    self.geometry = geometry
    self.channels = channels
    self.pixel = pixel ?? channels
    self.stored = stored
    self.columns = columns
  }

  /// Whether a row of a patch is one run of K·C floats in the image.
  private var hasWholeRuns: Bool { channels == pixel && geometry.dilation == Extent(1, 1) }

  /// Floats in a row of the lowered matrix, K·K·C.
  var patch: Int { geometry.window.height * geometry.window.width * channels }

  /// Writes the patches of the output rows `rows` to `columns`, (rows·W', K·K·C).
  ///
  /// A row of a patch is one run of K·C floats in the image. Runs are copied in whole vectors, in
  /// ascending order: what one writes past its end, the next overwrites; both buffers have slack.
  func im2col(
    _ image: UnsafePointer<Float>, rows: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) {
    guard hasWholeRuns else { return gather(image, rows: rows, to: target) }
    let run = geometry.window.width * channels
    if run <= 4 {
      copyRuns(image, rows, target, as: SIMD4<Float>.self)
    } else if run <= 8 {
      copyRuns(image, rows, target, as: SIMD8<Float>.self)
    } else {
      copyRuns(image, rows, target, as: Vector.self)
    }
  }

  @inline(__always)
  private func copyRuns<V: SIMD>(
    _ image: UnsafePointer<Float>, _ rows: Range<Int>, _ target: UnsafeMutablePointer<Float>,
    as vector: V.Type
  ) where V.Scalar == Float {
    let width = V.scalarCount
    let run = geometry.window.width * channels
    let windowRows = geometry.window.height
    let rowStride = stored.width * channels
    let step = geometry.stride.width * channels
    let limit = (stored.width - geometry.window.width) * channels
    var to = target
    for y in rows {
      let firstRow = y &* geometry.stride.height &- geometry.top
      let isInside = firstRow >= 0 && firstRow &+ windowRows <= stored.height
      var offset = 0 &- geometry.left &* channels
      for _ in 0..<columns {
        if isInside && offset >= 0 && offset <= limit {
          var from = image + (firstRow &* rowStride &+ offset)
          for _ in 0..<windowRows {
            var i = 0
            repeat {
              store(load(from + i, as: V.self), to: to + i)
              i = i &+ width
            } while i < run
            to += run
            from += rowStride
          }
        } else {
          for row in firstRow..<firstRow + windowRows {
            // The part of the run that lies inside the image; the rest is padding.
            let from = max(0, 0 &- offset)
            let end = min(run, stored.width &* channels &- offset)
            let exists = row >= 0 && row < stored.height && from < end
            for i in 0..<run {
              to[i] = exists && i >= from && i < end ? image[row &* rowStride &+ offset &+ i] : 0
            }
            to += run
          }
        }
        offset = offset &+ step
      }
    }
  }

  /// The transpose of `im2col`: adds the patches of the output rows `rows` to the image.
  func col2im(
    _ source: UnsafePointer<Float>, rows: Range<Int>, addTo image: UnsafeMutablePointer<Float>
  ) {
    guard hasWholeRuns else { return spread(source, rows: rows, addTo: image) }
    let run = geometry.window.width * channels
    let windowRows = geometry.window.height
    let rowStride = stored.width * channels
    let step = geometry.stride.width * channels
    var from = source
    for y in rows {
      let firstRow = y &* geometry.stride.height &- geometry.top
      var offset = 0 &- geometry.left &* channels
      for _ in 0..<columns {
        let skip = max(0, 0 &- offset)
        let count = min(run, stored.width &* channels &- offset) &- skip
        for row in firstRow..<firstRow &+ windowRows {
          if row >= 0 && row < stored.height && count > 0 {
            addRun(from + skip, to: image + (row &* rowStride &+ offset &+ skip), count: count)
          }
          from += run
        }
        offset = offset &+ step
      }
    }
  }
}
