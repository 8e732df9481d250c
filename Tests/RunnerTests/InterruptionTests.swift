import Foundation
import TestSupport
import Testing

/// A run that is ended at any moment, and resumed, ends with the bytes of one that never was.
@Suite struct InterruptionTests {
  static func reference(in folder: TemporaryFolder, _ overrides: [String] = []) throws -> String {
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.Running(
      Program.path,
      ["small.json", "--quiet", "--threads", "1", "--output", "reference"] + overrides, in: folder
    ).wait()
    #expect(result.status == 0, "\(result.errors)")
    return try folder.run(of: "small", under: "reference")
  }

  /// A network of blocks and names, in one argument. Its batch norms correct by a count that a checkpoint
  /// must hold.
  static let graph =
    #"model=[{"layer":"conv2d","filters":4,"kernel":5,"stride":4,"name":"a"},{"layer":"repeat","#
    + #""times":2,"layers":[{"layer":"residual","activation":"relu","layers":["#
    + #"{"layer":"batch_norm","debias":true},{"layer":"dropout","rate":0.2}]}],"name":"b"},{"layer":"concat","#
    + #""inputs":["a","b"]},{"layer":"flatten"},{"layer":"dense","units":10}]"#

  /// A convolution whose gradients are taken over the winners of its pooling, and which gains by minimal
  /// filtering, where its kernel has another form that no checkpoint holds.
  static let convolutions =
    #"model=[{"layer":"conv2d","filters":32,"kernel":5,"stride":2},{"layer":"conv2d","filters":32,"#
    + #""kernel":3},{"layer":"max_pool"},{"layer":"flatten"},{"layer":"dense","units":10}]"#

  /// Checkpoints at the ends of epochs only, and after every second step too; a network that is no
  /// chain; every way of computing a convolution.
  @Test(arguments: [
    [], ["checkpoint.every_steps=2"], [graph], [convolutions],
    [convolutions, "compute.convolution=winograd", "compute.numerics=1"],
  ])
  func killedAtEveryStep(overrides: [String]) throws {
    let folder = try TemporaryFolder()
    let reference = try Self.reference(in: folder, overrides)
    for step in 1...15 {
      let output = "killed-\(step)"
      let killed = try Program.Running(
        Program.path,
        [
          "small.json", "--quiet", "--threads", "1", "--output", output, "--kill-at-step",
          "\(step)",
        ] + overrides,
        in: folder
      ).wait()
      #expect(killed.signal == SIGKILL)
      let run = try folder.run(of: "small", under: output)
      #expect(try folder.text("\(run)/run.json").contains(#""status": "running""#))
      let resumed = try Program.run(
        "resume", run, "--quiet", "--threads", "\(1 + step % 3)", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      try expectSameRecord(reference, run, in: folder)
    }
  }

  /// One run that gets no further than a step at a time.
  @Test func killedAfterEachStepOfOneRun() throws {
    let folder = try TemporaryFolder()
    let overrides = ["checkpoint.every_steps=1"]
    let reference = try Self.reference(in: folder, overrides)
    _ = try Program.run(
      "small.json", overrides[0], "--quiet", "--threads", "1", "--kill-at-step", "1", in: folder)
    let run = try folder.run(of: "small")
    for step in 2...15 {
      let killed = try Program.run(
        "resume", run, "--quiet", "--threads", "1", "--kill-at-step", "\(step)", in: folder)
      #expect(killed.signal == SIGKILL)
    }
    #expect(try Program.run("resume", run, "--quiet", "--threads", "1", in: folder).status == 0)
    try expectSameRecord(reference, run, in: folder)
  }

  /// SIGUSR1, as batch systems send it, at every step.
  @Test func stoppedAtEveryStep() throws {
    let folder = try TemporaryFolder()
    let reference = try Self.reference(in: folder)
    for step in 1...14 {
      let output = "stopped-\(step)"
      let stopped = try Program.run(
        "small.json", "--quiet", "--threads", "1", "--output", output, "--stop-at-step", "\(step)",
        in: folder)
      #expect(stopped.status == 75)
      let run = try folder.run(of: "small", under: output)
      #expect(
        stopped.errors
          == "stopped at a checkpoint after step \(step); to go on: runner resume \(run)\n")
      #expect(try folder.text("\(run)/run.json").contains(#""status": "interrupted""#))
      #expect(try Program.run("resume", run, "--quiet", "--threads", "1", in: folder).status == 0)
      try expectSameRecord(reference, run, in: folder)
    }
  }

  @Test(
    arguments: [(SIGHUP, 129), (SIGINT, 130), (SIGTERM, 143), (SIGUSR1, 75)] as [(Int32, Int32)])
  func oneSignalStopsAtACheckpoint(signal: Int32, status: Int32) throws {
    let folder = try TemporaryFolder()
    let overrides = ["training.epochs=30"]
    let reference = try Self.reference(in: folder, overrides)
    let running = try Program.start(
      "small.json", overrides[0], "--quiet", "--threads", "1", in: folder)
    try waitUntil("a row") {
      guard let run = try folder.runs(of: "small").first,
        folder.exists("\(run)/metrics.csv")
      else { return false }
      return try folder.text("\(run)/metrics.csv").split(separator: "\n").count > 2
    }
    running.send(signal)
    let result = try running.wait()
    #expect(result.signal == nil)
    #expect(result.status == status)
    #expect(result.output == "")
    let run = try folder.run(of: "small")
    #expect(result.errors.hasPrefix("stopped at a checkpoint after step "))
    #expect(result.errors.hasSuffix("; to go on: runner resume \(run)\n"))
    let resumed = try Program.run("resume", run, "--quiet", "--threads", "1", in: folder)
    #expect(resumed.status == 0)
    try expectSameRecord(reference, run, in: folder)
  }

