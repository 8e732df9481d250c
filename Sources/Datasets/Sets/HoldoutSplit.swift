import Elements

/// Which images train and which are held out to validate, each list in ascending order.
public struct HoldoutSplit: Hashable, Sendable {
  public let training: [Int32]
  public let validation: [Int32]

  /// Holds out `count` images, chosen by the seed alone.
  ///
  /// - Parameter stratified: whether each class keeps its share, rounded by largest remainders.
  /// - Throws: `DatasetError` when `count` leaves nothing to train on, or when a stratified
  ///   split has fewer images than classes.
  public init(
    labels: Labels, validation count: Int, stratified: Bool = false, seed: UInt64
  ) throws(DatasetError) {
    let total = labels.count
    guard count >= 0 else {
      throw DatasetError(.invalid, "a validation split cannot hold out \(count) images")
    }
    guard count < total else {
      throw DatasetError(
        .invalid,
        "a validation split of \(count) images leaves none of the \(total) images to train on")
    }
    var random = RandomStream(seed: seed, purpose: .split)
    var order = (0..<Int32(total)).map { $0 }
    random.shuffle(&order)

    var isHeldOut = [Bool](repeating: false, count: total)
    if stratified && count > 0 {
      var left = try Self.quotas(labels: labels, count: count, "dataset.validation")
      for index in order where left[labels[Int(index)]] > 0 {
        left[labels[Int(index)]] -= 1
        isHeldOut[Int(index)] = true
      }
    } else {
      for index in order.prefix(count) { isHeldOut[Int(index)] = true }
    }
    order.sort()
    validation = order.filter { isHeldOut[Int($0)] }
    training = order.filter { !isHeldOut[Int($0)] }
  }

  /// ⌊fraction · total⌋, and at least one for a fraction above 0 of a set of at least two.
  ///
  /// - Throws: `DatasetError` for a fraction outside [0, 1).
  public static func count(fraction: Double, of total: Int) throws(DatasetError) -> Int {
    guard fraction >= 0, fraction < 1 else {
      throw DatasetError(
        .invalid,
        "a validation split holds out a fraction of 0 up to, not including, 1; "
          + "\(fraction) was asked for")
    }
    if fraction == 0 || total < 2 { return 0 }
    // 0.2 · 60000 in Double is 12000 exactly; 0.29 · 100 is not quite 29, and means 29.
    let exact = fraction * Double(total)
    let nearest = exact.rounded()
    let count = abs(exact - nearest) < 1e-6 ? Int(nearest) : Int(exact)
    return min(max(count, 1), total - 1)
  }

  /// How many images of each class are held out: its share of `count` rounded down, and one more
  /// where most was lost, the lower class first among equals. It ends with the last that has any.
  /// - Parameter key: what of a spec asks for them.
  static func quotas(
    labels: Labels, count: Int, _ key: String
  ) throws(DatasetError) -> [Int] {
    let sizes = labels.counts(ofClasses: (labels.max() ?? 0) + 1)
    let present = sizes.indices.filter { sizes[$0] > 0 }
    guard count >= present.count else {
      throw DatasetError(
        .invalid,
        "\(key): \(count) image\(count == 1 ? "" : "s"), each class its share, cannot be of all "
          + "\(present.count) classes")
    }
    var quotas = sizes.map { $0 * count / labels.count }
    let byRemainder = present.sorted {
      let (a, b) = (sizes[$0] * count % labels.count, sizes[$1] * count % labels.count)
      return a != b ? a > b : $0 < $1
    }
    for label in byRemainder.prefix(count - quotas.reduce(0, +)) { quotas[label] += 1 }
    return quotas
  }
}
