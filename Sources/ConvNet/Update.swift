/// Some rows of one parameter: a worker sums their gradient and updates them while they are in
/// cache. Cut by the parameter's shape alone.
struct UpdateTile {
  let parameter: Int
  let rows: Range<Int>

  private static let floats = 6144

  static func cut(_ parameters: [Parameter]) -> [UpdateTile] {
    parameters.enumerated().flatMap { index, parameter in
      let panel = max(1, floats / parameter.columns)
      return stride(from: 0, to: parameter.rows, by: panel).map {
        UpdateTile(parameter: index, rows: $0..<min($0 + panel, parameter.rows))
      }
    }
  }
}

extension Network {
  func update(_ tile: UpdateTile, worker: Int) {
    let start = profile?.now() ?? 0
    let parameter = parameterList[tile.parameter]
    let first = tile.rows.lowerBound * parameter.columns
    let count = tile.rows.count * parameter.columns
    let at = parameter.offset + first
    let gradient = gradients.base + at
    switch parameter.source {
    case .settled: break
    case .partials(let offset):
      let tiles = Tile.count(of: current.count)
      gradient.update(from: partials.pointer(0) + offset + first, count: count)
      for tile in 1..<max(tiles, 1) {
        addRun(partials.pointer(tile) + offset + first, to: gradient, count: count)
      }
    case .product(let dense):
      dense.kernelGradient(rows: tile.rows, batch: current.count, into: gradient)
    case .columnSums(let dense): dense.biasGradient(batch: current.count, into: gradient)
    }
    if parameter.l2 != 0 {
      let factor = 2 * parameter.l2
      let w = weights.base + at
      for i in 0..<count { gradient[i] += factor * w[i] }
    }
    profile?.addGradient(tile.parameter, since: start, worker: worker)
    let middle = profile?.now() ?? 0
    current.update.update(
      weights.base + at, gradient: gradient,
      first: moments.isEmpty ? gradient : moments[0].base + at,
      second: moments.count < 2 ? gradient : moments[1].base + at, count: count,
      decays: parameter.role.isKernel)
    parameter.copyTransposed(weights.base, rows: tile.rows)
    profile?.addUpdate(since: middle, worker: worker)
  }
}

extension Parameter {
  /// Renews the transposed copy of some rows.
  func copyTransposed(_ weights: UnsafeMutablePointer<Float>, rows range: Range<Int>) {
    guard let transposed else { return }
    let from = weights + offset
    let to = transposed.base
    for column in 0..<columns {
      for row in range { to[column &* rows &+ row] = from[row &* columns &+ column] }
    }
  }
}
