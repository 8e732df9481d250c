#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Numbers as a chart shows them: fixed decimals, a true minus sign, powers of ten for the rest.
enum DecimalText {
  /// `value` rounded to `decimals` places, without trailing zeros where `trimmed`.
  static func text(_ value: Double, decimals: Int, trimmed: Bool = false) -> String {
    let scaled = (abs(value) * power(decimals)).rounded()
    guard scaled < 0x1p53 else { return value.description }
    var digits = String(Int(scaled))
    var sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return sign + digits }
    if digits.count <= decimals {
      digits = String(repeating: "0", count: decimals + 1 - digits.count) + digits
    }
    var fraction = digits.suffix(decimals)
    let whole = digits.dropLast(decimals)
    while trimmed, fraction.last == "0" { fraction.removeLast() }
    if fraction.isEmpty && whole == "0" { sign = "" }
    return fraction.isEmpty ? sign + whole : sign + whole + "." + fraction
  }

  /// `value` to at most `digits` significant digits: 0.0321, 12.3, 4.56e−7.
  static func significant(_ value: Double, digits: Int) -> String {
    guard value.isFinite else { return value.description }
    guard value != 0 else { return "0" }
    var exponent = self.exponent(abs(value))
    // 9.996 rounds to 10.0: one decimal less.
    let places = digits - 1 - exponent
    if abs(places) < 300, (abs(value) * power(places)).rounded() >= power(digits) { exponent += 1 }
    if exponent < -4 || exponent >= 6 {
      // In two steps where the power itself would be 0.
      let mantissa =
        exponent < -300 ? value * 1e300 / power(exponent + 300) : value / power(exponent)
      return withTrueMinus(text(mantissa, decimals: digits - 1, trimmed: true) + "e\(exponent)")
    }
    return withTrueMinus(text(value, decimals: max(0, digits - 1 - exponent), trimmed: true))
  }

  /// n·10ᵉ, exactly: 25·10⁻² is 0.25 and 3·10⁷ is 3e7. All of its decimals are written where
  /// `padded`, so that the labels of an axis have equally many: 0.90, 0.95, 1.00.
  static func exact(_ n: Int, exponent: Int, padded: Bool = false) -> String {
    guard n != 0 else { return "0" }
    let sign = n < 0 ? "−" : ""
    var digits = String(n.magnitude)
    var e = exponent
    let keepsZeros = padded && (-6..<0).contains(exponent)
    while digits.last == "0" && !keepsZeros && (e < 0 || digits.count + e > 6) {
      digits.removeLast()
      e += 1
    }
    let leading = digits.count - 1 + e
    if !keepsZeros && (leading < -5 || leading > 6) {
      let rest = digits.dropFirst()
      let mantissa = rest.isEmpty ? digits : digits.prefix(1) + "." + rest
      return withTrueMinus(sign + mantissa + "e\(leading)")
    }
    if e >= 0 { return sign + digits + String(repeating: "0", count: e) }
    if digits.count <= -e {
      digits = String(repeating: "0", count: 1 - e - digits.count) + digits
    }
    return sign + digits.dropLast(-e) + "." + digits.suffix(-e)
  }

  /// n·10ᵉ as it is read aloud: 5e−4.
  static func scientific(_ n: Int, exponent: Int) -> String {
    withTrueMinus("\(n)e\(exponent)")
  }

  /// A count with its thousands apart: 100,000.
  static func grouped(_ count: Int) -> String {
    var result = ""
    for (i, digit) in String(count.magnitude).reversed().enumerated() {
      if i > 0 && i % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return (count < 0 ? "−" : "") + String(result.reversed())
  }

  /// ⌊log₁₀ value⌋ for value > 0.
  static func exponent(_ value: Double) -> Int {
    var e = Int(log10(value).rounded(.down))
    if power(e + 1) <= value { e += 1 }
    if power(e) > value { e -= 1 }
    return e
  }

  /// 10ᵉ; correctly rounded for |e| ≤ 22.
  static func power(_ e: Int) -> Double {
    if e < 0 { return e < -300 ? pow(10, Double(e)) : 1 / power(-e) }
    var result = 1.0
    for _ in 0..<min(e, 309) { result *= 10 }
    return result
  }

  static func logarithm(_ value: Double) -> Double { log10(value) }

  /// A part of 1 as a percentage with one decimal.
  static func percent(_ part: Double) -> String {
    withTrueMinus(text(part * 100, decimals: 1)) + "%"
  }

  private static func withTrueMinus(_ text: String) -> String {
    String(text.map { $0 == "-" ? "−" : $0 })
  }
}
