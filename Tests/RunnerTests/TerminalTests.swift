import Foundation
import TerminalText
import TestSupport
import Testing

/// What people see, on terminals of several widths.
@Suite struct TerminalTests {
  private static let spec = Specs.small.replacingOccurrences(
    of: "\"training\"", with: "\"metrics\": [\"f1_macro\", \"top_3_accuracy\"], \"training\"")

  /// Paths are longer than some terminals are wide; all else fits.
  private func expectFits(_ screen: TerminalScreen, _ columns: Int) {
    let sentences = screen.tooLong.filter { !$0.contains("results/") }
    #expect(sentences.isEmpty, "at \(columns) columns")
  }

  @Test(arguments: [60, 80, 120, 200]) func aRunFits(columns: Int) throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "small.json")
    let result = try Program.onTerminal(
      columns: columns, ["small.json", "--threads", "1"], in: folder)
    #expect(result.status == 0)
    let screen = TerminalScreen(result.text, columns: columns)
    expectFits(screen, columns)
    let text = screen.lines.joined(separator: "\n")
    #expect(screen.lines[0].hasPrefix("small: results/small/"))
    #expect(text.contains("  network   "))
    for epoch in 1...3 {
      #expect(
        screen.lines.contains { $0.hasPrefix("epoch \(epoch)/3 ") && $0.contains("val_loss") })
    }
    #expect(!text.contains("left") && !text.contains("█"))  // the bar is gone
    #expect(text.contains("val_f1_macro 0.") && text.contains("val_top_3_accuracy "))
    #expect(screen.lines.contains { $0.hasPrefix("test metrics   f1_macro 0.") })
    #expect(screen.isColoured)
  }

  @Test func evaluationAndItsTablesFit() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "small.json")
    #expect(try Program.run("small.json", "--quiet", in: folder).status == 0)
    let run = try folder.run(of: "small")
    let wide = try Program.run("evaluate", run, in: folder).output
    for columns in [40, 60, 80, 120] {
      let result = try Program.onTerminal(columns: columns, ["evaluate", run], in: folder)
      let screen = TerminalScreen(result.text, columns: columns)
      expectFits(screen, columns)
      // Every cell of the tables, which a pipe gets in one piece, is told.
      for word in wide.split(whereSeparator: \.isWhitespace) {
        #expect(screen.lines.joined(separator: " ").contains(word), "\(word) at \(columns)")
      }
    }
    #expect(!wide.contains("\u{1B}"))
  }

  @Test func aSweepFits() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "small.json")
    let arguments = [
      "sweep", "small.json", "optimizer.learning_rate=1e-3,2e-2", "model[0].filters=2,3",
      "training.epochs=1", "-j", "2",
    ]
    for columns in [60, 80] {
      let result = try Program.onTerminal(
        columns: columns, arguments + ["--output", "results/\(columns)"], in: folder)
      #expect(result.status == 0)
      let screen = TerminalScreen(result.text, columns: columns)
      expectFits(screen, columns)
      for trial in 0..<4 {
        #expect(
          screen.lines.contains {
            $0.hasPrefix("trial \(trial)  val_accuracy ") && $0.contains("learning_rate=")
          })
      }
      #expect(!screen.lines.contains { $0.contains(" left") })
    }
  }

  @Test func errorsAreRedWhereThePersonWantsColour() throws {
    let folder = try TemporaryFolder()
    let red = "\u{1B}[1;31merror:\u{1B}[0m results/none: there is no such run"
    let plain = "error: results/none: there is no such run"
    func text(_ environment: [String: String]) throws -> String {
      try Program.onTerminal(
        columns: 80, ["evaluate", "results/none"], in: folder, environment: environment
      ).text
    }
    #expect(try text([:]).hasPrefix(red))
    #expect(try text(["NO_COLOR": "1"]).hasPrefix(plain))
    #expect(try text(["TERM": "dumb"]).hasPrefix(plain))
    #expect(try Program.run("evaluate", "results/none", in: folder).errors == plain + "\n")
  }

  /// Where it cannot be drawn over again there is no bar.
  @Test func aDumbTerminalGetsLines() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "small.json")
    let result = try Program.onTerminal(
      columns: 80, ["small.json"], in: folder, environment: ["TERM": "dumb"])
    #expect(result.status == 0 && !result.text.contains("\u{1B}"))
  }
}
