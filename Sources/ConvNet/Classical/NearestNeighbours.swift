// Letters: N training samples, D features, Q samples that are looked at together.

/// The training samples that are nearest by Euclid's distance (Fix and Hodges 1951; Cover and Hart
/// 1967):
///
///     ‖x − t‖² = ‖x‖² + ‖t‖² − 2x·t, of which the order needs ‖t‖²/2 − x·t
public final class NearestNeighbours: Sendable {
  private let classes: Int
  private let features: Int
  /// (N, D)
  private let training: Buffer
  /// ‖t‖²/2, (N).
  private let halves: Buffer
  private let labels: Labels

  /// Training samples that are compared at once.
  private static let block = 1024

  public init(_ source: any SampleSource, classes: Int, team: Team) {
    let rows = SampleRows(source, workers: team.count)
    let d = rows.features
    let (training, halves) = (Buffer(source.count * d), Buffer(source.count))
    team.forEach(rows.tiles) { tile, worker in
      let x = rows.load(tile, worker: worker)
      let first = rows.samples(of: tile).lowerBound
      (training.base + first * d).update(from: x.base, count: x.rows * d)
      for row in 0..<x.rows {
        let values = x.base + row * d
        halves.base[first + row] = orderedDot(values, values, count: d) / 2
      }
    }
    self.classes = classes
    features = d
    self.training = training
    self.halves = halves
    labels = source.labels
  }

  /// The numbers that are kept.
  public var parameters: Int { training.count }

  /// The `k` nearest training samples of each sample, the nearest first, of equally near ones the
  /// first: (count, k).
  public func nearest(_ k: Int, to source: any SampleSource, team: Team) -> [Int32] {
    precondition((1...labels.count).contains(k))
    let rows = SampleRows(source, workers: team.count)
    precondition(rows.features == features)
    let products = (0..<team.count).map { _ in Buffer(SampleRows.size * Self.block) }
    let distances = (0..<team.count).map { _ in Buffer(SampleRows.size * k) }
    var nearest = [Int32](repeating: 0, count: source.count * k)
    nearest.withUnsafeMutableBufferPointer { output in
      let output = output.baseAddress!
      team.forEach(rows.tiles) { tile, worker in
        let x = rows.load(tile, worker: worker)
        let found = output + rows.samples(of: tile).lowerBound * k
        let least = distances[worker].base
        least.update(repeating: .infinity, count: x.rows * k)
        for first in stride(from: 0, to: self.labels.count, by: Self.block) {
          let count = min(Self.block, self.labels.count - first)
          let block = Matrix(
            self.training.base + first * self.features, rows: count, columns: self.features)
          let product = Matrix(products[worker].base, rows: x.rows, columns: count)
          gemm(x, block.transposed, into: product)
          for row in 0..<x.rows {
            keepNearest(
              k, products: product.base + row * count, halves: self.halves.base + first,
              count: count, first: Int32(first), least: least + row * k, found: found + row * k)
          }
        }
      }
    }
    return nearest
  }

  /// Each sample's class by the vote of its first `k` neighbours; of equal votes the first class.
  public func predictions(of nearest: [Int32], kept: Int, voting k: Int) -> Labels {
    precondition(k <= kept && nearest.count % kept == 0)
    var votes = [Int](repeating: 0, count: classes)
    let classes = stride(from: 0, to: nearest.count, by: kept).map { start in
      for c in votes.indices { votes[c] = 0 }
      for neighbour in nearest[start..<start + k] { votes[labels[Int(neighbour)]] += 1 }
      var best = 0
      for c in votes.indices where votes[c] > votes[best] { best = c }
      return best
    }
    return Labels(classes)
  }
}

/// Puts some candidates into the ascending list of the `k` least of halves − products.
private func keepNearest(
  _ k: Int, products: UnsafePointer<Float>, halves: UnsafePointer<Float>, count: Int, first: Int32,
  least: UnsafeMutablePointer<Float>, found: UnsafeMutablePointer<Int32>
) {
  var worst = least[k - 1]
  for i in 0..<count {
    let distance = halves[i] - products[i]
    guard distance < worst else { continue }
    var place = k - 1
    while place > 0, least[place - 1] > distance {
      least[place] = least[place - 1]
      found[place] = found[place - 1]
      place -= 1
    }
    least[place] = distance
    found[place] = first + Int32(i)
    worst = least[k - 1]
  }
}
