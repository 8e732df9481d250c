import Elements

/// As seen through frosted glass: blurred, cut to whole bytes, pixels exchanged with others nearby, and
/// blurred again.
///
/// MNIST-C calls scikit-image's `gaussian` for images with channels, which takes a grey image's columns
/// for channels and so blurs along the columns alone. This does the same.
struct GlassBlur {
  /// The Gaussian's deviation.
  let sigma: Double
  /// How many rows and columns up and to the left a pixel may go; one less down and to the right.
  let reach: Int
  /// How often every pixel has its turn.
  let rounds: Int

  static let levels = [
    GlassBlur(sigma: 0.7, reach: 1, rounds: 2), GlassBlur(sigma: 0.9, reach: 2, rounds: 1),
    GlassBlur(sigma: 1, reach: 2, rounds: 3), GlassBlur(sigma: 1.1, reach: 3, rounds: 2),
    GlassBlur(sigma: 1.5, reach: 4, rounds: 2),
  ]

  /// How far away the pixel is that one is exchanged with; none for one that stays.
  struct Move {
    let rows: Int, columns: Int
    static let none = Move(rows: 0, columns: 0)
  }

  /// A move for every turn: none with the probability ½, else each component from
  /// −reach ... reach − 1.
  func draw(for canvas: Canvas, _ random: inout RandomStream) -> [Move] {
    let reach = reach(in: canvas)
    let (rows, columns) = turns(in: canvas)
    return (0..<rounds * rows.count * columns.count).map { _ in
      guard random.next() & 1 == 0 else { return .none }
      let columns = Int(random.below(UInt32(2 * reach))) - reach
      return Move(rows: Int(random.below(UInt32(2 * reach))) - reach, columns: columns)
    }
  }

  func apply(_ moves: [Move], to canvas: inout Canvas) {
    canvas.blur(sigma: sigma * canvas.unit, along: .columns)
    canvas.change { ($0 * 255).rounded(.down) / 255 }
    let (rows, columns) = turns(in: canvas)
    let (width, channels) = (canvas.width, canvas.channels)
    var turn = 0
    for _ in 0..<rounds {
      for y in rows.reversed() {
        for x in columns.reversed() {
          let here = (y * width + x) * channels
          let there = here + (moves[turn].rows * width + moves[turn].columns) * channels
          for c in 0..<channels { canvas.values.swapAt(here + c, there + c) }
          turn += 1
        }
      }
    }
    canvas.blur(sigma: sigma * canvas.unit, along: .columns)
  }

  private func reach(in canvas: Canvas) -> Int {
    max(1, Int((Double(reach) * canvas.unit).rounded()))
  }

  /// The rows and the columns of the pixels that have a turn, which are had from the last to the first.
  private func turns(in canvas: Canvas) -> (rows: Range<Int>, columns: Range<Int>) {
    let first = reach(in: canvas) + 1
    func turns(_ count: Int) -> Range<Int> { first..<max(first, count - first + 2) }
    return (turns(canvas.height), turns(canvas.width))
  }
}
