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

  /// The columns whose windows lie inside the image's width.
  private var interior: Range<Int> {
    let room = stored.width - geometry.window.width + geometry.left
    let first = min(columns, (geometry.left + geometry.stride.width - 1) / geometry.stride.width)
    return first..<(room < 0 ? first : max(first, min(columns, room / geometry.stride.width + 1)))
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
    let interior = interior
    var to = target
    for y in rows {
      let firstRow = y &* geometry.stride.height &- geometry.top
      guard firstRow >= 0 && firstRow &+ windowRows <= stored.height else {
        to = copyAtBorder(image, firstRow, 0..<columns, to)
        continue
      }
      to = copyAtBorder(image, firstRow, 0..<interior.lowerBound, to)
      let first = interior.lowerBound &* step &- geometry.left &* channels
      var from = image + (firstRow &* rowStride &+ first)
      if run <= width && windowRows == 3 {
        for _ in interior {
          store(load(from, as: V.self), to: to)
          store(load(from + rowStride, as: V.self), to: to + run)
          store(load(from + 2 &* rowStride, as: V.self), to: to + 2 &* run)
          to += 3 &* run
          from += step
        }
      } else {
        for _ in interior {
          var row = from
          for _ in 0..<windowRows {
            var i = 0
            repeat {
              store(load(row + i, as: V.self), to: to + i)
              i = i &+ width
            } while i < run
            to += run
            row += rowStride
          }
          from += step
        }
      }
      to = copyAtBorder(image, firstRow, interior.upperBound..<columns, to)
    }
  }

  /// `copyRuns` of some columns of an output row, for windows that reach over the image's edge.
  private func copyAtBorder(
    _ image: UnsafePointer<Float>, _ firstRow: Int, _ columns: Range<Int>,
    _ target: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    let run = geometry.window.width * channels
    let rowFloats = stored.width * channels
    var to = target
    for column in columns {
      let offset = (column &* geometry.stride.width &- geometry.left) &* channels
      // The part of the run that lies inside the image; the rest is padding.
      let start = max(0, 0 &- offset)
      let end = min(run, rowFloats &- offset)
      for row in firstRow..<firstRow &+ geometry.window.height {
        let exists = row >= 0 && row < stored.height && start < end
        for i in 0..<run {
          to[i] = exists && i >= start && i < end ? image[row &* rowFloats &+ offset &+ i] : 0
        }
        to += run
      }
    }
    return to
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
