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
}
