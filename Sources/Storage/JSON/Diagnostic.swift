/// One thing wrong with a document: where, what was found, what is allowed.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
  /// The file as the user named it, or `command line`.
  public var source: String
  /// Counted from 1; a column counts Unicode characters. Nil where a source has no lines.
  public var line: Int?
  public var column: Int?
  /// The key as `model[2].kernel`; empty for the document as a whole.
  public var path: String
  public var message: String

  public init(
    source: String, line: Int? = nil, column: Int? = nil, path: String = "", message: String
  ) {
    self.source = source
    self.line = line
    self.column = column
    self.path = path
    self.message = message
  }

  /// `experiments/lenet.json:14:18: optimizer.name: "adm" is not an optimizer; …`
  public var description: String {
    var text = source
    if let line, let column { text += ":\(line):\(column)" }
    if !path.isEmpty { text += ": \(path)" }
    return "\(text): \(message)"
  }
}

/// Everything that is wrong with a document, by position, those of the command line last.
public struct SpecErrors: Error, Hashable, Sendable, CustomStringConvertible {
  public let diagnostics: [Diagnostic]
  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
  /// One diagnostic per line.
  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
