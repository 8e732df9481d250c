/// Neighbouring sums that a loop holds in registers. How many are held together decides no bit.
protocol HeldFloats {
  static var count: Int { get }
  /// Zeros.
  init()
  init(at pointer: UnsafePointer<Float>)
  /// self = fma(factor, p, self), element by element.
  mutating func add(_ factor: Float, times pointer: UnsafePointer<Float>)
  /// p += self
  func add(to pointer: UnsafeMutablePointer<Float>)
  /// p = self
  func store(to pointer: UnsafeMutablePointer<Float>)
}

extension HeldFloats where Self: SIMD, Scalar == Float {
  @inline(__always)
  static var count: Int { scalarCount }

  @inline(__always)
  init(at pointer: UnsafePointer<Float>) { self = load(pointer) }

  @inline(__always)
  mutating func add(_ factor: Float, times pointer: UnsafePointer<Float>) {
    addProduct(Self(repeating: factor), load(pointer))
  }

  @inline(__always)
  func add(to pointer: UnsafeMutablePointer<Float>) {
    ConvNet.store(load(pointer, as: Self.self) + self, to: pointer)
  }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) { ConvNet.store(self, to: pointer) }
}

extension SIMD16: HeldFloats where Scalar == Float {}
extension SIMD8: HeldFloats where Scalar == Float {}
extension SIMD4: HeldFloats where Scalar == Float {}

extension Float: HeldFloats {
  @inline(__always)
  static var count: Int { 1 }

  @inline(__always)
  init(at pointer: UnsafePointer<Float>) { self = pointer.pointee }

  @inline(__always)
  mutating func add(_ factor: Float, times pointer: UnsafePointer<Float>) {
    addProduct(factor, pointer.pointee)
  }

  @inline(__always)
  func add(to pointer: UnsafeMutablePointer<Float>) { pointer.pointee += self }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) { pointer.pointee = self }
}

/// Some, and those after them.
struct Both<First: HeldFloats, Second: HeldFloats>: HeldFloats {
  private var first: First
  private var second: Second

  @inline(__always)
  static var count: Int { First.count &+ Second.count }

  @inline(__always)
  init() {
    first = First()
    second = Second()
  }

  @inline(__always)
  init(at pointer: UnsafePointer<Float>) {
    first = First(at: pointer)
    second = Second(at: pointer + First.count)
  }

  @inline(__always)
  mutating func add(_ factor: Float, times pointer: UnsafePointer<Float>) {
    first.add(factor, times: pointer)
    second.add(factor, times: pointer + First.count)
  }

  @inline(__always)
  func add(to pointer: UnsafeMutablePointer<Float>) {
    first.add(to: pointer)
    second.add(to: pointer + First.count)
  }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) {
    first.store(to: pointer)
    second.store(to: pointer + First.count)
  }
}

/// A factor, and where in memory begins what it multiplies.
struct WeightedRun {
  /// In floats.
  let offset: Int32
  let factor: Float
}

/// to[j] += Σ_i factor_i · from[offset_i + j]: each sum a chain of fused multiply-adds from zero on.
struct WeightedSum {
  let runs: UnsafePointer<WeightedRun>
  let count: Int
  let from: UnsafePointer<Float>
  let to: UnsafeMutablePointer<Float>

  private typealias Two = Both<Vector, Vector>
  private typealias Three = Both<Two, Vector>

  /// For so many j: 96 at a time, which with a factor take thirteen registers of eight floats; then what
  /// is left by fewer.
  @inline(__always)
  func add(_ length: Int) {
    var j = 0
    while j &+ 96 <= length { add(Both<Three, Three>.self, &j) }
    if j &+ 64 <= length { add(Both<Two, Two>.self, &j) }
    if j &+ 48 <= length { add(Three.self, &j) }
    if j &+ 32 <= length { add(Two.self, &j) }
    if j &+ 16 <= length { add(Vector.self, &j) }
    if j &+ 8 <= length { add(SIMD8<Float>.self, &j) }
    if j &+ 4 <= length { add(SIMD4<Float>.self, &j) }
    while j < length { add(Float.self, &j) }
  }

  @inline(__always)
  private func add<Held: HeldFloats>(_: Held.Type, _ j: inout Int) {
    let from = from + j
    var sum = Held()
    for i in 0..<count { sum.add(runs[i].factor, times: from + Int(runs[i].offset)) }
    sum.add(to: to + j)
    j = j &+ Held.count
  }
}
