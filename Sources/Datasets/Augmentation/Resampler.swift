import Elements

/// Bilinear resampling of one image at a time, with its buffers. H, W, C are the image's sizes.
///
/// `@unchecked Sendable`: it is made by one thread and then used by one worker only.
final class Resampler: @unchecked Sendable {
  let height: Int, width: Int, channels: Int
  let fill: BorderFill
  /// Pixels around the image, so that no pixel needs a test: zeros, or what `fill` says. Coordinates are held within
  /// [−1, H] × [−1, W]; rounding may take their floor one lower.
  private static let before = 2
  private static let around = 4
  private let rowStride: Int
  /// (H + 4, W + 4, C), the image in [0, 1] amid them.
  private let padded: UnsafeMutablePointer<Float>
  /// Of one output row: the place in `padded` of each pixel's upper left neighbour, and the weights
  /// of the lower and of the right neighbours. (⌈W / 16⌉) vectors each.
  private let place: UnsafeMutablePointer<SIMD16<Int32>>
  private let down: UnsafeMutablePointer<SIMD16<Float>>
  private let right: UnsafeMutablePointer<SIMD16<Float>>
  /// The two upper and the two lower neighbours of each pixel of the row. (pitch) pairs.
  private let upperPairs: UnsafeMutablePointer<UInt64>
  private let lowerPairs: UnsafeMutablePointer<UInt64>
  private let blended: UnsafeMutablePointer<SIMD16<Float>>
  /// W rounded up to whole vectors.
  private let pitch: Int
  /// (2, H, pitch): displacements of rows, then of columns.
  private let field: UnsafeMutablePointer<Float>

  init(height: Int, width: Int, channels: Int, fill: BorderFill = .constant) {
    self.fill = fill
    self.height = height
    self.width = width
    self.channels = channels
    rowStride = (width + Self.around) * channels
    // Four channels may be read where three are meant.
    let size = (height + Self.around) * rowStride + 4
    padded = .allocate(capacity: size)
    padded.initialize(repeating: 0, count: size)
    let vectors = (width + 15) / 16
    pitch = 16 * vectors
    place = .allocate(capacity: vectors)
    place.initialize(repeating: SIMD16(), count: vectors)
    down = .allocate(capacity: vectors)
    down.initialize(repeating: SIMD16(), count: vectors)
    right = .allocate(capacity: vectors)
    right.initialize(repeating: SIMD16(), count: vectors)
    func pairs() -> UnsafeMutablePointer<UInt64> {
      UnsafeMutableRawPointer.allocate(byteCount: 8 * 16 * vectors, alignment: 128)
        .initializeMemory(as: UInt64.self, repeating: 0, count: 16 * vectors)
    }
    upperPairs = pairs()
    lowerPairs = pairs()
    blended = .allocate(capacity: vectors)
    blended.initialize(repeating: SIMD16(), count: vectors)
    field = .allocate(capacity: 2 * height * pitch)
    field.initialize(repeating: 0, count: 2 * height * pitch)
  }

  deinit {
    padded.deallocate()
    place.deallocate()
    down.deallocate()
    right.deallocate()
    upperPairs.deallocate()
    lowerPairs.deallocate()
    blended.deallocate()
    field.deallocate()
  }

  /// Takes up an image of H·W·C bytes, divided by 255.
  func load(_ image: UnsafePointer<UInt8>) {
    for y in 0..<height {
      scalePixels(image + y * width * channels, into: row(y), count: width * channels)
    }
    fillBorder()
  }

  /// Takes up an image of H·W·C floats.
  func load(_ image: UnsafePointer<Float>) {
    for y in 0..<height {
      row(y).update(from: image + y * width * channels, count: width * channels)
    }
    fillBorder()
  }

  /// Two pixels on each side, and the rows above and below with theirs.
  private func fillBorder() {
    if fill == .constant { return }
    for y in 0..<height {
      for x in [-2, -1, width, width + 1] {
        (row(y) + x * channels).update(
          from: row(y) + fill.source(x, width) * channels, count: channels)
      }
    }
    for y in [-2, -1, height, height + 1] {
      (row(y) - Self.before * channels).update(
        from: row(fill.source(y, height)) - Self.before * channels, count: rowStride)
    }
  }

  private func row(_ y: Int) -> UnsafeMutablePointer<Float> {
    padded + (y + Self.before) * rowStride + Self.before * channels
  }

  func clearField() { field.update(repeating: 0, count: 2 * height * pitch) }

  func addToField(_ elastic: ElasticField, rows: NoiseSource, columns: NoiseSource) {
    elastic.add(to: field, noise: rows)
    elastic.add(to: field + height * pitch, noise: columns)
  }

