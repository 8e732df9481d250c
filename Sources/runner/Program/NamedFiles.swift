import Experiment
import Storage

/// A spec and a model side by side, NAME.json and NAME.safetensors: where they come to lie, and what they
/// are called.
struct NamedFiles {
  private let folder: String
  /// NAME.
  let title: String
  /// How another name is given, for messages.
  private let advice: String

  /// - Parameter path: of NAME, or of one of the files.
  /// - Throws: `UsageError` for what can't be the name of a spec, or lies in no folder.
  init(_ path: String, advice: String) throws {
    var title = Files.name(of: path)
    for ending in [".json", ".safetensors"] where title.hasSuffix(ending) {
      title = String(title.dropLast(ending.count))
    }
    guard isFolderName(title) else {
      throw UsageError(
        "\(title): a name is of at most 100 letters, digits, \".\", \"_\" and \"-\" and begins with a letter "
          + "or a digit; \(advice)")
    }
    self.title = title
    self.advice = advice
    folder = Files.parent(of: path)
    guard Files.isFolder(folder) else {
      throw UsageError("\(folder): there is no such folder; make it, or \(advice)")
    }
  }

  /// A file beside the others.
  func path(_ name: String) -> String { folder == "." ? name : "\(folder)/\(name)" }

  /// Refuses to write over what they are made of, and over what is there unless it is told to.
  /// - Parameter source: a file, or the folder of a run.
  func check(_ names: [String], madeOf source: String, force: Bool) throws {
    let sources = try [source, "\(source)/model.safetensors"].map { try Files.absolute($0) }
    for path in names.map(path) where Files.exists(path) {
      guard try !sources.contains(Files.absolute(path)) else {
        throw UsageError("\(source): it would be written over; \(advice)")
      }
      if !force { throw UsageError("\(path) is there already; --force writes over it") }
    }
  }
}
