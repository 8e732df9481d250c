/// How fast this machine's `sgemm` is at its best: what a network's speed is measured against.
public final class PeakProbe: TeamWork {
  private let team: Team
  private let shape: (rows: Int, columns: Int, sum: Int)
  private let repeats: Int
  private let buffers: [(a: Buffer, b: Buffer, c: Buffer)]

  private init(_ team: Team, rows: Int, columns: Int, sum: Int) {
    self.team = team
    shape = (rows, columns, sum)
    repeats = max(1, 400_000_000 / (2 * rows * columns * sum))
    buffers = (0..<team.count).map { _ in
      let (a, b) = (Buffer(rows * sum), Buffer(sum * columns))
      for i in 0..<a.count { a.base[i] = Float(i % 17) * 0.01 }
      for i in 0..<b.count { b.base[i] = Float(i % 13) * 0.02 }
      return (a, b, Buffer(rows * columns))
    }
  }

  /// Floating-point operations per second of all workers of a team together, the best over square
  /// products of 256, 512 and 1024 and products of the largest size that needs no packing.
  ///
  /// - Parameter clock: a monotonic time in nanoseconds.
  public static func measure(_ team: Team, clock: () -> UInt64) -> Double {
    var best = 0.0
    for (rows, columns, sum) in [
      (256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (48, 64, 288),
    ] {
      let probe = PeakProbe(team, rows: rows, columns: columns, sum: sum)
      team.run(probe, phase: 0, tiles: team.count)
      let start = clock()
      team.run(probe, phase: 0, tiles: team.count)
      let operations = 2 * rows * columns * sum * probe.repeats * team.count
      best = max(best, Double(operations) / (Double(clock() - start) * 1e-9))
    }
    return best
  }

  public func perform(phase: Int, tile: Int, worker: Int) {
    let (a, b, c) = buffers[tile]
    for _ in 0..<repeats {
      multiplyWhole(
        Matrix(a.base, rows: shape.rows, columns: shape.sum),
        Matrix(b.base, rows: shape.sum, columns: shape.columns),
        into: Matrix(c.base, rows: shape.rows, columns: shape.columns))
    }
  }
}
