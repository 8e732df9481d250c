/// How an axis writes its values.
public enum AxisFormat: Hashable, Sendable {
  case number
  /// 0.985 is 98.5%.
  case percent
  /// Whole numbers only, such as epochs.
  case whole

  /// One value, as a note or the end of a line gives it: 98.76%, 0.0321.
  func text(_ value: Double) -> String {
    switch self {
    case .percent: DecimalText.text(value * 100, decimals: 2) + "%"
    case .number, .whole: DecimalText.significant(value, digits: 3)
    }
  }
}

/// A labelled position on an axis.
struct Tick: Equatable {
  let value: Double
  let label: String
}

/// The spacing of ticks: 1, 2 or 5 times a power of ten.
struct TickStep: Equatable {
  let mantissa: Int
  let exponent: Int

  /// The smallest step that cuts `span` into at most `count` intervals.
  init(span: Double, intervals count: Int, atLeast least: TickStep? = nil) {
    precondition(span > 0 && span.isFinite && count > 0)
    let raw = span / Double(count)
    var exponent = DecimalText.exponent(raw)
    var mantissa = 1
    // A step that is short by rounding alone is long enough.
    while TickStep(mantissa, exponent).value < raw * (1 - 1e-9) {
      switch mantissa {
      case 1: mantissa = 2
      case 2: mantissa = 5
      default:
        mantissa = 1
        exponent += 1
      }
    }
    let step = TickStep(mantissa, exponent)
    if let least, step.value < least.value { self = least } else { self = step }
  }

  init(_ mantissa: Int, _ exponent: Int) {
    self.mantissa = mantissa
    self.exponent = exponent
  }

  var value: Double { multiple(1) }

  /// k steps, rounded once, as reading a number is.
  func multiple(_ k: Int) -> Double { Double("\(k * mantissa)e\(exponent)")! }

  func label(_ k: Int, _ format: AxisFormat, padded: Bool = true) -> String {
    format == .percent
      ? DecimalText.exact(k * mantissa, exponent: exponent + 2, padded: padded) + "%"
      : DecimalText.exact(k * mantissa, exponent: exponent, padded: padded)
  }
}

/// A stretch of values laid onto a stretch of pixels, with its ticks.
struct Axis {
  /// The values at the two ends; `low` < `high`.
  let low: Double
  let high: Double
  let isLogarithmic: Bool
  let ticks: [Tick]

  /// Whether an axis can show `value`: finite, above 0 where logarithmic, and not so near the ends
  /// of `Double`'s own range that the arithmetic of an axis would leave it.
  static func shows(_ value: Double, logarithmic: Bool) -> Bool {
    abs(value) <= 1e300 && (!logarithmic || value >= 1e-300)
  }

  /// An axis over `values` with at most `count` intervals between ticks. Widened to whole steps
  /// when `rounded`; a stretch of no width is given one.
  init(
    values: some Sequence<Double>, format: AxisFormat, intervals count: Int,
    logarithmic: Bool = false, rounded: Bool = true
  ) {
    var low = Double.infinity
    var high = -Double.infinity
    for value in values
    where Self.shows(value, logarithmic: logarithmic) {
      low = min(low, value)
      high = max(high, value)
    }
    if low > high {
      low = logarithmic ? 0.1 : 0
      high = 1
    }
    isLogarithmic = logarithmic
    if logarithmic {
      (self.low, self.high, ticks) = Self.logarithmic(
        low, high, format, count, rounded: rounded)
    } else {
      (self.low, self.high, ticks) = Self.linear(low, high, format, count, rounded: rounded)
    }
  }