  /// Takes displacements of rows and of columns, (2, H, W), in pixels.
  func setField(_ values: [Float]) {
    precondition(values.count == 2 * height * width)
    for y in 0..<2 * height {
      for x in 0..<width { field[y * pitch + x] = values[y * width + x] }
    }
  }

  /// Whether a map only moves pixels of the image, and zeros.
  func canCopy(_ map: PlaneMap) -> Bool {
    map.isWhole && (fill == .constant || map.r == 0 && map.c == 0)
  }

  /// destination(p) = image(map(p)), (H, W, C), floats of bytes divided by 255, for a map by whole
  /// pixels.
  func copy(
    _ image: UnsafePointer<UInt8>, _ map: PlaneMap, into destination: UnsafeMutablePointer<Float>
  ) {
    precondition(canCopy(map))
    let isMirrored = map.cc < 0
    // Row and column of the output's first pixel in the input.
    let top = Int(map.r) + (map.rr < 0 ? height - 1 : 0)
    let left = Int(map.c) + (isMirrored ? width - 1 : 0)
    let first = min(width, max(0, isMirrored ? left - (width - 1) : -left))
    let end = max(first, min(width, isMirrored ? left + 1 : width - left))
    for y in 0..<height {
      let out = destination + y * width * channels
      let source = top + (map.rr < 0 ? -y : y)
      guard source >= 0, source < height else {
        out.update(repeating: 0, count: width * channels)
        continue
      }
      out.update(repeating: 0, count: first * channels)
      (out + end * channels).update(repeating: 0, count: (width - end) * channels)
      let row = image + source * width * channels
      if isMirrored {
        mirror(row + left * channels, into: out, first..<end)
      } else if first < end {
        scalePixels(
          row + (left + first) * channels, into: out + first * channels,
          count: (end - first) * channels)
      }
    }
  }

  /// Pixel x of `out` is the one x before `row`.
  private func mirror(
    _ row: UnsafePointer<UInt8>, into out: UnsafeMutablePointer<Float>, _ range: Range<Int>
  ) {
    let channels = channels
    for x in range {
      for c in 0..<channels { out[x * channels + c] = Float(row[c - x * channels]) * (1 / 255) }
    }
  }

  /// destination(p) = image(map(p) + d(p)), (H, W, C); d is zero unless `displaced`.
  func resample(
    _ map: PlaneMap, displaced: Bool, into destination: UnsafeMutablePointer<Float>
  ) {
    let middleRow = Float(height - 1) / 2
    let middleColumn = Float(width - 1) / 2
    for y in 0..<height {
      let offset = Float(y) - middleRow
      // Row and column of the output pixel at x = 0 in the input.
      let startRow = map.rr * offset - map.rc * middleColumn + map.r + middleRow
      let startColumn = map.cr * offset - map.cc * middleColumn + map.c + middleColumn
      let rows = field + y * pitch
      let columns = rows + height * pitch
      if !map.isAffine {
        let start = map.pr * offset + 1
        locate { along, x in
          let column = along - middleColumn
          var divisor = column * map.pc + start
          // What lies behind the eye goes far outside.
          divisor.replace(with: 1e-6, where: divisor .< 1e-6)
          let r = (column * map.rc + (map.rr * offset + map.r)) / divisor + middleRow
          let c = (column * map.cc + (map.cr * offset + map.c)) / divisor + middleColumn
          if !displaced { return (r, c) }
          return (r + Self.vector(rows, x), c + Self.vector(columns, x))
        }
      } else if displaced {
        locate { along, x in
          (
            along * map.rc + (Self.vector(rows, x) + startRow),
            along * map.cc + (Self.vector(columns, x) + startColumn)
          )
        }
      } else {
        locate { along, _ in
          (along * map.rc + (Vector() + startRow), along * map.cc + (Vector() + startColumn))
        }
      }
      let out = destination + y * width * channels
      if channels == 1 { gather(into: out) } else { gatherChannels(into: out) }
    }
  }

  private typealias Vector = SIMD16<Float>

  @inline(__always)
  private static func vector(_ values: UnsafePointer<Float>, _ x: Int) -> Vector {
    UnsafeRawPointer(values + x).loadUnaligned(as: Vector.self)
  }

