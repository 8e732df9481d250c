// The transforms of Winograd's minimal filtering in one dimension: a line of d values, of an r-tap kernel
// or of m results, each value a vector of neighbouring channels.
//
//     y = Aᵀ[(G·g) ⊙ (Bᵀ·d)]          F(m, r): m results of an r-tap filter by m + r − 1 products
//
// with their adjoints A, B and Gᵀ, by which gradients go back. Winograd 1980; Lavin and Gray 2016, "Fast
// Algorithms for Convolutional Neural Networks", section 4. The matrices are Toom and Cook's: with the
// finite points a_i and N_i = Π_{j≠i} (a_i − a_j),
//
//     (Aᵀ)_ji = a_i^j     G_ik = a_i^k / N_i     (Bᵀ)_i = the coefficients of Π_{j≠i} (x − a_j)
//
// and for the point at infinity the leading coefficient of each, (Bᵀ)_∞ those of Π_j (x − a_j).

/// Some vectors in memory, a step apart.
struct Line<V: SIMD> where V.Scalar == Float {
  let base: UnsafeMutablePointer<Float>
  let step: Int
  /// Channels of a vector; its other lanes are zero.
  let lanes: Int

  @inline(__always)
  init(_ base: UnsafeMutablePointer<Float>, step: Int, lanes: Int = V.scalarCount) {
    self.base = base
    self.step = step
    self.lanes = lanes
  }

  @inline(__always)
  subscript(_ place: Int) -> V { load(base + place &* step, lanes) }
}

/// Where a transform leaves its vectors.
protocol LineTarget<V> {
  associatedtype V: SIMD where V.Scalar == Float
  init(_ base: UnsafeMutablePointer<Float>, step: Int, lanes: Int)
  func put(_ vector: V, _ place: Int)
}

extension Line: LineTarget {
  @inline(__always)
  func put(_ vector: V, _ place: Int) { store(vector, lanes, to: base + place &* step) }
}

/// A line that what comes is added to.
struct LineOfSums<V: SIMD>: LineTarget where V.Scalar == Float {
  let line: Line<V>

  @inline(__always)
  init(_ base: UnsafeMutablePointer<Float>, step: Int, lanes: Int) {
    line = Line(base, step: step, lanes: lanes)
  }

  @inline(__always)
  func put(_ vector: V, _ place: Int) { line.put(line[place] + vector, place) }
}

/// One of the matrices, as what it does to a line.
protocol LineTransform {
  static var inputs: Int { get }
  static var outputs: Int { get }
  static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y)
}

/// The six transforms of an F(m, 3).
protocol MinimalFilter {
  /// Bᵀ, of m + 2 inputs.
  associatedtype Input: LineTransform
  /// B
  associatedtype InputAdjoint: LineTransform
  /// Aᵀ, to m outputs.
  associatedtype Output: LineTransform
  /// A
  associatedtype OutputAdjoint: LineTransform
  /// G, of the three taps.
  associatedtype Kernel: LineTransform
  /// Gᵀ
  associatedtype KernelAdjoint: LineTransform
}

