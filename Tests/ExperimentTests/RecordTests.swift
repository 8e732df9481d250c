import Datasets
import Foundation
import Storage
import TestSupport
import Testing

@testable import Experiment

@Suite struct EpochRowTests {
  @Test func cellsAreShortestAndReadBackExactly() throws {
    let row = EpochRow(
      epoch: 3, step: 2250, learningRate: 1e-4, trainLoss: 0.1 + 0.2, trainAccuracy: 2.0 / 3,
      valLoss: nil, valAccuracy: nil)
    #expect(row.csv == "3,2250,0.0001,0.30000000000000004,0.6666666666666666,,")
    #expect(EpochRow(csv: row.csv) == row)
    var stream = SystemRandomNumberGenerator()
    for _ in 0..<1000 {
      let random = EpochRow(
        epoch: 1, step: 2, learningRate: .random(in: 0...1, using: &stream),
        trainLoss: .random(in: 0...10), trainAccuracy: .random(in: 0...1),
        valLoss: .random(in: 0...1e-30), valAccuracy: .random(in: 0...1))
      #expect(EpochRow(csv: random.csv) == random)
    }
  }

  @Test(arguments: ["", "1,2,3", "1,2,0.1,0.2,0.3,x,", "1,2,0.1,0.2,0.3,,,", "a,2,0.1,0.2,0.3,,"])
  func whatIsNoRowIsRefused(line: String) {
    #expect(EpochRow(csv: line) == nil)
  }

  @Test func aFileIsReadWithTheLineOfAnError() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/metrics.csv"
    func write(_ text: String) throws { try AtomicFile.write(text, to: path) }
    try write("\(EpochRow.header)\n1,5,0.1,2.0,0.25,,\n2,10,0.1,1.0,0.5,,\n")
    #expect(try EpochRow.read(path).map(\.trainLoss) == [2, 1])
    func failure() -> String {
      do {
        _ = try EpochRow.read(path)
        return ""
      } catch { return "\(error)".replacingOccurrences(of: folder.path, with: "F") }
    }
    try write("\(EpochRow.header)\n1,5,0.1,2.0,0.25,,\nx\n")
    #expect(failure() == "F/metrics.csv:3: is not a row of \"\(EpochRow.header)\"")
    try write("epoch\n")
    #expect(failure() == "F/metrics.csv:1: the header is not \"\(EpochRow.header)\"")
    try write("\(EpochRow.header)\n1,5,0.1,2.0")
    #expect(failure() == "F/metrics.csv: the last line is cut short")
  }
}

@Suite struct RunFolderTests {
  @Test func runsOfOneInstantGetFoldersOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    let now = Timestamp(seconds: 1_795_248_184)
    let ids = try (0..<3).map { _ in
      let run = try RunFolder.create(under: "\(folder.path)/results", name: "lenet", now: now)
      try run.pointLatest()
      return run.id
    }
    #expect(ids == ["20261121-080304", "20261121-080304-2", "20261121-080304-3"])
    let latest = try FileManager.default.destinationOfSymbolicLink(
      atPath: "\(folder.path)/results/lenet/latest")
    #expect(latest == "20261121-080304-3")
    #expect(now.iso8601 == "2026-11-21T08:03:04Z")
  }

  @Test func manyAtOnceNeverShare() async throws {
    let folder = try TemporaryFolder()
    let now = Timestamp(seconds: 0)
    let path = folder.path
    let ids = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<20 {
        group.addTask { try RunFolder.create(under: path, name: "a", now: now).id }
      }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(ids.count == 20)
  }

  @Test func aLockIsHeldOnce() throws {
    let folder = try TemporaryFolder()
    let run = try RunFolder.create(under: folder.path, name: "a")
    do {
      let lock = try run.lock()
      #expect(throws: RecordError.self) { _ = try run.lock() }
      _ = consume lock
    }
    _ = try run.lock()
  }

  @Test func whatIsNoRunIsRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: RecordError.self) { try RunFolder(opening: "\(folder.path)/none") }
    #expect(throws: RecordError.self) { try RunFolder(opening: folder.path) }
  }
}

