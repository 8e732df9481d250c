/// The axis of a sweep's metric, on which the better half of the trials is never squeezed by a few
/// bad ones.
///
/// Let b be the best value, m the median and w the worst. The axis reaches from b to 4·|m − b| on
/// the worse side of it where w is more than twice as far away, else all the way to w. So the
/// better half takes at least an eighth of the axis, however bad the rest. What lies beyond the axis
/// is drawn at its edge.
struct MetricScale {
  let axis: Axis
  let higherIsBetter: Bool
  /// Whether there was no value at all; the axis is then from 0 to 1.
  let isEmpty: Bool
  /// How many values lie beyond the axis.
  let clippedCount: Int

  private static let reach = 4.0
  private static let tolerance = 2.0

  /// A scale for `values`, which are finite, with at most `count` intervals between ticks.
  init(_ values: [Double], metric: SweepTable.Metric, intervals count: Int) {
    higherIsBetter = metric.higherIsBetter
    isEmpty = values.isEmpty
    let sorted = metric.higherIsBetter ? values.sorted(by: >) : values.sorted()
    var kept = sorted[...]
    if let best = sorted.first, let worst = sorted.last {
      let room = Self.reach * abs(sorted[sorted.count / 2] - best)
      if room > 0 && abs(worst - best) > Self.tolerance * room {
        kept = sorted.prefix { abs($0 - best) <= room }
      }
    }
    let axis = Axis(values: kept, format: metric.format, intervals: count)
    self.axis = axis
    // Where the whole range fits after all, rounding to whole steps has made room for it.
    clippedCount = sorted.reversed().prefix { $0 < axis.low || $0 > axis.high }.count
  }

  /// The scale of all pictures of a table.
  init(of table: SweepTable) {
    self.init(table.trials.compactMap(SweepTable.value), metric: table.metric, intervals: 7)
  }

  /// Where `value` lies, from 0 at the lower end to 1 at the upper; a value beyond is at the end.
  func fraction(_ value: Double) -> Double { min(max(axis.position(value), 0), 1) }

  func isClipped(_ value: Double) -> Bool { value < axis.low || value > axis.high }

  /// How good a value is, from 0 at the best end of the axis to 1 at its worst.
  func badness(_ value: Double) -> Double {
    higherIsBetter ? 1 - fraction(value) : fraction(value)
  }

  /// What was done to values beyond the axis, as the picture says it; nil where there are none.
  func note(_ mark: String) -> String? {
    guard clippedCount > 0 else { return nil }
    let end = (higherIsBetter ? axis.ticks.first?.label : axis.ticks.last?.label) ?? ""
    let trials = clippedCount == 1 ? "1 trial" : "\(DecimalText.grouped(clippedCount)) trials"
    return "\(trials) \(higherIsBetter ? "below" : "above") \(end) \(mark)"
  }
}
