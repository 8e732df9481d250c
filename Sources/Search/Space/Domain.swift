import Storage

/// What a hyperparameter may be.
public enum Domain: Hashable, Sendable {
  /// One of some values, without an order.
  case choice([Option])
  /// A number of an interval; its logarithm is uniform where the scale says so.
  case range(lower: Double, upper: Double, scale: Scale)
  /// A whole number of an interval, both ends included.
  case integers(lower: Int, upper: Int, scale: Scale)

  public enum Scale: String, Hashable, Sendable, CaseIterable { case linear, log }

  /// A value to choose, and how tables and conditions call it.
  public struct Option: Hashable, Sendable {
    public let label: String
    public let value: JSONValue
    public init(label: String, value: JSONValue) {
      self.label = label
      self.value = value
    }
  }
}
