// Samples as rows of features: what the classical methods read. A fit is done once, so what is here may
// allocate and call closures, a few per tile.

extension Team {
  /// Calls `body` once for each tile in 0..<tiles and returns when all are done; `worker` picks scratch
  /// memory only.
  func forEach(_ tiles: Int, _ body: @escaping (_ tile: Int, _ worker: Int) -> Void) {
    final class Work: TeamWork {
      let body: (Int, Int) -> Void
      init(_ body: @escaping (Int, Int) -> Void) { self.body = body }
      func perform(phase: Int, tile: Int, worker: Int) { body(tile, worker) }
    }
    run(Work(body), phase: 0, tiles: tiles)
  }
}

/// The samples of a source in tiles of `size`, each a matrix of its samples' features, (size, D), in
/// memory of the worker that asks. Tiles are cut by the samples alone.
final class SampleRows {
  static let size = 64

  let source: any SampleSource
  /// D
  let features: Int
  private let floats: [Buffer]
  private let doubles: [DoubleBuffer]

  init(_ source: any SampleSource, workers: Int) {
    let features = source.sampleShape.count
    self.source = source
    self.features = features
    floats = (0..<workers).map { _ in Buffer(Self.size * features) }
    doubles = (0..<workers).map { _ in DoubleBuffer(Self.size * features) }
  }

  var tiles: Int { (source.count + Self.size - 1) / Self.size }

  func samples(of tile: Int) -> Range<Int> {
    tile * Self.size..<min(source.count, (tile + 1) * Self.size)
  }

  func load(_ tile: Int, worker: Int) -> Matrix {
    let samples = samples(of: tile)
    for (row, sample) in samples.enumerated() {
      source.fill(floats[worker].base + row * features, sample: sample, epoch: 0, worker: worker)
    }
    return Matrix(floats[worker].base, rows: samples.count, columns: features)
  }

  func load(
    _ tile: Int, worker: Int, to target: UnsafeMutablePointer<Double>
  ) -> MatrixView<Double> {
    let rows = load(tile, worker: worker)
    for i in 0..<rows.rows * features { target[i] = Double(rows.base[i]) }
    return MatrixView(target, rows: rows.rows, columns: features)
  }

  func loadDoubles(_ tile: Int, worker: Int) -> MatrixView<Double> {
    load(tile, worker: worker, to: doubles[worker].base)
  }
}

extension SampleSource {
  /// The part of the samples whose class was foretold.
  public func accuracy(of predictions: Labels) -> Double {
    precondition(predictions.count == count)
    let correct = zip(predictions, labels).count { $0 == $1 }
    return Double(correct) / Double(count)
  }
}
