import Glibc

/// Whether two samples of vectors are from one distribution, by their maximum mean discrepancy (Gretton et
/// al., "A kernel two-sample test", 2012): the unbiased
///
///     MMD² = Σ k(x, x′)/n(n − 1) + Σ k(y, y′)/m(m − 1) − 2 Σ k(x, y)/nm,  k = e^(−|a − b|²/2σ²)
///
/// over x ≠ x′ and y ≠ y′. p is the share of permutations of all vectors whose MMD² is at least as large,
/// the one observed among them, (1 + #)/(1 + B). Where fewer than ten are, it is the upper tail of the
/// Pearson type III distribution with the permutations' mean, deviation and skewness, as Mielke and Berry
/// take it for statistics of this form ("Permutation methods", 2001), for many thousand permutations
/// would else be needed to tell a p of 10⁻⁵.
public struct MeanDiscrepancy: Hashable, Sendable {
  public let squared: Double
  public let p: Double
  /// The share of permutations alone.
  public let permutationP: Double
  /// σ.
  public let bandwidth: Double

  /// - Parameters:
  ///   - first: n vectors of `width` numbers, n ≥ 2.
  ///   - second: m vectors.
  ///   - bandwidth: σ; nil for the median distance between two of the second.
  ///   - permutations: B.
  ///   - shuffle: puts the numbers it is given into an order drawn by the number of the permutation.
  public init(
    _ first: [Float], _ second: [Float], width: Int, bandwidth: Double? = nil, permutations: Int,
    shuffle: (_ permutation: Int, inout [Int32]) -> Void
  ) {
    precondition(width > 0 && first.count % width == 0 && second.count % width == 0)
    let (n, m) = (first.count / width, second.count / width)
    precondition(n >= 2 && m >= 2 && permutations > 0)
    var kernel = Self.squaredDistances(first + second, width: width)
    let sigma = bandwidth ?? Self.medianDistance(kernel, count: n + m, from: n)
    self.bandwidth = sigma
    let scale = sigma > 0 ? -0.5 / (sigma * sigma) : 0
    for place in kernel.indices { kernel[place] = Float(exp(scale * Double(kernel[place]))) }
    // Of each vector, its kernel with all others; of all.
    let count = n + m
    let sums = (0..<count).map { row in
      kernel[row * count..<(row + 1) * count].reduce(0.0) { $0 + Double($1) }
        - Double(kernel[row * count + row])
    }
    let total = sums.reduce(0, +)
    func discrepancy(_ chosen: ArraySlice<Int32>) -> Double {
      let within = Self.sum(of: kernel, count: count, among: chosen)
      let all = chosen.reduce(0.0) { $0 + sums[Int($1)] }
      let across = all - within
      let others = total - within - 2 * across
      return within / Double(n * (n - 1)) + others / Double(m * (m - 1))
        - 2 * across / Double(n * m)
    }
    let own = (0..<Int32(count)).map { $0 }
    let observed = discrepancy(own[..<n])
    squared = observed
    var (order, values) = (own, [Double]())
    values.reserveCapacity(permutations)
    for permutation in 0..<permutations {
      order = own
      shuffle(permutation, &order)
      // In ascending order the kernel is read row after row.
      values.append(discrepancy(order[..<n].sorted()[...]))
    }
    // What is equal but for the rounding of sums is equal.
    let slack = 1e-12 * max(1, abs(observed))
    let greater = values.count { $0 >= observed - slack }
    permutationP = Double(1 + greater) / Double(1 + permutations)
    p =
      greater >= 10 || permutations < 99
      ? permutationP : min(permutationP, Self.pearsonTail(observed, of: values))
  }

  /// The median distance between two vectors, the σ that is usual for their kernel; 1 where all are equal.
  public static func bandwidth(of vectors: [Float], width: Int) -> Double {
    medianDistance(squaredDistances(vectors, width: width), count: vectors.count / width, from: 0)
  }

  /// (count, count), of count vectors.
  static func squaredDistances(_ vectors: [Float], width: Int) -> [Float] {
    let count = vectors.count / width
    var distances = [Float](repeating: 0, count: count * count)
    vectors.withUnsafeBufferPointer { vectors in
      distances.withUnsafeMutableBufferPointer { distances in
        for a in 0..<count {
          let x = vectors.baseAddress! + a * width
          for b in a + 1..<max(count, a + 1) {
            let y = vectors.baseAddress! + b * width
            // Eight sums side by side, whatever the processor has.
            var sums = SIMD8<Float>()
            var i = 0
            while i + 8 <= width {
              let difference =
                UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self)
                - UnsafeRawPointer(y + i).loadUnaligned(as: SIMD8<Float>.self)
              sums += difference * difference
              i += 8
            }
            var sum = sums.sum()
            while i < width {
              sum += (x[i] - y[i]) * (x[i] - y[i])
              i += 1
            }
            distances[a * count + b] = sum
            distances[b * count + a] = sum
          }
        }
      }
    }
    return distances
  }

  /// The median distance between two vectors of those from a place on; of all where these are all equal.
  private static func medianDistance(_ squared: [Float], count: Int, from first: Int) -> Double {
    for start in [first, 0] {
      var values: [Float] = []
      for a in start..<count { values += squared[a * count + a + 1..<(a + 1) * count] }
      values.sort()
      if let median = values.isEmpty ? nil : values[values.count / 2], median > 0,
        median.isFinite
      {
        return Double(median).squareRoot()
      }
    }
    return 1
  }

  /// Σ k(a, b) over a ≠ b of the chosen.
  private static func sum(
    of kernel: [Float], count: Int, among chosen: ArraySlice<Int32>
  ) -> Double {
    kernel.withUnsafeBufferPointer { kernel in
      chosen.withUnsafeBufferPointer { chosen in
        var sum = 0.0
        for (place, a) in chosen.enumerated() {
          let row = kernel.baseAddress! + Int(a) * count
          var (first, second) = (0 as Float, 0 as Float)
          var i = place + 1
          while i + 1 < chosen.count {
            first += row[Int(chosen[i])]
            second += row[Int(chosen[i + 1])]
            i += 2
          }
          if i < chosen.count { first += row[Int(chosen[i])] }
          sum += Double(first) + Double(second)
        }
        return 2 * sum
      }
    }
  }

  /// P(X ≥ x) of the Pearson type III distribution with the mean, deviation and skewness γ of some values:
  /// a gamma distribution of shape 4/γ², the normal one where γ is 0.
  static func pearsonTail(_ x: Double, of values: [Double]) -> Double {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let second = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    let third = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) * ($1 - mean) } / n
    guard second > 0 else { return x > mean ? 1 / (n + 1) : 1 }
    let (z, skewness) = ((x - mean) / second.squareRoot(), third / (second * second.squareRoot()))
    guard abs(skewness) > 1e-3 else { return StandardNormal.cumulative(-z) }
    let shape = 4 / (skewness * skewness)
    let place = shape + z * shape.squareRoot() * (skewness > 0 ? 1 : -1)
    let (lower, upper) = GammaFunctions.regularized(shape, max(0, place))
    return skewness > 0 ? upper : lower
  }
}
