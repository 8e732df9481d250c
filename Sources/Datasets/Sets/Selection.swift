import Elements

/// Which of the training images are trained on: fewer, and how often each class comes. What is drawn is
/// a function of the seed alone.
public struct Selection: Hashable, Sendable {
  public enum Subset: Hashable, Sendable {
    /// So many images of each class.
    case perClass(Int)
    /// That part of each class, in (0, 1), rounded to the nearest image and at least one.
    case fraction(Double)
  }

  public enum Balance: String, Hashable, Sendable, CaseIterable {
    /// The classes come as often as they do.
    case none
    /// Each class as often as the rarest: images of the others are left out.
    case undersample
    /// Each class as often as the most frequent: images of the others come again, all of them as often,
    /// but for a rest that is drawn.
    case oversample
  }

  public var subset: Subset?
  public var balance: Balance
  public var seed: UInt64

  public init(subset: Subset? = nil, balance: Balance = .none, seed: UInt64 = 1) {
    self.subset = subset
    self.balance = balance
    self.seed = seed
  }

  /// Of `count` images in `classes` classes, about how many are left by the subset.
  public func count(of total: Int, classes: Int) -> Int {
    switch subset {
    case nil: total
    case .perClass(let count): min(total, count * classes)
    case .fraction(let fraction): max(1, Int((fraction * Double(total)).rounded()))
    }
  }

  /// The images of the subset, in ascending order; nil for all.
  /// - Throws: `DatasetError` where a class has fewer images than are asked for.
  public func chosen(labels: Labels, classes: Int) throws(DatasetError) -> [Int32]? {
    guard let subset else { return nil }
    let members = labels.members(ofClasses: classes)
    var chosen: [Int32] = []
    for (label, images) in members.enumerated() {
      let count: Int
      switch subset {
      case .perClass(let asked):
        guard images.count >= asked else {
          throw DatasetError(
            .invalid, "class \(label) has \(images.count) training images; \(asked) were asked for")
        }
        count = asked
      case .fraction(let fraction):
        count = images.isEmpty ? 0 : max(1, Int((fraction * Double(images.count)).rounded()))
      }
      chosen += Self.drawn(count, of: images, seed: seed, .subset, label: label)
    }
    return chosen.sorted()
  }

  /// Images as often as the balance asks, in ascending order.
  /// - Throws: `DatasetError` where a class has no image at all.
  public func balanced(
    _ images: [Int32], labels: Labels, classes: Int
  ) throws(DatasetError) -> [Int32] {
    guard balance != .none else { return images }
    let members = labels.chosen(images).members(ofClasses: classes)
      .map { $0.map { images[Int($0)] } }
    if let empty = members.firstIndex(where: \.isEmpty) {
      throw DatasetError(
        .invalid, "class \(empty) has no training image, so the classes cannot be balanced")
    }
    let counts = members.map(\.count)
    let wanted = balance == .undersample ? counts.min()! : counts.max()!
    var result: [Int32] = []
    for (label, images) in members.enumerated() {
      let (times, rest) = wanted.quotientAndRemainder(dividingBy: images.count)
      for _ in 0..<times { result += images }
      result += Self.drawn(rest, of: images, seed: seed, .balance, label: label)
    }
    return result.sorted()
  }

  /// What is drawn for: each by random numbers of its own.
  enum Use: UInt32 {
    case subset, balance, trainCount, testCount, test
  }

  /// So many of the images, in the order of the draw; all in their own order where there are no more.
  static func drawn(
    _ count: Int, of images: [Int32], seed: UInt64, _ use: Use, label: Int = 0
  ) -> [Int32] {
    guard count < images.count else { return images }
    var random = RandomStream(
      seed: seed, purpose: .selection, epoch: use.rawValue, sample: UInt32(label))
    var order = images
    random.shuffle(&order)
    return Array(order.prefix(count))
  }
}