  @Test func theSecondSignalStopsAtOnce() throws {
    let folder = try TemporaryFolder()
    let overrides = ["training.epochs=30"]
    let reference = try Self.reference(in: folder, overrides)
    let running = try Program.start(
      "small.json", overrides[0], "--quiet", "--threads", "1", in: folder)
    try waitUntil("a checkpoint") {
      guard let run = try folder.runs(of: "small").first else { return false }
      return folder.exists("\(run)/checkpoints/last.safetensors")
    }
    // Both are there when it goes on; which is taken first is the system's choice.
    running.send(SIGSTOP, SIGINT, SIGTERM, SIGCONT)
    let result = try running.wait()
    #expect([130, 143].contains(result.status))
    #expect(result.errors == "")
    let run = try folder.run(of: "small")
    #expect(try Program.run("resume", run, "--quiet", "--threads", "1", in: folder).status == 0)
    try expectSameRecord(reference, run, in: folder)
  }

  /// A terminal that closes may send it twice, and the shell once more. A step takes long enough here.
  @Test func hangingUpSeveralTimesIsOneSignal() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let running = try Program.start(
      "small.json", "dataset.train_count=6000", "training.batch_size=2400", "training.epochs=1000",
      "--quiet", "--threads", "1", in: folder)
    try waitUntil("a checkpoint") {
      guard let run = try folder.runs(of: "small").first else { return false }
      return folder.exists("\(run)/checkpoints/last.safetensors")
    }
    for _ in 0..<3 {
      running.send(SIGHUP)
      usleep(3000)
    }
    let result = try running.wait()
    #expect(result.status == 129)
    #expect(result.errors.hasPrefix("stopped at a checkpoint after step "), "\(result)")
  }

  @Test func underNohupItGoesOn() throws {
    let folder = try TemporaryFolder()
    let reference = try Self.reference(in: folder)
    let running = try Program.Running(
      "/bin/sh",
      ["-c", "trap '' HUP; exec '\(Program.path)' small.json --quiet --threads 1"], in: folder)
    try waitUntil("a row") {
      guard let run = try folder.runs(of: "small").first else { return false }
      return folder.exists("\(run)/metrics.csv")
    }
    running.send(SIGHUP)
    #expect(try running.wait().status == 0)
    try expectSameRecord(reference, try folder.run(of: "small"), in: folder)
  }

  @Test func aRunIsResumedByOneAtATime() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let running = try Program.start(
      "small.json", "training.epochs=1000", "--quiet", "--threads", "1", in: folder)
    try waitUntil("a checkpoint") {
      guard let run = try folder.runs(of: "small").first else { return false }
      return folder.exists("\(run)/checkpoints/last.safetensors")
    }
    let run = try folder.run(of: "small")
    let second = try Program.run("resume", run, in: folder)
    #expect(second.status == 1)
    #expect(
      second.errors
        == "error: \(run): another process is working on this run; wait until it has ended\n")
    running.send(SIGKILL)
    #expect(try running.wait().signal == SIGKILL)
    // The lock died with its process.
    let length = try folder.data("\(run)/metrics.csv").count
    let third = try Program.start("resume", run, "--quiet", "--threads", "1", in: folder)
    try waitUntil("a row") { try folder.data("\(run)/metrics.csv").count > length }
    third.send(SIGTERM)
    #expect(try third.wait().status == 143)
  }

  @Test func aCompleteRunNeedsNoResuming() throws {
    let folder = try TemporaryFolder()
    let run = try Self.reference(in: folder)
    let before = try folder.data("\(run)/run.json")
    let result = try Program.run("resume", run, in: folder)
    #expect(result.status == 0)
    #expect(result.output == "\(run) is complete: all 3 epochs were trained.\n")
    #expect(try folder.data("\(run)/run.json") == before)
  }

  /// Killed after its last checkpoint, before its summary, or before its first file was whole.
  @Test func killedBetweenItsFiles() throws {
    let folder = try TemporaryFolder()
    let reference = try Self.reference(in: folder)
    for (name, files) in [
      ("end", ["summary.json", "plots/curves.svg"]),
      ("beginning", ["checkpoints", "summary.json", "timing.csv"]),
    ] {
      let run = "results/\(name)"
      _ = try Program.shell("mkdir -p results && cp -r \(reference) \(run)", in: folder)
      for file in files {
        try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/\(file)"))
      }
      if name == "beginning" {
        try folder.write("epo", to: "\(run)/metrics.csv")
        _ = try Program.shell("mkdir \(run)/checkpoints", in: folder)
      }
      let record = try folder.text("\(run)/run.json")
      try folder.write(
        record.replacing("\"completed\"", with: "\"running\""), to: "\(run)/run.json")
      let result = try Program.run("resume", run, "--quiet", "--threads", "1", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      try expectSameRecord(reference, run, in: folder)
      #expect(folder.exists("\(run)/plots/curves.svg"))
    }
  }

  @Test func metricsThatLostRowsAreNotResumed() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    _ = try Program.run(
      "small.json", "--quiet", "--threads", "1", "--stop-at-step", "12", in: folder)
    let run = try folder.run(of: "small")
    try folder.write("epoch\n", to: "\(run)/metrics.csv")
    let result = try Program.run("resume", run, "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 1)
    #expect(
      result.errors.contains("rows were removed; the run can't go on from it; start it anew: "))
  }
}
