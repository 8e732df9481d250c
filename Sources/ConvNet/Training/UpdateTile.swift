/// Some rows of one parameter: a worker sums their gradient and updates them while they are in
/// cache. Cut by the parameter's shape alone.
struct UpdateTile {
  let parameter: Int
  let rows: Range<Int>

  private static let floats = 6144

  /// Rows that are transposed together; a tile of fewer leaves that to a phase of its own, for it
  /// would write a little of many lines.
  static let transposedTogether = 16

  /// Where a transposed copy is renewed after the update.
  static func transposes(_ parameters: [Parameter]) -> [UpdateTile] {
    parameters.enumerated().flatMap { index, parameter -> [UpdateTile] in
      guard !parameter.isFrozen, parameter.transposed != nil, parameter.transposesApart,
        parameter.rounded == nil
      else { return [] }
      let panel = 2 * transposedTogether
      return stride(from: 0, to: parameter.rows, by: panel).map {
        UpdateTile(parameter: index, rows: $0..<min($0 + panel, parameter.rows))
      }
    }
  }

  /// Where a rounded kernel is renewed, with its transposed copy, when the whole of it has been updated:
  /// `rows` are columns.
  static func roundedKernels(_ parameters: [Parameter]) -> [UpdateTile] {
    parameters.enumerated().flatMap { index, parameter -> [UpdateTile] in
      guard !parameter.isFrozen, parameter.rounded != nil else { return [] }
      let panel = RoundedKernel.columnsTogether
      return stride(from: 0, to: parameter.columns, by: panel).map {
        UpdateTile(parameter: index, rows: $0..<min($0 + panel, parameter.columns))
      }
    }
  }

  /// Where a form for minimal filtering is renewed, when all else is done: `rows` is a part of it.
  static func winogradKernels(_ parameters: [Parameter]) -> [UpdateTile] {
    parameters.enumerated().flatMap { index, parameter -> [UpdateTile] in
      guard !parameter.isFrozen, let kernel = parameter.winograd else { return [] }
      return (0..<kernel.parts).map { UpdateTile(parameter: index, rows: $0..<$0 + 1) }
    }
  }

  static func rowsTogether(_ columns: Int) -> Int { max(1, floats / columns) }

  static func cut(_ parameters: [Parameter]) -> [UpdateTile] {
    parameters.enumerated().flatMap { index, parameter -> [UpdateTile] in
      guard !parameter.isFrozen else { return [] }
      let panel = rowsTogether(parameter.columns)
      return stride(from: 0, to: parameter.rows, by: panel).map {
        UpdateTile(parameter: index, rows: $0..<min($0 + panel, parameter.rows))
      }
    }
  }
}

extension Parameter {
  /// Where a tile's numbers lie in the weights; where in the gradient and the moments; and how many they
  /// are.
  func run(of tile: UpdateTile) -> (start: Int, slot: Int, count: Int) {
    let first = tile.rows.lowerBound * columns
    return (offset + first, slot + first, tile.rows.count * columns)
  }
}

extension Parameter {
  var transposesApart: Bool {
    rounded != nil || UpdateTile.rowsTogether(columns) < UpdateTile.transposedTogether
  }

  /// Renews the rounded kernel and its transposed copy in some columns.
  func renewRounded(_ weights: UnsafeMutablePointer<Float>, columns part: Range<Int>) {
    rounded?.renew(self, from: weights, columns: part)
    copyTransposed(weights, rows: 0..<rows, columns: part)
  }

  /// Renews the transposed copy of some rows, or of some of their columns.
  func copyTransposed(
    _ weights: UnsafeMutablePointer<Float>, rows range: Range<Int>, columns part: Range<Int>? = nil
  ) {
    guard let transposed else { return }
    let from = computed(weights)
    let to = transposed.base
    let together = 2 * UpdateTile.transposedTogether
    for first in stride(from: range.lowerBound, to: range.upperBound, by: together) {
      let end = min(first + together, range.upperBound)
      for column in part ?? 0..<columns {
        for row in first..<end { to[column &* rows &+ row] = from[row &* columns &+ column] }
      }
    }
  }
}

extension Parameter {
  /// Renews a part of the form for minimal filtering, after the transposed copy.
  func renewWinograd(_ weights: UnsafeMutablePointer<Float>, part: Int) {
    winograd?.renew(computed(weights), transposed: transposed, part: part)
  }
}

extension [Parameter] {
  /// Renews all copies of kernels in another form.
  func renewCopies(_ weights: UnsafeMutablePointer<Float>) {
    for parameter in self {
      parameter.renewRounded(weights, columns: 0..<parameter.columns)
      for part in 0..<(parameter.winograd?.parts ?? 0) {
        parameter.renewWinograd(weights, part: part)
      }
    }
  }
}
