import Foundation
import TestSupport
import Testing

/// What `validate`, a run and a sweep say of batch norms whose moving statistics hardly move.
@Suite struct MovingStatisticsTests {
  private static let spec = Specs.small.replacing(", \"momentum\": 0.7", with: "")
  /// 0.99¹⁵ is 0.86.
  private static let note =
    "batch_norm's moving averages, by which it is tested, still hold 86.01 % of what they began with "
    + "after the 15 batches of the whole run (momentum 0.99, one layer): set \"debias\": true there, "
    + "or a momentum of 0.818 at most"

  @Test func validateAndRunsSayIt() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "small.json")
    let validated = try Program.run("validate", "small.json", in: folder)
    #expect(validated.output.contains("note       \(Self.note)\n"))
    let run = try Program.run("small.json", "--quiet", in: folder)
    #expect(run.status == 0)
    #expect(run.errors == "note: \(Self.note)\n")
    for override in ["model[2].debias=true", "model[2].momentum=0.8"] {
      let silent = try Program.run("small.json", override, "--quiet", in: folder)
      #expect(silent.status == 0 && silent.errors == "", "\(silent.errors)")
    }
  }

  @Test func aSweepSaysItOnce() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "small.json")
    let grid = ["sweep", "small.json", "optimizer.learning_rate=0.01,0.02", "training.epochs=3"]
    let dry = try Program.Running(Program.path, grid + ["--dry-run"], in: folder).wait()
    #expect(dry.output.contains("in some trials, \(Self.note)"), "\(dry.errors)")
    let sweep = try Program.Running(Program.path, grid + ["--quiet", "-j", "1"], in: folder).wait()
    #expect(sweep.status == 0)
    #expect(
      sweep.errors.components(separatedBy: "note: in some trials, \(Self.note)\n").count == 2,
      "\(sweep.errors)")
  }
}
