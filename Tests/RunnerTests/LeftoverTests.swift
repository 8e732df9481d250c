import Foundation
import TestSupport
import Testing

/// What a process that was killed leaves behind, and whom.
@Suite struct LeftoverTests {
  /// Temporary files lie beside those that they were to become; the next owner of the lock removes
  /// them, but for those that a process still writes.
  @Test func temporaryFilesOfKilledProcesses() throws {
    let folder = try SweepTests.folder(SweepTests.kinds[1].spec)
    let reference = try InterruptionTests.reference(in: folder)
    _ = try Program.run(
      "small.json", "--quiet", "--threads", "1", "--stop-at-step", "7", in: folder)
    let run = try folder.run(of: "small")
    let killed = try Program.run("sweep", "sweep.json", "-j", "1", "--kill-after", "2", in: folder)
    #expect(killed.signal == SIGKILL)
    // A trial that was under way when its worker was killed.
    let trial = "results/sweep/trials/0005/seed-1"
    _ = try Program.shell(
      "mkdir -p \(trial)/checkpoints results/sweep/plots && ln -s elsewhere \(run)/.latest",
      in: folder)
    let left = [
      "\(run)/.run.json.tmp-4194305-1", "\(run)/checkpoints/.last.safetensors.tmp-1-22",
      "\(run)/plots/.curves.svg.tmp-1-3", "results/sweep/.trials.csv.tmp-1-1",
      "results/sweep/journal/.local.csv.tmp-1-9", "results/sweep/plots/.parallel.svg.tmp-1-2",
      "\(trial)/.metrics.csv.tmp-1-2", "\(trial)/checkpoints/.best.safetensors.tmp-1-5",
    ]
    for name in left { try folder.write("half a fi", to: name) }
    let held = "\(run)/.confusion.csv.tmp-1-1"
    try folder.write("half a fi", to: held)
    let file = open(folder.url.appending(path: held).path, O_WRONLY | O_CLOEXEC)
    defer { close(file) }
    #expect(flock(file, LOCK_EX | LOCK_NB) == 0)

    #expect(try Program.run("resume", run, "--quiet", "--threads", "1", in: folder).status == 0)
    #expect(try Program.run("sweep", "sweep.json", "--quiet", in: folder).status == 0)
    let names = try FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/results")
    #expect(names.filter { $0.contains(".tmp-") }.map { "results/\($0)" } == [held])
    #expect(!names.contains { $0.hasSuffix(".latest") })
    try expectSameRecord(reference, run, in: folder)
  }

  /// What a run draws and links last is made good by the command that goes on with it.
  @Test func aPictureAndALinkThatWereNotMade() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let picture = try folder.data("\(run)/plots/curves.svg")
    _ = try Program.shell(
      "rm -r \(run)/plots/curves.svg && touch \(run)/plots/.curves.svg.tmp-4194305-1", in: folder)
    #expect(try Program.run("resume", run, in: folder).status == 0)
    #expect(try folder.data("\(run)/plots/curves.svg") == picture)
    #expect(!folder.exists("\(run)/plots/.curves.svg.tmp-4194305-1"))

