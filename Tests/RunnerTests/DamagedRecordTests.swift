import Foundation
import Storage
import TestSupport
import Testing

@testable import Experiment

/// A run whose files were damaged between two of its sessions goes on to the bytes of one whose files
/// weren't, or not at all.
@Suite struct DamagedRecordTests {
  /// A run that was stopped in its third epoch, and the folder of the same run without an
  /// interruption.
  private func stopped(
    in folder: TemporaryFolder, _ overrides: [String] = []
  ) throws -> (run: String, reference: String) {
    let reference = try InterruptionTests.reference(in: folder, overrides)
    let result = try Program.Running(
      Program.path,
      ["small.json", "--quiet", "--threads", "1", "--stop-at-step", "12"] + overrides, in: folder
    ).wait()
    #expect(result.status == 75)
    return (try folder.run(of: "small"), reference)
  }

  private func resume(_ run: String, in folder: TemporaryFolder) throws -> Program.Result {
    try Program.run("resume", run, "--quiet", "--threads", "1", in: folder)
  }

  private func flip(_ bit: Int, of bytes: Data) -> Data {
    var bytes = bytes
    bytes[bit / 8] ^= 1 << (bit % 8)
    return bytes
  }

  @Test func aFlippedBitOfACheckpointIsNeverTrainedOn() throws {
    let folder = try TemporaryFolder()
    let (run, reference) = try stopped(in: folder)
    let path = "\(run)/checkpoints/last.safetensors"
    let sound = try folder.data(path)
    let metrics = try folder.data("\(run)/metrics.csv")
    for place in 0..<48 {
      try flip(8 * sound.count * place / 48 + place % 8, of: sound)
        .write(to: folder.url.appending(path: path))
      let result = try resume(run, in: folder)
      #expect(result.status == 1, "\(place): \(result)")
      #expect(result.errors.hasPrefix("error: \(path): is "), "\(place): \(result.errors)")
      #expect(
        result.errors.hasSuffix(
          "; the run can't go on from it; start it anew: runner \(run)/resolved.json; the weights "
            + "of its best epoch are whole: runner evaluate \(run) --weights best\n"))
      #expect(try folder.data("\(run)/metrics.csv") == metrics)
    }
    // What the message says can be done.
    #expect(
      try Program.run("evaluate", run, "--weights", "best", "--threads", "1", in: folder).status
        == 0)
    let last = try Program.run(
      "evaluate", run, "--weights", "last", "--threads", "1", in: folder)
    #expect(last.status == 1)
    #expect(last.errors.hasPrefix("error: \(path): is "))
    let anew = try Program.run(
      "\(run)/resolved.json", "--quiet", "--threads", "1", "--output", "anew", in: folder)
    #expect(anew.status == 0, "\(anew.errors)")
    try expectSameRecord(reference, folder.run(of: "small", under: "anew"), in: folder)

    try sound.write(to: folder.url.appending(path: path))
    #expect(try resume(run, in: folder).status == 0)
    try expectSameRecord(reference, run, in: folder)
  }

  @Test func aFlippedBitOfTheBestWeightsIsToldAtOnce() throws {
    let folder = try TemporaryFolder()
    let (run, _) = try stopped(in: folder)
    let path = "\(run)/checkpoints/best.safetensors"
    let sound = try folder.data(path)
    for place in 0..<8 {
      try flip(8 * sound.count * place / 8 + place, of: sound)
        .write(to: folder.url.appending(path: path))
      let result = try resume(run, in: folder)
      #expect(result.status == 1)
      #expect(result.errors.hasPrefix("error: \(path): is "))
      #expect(result.errors.hasSuffix("; start it anew: runner \(run)/resolved.json\n"))
    }
    try FileManager.default.removeItem(at: folder.url.appending(path: path))
    let gone = try resume(run, in: folder)
    #expect(gone.status == 1)
    #expect(gone.errors.hasPrefix("error: \(path): is gone, which held the weights of epoch "))
  }

  @Test func metricsThatWereChangedAreNotGoneOnWith() throws {
    let folder = try TemporaryFolder()
    let (run, reference) = try stopped(in: folder)
    let sound = try folder.data("\(run)/metrics.csv")
    for place in 0..<16 {
      let damaged = flip(8 * sound.count * place / 16 + place % 8, of: sound)
      try damaged.write(to: folder.url.appending(path: "\(run)/metrics.csv"))
      let result = try resume(run, in: folder)
      #expect(result.status == 1)
      #expect(
        result.errors.hasPrefix(
          "error: \(run)/metrics.csv: is damaged: its rows up to the checkpoint are not those that "
            + "it was written after (their SHA-256 is "), "\(result.errors)")
      #expect(result.errors.contains("start it anew: runner \(run)/resolved.json"))
      #expect(try folder.data("\(run)/metrics.csv") == damaged)
    }
    // A row that was being written when it was killed is none of them.
    try (sound + Data("3,15,0.02,2.1".utf8))
      .write(to: folder.url.appending(path: "\(run)/metrics.csv"))
    #expect(try resume(run, in: folder).status == 0)
    try expectSameRecord(reference, run, in: folder)
  }

  /// Times decide nothing: what is sound of them is kept.
  @Test(arguments: [
    (cut: 1, lost: 1), (cut: 16, lost: 1), (cut: 40, lost: 2), (cut: 10_000, lost: 2),
    (cut: 0, lost: 0),
  ])
  func timesThatWereLostBlockNothing(given: (cut: Int, lost: Int)) throws {
    let folder = try TemporaryFolder()
    let (run, reference) = try stopped(in: folder)
    let path = "\(run)/timing.csv"
    let rows = [
      "epoch,train_seconds,val_seconds,images_per_second", "1,0.5,0.1,96.0", "2,0.25,0.1,192.0",
    ]
    let text = rows.joined(separator: "\n") + "\n"
    try folder.write(String(text.dropLast(given.cut)), to: path)
    if given.cut > text.count {
      try FileManager.default.removeItem(at: folder.url.appending(path: path))
    }
    let result = try resume(run, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.errors
        == (given.lost == 0
          ? ""
          : "note: \(path) was damaged: of the times of 2 epochs, \(given.lost) are lost\n"))
    let left = try folder.text(path).split(separator: "\n").map(String.init)
    #expect(left.count == 4 - given.lost)
    #expect(left.prefix(3 - given.lost) == rows.prefix(3 - given.lost))
    #expect(left.last?.hasPrefix("3,") == true)
    try expectSameRecord(reference, run, in: folder)
  }

  // MARK: - Records of earlier versions

  private func earlier(_ name: String, in folder: TemporaryFolder) throws -> String {
    let source = Fixture.url("earlier-version/\(name)")
    try FileManager.default.copyItem(at: source, to: folder.url.appending(path: name))
    return name
  }

  private let warning =
    " is of an earlier version: of all that it holds, only the weights are protected by a digest\n"

  @Test func aRunOfAnEarlierVersionIsResumed() throws {
    let folder = try TemporaryFolder()
    let (run, completed) = (
      try earlier("interrupted", in: folder), try earlier("completed", in: folder)
    )
    let result = try resume(run, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.hasSuffix("note: \(run)/checkpoints/last.safetensors\(warning)"))
    #expect(try folder.data("\(run)/metrics.csv") == folder.data("\(completed)/metrics.csv"))
    // It ends as a run of this version does.
    let anew = try Program.run(
      "\(run)/resolved.json", "--quiet", "--threads", "1", "--output", "anew", in: folder)
    #expect(anew.status == 0, "\(anew.errors)")
    // A spec that is resolved today has keys that were unknown then.
    try expectSameRecord(
      try folder.run(of: "small", under: "anew"), run, in: folder, except: "resolved.json")
  }

  @Test func aRunOfAnEarlierVersionVerifies() throws {
    let folder = try TemporaryFolder()
    let run = try earlier("completed", in: folder)
    let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result)")
    #expect(
      result.output == """
        \(run): verified, to the last bit: 3 epochs of metrics.csv; 20 figures of summary.json; the \
        tensors and counters of checkpoints/last.safetensors; the tensors and counters of \
        checkpoints/best.safetensors; name, seed and kernel of run.json; the dataset's digest; \
        status and ending of run.json
        not there: metrics_sha256 of summary.json; model.safetensors
        not compared: timing.csv

        """)
  }

  /// Of what earlier versions left unprotected, metrics.csv tells most.
  @Test func countersOfAnEarlierVersionAreHeldAgainstItsRows() throws {
    let folder = try TemporaryFolder()
    let run = try earlier("interrupted", in: folder)
    let path = folder.url.appending(path: "\(run)/checkpoints/last.safetensors").path
    let sound = try Safetensors(reading: path)
    for (key, value, message) in [
      ("epoch", "9223372036854775807", "epoch is 9223372036854775807, in a training of 3"),
      ("epoch", "2", "step is 12, but 1 epochs and 2 steps of the next are 7"),
      ("plateau_factor", "0.25", "plateau_factor is 0.25, but metrics.csv leads to "),
      ("best_value", "2.0", "best_value is 2.0, but metrics.csv leads to "),
      ("metrics_bytes", "9223372036854775807", "rows were removed"),
      ("metrics_bytes", "159", "epoch is 3, but metrics.csv leads to 2"),
      ("averages", "9223372036854775807", "averages is 9223372036854775807, but after 12 steps"),
    ] {
      var file = sound
      #expect(file.metadata[key] != nil)
      file.metadata[key] = value
      try file.write(to: path)
      let metrics = try folder.data("\(run)/metrics.csv")
      let result = try resume(run, in: folder)
      #expect(result.status == 1, "\(key) = \(value): \(result)")
      #expect(result.errors.contains(message), "\(key) = \(value): \(result.errors)")
      #expect(try folder.data("\(run)/metrics.csv") == metrics)
    }
  }
}
