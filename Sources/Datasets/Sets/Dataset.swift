import Images
import Storage

/// A training set and a test set, and where they came from.
public struct Dataset: Sendable {
  public enum Provenance: Hashable, Sendable, CustomStringConvertible {
    /// Read from this folder.
    case folder(String)
    /// Downloaded from this mirror into this folder.
    case mirror(String, folder: String)
    /// Made by the program itself.
    case builtIn

    public var description: String {
      switch self {
      case .folder(let path): path
      case .mirror(let address, let folder): "\(address), kept in \(folder)"
      case .builtIn: "built in"
      }
    }
  }

  public let name: String
  /// One name per class, in the order of the labels.
  public let classNames: [String]
  public let train: ImageSet
  /// Nil when they weren't asked for.
  public let test: ImageSet?
  public let provenance: Provenance
  /// What this set stands in for, when it isn't the one that was asked for.
  public var substitution: Substitution?
  /// How many of the training images, the last of them, the files hold to validate on.
  public var validationCount = 0
  /// What was taken for granted when the files were read, as sentences to the user.
  public var notes: [String] = []
  /// Images that were left out since they could not be read: each with its file and the reason.
  public var skipped: [String] = []

  /// A set that was asked for and could not be had.
  public struct Substitution: Hashable, Sendable {
    public let name: String
    /// Why it could not be had, as a message to the user.
    public let reason: String
  }

  public init(
    name: String, classNames: [String], train: ImageSet, test: ImageSet?, provenance: Provenance,
    substitution: Substitution? = nil
  ) {
    precondition(classNames.count == train.classes)
    if let test { precondition(train.classes == test.classes && train.shape == test.shape) }
    self.name = name
    self.classNames = classNames
    self.train = train
    self.test = test
    self.provenance = provenance
    self.substitution = substitution
  }

  /// So many images of each set; nil for all.
  /// - Parameter seed: what they are drawn by, to stay in their order; nil for the first of them.
  public func limited(
    train: Int?, test: Int?, drawnBy seed: UInt64? = nil
  ) throws(DatasetError) -> Dataset {
    func some(
      _ count: Int?, of set: ImageSet, _ part: String, _ use: Selection.Use
    ) throws(DatasetError) -> ImageSet {
      guard let count else { return set }
      guard count > 0, count <= set.count else {
        throw DatasetError(
          .invalid, "\(name) has \(set.count) \(part) images; \(count) were asked for")
      }
      guard let seed else { return set.prefix(count) }
      let drawn = Selection.drawn(
        count, of: set.labels.indices.map { Int32($0) }, seed: seed, use)
      return set.subset(drawn.sorted())
    }
    return with(
      train: try some(train, of: self.train, "training", .trainCount),
      test: try self.test.map { (set) throws(DatasetError) in
        try some(test, of: set, "test", .testCount)
      })
  }

  /// The same with a share of the training images to test on, each class its own, rounded by largest
  /// remainders, drawn by the seed.
  func holdingOut(_ share: Double, seed: UInt64) throws(DatasetError) -> Dataset {
    let count = Int((share * Double(train.count)).rounded(.toNearestOrAwayFromZero))
    guard count > 0, count < train.count else {
      throw DatasetError(
        .invalid,
        "dataset.test: \(share) of the \(train.count) images is "
          + (count > 0 ? "all of them; there is none to train on" : "not even one to test on"))
    }
    let quotas = try HoldoutSplit.quotas(labels: train.labels, count: count, "dataset.test")
    var isHeld = [Bool](repeating: false, count: train.count)
    let members = train.labels.members(ofClasses: train.classes)
    for (label, quota) in quotas.enumerated() where quota > 0 {
      let drawn = Selection.drawn(quota, of: members[label], seed: seed, .test, label: label)
      for index in drawn { isHeld[Int(index)] = true }
    }
    let all = train.labels.indices.map { Int32($0) }
    return with(
      train: train.subset(all.filter { !isHeld[Int($0)] }),
      test: train.subset(all.filter { isHeld[Int($0)] }))
  }

  /// The same for those who test on nothing.
  var withoutTest: Dataset { with(train: train, test: nil) }

  /// The same with all images made to fit.
  func prepared(
    _ preparation: ImagePreparation, threads: Int
  ) throws(DatasetError) -> Dataset {
    let refused = DatasetError(.invalid, "\(name): \(preparation.refusal(train.imageShape))")
    guard let train = train.prepared(preparation, threads: threads) else { throw refused }
    let test = try test.map { (set) throws(DatasetError) -> ImageSet in
      guard let test = set.prepared(preparation, threads: threads) else { throw refused }
      return test
    }
    return with(train: train, test: test)
  }

  /// The same with images of its own to validate on after those to train on.
  func with(validation: ImageSet) -> Dataset {
    var set = with(train: train.appending(validation), test: test)
    set.validationCount = validation.count
    return set
  }

  private func with(train: ImageSet, test: ImageSet?) -> Dataset {
    var set = Dataset(
      name: name, classNames: classNames, train: train, test: test, provenance: provenance,
      substitution: substitution)
    set.skipped = skipped
    set.notes = notes
    set.validationCount = validationCount
    return set
  }

  /// SHA-256, in hexadecimal, over the digests of the training set and of the test set.
  public var digest: String { SHA256.hex(of: Array((train.digest + (test?.digest ?? "")).utf8)) }
}
