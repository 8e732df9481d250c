import TerminalText

/// A table in columns of even width, for people.
///
/// Where a terminal is too narrow for it, headers and texts are broken into several lines, numbers never;
/// where that isn't enough, the columns are told in blocks one below the other, each with the first column
/// again. Nothing is left out.
struct AlignedTable {
  private struct Column {
    let header: String
    let cells: [String]
    let isLeft: Bool
    /// The width that shows it in one line, and the least that it can be broken to.
    let natural: Int
    let least: Int

    /// How many lines its header and its cells take, together, in so many columns. The first cells stand
    /// for all of many.
    func height(_ width: Int) -> Int {
      ([header] + (isLeft ? Array(cells.prefix(200)) : [])).reduce(0) {
        $0 + WrappedText.pieces(of: $1, columns: max(1, width)).count
      }
    }
  }

  private let columns: [Column]
  private static let gap = 2
  /// No text is broken to less, and no header within a word of less.
  private static let narrowest = 12

  init(_ table: TextTable) {
    columns = table.columns.enumerated().filter { !$0.element.isDetail }.map { place, column in
      let cells = table.rows.map { TextTable.oneLine($0[place].text) }
      let isLeft = column.alignment == .left
      let widest = cells.map(\.columns).max() ?? 0
      let header = column.title.columns
      let leastHeader = min(WrappedText.longestAtom(of: column.title), Self.narrowest)
      let leastCell =
        isLeft
        ? min(cells.map { WrappedText.longestAtom(of: $0) }.max() ?? 0, Self.narrowest) : widest
      let natural = max(header, widest)
      return Column(
        header: column.title, cells: cells, isLeft: isLeft, natural: natural,
        least: min(natural, max(leastHeader, leastCell)))
    }
  }

  func text(columns limit: Int?) -> String {
    guard let limit, Self.width(columns.map(\.natural)) > limit else {
      return block(columns, widths: columns.map(\.natural))
    }
    return blocks(within: limit).map { block($0, widths: Self.widths($0, within: limit)) }
      .joined(separator: "\n")
  }

  /// As many columns behind the first as have room beside it, and again.
  private func blocks(within limit: Int) -> [[Column]] {
    guard let first = columns.first else { return [columns] }
    var blocks = [[first]]
    for column in columns.dropFirst() {
      let last = blocks[blocks.count - 1]
      if last.count > 1, Self.width((last + [column]).map(\.least)) > limit {
        blocks.append([first, column])
      } else {
        blocks[blocks.count - 1].append(column)
      }
    }
    return blocks
  }

  /// Widths from the least on, widened where each column more saves the most lines.
  private static func widths(_ columns: [Column], within limit: Int) -> [Int] {
    var widths = columns.map(\.least)
    var heights = zip(columns, widths).map { $0.height($1) }
    while true {
      let room = limit - width(widths)
      var best: (place: Int, width: Int, height: Int, saved: Double)?
      for (place, column) in columns.enumerated() where widths[place] < column.natural {
        for more in 1...max(1, min(room, column.natural - widths[place])) where more <= room {
          let height = column.height(widths[place] + more)
          let saved = Double(heights[place] - height) / Double(more)
          if saved > best?.saved ?? 0 { best = (place, widths[place] + more, height, saved) }
        }
      }
      guard let best else { return widths }
      widths[best.place] = best.width
      heights[best.place] = best.height
    }
  }

  private static func width(_ widths: [Int]) -> Int {
    widths.reduce(0, +) + gap * max(0, widths.count - 1)
  }

  private func block(_ columns: [Column], widths: [Int]) -> String {
    let rows = columns.first?.cells.indices ?? 0..<0
    return row(columns, widths: widths, texts: columns.map(\.header), isHeader: true)
      + rows.map { i in
        row(columns, widths: widths, texts: columns.map { $0.cells[i] }, isHeader: false)
      }.joined()
  }

  /// The lines of a row: a header stands on its last line, all else on its first.
  private func row(
    _ columns: [Column], widths: [Int], texts: [String], isHeader: Bool
  ) -> String {
    let pieces = zip(texts, widths).map { text, width in
      width > 0 ? WrappedText.pieces(of: text, columns: width) : [text]
    }
    let height = pieces.map(\.count).max() ?? 1
    return (0..<height).map { line in
      var text = ""
      for (place, column) in columns.enumerated() {
        let skipped = isHeader ? height - pieces[place].count : 0
        let piece =
          pieces[place].indices.contains(line - skipped) ? pieces[place][line - skipped] : ""
        text += piece.padded(columns: widths[place], toTheRight: !column.isLeft)
        if place < columns.count - 1 { text += String(repeating: " ", count: Self.gap) }
      }
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }.joined()
  }
}
