import Testing

/// Expects max |actual − expected| ≤ tolerance · max(|expected|, floor).
package func expectClose(
  _ actual: [Float], _ expected: [Double], within tolerance: Double = 1e-5,
  floor: Double = 1e-30, _ what: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(what()): \(actual.count) numbers, not \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  var scale = floor
  var worst = 0.0
  var place = 0
  for i in actual.indices {
    scale = max(scale, abs(expected[i]))
    let error = abs(Double(actual[i]) - expected[i])
    if !(error <= worst) {
      worst = error
      place = i
      if worst.isNaN { break }
    }
  }
  if !(worst <= tolerance * scale) {
    Issue.record(
      "\(what()): [\(place)] is \(actual[place]), not \(expected[place]) (scale \(scale))",
      sourceLocation: sourceLocation)
  }
}

/// Checks that a number is another but for a relative error.
package func expectNear(
  _ value: Double?, _ expected: Double, relative: Double = 1e-10, _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let value else {
    Issue.record("\(what()): nil, not \(expected)", sourceLocation: sourceLocation)
    return
  }
  let isNear = value == expected || abs(value - expected) <= relative * abs(expected)
  #expect(isNear, "\(what()): \(value), not \(expected)", sourceLocation: sourceLocation)
}
