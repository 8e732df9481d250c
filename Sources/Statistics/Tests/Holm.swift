/// p-values of several tests, made such that all of them together err with the level of one.
public enum Holm {
  /// Holm (1979): of m values in ascending order the i-th becomes max over j ≤ i of (m − j + 1) pⱼ, and
  /// 1 at most. They come in the order given.
  public static func adjusted(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var adjusted = values
    var greatest = 0.0
    for (place, index) in order.enumerated() {
      greatest = max(greatest, min(1, Double(values.count - place) * values[index]))
      adjusted[index] = greatest
    }
    return adjusted
  }

  /// For each value the level that decides on it, the others as they are: its own corrected value is
  /// at most α if and only if it is at most this.
  ///
  /// α / (m − r), where the r least of the others fall one after another: the i-th of them, in
  /// ascending order, is at most α / (m − i + 1).
  public static func levels(_ values: [Double], alpha: Double) -> [Double] {
    let ascending = values.sorted()
    let m = values.count
    func falling(without value: Double) -> Int {
      var (fallen, isLeftOut) = (0, false)
      for other in ascending {
        if !isLeftOut, other == value {
          isLeftOut = true
          continue
        }
        guard other <= alpha / Double(m - fallen) else { break }
        fallen += 1
      }
      return fallen
    }
    return values.map { alpha / Double(m - falling(without: $0)) }
  }
}
