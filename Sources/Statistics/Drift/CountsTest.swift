/// Whether two rows of counts over the same classes are from one distribution: Pearson's χ² (1900) of
/// the table of the two, Σ (o − e)²/e with e = row·column/total, on as many degrees of freedom as classes
/// that have a count, less one.
///
/// Where the first row is expected to have fewer than five of a class, the χ² distribution is not to be
/// trusted (Cochran 1954): such classes are taken together, from the rarest up, until they are five.
public struct CountsTest: Hashable, Sendable {
  public let statistic: Double
  public let degrees: Int
  /// 1 where there is only one class to compare.
  public let p: Double
  /// How many classes were taken together; 0 for none.
  public let pooled: Int

  static let leastExpected = 5.0

  /// - Parameter pools: whether rare classes are taken together.
  public init(_ first: [Int], _ second: [Int], pools: Bool = true) {
    precondition(first.count == second.count && (first + second).allSatisfy { $0 >= 0 })
    let (n, m) = (first.reduce(0, +), second.reduce(0, +))
    let total = Double(n + m)
    var cells = zip(first, second).map { ($0, $1) }.filter { $0.0 + $0.1 > 0 }
    var pooled = 0
    if pools, n > 0, m > 0 {
      let share = Double(min(n, m)) / total
      func expected(_ cell: (Int, Int)) -> Double { Double(cell.0 + cell.1) * share }
      cells = cells.enumerated().sorted {
        let (a, b) = ($0.element.0 + $0.element.1, $1.element.0 + $1.element.1)
        return a != b ? a < b : $0.offset < $1.offset
      }.map(\.element)
      var rest = (0, 0)
      while let cell = cells.first,
        expected(cell) < Self.leastExpected
          || pooled > 0 && expected(rest) < Self.leastExpected
      {
        rest = (rest.0 + cell.0, rest.1 + cell.1)
        pooled += 1
        cells.removeFirst()
      }
      if pooled > 0 { cells.append(rest) }
    }
    self.pooled = pooled > 1 ? pooled : 0
    degrees = max(0, cells.count - 1)
    guard degrees > 0, n > 0, m > 0 else {
      (statistic, p) = (0, 1)
      return
    }
    var sum = 0.0
    for (a, b) in cells {
      let column = Double(a + b)
      let (x, y) = (column * Double(n) / total, column * Double(m) / total)
      sum += (Double(a) - x) * (Double(a) - x) / x + (Double(b) - y) * (Double(b) - y) / y
    }
    statistic = sum
    p = ChiSquared(degrees: Double(degrees)).upperTail(sum)
  }
}
