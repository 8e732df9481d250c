import Foundation
import TestSupport
import Testing

/// More epochs for a run that is complete.
@Suite struct LongerRunTests {
  /// Three epochs and then three more leave what six do, and the first run stays as it was.
  @Test(arguments: [
    nil, InterruptionTests.graph, #"optimizer.averaging={"name":"ema","decay":0.9}"#,
  ])
  func endsWithTheBitsOfALongRun(override: String?) throws {
    let folder = try TemporaryFolder()
    let overrides = override.map { [$0] } ?? []
    let run = try InterruptionTests.reference(in: folder, overrides)
    let before = try Specs.reproducible.map { try folder.data("\(run)/\($0)") }
    let longer = try Program.run(
      "resume", run, "training.epochs=6", "--threads", "2", in: folder)
    #expect(longer.status == 0, "\(longer.errors)")
    #expect(
      longer.errors.contains("goes on from \(run), which ended after epoch 3 and stays as it is\n"))
    #expect(try Specs.reproducible.map { try folder.data("\(run)/\($0)") } == before)
    let new = try folder.run(of: "small")
    #expect(try folder.text("\(new)/run.json").contains("\"extends\": \"\(run)\""))
    let whole = try Program.Running(
      Program.path,
      ["small.json", "training.epochs=6", "--quiet", "--threads", "1", "--output", "whole"]
        + overrides, in: folder
    ).wait()
    #expect(whole.status == 0, "\(whole.errors)")
    try expectSameRecord(try folder.run(of: "small", under: "whole"), new, in: folder)
    let verified = try Program.run("verify", new, "--quiet", in: folder)
    #expect(verified.status == 0, "\(verified.output)")
  }

  /// Killed on its way, it is resumed as any run is.
  @Test func killedOnItsWay() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let killed = try Program.run(
      "resume", run, "training.epochs=6", "--quiet", "--kill-at-step", "22", in: folder)
    #expect(killed.signal == SIGKILL)
    let new = try folder.run(of: "small")
    #expect(try Program.run("resume", new, "--quiet", in: folder).status == 0)
    #expect(
      try Program.run(
        "small.json", "training.epochs=6", "--quiet", "--output", "whole", in: folder
      ).status == 0)
    try expectSameRecord(try folder.run(of: "small", under: "whole"), new, in: folder)
  }

  @Test func whatBecomesOfTheScheduleIsTold() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    func train(_ name: String, _ schedule: String) throws -> String {
      let result = try Program.run(
        "small.json", "name=\(name)", "schedule=\(schedule)", "--quiet", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return try folder.run(of: name)
    }
    let cosine = try train("cosine", #"{"name":"cosine","final":0.1}"#)
    let longer = try Program.run("resume", cosine, "training.epochs=4", in: folder)
    #expect(longer.status == 0)
    let last = try #require(try folder.runs(of: "cosine").last)
    let rows = try folder.text("\(last)/metrics.csv").split(separator: "\n")
    #expect(rows.count == 5 && rows[4].hasPrefix("4,20,"))
    let rate = rows[4].split(separator: ",")[2]
    #expect(try abs(#require(Float(rate)) - 0.002) < 1e-9)
    #expect(
      longer.errors.contains(
        "note: the schedule cosine keeps its length and is over after epoch 3: from then on the "
          + "learning rate is \(rate), where one of 4 epochs would fall more slowly"),
      "\(longer.errors)")

    let zero = try train("zero", #"{"name":"polynomial"}"#)
    let refused = try Program.run("resume", zero, "training.epochs=4", in: folder)
    #expect(refused.status == 1)
    #expect(
      refused.errors.contains(
        "its schedule polynomial has brought the learning rate to 0 by epoch 3, so that further "
          + "epochs would learn nothing"), "\(refused.errors)")
    #expect(try folder.runs(of: "zero").count == 1)
  }

  @Test func whatCannotBeGoneOnWith() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    func refusal(_ run: String, _ overrides: String...) throws -> (Int32, String) {
      let result = try Program.Running(
        Program.path, ["resume", run, "--quiet"] + overrides, in: folder
      ).wait()
      return (result.status, result.errors)
    }
    var (status, errors) = try refusal(run, "training.epochs=3")
    #expect(
      status == 1 && errors.contains("has trained 3 epochs already; training.epochs=3 is not"))
    (status, errors) = try refusal(run, "training.epochs=5", "seed=2")
    #expect(status == 2 && errors.contains("of a run, only training.epochs can be changed"))
    (status, errors) = try refusal(run, "training.epoch=5")
    #expect(status == 2 && errors.contains(#"unknown key; did you mean "epochs"?"#))
    try FileManager.default.removeItem(
      at: folder.url.appending(path: "\(run)/checkpoints/last.safetensors"))
    (status, errors) = try refusal(run, "training.epochs=5")
    #expect(status == 1 && errors.contains("is gone, from which more epochs could be trained"))

    let early = try Program.run(
      "small.json", #"early_stopping={"patience":0,"min_delta":100}"#, "--quiet", "--output",
      "early",
      in: folder)
    #expect(early.status == 0, "\(early.errors)")
    (status, errors) = try refusal(
      try folder.run(of: "small", under: "early"), "training.epochs=9")
    #expect(
      status == 1 && errors.contains("was ended by early stopping after epoch 2"), "\(errors)")

    let stopped = try Program.run(
      "small.json", "--quiet", "--output", "stopped", "--stop-at-step", "3", in: folder)
    #expect(stopped.status == 75)
    (status, errors) = try refusal(
      try folder.run(of: "small", under: "stopped"), "training.epochs=9")
    #expect(status == 1 && errors.contains("is not complete (interrupted); more epochs"))
  }
}
