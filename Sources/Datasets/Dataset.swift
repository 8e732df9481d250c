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
    return Dataset(
      name: name, classNames: classNames, train: try first(train, of: self.train, "training"),
      test: try self.test.map { (set) throws(DatasetError) in try first(test, of: set, "test") },
      provenance: provenance,
      substitution: substitution)
  }

  /// SHA-256, in hexadecimal, over the digests of the training set and of the test set.
  public var digest: String { SHA256.hex(of: Array((train.digest + (test?.digest ?? "")).utf8)) }
}
