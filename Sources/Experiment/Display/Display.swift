import ConvNet
import Datasets
import Glibc
import Storage
import TerminalText

/// The progress of a run, on stderr: a bar where that is a terminal, a line per epoch elsewhere.
public struct Display: Sendable {
  public enum Style: Sendable { case bar, lines, quiet }

  public let style: Style
  private let epochs: Int
  private let images: Int
  private var drawn = 0.0
  private var clock = Stopwatch()
  private var first = 0
  private var live = LiveLines(on: .errors)

  /// A bar or lines, as stderr allows; nothing when `quiet`.
  public static func style(quiet: Bool) -> Style {
    quiet ? .quiet : Terminal.errors.canRedraw ? .bar : .lines
  }

  /// - Parameters:
  ///   - epochs: how many the run is to have.
  ///   - images: how many an epoch trains on.
  init(_ style: Style, epochs: Int, images: Int) {
    self.style = style
    self.epochs = epochs
    self.images = images
  }

  /// A sentence to the user, in every style, broken between its words where a terminal is narrower.
  /// What kind of one it is, as `error:`, is told by a colour too.
  public static func say(_ text: String) {
    let text = WrappedText.fitted(text, columns: Terminal.errors.columns)
    let kind = tints.first { text.hasPrefix($0.prefix) }
    let prefix = kind.map { Terminal.errors.tinted($0.prefix, $0.tint) } ?? ""
    write("\(prefix)\(text.dropFirst(kind?.prefix.count ?? 0))\n")
  }

  private static let tints: [(prefix: String, tint: Tint)] = [
    ("error:", .bad), ("expectation not met:", .bad), ("warning:", .warning),
    ("WARNING:", .warning),
  ]

  /// Lines that tell what is begun.
  public static func introduce(_ lines: [String]) { say(lines.joined(separator: "\n")) }

  mutating func beginEpoch(seen: Int) {
    clock = Stopwatch()
    first = seen
    drawn = 0
  }

  /// Draws the bar, ten times a second at most.
  mutating func update(_ state: TrainingState) {
    guard style == .bar else { return }
    let now = clock.seconds
    guard now - drawn >= 0.1 else { return }
    drawn = now
    let speed = Double(state.seen - first) / now
    let left = Double(images * (epochs - state.epoch + 1) - state.seen) / speed
    draw(
      Self.progress(
        epoch: state.epoch, of: epochs, part: Double(state.seen) / Double(images),
        imagesPerSecond: speed, loss: state.lossSum / Double(state.seen),
        accuracy: Double(state.correct) / Double(state.seen), secondsLeft: left))
  }

  /// The bar. The time left matters most, then how far it is, then how well it goes.
  static func progress(
    epoch: Int, of epochs: Int, part: Double, imagesPerSecond: Double, loss: Double,
    accuracy: Double, secondsLeft: Double
  ) -> FittedLine {
    func bar(_ width: Int) -> String {
      let full = Int(Double(width) * min(max(part, 0), 1))
      return String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
    }
    let rate = grouped(Int(min(imagesPerSecond, 1e12)))
    return FittedLine([
      .init("epoch \(epoch)/\(epochs)"),
      .init([(bar(24), 1), (bar(12), 6)], then: bar(6)),
      .init([("\(rate) images/s", 2), ("\(rate)/s", 4)], then: ""),
      .init("loss \(fixed(loss, 4))", worth: 7),
      .init([("accuracy \(percent(accuracy))", 3), ("acc \(percent(accuracy))", 5)], then: ""),
      .init("\(duration(secondsLeft)) left"),
    ])
  }

  /// Says what the bar cannot show: that the images held out are being looked at.
  mutating func validating(_ state: TrainingState) {
    if style == .bar { draw(FittedLine([.init("epoch \(state.epoch)/\(epochs) validating")])) }
  }

  /// A line that stays.
  mutating func endEpoch(_ row: EpochRow, _ timing: TimingRow, isBest: Bool) {
    guard style != .quiet else { return }
    clear()
    let lines = Self.epochLines(
      row, of: epochs, seconds: timing.trainSeconds + timing.valSeconds, isBest: isBest,
      columns: Terminal.errors.columns, on: .errors)
    Self.say(lines.joined(separator: "\n"))
  }

  /// An epoch in a line; what a spec asks for besides has lines of its own below it where it has no
  /// room in the first.
  static func epochLines(
    _ row: EpochRow, of epochs: Int, seconds: Double, isBest: Bool, columns: Int?,
    on terminal: Terminal? = nil
  ) -> [String] {
    var line = FittedLine([
      .init("epoch \(row.epoch)/\(epochs)"),
      .init("loss \(fixed(row.trainLoss, 4))", worth: 5),
      .init(
        [("accuracy \(percent(row.trainAccuracy))", 1), ("acc \(percent(row.trainAccuracy))", 4)],
        then: ""),
    ])
    if let loss = row.valLoss, let accuracy = row.valAccuracy {
      line.parts += [
        .init("val_loss \(fixed(loss, 4))", worth: 6),
        .init(
          [("val_accuracy \(percent(accuracy))", 2)], then: "val_acc \(percent(accuracy))"),
      ]
    }
    let figures = row.metrics.map {
      "\(Metric(.validation, $0.name)!.rawValue) \($0.name.text($0.value))"
    }
    var ending = [FittedLine.Part("\(fixed(seconds, 1)) s", worth: 3)]
    if isBest { ending.append(.init("best", tint: .good)) }
    let whole = FittedLine(line.parts + figures.map { .init($0) } + ending)
    if whole.fits(columns) { return [whole.text(columns: columns, on: terminal)] }
    line.parts += ending
    let indentation = 2
    let below = WrappedText.lines(ofItems: figures, columns: (columns ?? .max) - indentation)
    return [line.text(columns: columns, on: terminal)]
      + below.filter { !$0.isEmpty }.map { String(repeating: " ", count: indentation) + $0 }
  }

  /// Removes the bar.
  mutating func clear() { Self.write(live.erasing()) }

  private mutating func draw(_ line: FittedLine) {
    Self.write(live.redrawing([line.text(columns: Terminal.errors.columns.map { $0 - 1 })]))
  }

  /// Writes on stderr what is no line of its own. Where that cannot be written, nobody is there to be
  /// told.
  public static func write(_ text: String) {
    guard !text.isEmpty else { return }
    try? FileDescriptor.writeAll(Array(text.utf8), to: STDERR_FILENO, path: "the standard error")
  }
}