/// F(2, 3), by the points 0, 1, −1, ∞:
///
///          ⎛1  0 −1  0⎞        ⎛ 1   0   0⎞
///     Bᵀ = ⎜0  1  1  0⎟    G = ⎜ ½   ½   ½⎟    Aᵀ = ⎛1 1  1 0⎞
///          ⎜0 −1  1  0⎟        ⎜ ½  −½   ½⎟         ⎝0 1 −1 1⎠
///          ⎝0 −1  0  1⎠        ⎝ 0   0   1⎠
enum FilterOfTwo: MinimalFilter {
  enum Input: LineTransform {
    static var inputs: Int { 4 }
    static var outputs: Int { 4 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3) = (x[0], x[1], x[2], x[3])
      y.put(x0 - x2, 0)
      y.put(x2 + x1, 1)
      y.put(x2 - x1, 2)
      y.put(x3 - x1, 3)
    }
  }

  enum InputAdjoint: LineTransform {
    static var inputs: Int { 4 }
    static var outputs: Int { 4 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3) = (x[0], x[1], x[2], x[3])
      y.put(x0, 0)
      y.put((x1 - x2) - x3, 1)
      y.put((x1 + x2) - x0, 2)
      y.put(x3, 3)
    }
  }

  enum Output: LineTransform {
    static var inputs: Int { 4 }
    static var outputs: Int { 2 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3) = (x[0], x[1], x[2], x[3])
      y.put(x0 + (x1 + x2), 0)
      y.put(x3 + (x1 - x2), 1)
    }
  }

  enum OutputAdjoint: LineTransform {
    static var inputs: Int { 2 }
    static var outputs: Int { 4 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1) = (x[0], x[1])
      y.put(x0, 0)
      y.put(x0 + x1, 1)
      y.put(x0 - x1, 2)
      y.put(x1, 3)
    }
  }

  enum Kernel: LineTransform {
    static var inputs: Int { 3 }
    static var outputs: Int { 4 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2) = (x[0], x[1], x[2])
      let ends = (x0 + x2) * 0.5
      y.put(x0, 0)
      y.put(ends.addingProduct(x1, 0.5), 1)
      y.put(ends.addingProduct(x1, -0.5), 2)
      y.put(x2, 3)
    }
  }

  enum KernelAdjoint: LineTransform {
    static var inputs: Int { 4 }
    static var outputs: Int { 3 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3) = (x[0], x[1], x[2], x[3])
      let half = (x1 + x2) * 0.5
      y.put(x0 + half, 0)
      y.put((x1 - x2) * 0.5, 1)
      y.put(x3 + half, 2)
    }
  }
}

/// F(4, 3), by the points 0, ±√½, ±√2, ∞, whose largest error is a quarter of that by 0, ±1, ±2, ∞ and
/// which take as many operations (the points' squares are each other's inverses):
///
///          ⎛1   0   −5/2   0    1  0⎞        ⎛  1     0     0 ⎞
///          ⎜0  −√2   −2   √½    1  0⎟        ⎜−2/3 −√2/3  −1/3⎟         ⎛1  1    1    1    1   0⎞
///     Bᵀ = ⎜0   √2   −2  −√½    1  0⎟    G = ⎜−2/3  √2/3  −1/3⎟    Aᵀ = ⎜0 √½  −√½   √2  −√2   0⎟
///          ⎜0  −√½   −½   √2    1  0⎟        ⎜ 1/6  √2/6   1/3⎟         ⎜0  ½    ½    2    2   0⎟
///          ⎜0   √½   −½  −√2    1  0⎟        ⎜ 1/6 −√2/6   1/3⎟         ⎝0 √⅛  −√⅛   √8  −√8   1⎠
///          ⎝0   1     0  −5/2   0  1⎠        ⎝  0     0     1 ⎠
enum FilterOfFour: MinimalFilter {
  /// √½, √2, √⅛, √8
  @inline(__always)
  private static var rootHalf: Float { 0.707_106_77 }
  @inline(__always)
  private static var rootTwo: Float { 1.414_213_5 }
  @inline(__always)
  private static var rootEighth: Float { 0.353_553_39 }
  @inline(__always)
  private static var rootEight: Float { 2.828_427 }

