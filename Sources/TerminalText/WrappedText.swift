/// Text in lines of so many columns.
public enum WrappedText {
  /// A line broken at its spaces into lines of at most `columns`. A word that has no room in a line of its
  /// own either, as a long path, stays where it is, for the terminal to wrap. The lines after the first
  /// are indented by `indentation`. What was aligned by several spaces stays.
  public static func lines(
    of text: some StringProtocol, columns: Int, indentation: Int = 0
  ) -> [String] {
    guard text.columns > columns else { return [String(text)] }
    let margin = String(repeating: " ", count: min(indentation, columns / 2))
    var lines: [String] = []
    var line = String(text.prefix { $0 == " " })
    var rest = text.dropFirst(line.count)
    var isFresh = true  // no word on the line yet
    while !rest.isEmpty {
      let word = rest.prefix { $0 != " " }
      let width = word.columns
      if !isFresh, line.columns + width > columns, margin.count + width <= columns {
        while line.last == " " { line.removeLast() }
        lines.append(line)
        line = margin
      }
      let gap = rest.dropFirst(word.count).prefix { $0 == " " }
      line += word
      line += gap
      isFresh = false
      rest = rest.dropFirst(word.count + gap.count)
    }
    while line.last == " " { line.removeLast() }
    return lines + [line]
  }

  /// Items with commas between them, none of which is broken.
  public static func lines(
    ofItems items: [String], columns: Int, indentation: Int = 0
  ) -> [String] {
    let glue: Character = "\u{A0}"
    return lines(
      of: items.map { String($0.map { $0 == " " ? glue : $0 }) }.joined(separator: ", "),
      columns: columns, indentation: indentation
    ).map { String($0.map { $0 == glue ? " " : $0 }) }
  }

  /// A line that begins with a word and several spaces, as facts do, hangs from what comes behind them;
  /// one that begins with spaces hangs from its first word, a sentence from the margin.
  public static func hanging(_ text: some StringProtocol, columns: Int) -> [String] {
    lines(of: text, columns: columns, indentation: indentation(of: text))
  }

  static func indentation(of text: some StringProtocol) -> Int {
    let start = text.prefix { $0 == " " }.count
    var place = start
    var spaces = 0
    for character in text.dropFirst(start) {
      if character == " " {
        spaces += 1
      } else if spaces >= 2 {
        return place <= 32 ? place : start
      } else {
        spaces = 0
      }
      place += character.columns
    }
    return start
  }

  /// Text of several lines, each hung where it is too long; as it is where there is no limit.
  public static func fitted(_ text: String, columns: Int?) -> String {
    guard let columns else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .flatMap { hanging($0, columns: columns) }.joined(separator: "\n")
  }

  /// A text broken into pieces of at most `columns`: at its spaces, behind `.`, `_`, `/` and the like, or
  /// where nothing else helps anywhere. Nothing but spaces is lost.
  public static func pieces(of text: some StringProtocol, columns: Int) -> [String] {
    precondition(columns > 0)
    var pieces: [String] = []
    var line = ""
    for atom in atoms(of: text) {
      var atom = atom
      let glued = line + atom
      if !line.isEmpty, Self.trimmed(glued).columns > columns {
        pieces.append(trimmed(line))
        line = ""
        while atom.first == " " { atom.removeFirst() }
      }
      while line.isEmpty, trimmed(atom).columns > columns {
        var head = String(atom.prefix(columns: columns))
        if head.isEmpty { head = String(atom.prefix(1)) }  // a wide character in one column
        pieces.append(head)
        atom.removeFirst(head.count)
      }
      line += atom
    }
    if !line.isEmpty || pieces.isEmpty { pieces.append(trimmed(line)) }
    return pieces
  }

  /// The width of the longest stretch of a text that `pieces` would rather not break.
  public static func longestAtom(of text: some StringProtocol) -> Int {
    atoms(of: text).map { trimmed($0).columns }.max() ?? 0
  }

  private static func atoms(of text: some StringProtocol) -> [String] {
    var atoms = [""]
    for character in text {
      atoms[atoms.count - 1].append(character)
      if " ._/,;:=-".contains(character) { atoms.append("") }
    }
    return atoms.filter { !$0.isEmpty }
  }

  private static func trimmed(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }
}
