import Elements

/// A bright stroke between two points, the second to the right of the first, on an image that counts 28
/// rows and 28 columns: at the columns from ⌊first⌋ to below ⌈last⌉, v ← min(1, v + 1 + ln(1 − d/2.3)),
/// as long as that adds, d the distance up or down to the line.
struct Stroke {
  let first: (row: Double, column: Double)
  let last: (row: Double, column: Double)

  func brightness(row: Double, column: Double) -> Double {
    guard first.column.rounded(.down) <= column, column < last.column.rounded(.up) else {
      return 0
    }
    let slope = (last.row - first.row) / (last.column - first.column)
    let distance = abs(row - (slope * (column - first.column) + first.row))
    return distance < 2.3 ? max(0, 1 + Elementary.log(1 - distance / 2.3)) : 0
  }
}

extension Canvas {
  /// Draws the stroke at the columns, counted as 28, where `isDrawn` says so.
  fileprivate mutating func add(_ stroke: Stroke, where isDrawn: (Double) -> Bool = { _ in true }) {
    var ink: [Double] = []
    for y in 0..<height {
      let row = Double(y * 28) / Double(height)
      for x in 0..<width {
        let column = Double(x * 28) / Double(width)
        ink.append(isDrawn(column) ? stroke.brightness(row: row, column: column) : 0)
      }
    }
    combine(with: ink) { min(1, $0 + $1) }
  }
}

/// A line from side to side, two columns of every four left out.
struct DottedLine {
  /// Where it begins and ends, 0 ... 26.
  let rows: (Int, Int)

  init(rows: (Int, Int)) { self.rows = rows }

  init(drawnBy random: inout RandomStream) {
    self.init(rows: (Int(random.below(27)), Int(random.below(27))))
  }

  func apply(to canvas: inout Canvas) {
    let stroke = Stroke(first: (Double(rows.0), 0), last: (Double(rows.1), 27))
    canvas.add(stroke) { Int($0) % 4 >= 2 }
  }
}

/// A jagged line from column 2 to column 25: teeth 4 long and 2 high to either side in turn.
struct Zigzag {
  /// Where it begins, 0 ... 26, and by how much lower it ends, −5 ... 4.
  let row: Int, fall: Int

  init(row: Int, fall: Int) {
    self.row = row
    self.fall = fall
  }

  init(drawnBy random: inout RandomStream) {
    self.init(row: Int(random.below(27)), fall: Int(random.below(10)) - 5)
  }

  func apply(to canvas: inout Canvas) {
    let corners = corners
    for (first, last) in zip(corners, corners.dropFirst()) {
      canvas.add(Stroke(first: first, last: last))
    }
  }

  /// The corners of a level line of the same length, turned about its beginning.
  var corners: [(row: Double, column: Double)] {
    let across = 23.0
    let fall = Double(fall)
    let length = (across * across + fall * fall).squareRoot()
    let (sin, cos) = (fall / length, across / length)
    // The teeth's points at 2, 6, ... 22; the length is from 23 to 23.6.
    var level: [(row: Double, column: Double)] = [(0, 0)]
    for tooth in 0...5 {
      level.append((row: tooth % 2 == 0 ? 2 : -2, column: Double(4 * tooth + 2)))
    }
    level.append((row: -1 / (length - 20), column: length))
    return level.map {
      (
        row: sin * $0.column + cos * $0.row + Double(row),
        column: cos * $0.column - sin * $0.row + 2
      )
    }
  }
}
