/// The numbers that pixels were found to be, before they are bytes.
struct PixelRange: Hashable {
  var least = Double.infinity
  var greatest = -Double.infinity
  /// Whether a number lies between two whole ones.
  var hasFractions = false
  /// Whether they are of a floating-point type, or one is written with a decimal point.
  var isReal = false

  mutating func merge(_ other: PixelRange) {
    least = min(least, other.least)
    greatest = max(greatest, other.greatest)
    hasFractions = hasFractions || other.hasFractions
    isReal = isReal || other.isReal
  }

  var description: String { "from \(Self.text(least)) to \(Self.text(greatest))" }

  static func text(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? String(value)
  }
}

/// How numbers become bytes: byte = ⌊255·v / maximum⌉, halves to the even one as NumPy rounds.
struct PixelScale: Hashable {
  /// The number that is white.
  let maximum: Double
  /// Whether the spec says so.
  let isGiven: Bool

  /// What is certain of the numbers: whole ones up to 255 are bytes; real ones up to 1 are parts of
  /// white; those with fractions up to 255 are rounded where they come near that.
  ///
  /// - Parameter given: what the spec says is white.
  /// - Throws: a `Refusal`, with what to do.
  init(_ range: PixelRange, given: Double?) throws(Refusal) {
    isGiven = given != nil
    if let given {
      maximum = given
    } else if range.greatest <= 1, range.isReal, range.least >= 0 {
      maximum = 1
    } else if range.hasFractions, range.least >= 0, range.greatest < 128 {
      throw Refusal(
        "its pixels are numbers with fractions \(range.description): neither of 0 to 1 nor of 0 to "
          + "255 for certain; give dataset.pixel_max the number that is white")
    } else {
      maximum = 255
    }
    if range.least < 0 {
      throw Refusal(
        "its pixels are \(range.description); less than 0 is no pixel"
          + (range.least >= -1 && range.greatest <= 1
            ? ": for numbers from -1 to 1 save ((x + 1) * 127.5).round()"
            : range.isReal ? ": save them before they are standardized" : ""))
    }
    if range.greatest > maximum {
      throw Refusal(
        "its pixels are \(range.description), more than \(PixelRange.text(maximum)); give "
          + "dataset.pixel_max the number that is white"
          + (range.greatest <= 65535 && range.greatest > 4095
            ? ", 65535 for images of 16 bits" : ""))
    }
  }

  /// Bytes as they are.
  static let bytes = PixelScale()

  private init() { (maximum, isGiven) = (255, false) }

  struct Refusal: Error, Hashable {
    let message: String
    init(_ message: String) { self.message = message }
  }

  /// Nil for what is no number or outside.
  @inline(__always)
  func byte(_ value: Double, worst: inout Double) -> UInt8? {
    guard value >= 0, value <= maximum else { return nil }
    let scaled = maximum == 255 ? value : 255 * value / maximum
    let nearest = scaled.rounded(.toNearestOrEven)
    worst = max(worst, abs(scaled - nearest))
    return UInt8(nearest)
  }

  /// What the user is told.
  /// - Parameter worst: the most that a pixel was moved by its rounding, of 255.
  func note(_ range: PixelRange, worst: Double) -> String? {
    // A byte's 255th part, written with three decimals or more, is still nearest to itself.
    let isRounded = worst > 0.128
    let rounding =
      isRounded
      ? "rounded to the 256 levels that are kept, by up to \(hundredths(worst)) of a level" : nil
    if maximum != 255 || isGiven {
      return "pixels \(range.description) are taken as parts of \(PixelRange.text(maximum))"
        + (rounding.map { " and \($0)" } ?? "")
    }
    if let rounding { return "pixels \(range.description) are \(rounding)" }
    guard range.greatest < 128 else { return nil }
    return
      "WARNING: no pixel is more than \(PixelRange.text(range.greatest)) of 255, so the images "
      + "are dark; if that is white, give dataset.pixel_max \(PixelRange.text(max(1, range.greatest)))"
  }

  private func hundredths(_ value: Double) -> String {
    String((value * 100).rounded() / 100)
  }
}