  enum Input: LineTransform {
    static var inputs: Int { 6 }
    static var outputs: Int { 6 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3, x4, x5) = (x[0], x[1], x[2], x[3], x[4], x[5])
      let (even, odd) = (x4.addingProduct(x2, -2), x3.addingProduct(x1, -2))
      let (evenOfTwo, oddOfTwo) = (x4.addingProduct(x2, -0.5), x3.addingProduct(x1, -0.5))
      y.put((x0 + x4).addingProduct(x2, -2.5), 0)
      y.put(even.addingProduct(odd, rootHalf), 1)
      y.put(even.addingProduct(odd, -rootHalf), 2)
      y.put(evenOfTwo.addingProduct(oddOfTwo, rootTwo), 3)
      y.put(evenOfTwo.addingProduct(oddOfTwo, -rootTwo), 4)
      y.put((x1 + x5).addingProduct(x3, -2.5), 5)
    }
  }

  enum InputAdjoint: LineTransform {
    static var inputs: Int { 6 }
    static var outputs: Int { 6 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3, x4, x5) = (x[0], x[1], x[2], x[3], x[4], x[5])
      let (sum, difference) = (x1 + x2, x1 - x2)
      let (sumOfTwo, differenceOfTwo) = (x3 + x4, x3 - x4)
      y.put(x0, 0)
      y.put(x5.addingProduct(difference, -rootTwo).addingProduct(differenceOfTwo, -rootHalf), 1)
      y.put((x0 * -2.5).addingProduct(sum, -2).addingProduct(sumOfTwo, -0.5), 2)
      y.put(
        (x5 * -2.5).addingProduct(difference, rootHalf).addingProduct(differenceOfTwo, rootTwo), 3)
      y.put(x0 + (sum + sumOfTwo), 4)
      y.put(x5, 5)
    }
  }

  enum Output: LineTransform {
    static var inputs: Int { 6 }
    static var outputs: Int { 4 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3, x4, x5) = (x[0], x[1], x[2], x[3], x[4], x[5])
      let (sum, difference) = (x1 + x2, x1 - x2)
      let (sumOfTwo, differenceOfTwo) = (x3 + x4, x3 - x4)
      y.put(x0 + (sum + sumOfTwo), 0)
      y.put((difference * rootHalf).addingProduct(differenceOfTwo, rootTwo), 1)
      y.put((sum * 0.5).addingProduct(sumOfTwo, 2), 2)
      y.put(x5.addingProduct(difference, rootEighth).addingProduct(differenceOfTwo, rootEight), 3)
    }
  }

  enum OutputAdjoint: LineTransform {
    static var inputs: Int { 4 }
    static var outputs: Int { 6 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3) = (x[0], x[1], x[2], x[3])
      let (even, odd) = (x0.addingProduct(x2, 0.5), x1.addingProduct(x3, 0.5))
      let (evenOfTwo, oddOfTwo) = (x0.addingProduct(x2, 2), x1.addingProduct(x3, 2))
      y.put(x0, 0)
      y.put(even.addingProduct(odd, rootHalf), 1)
      y.put(even.addingProduct(odd, -rootHalf), 2)
      y.put(evenOfTwo.addingProduct(oddOfTwo, rootTwo), 3)
      y.put(evenOfTwo.addingProduct(oddOfTwo, -rootTwo), 4)
      y.put(x3, 5)
    }
  }

  enum Kernel: LineTransform {
    static var inputs: Int { 3 }
    static var outputs: Int { 6 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2) = (x[0], x[1], x[2])
      let ends = (x0.addingProduct(x2, 0.5)) * (-2 / 3)
      let endsOfTwo = (x0.addingProduct(x2, 2)) * (1 / 6)
      let (middle, middleOfTwo) = (x1 * (-rootTwo / 3), x1 * (rootTwo / 6))
      y.put(x0, 0)
      y.put(ends + middle, 1)
      y.put(ends - middle, 2)
      y.put(endsOfTwo + middleOfTwo, 3)
      y.put(endsOfTwo - middleOfTwo, 4)
      y.put(x2, 5)
    }
  }

  enum KernelAdjoint: LineTransform {
    static var inputs: Int { 6 }
    static var outputs: Int { 3 }
    @inline(__always)
    static func apply<V, Y: LineTarget<V>>(_ x: Line<V>, to y: Y) {
      let (x0, x1, x2, x3, x4, x5) = (x[0], x[1], x[2], x[3], x[4], x[5])
      let (sum, difference) = ((x1 + x2) * (-2 / 3), (x1 - x2) * (-rootTwo / 3))
      let (sumOfTwo, differenceOfTwo) = ((x3 + x4) * (1 / 6), (x3 - x4) * (rootTwo / 6))
      y.put(x0 + (sum + sumOfTwo), 0)
      y.put(difference + differenceOfTwo, 1)
      y.put(x5.addingProduct(sum, 0.5).addingProduct(sumOfTwo, 2), 2)
    }
  }
}
