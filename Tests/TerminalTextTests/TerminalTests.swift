import Foundation
import TerminalText
import Testing

/// A pseudo-terminal of so many columns and rows.
final class PseudoTerminal {
  private(set) var controller: Int32 = -1
  private(set) var terminal: Int32 = -1

  init(columns: Int, rows: Int = 24) {
    var size = winsize(
      ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    precondition(openpty(&controller, &terminal, nil, nil, &size) == 0)
  }

  deinit {
    close(controller)
    close(terminal)
  }

  func resize(columns: Int, rows: Int = 24) {
    var size = winsize(
      ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    precondition(ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0)
  }
}

@Suite(.serialized) struct TerminalTests {
  @Test func widthIsAskedAnew() {
    let pty = PseudoTerminal(columns: 60)
    let terminal = Terminal(descriptor: pty.terminal)
    #expect(terminal.isTerminal && terminal.columns == 60)
    pty.resize(columns: 120)
    #expect(terminal.columns == 120)
    pty.resize(columns: 0)
    #expect(terminal.columns == 80)
  }

  @Test func aPipeHasNeitherWidthNorColour() {
    let pipe = Pipe()
    let terminal = Terminal(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    #expect(!terminal.isTerminal && !terminal.canRedraw && !terminal.usesColor)
    #expect(terminal.columns == nil && terminal.tinted("x", .bad) == "x")
  }

  @Test func noColourWhereThePersonOrTheTerminalHasNone() {
    let pty = PseudoTerminal(columns: 80)
    let terminal = Terminal(descriptor: pty.terminal)
    func with(_ name: String, _ value: String?, _ body: () -> Void) {
      let before = getenv(name).map { String(cString: $0) }
      if let value { setenv(name, value, 1) } else { unsetenv(name) }
      body()
      if let before { setenv(name, before, 1) } else { unsetenv(name) }
    }
    with("TERM", "xterm") {
      with("NO_COLOR", nil) { #expect(terminal.tinted("best", .good) == "\u{1B}[32mbest\u{1B}[0m") }
      with("NO_COLOR", "") { #expect(terminal.usesColor) }
      with("NO_COLOR", "1") { #expect(!terminal.usesColor && terminal.canRedraw) }
    }
    with("TERM", "dumb") { #expect(!terminal.usesColor && !terminal.canRedraw) }
  }

  @Test func linesAreDrawnOverAgain() {
    let pty = PseudoTerminal(columns: 20, rows: 5)
    var live = LiveLines(on: Terminal(descriptor: pty.terminal))
    #expect(live.erasing() == "")
    #expect(live.redrawing(["one", "two"]) == "one\ntwo")
    #expect(live.redrawing(["three"]) == "\r\u{1B}[1A\u{1B}[Jthree")
    #expect(live.redrawing([String(repeating: "x", count: 30)]).hasSuffix("x…"))
    // What was 19 wide takes two rows of 10.
    pty.resize(columns: 10, rows: 5)
    #expect(live.erasing() == "\r\u{1B}[1A\u{1B}[J")
    #expect(live.isEmpty)
    let many = live.redrawing((0..<9).map { "line \($0)" })
    #expect(many == "line 0\nline 1\nline 2\n… and 6 …")
  }
}
