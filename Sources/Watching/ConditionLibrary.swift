import ConvNet
import Datasets
import Statistics
import Storage

/// How images may come to be: as they are, or spoiled in one way.
public struct ImageCondition: Hashable, Sendable {
  /// As a corruption is called; nil for images as they are.
  public let kind: String?
  public let severity: Int?
  /// Of how many validation images so, how many were answered rightly.
  public let count: Int
  public let right: Int
  /// The variance of being right that traits of an answer leave within the condition.
  let residual: Double

  /// "fog (5)"
  public var name: String {
    let kind = kind?.replacing("_", with: " ") ?? "as they are"
    return severity.map { "\(kind) (\($0))" } ?? kind
  }

  public var accuracy: Double { Double(right) / Double(count) }
}

/// What validation images look like to a network when they are spoiled in known ways, and how many of them
/// it then answers rightly: by it a window of requests is told what it looks like, and with that its accuracy
/// (W. Deng and L. Zheng, "Are labels always necessary for classifier accuracy evaluation?", CVPR 2021,
/// learn accuracy from sets that were made unlike in known ways).
///
/// Confidences cannot tell this: of digits that were moved out of their place a network is wrong and sure, of
/// those in fog right and unsure. What condition it is, the mean of many answers tells.
public struct ConditionLibrary: Hashable, Sendable {
  public let conditions: [ImageCondition]
  /// d, and how many of the last traits `slopes` are of.
  let width: Int
  let answers: Int
  /// (K, d): the traits' mean in each condition.
  let means: [Float]
  /// (K, answers): how the chance of being right goes with the traits of an answer within a condition.
  let slopes: [Float]
  /// (d, d), within conditions.
  let covariance: [Float]
  /// By how much, for each unit of distance, the squared log-odds of the accuracy of a condition were wrong
  /// that was estimated from the others.
  let spread: Double
  /// The mean square of what log-odds of the accuracy were wrong by of a severity that was taken for a mixture
  /// of the one below and the one above.
  let bend: Double

  /// The most conditions that a file may hold.
  static let most = 256

  /// Without some conditions.
  public func without(_ isLeftOut: (ImageCondition) -> Bool) -> ConditionLibrary {
    let kept = conditions.indices.filter { !isLeftOut(conditions[$0]) }
    func rows(_ values: [Float], _ width: Int) -> [Float] {
      kept.flatMap { values[$0 * width..<($0 + 1) * width] }
    }
    return ConditionLibrary(
      conditions: kept.map { conditions[$0] }, width: width, answers: answers,
      means: rows(means, width), slopes: rows(slopes, answers), covariance: covariance,
      spread: spread, bend: bend)
  }

  init(
    conditions: [ImageCondition], width: Int, answers: Int, means: [Float], slopes: [Float],
    covariance: [Float], spread: Double, bend: Double
  ) {
    self.conditions = conditions
    self.width = width
    self.answers = answers
    self.means = means
    self.slopes = slopes
    self.covariance = covariance
    self.spread = spread
    self.bend = bend
  }

  // MARK: - In a profile

  static let means = "conditions/means"
  static let slopes = "conditions/slopes"
  static let covariance = "conditions/covariance"

  /// What they are and how many were right.
  var json: JSONValue {
    [
      "spread": JSONValue(spread), "bend": JSONValue(bend),
      "conditions": .array(
        conditions.map {
          [
            "kind": $0.kind.map { .string($0) } ?? .null,
            "severity": $0.severity.map { JSONValue($0) } ?? .null, "count": JSONValue($0.count),
            "right": JSONValue($0.right), "residual": JSONValue($0.residual),
          ]
        }),
    ]
  }

  /// The conditions that a profile's words name, the spread and the bend; nil where they are not sound.
  static func parsed(
    _ json: JSONValue
  ) -> (conditions: [ImageCondition], spread: Double, bend: Double)? {
    guard let spread = json["spread"]?.double, spread.isFinite, spread >= 0,
      let bend = json["bend"]?.double, bend.isFinite, bend >= 0,
      let items = json["conditions"]?.array, (1...most).contains(items.count)
    else { return nil }
    var conditions: [ImageCondition] = []
    for item in items {
      guard let count = item["count"]?.int, (1...1 << 30).contains(count),
        let right = item["right"]?.int, (0...count).contains(right),
        let residual = item["residual"]?.double, (0...1).contains(residual),
        let kind = item["kind"], let severity = item["severity"],
        kind == .null
          || kind.string?.wholeMatch(of: /[a-z][a-z_]{0,39}/) != nil,
        severity == .null || severity.int.map({ (1...99).contains($0) }) == true
      else { return nil }
      conditions.append(
        ImageCondition(
          kind: kind.string, severity: severity.int, count: count, right: right,
          residual: residual))
    }
    return (conditions, spread, bend)
  }
}