    func latest() throws -> String {
      try FileManager.default.destinationOfSymbolicLink(
        atPath: "\(folder.path)/results/small/latest")
    }
    _ = try Program.run(
      "small.json", "--quiet", "--threads", "1", "--stop-at-step", "7", in: folder)
    let stopped = try #require(try folder.runs(of: "small").last)
    _ = try Program.shell("rm results/small/latest", in: folder)
    #expect(try Program.run("resume", stopped, "--quiet", in: folder).status == 0)
    #expect(stopped == "results/small/\(try latest())")
    // One that began later keeps the link.
    _ = try Program.run(
      "small.json", "--quiet", "--threads", "1", "--stop-at-step", "7", in: folder)
    let newer = try latest()
    _ = try Program.run("small.json", "--quiet", "--stop-at-step", "7", in: folder)
    let newest = try latest()
    #expect(try Program.run("resume", "results/small/\(newer)", "--quiet", in: folder).status == 0)
    #expect(try latest() == newest)
  }

  /// A verification trains in a folder under `$TMPDIR`.
  @Test func theFolderOfAVerificationThatWasKilled() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder, ["training.epochs=400"])
    _ = try Program.shell(
      "mkdir -p tmp/runner-ABCDEF tmp/runner-others && touch tmp/runner-others/.lock", in: folder)
    func start() throws -> Program.Running {
      try Program.Running(
        "/bin/sh",
        ["-c", "TMPDIR=\"$PWD/tmp\" exec '\(Program.path)' verify \(run) --quiet --threads 1"],
        in: folder)
    }
    func folders() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/tmp")
        .filter { $0 != "runner-ABCDEF" && $0 != "runner-others" }
    }
    let killed = try start()
    try waitUntil("a folder") { try folders().contains { folder.exists("tmp/\($0)/small") } }
    killed.send(SIGKILL)
    _ = try killed.wait()
    let left = try folders()
    #expect(left.count == 1)
    // The next removes it, and not that of one that is at work, nor what only looks alike.
    let (first, second) = (try start(), try start())
    try waitUntil("two folders") {
      let now = try folders()
      return now.count == 2 && !now.contains(left[0])
    }
    first.send(SIGTERM)
    second.send(SIGTERM)
    #expect(try first.wait().status == 143)
    #expect(try second.wait().status == 143)
    #expect(try folders() == [])
    #expect(folder.exists("tmp/runner-ABCDEF") && folder.exists("tmp/runner-others/.lock"))
  }

  /// A download that never ends, by a `curl` of our own.
  private func download(in folder: TemporaryFolder) throws -> (Program.Running, curl: pid_t) {
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "bin"), withIntermediateDirectories: true)
    try folder.write(
      "#!/bin/sh\necho $$ > pid.new && mv pid.new pid\nwhile printf x; do sleep 0.02; done\n",
      to: "bin/curl")
    _ = try Program.shell("chmod +x bin/curl; rm -f pid", in: folder)
    let running = try Program.Running(
      "/bin/sh",
      ["-c", "PATH=\"$PWD/bin:$PATH\" exec '\(Program.path)' data fetch mnist --data here"],
      in: folder)
    try waitUntil("curl begins") { folder.exists("pid") }
    let text = try folder.text("pid").trimmingCharacters(in: .whitespacesAndNewlines)
    return (running, try #require(pid_t(text)))
  }

  private func names(in folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/here/mnist")
  }

  @Test(arguments: [(SIGTERM, 143), (SIGINT, 130), (SIGHUP, 129)] as [(Int32, Int32)])
  func aDownloadThatIsStopped(signal: Int32, status: Int32) throws {
    let folder = try TemporaryFolder()
    let (running, curl) = try download(in: folder)
    try waitUntil("a file") { try !names(in: folder).isEmpty }
    running.send(signal)
    let result = try running.wait()
    #expect(result.status == status && result.signal == nil, "\(result)")
    #expect(result.errors.hasSuffix("error: the download was stopped\n"))
    #expect(kill(curl, 0) != 0 && errno == ESRCH)
    #expect(try names(in: folder) == [])
  }

  @Test func aDownloadWhoseProgramIsKilled() throws {
    let folder = try TemporaryFolder()
    let (running, curl) = try download(in: folder)
    try waitUntil("a file") { try !names(in: folder).isEmpty }
    running.send(SIGKILL)
    #expect(try running.wait().signal == SIGKILL)
    try waitUntil("curl ends too") { kill(curl, 0) != 0 }
    #expect(try names(in: folder).allSatisfy { $0.contains(".tmp-") })
    // The next download removes what is left of this one.
    let (next, _) = try download(in: folder)
    try waitUntil("a file") { try names(in: folder).count == 1 }
    next.send(SIGTERM)
    #expect(try next.wait().status == 143)
    #expect(try names(in: folder) == [])
  }
}