@Suite struct RunRecordTests {
  @Test func comesBackFromItsFile() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/run.json"
    var record = RunRecord(
      status: .interrupted, name: "lenet", id: "20261121-080304", command: ["runner", "a b.json"],
      started: "2026-11-21T08:03:04Z", seed: .max,
      environment: Environment(
        program: "runner 1",
        tree: WorkingTree(commit: "abc", isModified: true, difference: "12ef"),
        toolchain: Environment.toolchain,
        openBLAS: "0.3.21", kernel: "HASWELL", cpu: Environment.cpu, system: Environment.system,
        threads: 2))
    record.resumed = ["2026-11-21T09:00:00Z"]
    record.data = .init(
      name: "synthetic_digits", digest: "00ff", training: "0ff0", source: "built in",
      standsInFor: "mnist")
    try record.write(to: path)
    #expect(try RunRecord(reading: path) == record)
    try AtomicFile.write("{\"status\": \"odd\"}", to: path)
    #expect(throws: RecordError.self) { try RunRecord(reading: path) }
  }

  @Test func differencesNameWhatChanged() {
    let a = Environment(
      program: "runner 1", toolchain: "Swift 6.3.1", openBLAS: "0.3.21", kernel: "SKYLAKEX",
      cpu: "x", system: "Linux", threads: 2)
    var b = a
    b.kernel = "HASWELL"
    b.threads = 1
    #expect(b.differences(from: a) == ["kernel: HASWELL, was SKYLAKEX"])
    #expect(a.differences(from: a).isEmpty)
  }
}

@Suite struct WorkingTreeTests {
  /// Runs git in a folder with no settings but these.
  private func git(_ folder: TemporaryFolder, _ arguments: String...) throws {
    let (status, output) = try Subprocess.output(
      of: "git",
      ["-C", folder.path, "-c", "user.name=a", "-c", "user.email=a@b"] + arguments)
    try #require(status == 0, "\(arguments): \(output)")
  }

  @Test func aModificationHasItsDigest() throws {
    let folder = try TemporaryFolder()
    #expect(WorkingTree(of: "\(folder.path)/none") == nil)
    try git(folder, "init", "--quiet")
    #expect(WorkingTree(of: folder.path) == nil, "there is no commit yet")
    let file = "\(folder.path)/a.txt"
    try AtomicFile.write("one\ntwo\n", to: file)
    try git(folder, "add", "a.txt")
    try git(folder, "commit", "--quiet", "--message", "a")
    let clean = try #require(WorkingTree(of: folder.path))
    #expect(!clean.isModified && clean.difference == nil && clean.description == clean.commit)

    try AtomicFile.write("new", to: "\(folder.path)/untracked")
    #expect(WorkingTree(of: folder.path) == clean)

    try AtomicFile.write("one\nthree\n", to: file)
    let modified = try #require(WorkingTree(of: folder.path))
    #expect(modified.commit == clean.commit && modified.isModified)
    let (_, blobs) = try Subprocess.output(
      of: "git", ["-C", folder.path, "diff", "--raw", "--abbrev=40", "HEAD"])
    let before = try #require(blobs.split(separator: " ").dropFirst(2).first)
    let (_, after) = try Subprocess.output(of: "git", ["hash-object", file])
    let text = """
      diff --git a/a.txt b/a.txt
      index \(before)..\(after) 100644
      --- a/a.txt
      +++ b/a.txt
      @@ -1,2 +1,2 @@
       one
      -two
      +three

      """
    #expect(modified.difference == SHA256.hex(of: Array(text.utf8)))
    #expect(modified.description.hasSuffix("(\(modified.difference!.prefix(12)))"))

    // Neither staging it nor a setting of the user's makes it another.
    try git(folder, "add", "a.txt")
    try git(folder, "config", "diff.noprefix", "true")
    try git(folder, "config", "diff.context", "9")
    try git(folder, "config", "diff.mnemonicPrefix", "true")
    #expect(WorkingTree(of: folder.path) == modified)
    try AtomicFile.write("one\nfour\n", to: file)
    #expect(WorkingTree(of: folder.path)?.difference != modified.difference)
  }
}