  private static func linear(
    _ least: Double, _ most: Double, _ format: AxisFormat, _ count: Int, rounded: Bool
  ) -> (Double, Double, [Tick]) {
    var (low, high) = (least, most)
    let magnitude = max(abs(low), abs(high))
    if high - low <= magnitude * 1e-6 {
      let margin =
        format == .whole
        ? max(0.5, magnitude * 1e-5) : (magnitude == 0 ? 1 : magnitude * 0.1)
      low -= margin
      high += margin
      // Not below nothing, nor above all, where the values aren't.
      if least >= 0 && format != .whole { low = max(low, 0) }
      if most <= 1 && format == .percent { high = min(high, 1) }
    }
    let step = TickStep(
      span: high - low, intervals: count, atLeast: format == .whole ? TickStep(1, 0) : nil)
    var first = Int((low / step.value - 1e-6).rounded(.up))
    var last = Int((high / step.value + 1e-6).rounded(.down))
    if rounded {
      if step.multiple(first) > low + step.value * 1e-6 { first -= 1 }
      if step.multiple(last) < high - step.value * 1e-6 { last += 1 }
      low = min(low, step.multiple(first))
      high = max(high, step.multiple(last))
    }
    guard first <= last else { return (low, high, []) }
    let ticks = (first...last).map { Tick(value: step.multiple($0), label: step.label($0, format)) }
    return (low, high, ticks)
  }

  private static func logarithmic(
    _ least: Double, _ most: Double, _ format: AxisFormat, _ count: Int, rounded: Bool
  ) -> (Double, Double, [Tick]) {
    var (low, high) = (least, most)
    if high / low < 1 + 1e-6 {
      low /= 2
      high *= 2
    }
    let decades = DecimalText.logarithm(high) - DecimalText.logarithm(low)
    if decades < 0.7 {  // under a factor of 5: even steps read better than 1, 2, 5
      let (bottom, top, ticks) = linear(low, high, format, count, rounded: rounded)
      // The last ones lie nearest to each other, or one upon the other where the steps lead far down.
      if bottom > 0, ticks.count > 1 {
        let nearest = DecimalText.logarithm(
          ticks[ticks.count - 1].value / ticks[ticks.count - 2].value)
        let span = DecimalText.logarithm(top / bottom)
        if nearest * Double(2 * count) >= span { return (bottom, top, ticks) }
      }
    }
    let mantissas = decades <= Double(count) / 3 ? [1, 2, 5] : [1]
    let lowest = max(DecimalText.exponent(low), -307)
    let highest = DecimalText.exponent(high) + 1
    let skip = mantissas.count > 1 ? 1 : max(1, (highest - lowest + count - 1) / count)
    var candidates: [TickStep] = []
    for e in Swift.stride(from: lowest, through: highest, by: skip) {
      for m in mantissas { candidates.append(TickStep(m, e)) }
    }
    // From the last tick at or below the values to the first at or above them.
    let first = candidates.lastIndex { $0.value <= low * (1 + 1e-9) } ?? 0
    let last =
      candidates.firstIndex { $0.value >= high * (1 - 1e-9) } ?? candidates.count - 1
    let steps = candidates[first...max(first, last)]
    // Where one label must be a power of ten, the others of its size are too.
    let hasPowers = steps.contains { $0.label(1, format, padded: false).contains("e") }
    let ticks = steps.map { step in
      Tick(
        value: step.value,
        label: hasPowers && abs(step.exponent) > 2 && format != .percent
          ? DecimalText.scientific(step.mantissa, exponent: step.exponent)
          : step.label(1, format, padded: false))
    }
    if !rounded {
      let inner = ticks.filter { $0.value >= low * (1 - 1e-9) && $0.value <= high * (1 + 1e-9) }
      if inner.count > 1 { return (low, high, inner) }
    }
    return (min(low, ticks[0].value), max(high, ticks[ticks.count - 1].value), ticks)
  }

  /// Where `value` lies: 0 at `low`, 1 at `high`; nil for a value that can't be shown.
  func fraction(_ value: Double) -> Double? {
    Self.shows(value, logarithmic: isLogarithmic) ? position(value) : nil
  }

  /// Where `value` lies, for a tick or another value that is known to lie on the axis.
  func position(_ value: Double) -> Double {
    if isLogarithmic {
      let start = DecimalText.logarithm(low)
      return (DecimalText.logarithm(value) - start) / (DecimalText.logarithm(high) - start)
    }
    return (value - low) / (high - low)
  }
}
