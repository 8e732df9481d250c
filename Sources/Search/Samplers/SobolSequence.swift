import ConvNet

/// Sobol's low-discrepancy points in base 2, with the direction numbers of Joe and Kuo
/// ("Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput.
/// 2008), in the order of Antonov and Saleev.
///
/// Of the first 2ᵏ points, one lies in each interval [i·2⁻ᵏ, (i + 1)·2⁻ᵏ) of every coordinate.
public struct SobolSequence: Sendable {
  public let dimensions: Int
  /// 32 direction numbers of each dimension, as fractions of 2³².
  private let directions: [UInt32]

  /// How many dimensions have direction numbers here.
  public static let maximumDimensions = sobolDirections.count

  /// - Precondition: at most `maximumDimensions`.
  public init(dimensions: Int) {
    precondition((0...Self.maximumDimensions).contains(dimensions))
    self.dimensions = dimensions
    directions = sobolDirections.prefix(dimensions).flatMap { $0 }
  }

  /// Coordinate `dimension` of point `index`, in units of 2⁻³²: the directions of the bits that are
  /// set in the index's Gray code.
  public func bits(_ index: UInt32, dimension: Int) -> UInt32 {
    var gray = index ^ (index >> 1)
    var bits: UInt32 = 0
    while gray != 0 {
      bits ^= directions[dimension * 32 + gray.trailingZeroBitCount]
      gray &= gray - 1
    }
    return bits
  }

  /// The same after Owen's nested uniform scrambling ("Randomly permuted (t,m,s)-nets and (t,s)-
  /// sequences", 1995), in [0, 1): each bit is turned by a random bit of its own for every value of
  /// the bits above it, so that points stay as evenly spread, and each is uniform by itself.
  public func scrambled(_ index: UInt32, dimension: Int, seed: UInt64) -> Double {
    let bits = bits(index, dimension: dimension)
    let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    var scrambled = bits
    for level in 0..<32 {
      let above = level == 0 ? 0 : bits >> UInt32(32 - level)
      let random = RandomStream.philox(
        SIMD4(
          above, RandomPurpose.search.rawValue, SearchUse.scrambling.rawValue,
          UInt32(dimension * 32 + level)), key: key)
      scrambled ^= (random.x & 1) << UInt32(31 - level)
    }
    return (Double(scrambled) + 0.5) * 0x1p-32
  }
}

/// The 32 direction numbers of each dimension. The first is van der Corput's sequence; a later one
/// has a primitive polynomial of degree s, its coefficients the bits a₀…a_s, and s odd numbers m:
/// m_k = 2a₁m_{k−1} ⊕ 4a₂m_{k−2} ⊕ … ⊕ 2ˢm_{k−s} ⊕ m_{k−s}.
private let sobolDirections: [[UInt32]] = {
  let corput = (0..<32).map { UInt32(1) << UInt32(31 - $0) }
  let rows = SobolTable.rows.split(separator: "\n").map { line in
    line.split(separator: " ").map { UInt32($0)! }
  }
  return [corput]
    + rows.map { row in
      let polynomial = row[0]
      let degree = row.count - 1
      var m = Array(row[1...])
      for k in degree..<32 {
        var next = m[k - degree] ^ (m[k - degree] << UInt32(degree))
        for i in 1..<max(degree, 1) where polynomial >> UInt32(degree - i) & 1 == 1 {
          next ^= m[k - i] << UInt32(i)
        }
        m.append(next)
      }
      return (0..<32).map { m[$0] << UInt32(31 - $0) }
    }
}()
