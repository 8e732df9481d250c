/// A line of parts, of which those that matter least give way where it would not fit.
public struct FittedLine: Hashable, Sendable {
  /// What a line says, from its fullest form to its shortest. Each form but the last has a worth: the
  /// form of the least worth in the line is the first to be given up for the next.
  public struct Part: Hashable, Sendable {
    fileprivate let forms: [String]
    fileprivate let worths: [Int]
    fileprivate let tint: Tint?

    /// A part that stays.
    public init(_ text: String, tint: Tint? = nil) { self.init([], then: text, tint: tint) }

    /// A part that is left out where there is no room for it.
    public init(_ text: String, worth: Int, tint: Tint? = nil) {
      self.init([(text, worth)], then: "", tint: tint)
    }

    /// A part with shorter forms; nothing is left of it where the last is empty.
    public init(_ forms: [(text: String, worth: Int)], then last: String, tint: Tint? = nil) {
      self.forms = forms.map(\.text) + [last]
      worths = forms.map(\.worth)
      self.tint = tint
    }
  }

  public var parts: [Part]
  private let separator: String

  /// - Parameter separator: what stands between two parts.
  public init(_ parts: [Part] = [], separator: String = "  ") {
    self.parts = parts
    self.separator = separator
  }

  /// Whether its fullest form has room in so many columns; anything has where there is no limit.
  public func fits(_ columns: Int?) -> Bool {
    columns.map { width(of: parts.map { _ in 0 }) <= $0 } ?? true
  }

  /// The line in so many columns at most, in its fullest form where there is no limit.
  ///
  /// - Parameter terminal: what it is shown on, and coloured for.
  public func text(columns: Int?, on terminal: Terminal? = nil) -> String {
    var chosen = parts.map { _ in 0 }
    if let columns {
      while width(of: chosen) > columns {
        let open = parts.indices.filter { chosen[$0] < parts[$0].worths.count }
        // Of equals the last.
        guard
          let least = open.reversed().min(by: {
            parts[$0].worths[chosen[$0]] < parts[$1].worths[chosen[$1]]
          })
        else { break }
        chosen[least] += 1
      }
    }
    let plain = shown(chosen).map(\.text).joined(separator: separator)
    if let columns, plain.columns > columns { return plain.shortened(columns: columns) }
    return shown(chosen).map { terminal?.tinted($0.text, $0.tint) ?? $0.text }
      .joined(separator: separator)
  }

  private func shown(_ chosen: [Int]) -> [(text: String, tint: Tint?)] {
    zip(parts, chosen).map { ($0.forms[$1], $0.tint) }.filter { !$0.0.isEmpty }
  }

  private func width(of chosen: [Int]) -> Int {
    let texts = shown(chosen).map(\.text)
    return texts.reduce(0) { $0 + $1.columns } + separator.columns * max(0, texts.count - 1)
  }
}
