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
  public let test: ImageSet
  public let provenance: Provenance
  /// The name of the set that was asked for, when this one stands in for it.
  public var standsInFor: String?

  public var isSubstitute: Bool { standsInFor != nil }

  public init(
    name: String, classNames: [String], train: ImageSet, test: ImageSet, provenance: Provenance,
    standsInFor: String? = nil
  ) {
    precondition(classNames.count == train.classes && train.classes == test.classes)
    precondition(train.shape == test.shape)
    self.name = name
    self.classNames = classNames
    self.train = train
    self.test = test
    self.provenance = provenance
    self.standsInFor = standsInFor
  }

  /// SHA-256, in hexadecimal, over the digests of the training set and of the test set.
  public var digest: String { SHA256.hex(of: Array((train.digest + test.digest).utf8)) }
}
