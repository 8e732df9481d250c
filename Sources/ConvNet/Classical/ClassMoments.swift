// Letters: N samples, D features, C classes, m the mean.

/// The sums over some samples that linear methods are made of, in double precision:
///
///     m = Σ x / N     G = Σ (x − m)·(x − m)ᵀ     S_c = Σ (x − m) over the samples of class c
public struct ClassMoments: Sendable {
  public let classCounts: [Int]
  /// (D)
  public let mean: [Double]
  /// G, (D, D).
  let scatter: [Double]
  /// S, (C, D).
  let classSums: [Double]

  public var features: Int { mean.count }
  public var samples: Int { classCounts.reduce(0, +) }

  /// Tiles of samples that are added together, and columns of G that a worker takes at once.
  private static let tilesTogether = 16
  private static let block = 128

  public init(_ source: any SampleSource, classes: Int, team: Team) {
    precondition(source.count > 0)
    let rows = SampleRows(source, workers: team.count)
    let d = rows.features
    let chunk = DoubleBuffer(Self.tilesTogether * SampleRows.size * d)
    let gram = DoubleBuffer(d * d)
    let sums = DoubleBuffer(classes * d)
    let labels = source.labels
    let blocks = (d + Self.block - 1) / Self.block
    for first in stride(from: 0, to: rows.tiles, by: Self.tilesTogether) {
      let count = min(Self.tilesTogether, rows.tiles - first)
      team.forEach(count) { tile, worker in
        _ = rows.load(
          first + tile, worker: worker, to: chunk.base + tile * SampleRows.size * d)
      }
      let start = rows.samples(of: first).lowerBound
      let end = rows.samples(of: first + count - 1).upperBound
      let x = chunk.matrix(rows: end - start, columns: d)
      team.forEach(blocks + 1) { turn, _ in
        if turn < blocks {
          // Of the lower triangle, the longest rows first.
          let block = blocks - 1 - turn
          let own = block * Self.block..<min(d, (block + 1) * Self.block)
          let seen = 0..<own.upperBound
          gemm(
            x.columns(in: own).transposed, x.columns(in: seen),
            into: gram.matrix(rows: d, columns: d).rows(in: own).columns(in: seen),
            accumulate: true)
        } else {
          for row in 0..<x.rows {
            let sum = sums.base + labels[start + row] * d
            let values = x.base + row * d
            for i in 0..<d { sum[i] += values[i] }
          }
        }
      }
    }
    withExtendedLifetime(chunk) {}
    classCounts = labels.counts(ofClasses: classes)
    let n = Double(source.count)
    let mean = (0..<d).map { i in (0..<classes).reduce(0) { $0 + sums.base[$1 * d + i] } / n }
    for i in 0..<d {
      for j in 0...i {
        gram.base[i * d + j] -= n * mean[i] * mean[j]
        gram.base[j * d + i] = gram.base[i * d + j]
      }
    }
    for c in 0..<classes {
      for i in 0..<d { sums.base[c * d + i] -= Double(classCounts[c]) * mean[i] }
    }
    self.mean = mean
    scatter = Array(gram.all)
    classSums = Array(sums.all)
  }
}
