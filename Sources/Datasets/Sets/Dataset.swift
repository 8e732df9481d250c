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

  /// The first images of each set; nil for all.
  public func limited(train: Int?, test: Int?) throws(DatasetError) -> Dataset {
    func first(_ count: Int?, of set: ImageSet, _ part: String) throws(DatasetError) -> ImageSet {
      guard let count else { return set }
      guard count > 0, count <= set.count else {
        throw DatasetError(
          .invalid, "\(name) has \(set.count) \(part) images; \(count) were asked for")
      }
      return set.prefix(count)
    }
    return with(
      train: try first(train, of: self.train, "training"),
      test: try self.test.map { (set) throws(DatasetError) in try first(test, of: set, "test") })
  }

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
