// Vectors of floats in memory. A vector operation is element by element, so its width decides no bit.

typealias Vector = SIMD16<Float>

@inline(__always)
func load<V: SIMD>(_ pointer: UnsafePointer<Float>, as type: V.Type = V.self) -> V
where V.Scalar == Float {
  UnsafeRawPointer(pointer).loadUnaligned(as: V.self)
}

@inline(__always)
func load<V: SIMD>(_ pointer: UnsafeMutablePointer<Float>, as type: V.Type = V.self) -> V
where V.Scalar == Float {
  UnsafeRawPointer(pointer).loadUnaligned(as: V.self)
}

@inline(__always)
func store<V: SIMD>(_ vector: V, to pointer: UnsafeMutablePointer<Float>) where V.Scalar == Float {
  UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: V.self)
}

/// to += from, `count` floats.
@inline(__always)
func addRun(_ from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>, count: Int) {
  var i = 0
  while i &+ 16 <= count {
    store(load(to + i, as: Vector.self) + load(from + i), to: to + i)
    i = i &+ 16
  }
  while i < count {
    to[i] += from[i]
    i = i &+ 1
  }
}

/// y = x + b for rows of `columns` floats, negative sums made 0 where `rectified`. `y` may be `x`.
func addBias(
  _ bias: UnsafePointer<Float>, to x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
  rows: Int, columns: Int, rectified: Bool
) {
  // Vectors by hand: the compiler's own would not serve where x and y are the same memory.
  let floor: Float = rectified ? 0 : -.infinity
  for row in 0..<rows {
    let (from, to) = (x + row &* columns, y + row &* columns)
    var c = 0
    while c &+ 16 <= columns {
      let sum: Vector = load(from + c) + load(bias + c)
      store(sum.replacing(with: floor, where: sum .< floor), to: to + c)
      c = c &+ 16
    }
    while c < columns {
      let sum = from[c] + bias[c]
      to[c] = sum < floor ? floor : sum
      c = c &+ 1
    }
  }
}

/// sums[c] += Σ over rows of values[row·columns + c], rows in order.
func addColumnSums(
  of values: UnsafePointer<Float>, rows: Int, columns: Int, to sums: UnsafeMutablePointer<Float>
) {
  var c = 0
  while c &+ 16 <= columns {
    var sum: Vector = load(sums + c)
    var p = values + c
    for _ in 0..<rows {
      sum += load(p)
      p += columns
    }
    store(sum, to: sums + c)
    c = c &+ 16
  }
  while c < columns {
    var sum = sums[c]
    var p = values + c
    for _ in 0..<rows {
      sum += p.pointee
      p += columns
    }
    sums[c] = sum
    c = c &+ 1
  }
}

/// The first columns of one matrix into another; a stride is the floats between two rows.
func copyColumns(
  _ from: UnsafePointer<Float>, stride fromStride: Int, to: UnsafeMutablePointer<Float>,
  stride toStride: Int, rows: Int, columns: Int
) {
  for row in 0..<rows {
    let (source, target) = (from + row &* fromStride, to + row &* toStride)
    for column in 0..<columns { target[column] = source[column] }
  }
}

/// Σ values, in sixteen partial sums that are added in order.
func orderedSum(_ values: UnsafePointer<Float>, count: Int) -> Float {
  var partial = Vector()
  var i = 0
  while i &+ 16 <= count {
    partial += load(values + i)
    i = i &+ 16
  }
  var sum: Float = 0
  for lane in 0..<16 { sum += partial[lane] }
  while i < count {
    sum += values[i]
    i = i &+ 1
  }
  return sum
}

/// to += factor · from, `count` floats.
@inline(__always)
func addRun(
  _ from: UnsafePointer<Float>, times factor: Float, to: UnsafeMutablePointer<Float>, count: Int
) {
  for i in 0..<count { to[i] += factor * from[i] }
}

/// Σ a·b, in sixteen partial sums that are added in order.
func orderedDot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
  var partial = Vector()
  var i = 0
  while i &+ 16 <= count {
    partial += load(a + i, as: Vector.self) * load(b + i)
    i = i &+ 16
  }
  var sum: Float = 0
  for lane in 0..<16 { sum += partial[lane] }
  while i < count {
    sum += a[i] * b[i]
    i = i &+ 1
  }
  return sum
}
