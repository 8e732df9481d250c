/// Lines at the bottom of a terminal that are drawn over again, and can be taken away.
public struct LiveLines: Sendable {
  private let terminal: Terminal
  /// The widths of the lines that stand there.
  private var drawn: [Int] = []

  public init(on terminal: Terminal) { self.terminal = terminal }

  public var isEmpty: Bool { drawn.isEmpty }

  /// What to write so that these lines stand in place of those before. Each line is cut where it would
  /// wrap; of more lines than there are rows the last are left out, and counted.
  public mutating func redrawing(_ lines: [String]) -> String {
    let size = terminal.size ?? (80, 24)
    var shown = lines.map { $0.shortened(columns: size.columns - 1) }
    if shown.count > size.rows - 1 {
      let kept = max(1, size.rows - 2)
      let note = "… and \(shown.count - kept) more"
      shown = shown.prefix(kept) + [note.shortened(columns: size.columns - 1)]
    }
    let text = erasing(columns: size.columns) + shown.joined(separator: "\n")
    drawn = shown.map(\.columns)
    return text
  }

  /// What to write so that the lines are gone.
  public mutating func erasing() -> String {
    let text = erasing(columns: terminal.size?.columns ?? 80)
    drawn = []
    return text
  }

  /// From the end of the last line to the beginning of the first. A line that was drawn in a wider window
  /// takes several rows by now.
  private func erasing(columns: Int) -> String {
    guard !drawn.isEmpty else { return "" }
    let rows = drawn.reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
    return "\r" + (rows > 1 ? "\u{1B}[\(rows - 1)A" : "") + "\u{1B}[J"
  }
}
