extension Double {
  /// The nearest decimal number with `digits` significant digits in a number of the size of
  /// `magnitude`: 0.123456789 to six digits of 1 is 0.123457, of 0.01 it is 0.12345679.
  ///
  /// So values are short to read, and a difference in the last bits of what computed them is gone.
  func rounded(toDigits digits: Int, of magnitude: Double) -> Double {
    guard isFinite, magnitude.isFinite, abs(magnitude) > 1e-280 else { return self }
    let places = decimalExponent(of: abs(magnitude)) - digits + 1
    let units = (self / powerOfTen(places)).rounded()
    guard abs(units) < 0x1p53 else { return self }
    return Double("\(Int(units))e\(places)")!
  }
}

/// The largest e with 10ᵉ ≤ x.
private func decimalExponent(of x: Double) -> Int {
  var e = Int((Double(x.exponent) * 0.301_029_995_663_981_2).rounded(.down))
  while powerOfTen(e) > x { e -= 1 }
  while powerOfTen(e + 1) <= x { e += 1 }
  return e
}

private func powerOfTen(_ e: Int) -> Double { Double("1e\(e)")! }