  /// place, down, right of one output row, whose pixels lie in the input where `position` says: the
  /// rows and the columns of the sixteen from the second argument on, which the first counts along.
  @inline(__always)
  private func locate(position: (Vector, Int) -> (rows: Vector, columns: Vector)) {
    // x − ½ + 1.5·2²³ has, in its last bits, the integer nearest to x − ½: a floor without a
    // conversion, save that a whole x may give x − 1, with the weight 1 instead of 0.
    let magic: Float = 12_582_912
    let magicBits: Int32 = 0x4B40_0000
    let (stride, channels, fill) = (Int32(rowStride), Int32(channels), fill)
    let origin = Int32(Self.before * rowStride) + Int32(Self.before) * channels
    let least = Vector(repeating: -1)
    let (lastRow, lastColumn) = (Vector(repeating: Float(height)), Vector(repeating: Float(width)))
    let ramp = Vector(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    for x in Swift.stride(from: 0, to: width, by: 16) {
      let along = ramp + Float(x)
      var (r, c) = position(along, x)
      if fill != .constant { (r, c) = (fill.folded(r, height), fill.folded(c, width)) }
      r = r.replacing(with: least, where: r .< least)
      r = r.replacing(with: lastRow, where: r .> lastRow)
      c = c.replacing(with: least, where: c .< least)
      c = c.replacing(with: lastColumn, where: c .> lastColumn)
      let shiftedRow = (r - 0.5) + magic
      let shiftedColumn = (c - 0.5) + magic
      down[x / 16] = r - (shiftedRow - magic)
      right[x / 16] = c - (shiftedColumn - magic)
      let top = unsafeBitCast(shiftedRow, to: SIMD16<Int32>.self) &- magicBits
      let left = unsafeBitCast(shiftedColumn, to: SIMD16<Int32>.self) &- magicBits
      place[x / 16] = top &* stride &+ left &* channels &+ origin
    }
  }

  /// One output row of grey pixels. The neighbours are fetched two at a time, as the 64 bits that
  /// they are, and then blended sixteen at a time.
  private func gather(into out: UnsafeMutablePointer<Float>) {
    let upper = UnsafeRawPointer(padded)
    let lower = upper + 4 * rowStride
    let places = UnsafeRawPointer(place).assumingMemoryBound(to: Int32.self)
    let (upperPairs, lowerPairs) = (upperPairs, lowerPairs)
    for x in 0..<pitch {
      let offset = 4 &* Int(places[x])
      upperPairs[x] = upper.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      lowerPairs[x] = lower.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
    let tops = UnsafeRawPointer(upperPairs)
    let bottoms = UnsafeRawPointer(lowerPairs)
    for group in 0..<pitch / 16 {
      let top = tops.load(fromByteOffset: 128 * group, as: SIMD32<Float>.self)
      let bottom = bottoms.load(fromByteOffset: 128 * group, as: SIMD32<Float>.self)
      let right = right[group]
      let above = top.evenHalf + right * (top.oddHalf - top.evenHalf)
      let below = bottom.evenHalf + right * (bottom.oddHalf - bottom.evenHalf)
      blended[group] = above + down[group] * (below - above)
    }
    out.update(
      from: UnsafeRawPointer(blended).assumingMemoryBound(to: Float.self), count: width)
  }

  /// One output row of pixels of several channels. Three are blended as four, of which the last is
  /// overwritten by the next pixel.
  private func gatherChannels(into out: UnsafeMutablePointer<Float>) {
    let places = UnsafeRawPointer(place).assumingMemoryBound(to: Int32.self)
    let downs = UnsafeRawPointer(down).assumingMemoryBound(to: Float.self)
    let rights = UnsafeRawPointer(right).assumingMemoryBound(to: Float.self)
    let first = channels == 3 ? width - 1 : 0
    for x in 0..<first {
      let upper = UnsafeRawPointer(padded + Int(places[x]))
      let lower = upper + 4 * rowStride
      let (down, right) = (downs[x], rights[x])
      let above = Self.blend(upper, upper + 12, right)
      let below = Self.blend(lower, lower + 12, right)
      let pixel = above + down * (below - above)
      UnsafeMutableRawPointer(out + 3 * x).storeBytes(of: pixel, as: SIMD4<Float>.self)
    }
    for x in first..<width {
      let upper = padded + Int(places[x])
      let lower = upper + rowStride
      let (down, right) = (downs[x], rights[x])
      for c in 0..<channels {
        let top = upper[c] + right * (upper[c + channels] - upper[c])
        let bottom = lower[c] + right * (lower[c + channels] - lower[c])
        out[x * channels + c] = top + down * (bottom - top)
      }
    }
  }

  @inline(__always)
  private static func blend(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ weight: Float
  ) -> SIMD4<Float> {
    let a = left.loadUnaligned(as: SIMD4<Float>.self)
    return a + weight * (right.loadUnaligned(as: SIMD4<Float>.self) - a)
  }
}
