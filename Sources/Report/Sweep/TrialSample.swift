/// The trials of a sweep that a picture draws: all of them, or, where they are too many, the best
/// and an even sample of the rest.
struct TrialSample: Equatable {
  /// Places in the table's trials, in their order.
  let places: [Int]
  /// What was left out, as the picture says it; nil where nothing was.
  let note: String?

  /// - Parameters:
  ///   - most: how many trials may be drawn, at least 1.
  ///   - ranking: the places of the trials that may win, the best first.
  init(of table: SweepTable, most: Int, ranking: [Int]) {
    precondition(most > 0)
    let count = table.trials.count
    guard count > most else {
      places = Array(table.trials.indices)
      note = nil
      return
    }
    let best = ranking.prefix(max(1, most / 10))
    var isDrawn = [Bool](repeating: false, count: count)
    for place in best { isDrawn[place] = true }
    let rest = table.trials.indices.filter { !isDrawn[$0] }
    let wanted = most - best.count
    for k in 0..<wanted { isDrawn[rest[(2 * k + 1) * rest.count / (2 * wanted)]] = true }
    places = table.trials.indices.filter { isDrawn[$0] }
    let shown = "\(DecimalText.grouped(most)) of \(DecimalText.grouped(count)) trials drawn"
    note =
      best.isEmpty
      ? "\(shown), evenly sampled"
      : "\(shown): the best\(best.count == 1 ? "" : " \(best.count)") and an even sample of the rest"
  }
}
