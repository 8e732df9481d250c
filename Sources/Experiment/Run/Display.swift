import Glibc

/// The progress of a run, on stderr: a bar where that is a terminal, a line per epoch elsewhere.
public struct Display: Sendable {
  public enum Style: Sendable { case bar, lines, quiet }

  public let style: Style
  private let epochs: Int
  private let images: Int
  private var drawn = 0.0
  private var clock = Stopwatch()
  private var first = 0

  /// A bar or lines, as stderr allows; nothing when `quiet`.
  public static func style(quiet: Bool) -> Style {
    quiet ? .quiet : isatty(2) == 1 ? .bar : .lines
  }

  /// - Parameters:
  ///   - epochs: how many the run is to have.
  ///   - images: how many an epoch trains on.
  init(_ style: Style, epochs: Int, images: Int) {
    self.style = style
    self.epochs = epochs
    self.images = images
  }

  /// A sentence to the user, in every style.
  public static func say(_ text: String) {
    let bytes = Array("\(text)\n".utf8)
    _ = try? Files.append(bytes, to: 2, path: "stderr")
  }

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
    let width = 24
    let full = width * state.seen / images
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
    Self.draw(
      "epoch \(state.epoch)/\(epochs) \(bar) \(grouped(Int(speed))) images/s"
        + "  loss \(fixed(state.lossSum / Double(state.seen), 4))"
        + "  accuracy \(percent(Double(state.correct) / Double(state.seen)))"
        + "  \(duration(left)) left")
  }

  /// Says what the bar cannot show: that the images held out are being looked at.
  func validating(_ state: TrainingState) {
    if style == .bar { Self.draw("epoch \(state.epoch)/\(epochs) validating") }
  }

  /// A line that stays.
  func endEpoch(_ row: EpochRow, _ timing: TimingRow, isBest: Bool) {
    guard style != .quiet else { return }
    if style == .bar { Self.draw("") }
    var line = "epoch \(row.epoch)/\(epochs)"
    line += "  loss \(fixed(row.trainLoss, 4))  accuracy \(percent(row.trainAccuracy))"
    if let loss = row.valLoss, let accuracy = row.valAccuracy {
      line += "  val_loss \(fixed(loss, 4))  val_accuracy \(percent(accuracy))"
    }
    line += "  \(fixed(timing.trainSeconds + timing.valSeconds, 1)) s"
    if isBest { line += "  best" }
    Self.say(line)
  }

  /// Removes the bar.
  func clear() {
    if style == .bar { Self.draw("") }
  }

  /// Draws one line of a terminal over again.
  public static func draw(_ text: String) {
    var size = winsize()
    let columns = ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    let bytes = Array("\r\u{1B}[K\(text.prefix(columns - 1))".utf8)
    _ = try? Files.append(bytes, to: 2, path: "stderr")
  }
}

/// "98.52 %"
public func percent(_ fraction: Double) -> String { "\(fixed(100 * fraction, 2)) %" }

/// A number with so many decimals.
public func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
  var scale = 1
  for _ in 0..<decimals { scale *= 10 }
  let units = Int((abs(value) * Double(scale)).rounded())
  let sign = value < 0 && units > 0 ? "-" : ""
  guard decimals > 0 else { return "\(sign)\(units)" }
  let fraction = String(units % scale)
  return "\(sign)\(units / scale)."
    + String(repeating: "0", count: decimals - fraction.count) + fraction
}

/// "1,234,567"
public func grouped(_ value: Int) -> String {
  var digits = Array(String(value.magnitude))
  var place = digits.count - 3
  while place > 0 {
    digits.insert(",", at: place)
    place -= 3
  }
  return (value < 0 ? "-" : "") + String(digits)
}

/// "0:42", "12:05", "3:04:05"
public func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e7 else { return "-:--" }
  let whole = Int(seconds.rounded())
  func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
  let (hours, minutes) = (whole / 3600, whole / 60 % 60)
  return hours > 0
    ? "\(hours):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
}
