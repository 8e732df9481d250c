/// The lines of ruled or squared paper: thin, straight, and from border to border.
struct DigitLines {
  /// How far from level or upright they may run, as a slope.
  private static let steepest = 0.15
  /// In one direction; squared paper has about half as many.
  private static let mostLines = 64

  private var mask: DigitMask
  private(set) var count = 0

  /// - Parameter ink: what may be ink or line, also where it is faint.
  init(_ ink: DigitMask) {
    mask = DigitMask(height: ink.height, width: ink.width)
    for line in Self.lines(ink) {
      count += 1
      for i in line { mask.bits[i] = true }
    }
    for line in Self.lines(ink.turned()) {
      count += 1
      for i in line { mask.bits[i % ink.height * ink.width + i / ink.height] = true }
    }
  }

  /// The ink without what is of lines only. Where a stroke crosses one, it stays.
  func removed(from ink: DigitMask) -> DigitMask {
    var rest = ink
    for i in rest.bits.indices where mask.bits[i] { rest.bits[i] = false }
    return rest
  }

  /// A piece of a column, no longer than a line is thick.
  private struct Run {
    let x: Int, rows: Range<Int>
    var middle: Double { Double(rows.lowerBound + rows.upperBound - 1) / 2 }
  }

  /// The pixels of lines that run from left to right, by the Hough transform: all straight lines through
  /// the middles of short runs, those first that most columns have a run on.
  private static func lines(_ ink: DigitMask) -> [[Int]] {
    let (height, width) = (ink.height, ink.width)
    let thickest = max(3, max(height, width) / 50)
    var runs: [Run] = []
    for x in 0..<width {
      var y = 0
      while y < height {
        let start = y
        while y < height, ink.bits[y * width + x] { y += 1 }
        if y > start, y - start <= thickest { runs.append(Run(x: x, rows: start..<y)) }
        y += 1
      }
    }
    var found: [[Int]] = []
    let slack = 1 + max(height, width) / 192
    for _ in 0..<mostLines {
      guard let line = best(runs, ink, slack) else { break }
      func isOn(_ run: Run) -> Bool {
        abs(run.middle - line.start - line.slope * Double(run.x)) <= Double(slack) + 0.5
      }
      // Others may be lines where the one with the most runs is none.
      if reachesBorders(runs, ink, line.start, line.slope, slack) {
        found.append(runs.filter(isOn).flatMap { run in run.rows.map { $0 * width + run.x } })
      }
      runs.removeAll(where: isOn)
    }
    return found
  }

  /// The line that most runs lie on, to either side by the slack; nil where those are few.
  private static func best(
    _ runs: [Run], _ ink: DigitMask, _ slack: Int
  ) -> (start: Double, slope: Double)? {
    let (height, width) = (ink.height, ink.width)
    let rise = Int(steepest * Double(width))
    var most = (count: width / 3, start: 0.0, slope: 0.0)
    for shift in -rise...rise {
      let slope = Double(shift) / Double(width)
      var counts = [Int](repeating: 0, count: height + 2 * rise + 2 * slack + 2)
      for run in runs {
        counts[Int(run.middle - slope * Double(run.x) + 0.5) + rise + slack] += 1
      }
      var sum = counts[0..<2 * slack].reduce(0, +)
      for centre in slack..<counts.count - slack {
        sum += counts[centre + slack]
        if sum > most.count { most = (sum, Double(centre - rise - slack), slope) }
        sum -= counts[centre - slack]
      }
    }
    guard most.count > width / 3 else { return nil }
    return (most.start, most.slope)
  }

  /// Whether the line has runs in most columns, near both borders too. A column whose ink on it is thicker
  /// says nothing: there something lies over the line.
  private static func reachesBorders(
    _ runs: [Run], _ ink: DigitMask, _ start: Double, _ slope: Double, _ slack: Int
  ) -> Bool {
    let (height, width) = (ink.height, ink.width)
    var isOn = [Bool](repeating: false, count: width)
    for run in runs where abs(run.middle - start - slope * Double(run.x)) <= Double(slack) + 0.5 {
      isOn[run.x] = true
    }
    var isCovered = [Bool](repeating: false, count: width)
    for x in 0..<width where !isOn[x] {
      let y = Int(start + slope * Double(x) + 0.5)
      isCovered[x] = y < 0 || y >= height || ink.bits[y * width + x]
    }
    func isLine(_ columns: Range<Int>) -> Bool {
      let on = columns.count { isOn[$0] }
      return on * 5 >= (columns.count - columns.count { isCovered[$0] }) * 3
    }
    let eighth = max(1, width / 8)
    return isLine(0..<width) && isLine(0..<eighth) && isLine(width - eighth..<width)
  }
}

extension DigitMask {
  /// Rows for columns.
  fileprivate func turned() -> DigitMask {
    var turned = DigitMask(height: width, width: height)
    for y in 0..<height {
      for x in 0..<width { turned.bits[x * height + y] = bits[y * width + x] }
    }
    return turned
  }
}
