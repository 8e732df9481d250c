import Experiment
import Foundation
import Storage
import TestSupport
import Testing

@testable import Search
@testable import Sweep

/// What the journal holds, and what a kill may do to it.
@Suite struct JournalTests {
  static let space = SearchSpace([
    Parameter("optimizer.learning_rate", .range(lower: 1e-4, upper: 1, scale: .log)),
    Parameter(
      "model",
      .choice([
        Domain.Option(label: "a, \"b\"", value: "a"), Domain.Option(label: "c", value: "c"),
      ])),
    Parameter(
      "model[0].filters", .integers(lower: 1, upper: 8, scale: .linear),
      when: Condition(parameter: 1, options: [1])),
  ])

  static func entry(_ trial: Int, _ status: StageResult.Status = .completed) -> JournalEntry {
    let row = EpochRow(
      epoch: 2, step: 10, learningRate: 0.1, trainLoss: 0.25, trainAccuracy: 1 / 3,
      valLoss: 0.125, valAccuracy: nil)
    return JournalEntry(
      result: StageResult(
        id: StageID(trial: trial, seed: .max, stage: trial == 3 ? -1 : 1), status: status,
        reason: "a \"quoted\", long\nreason", curve: [0.1, 1 / 3], best: row,
        last: status == .completed ? row : nil, key: "ab12"),
      configuration: Configuration([
        .number(0.001), trial % 2 == 0 ? .option(0) : .option(1),
        trial % 2 == 0 ? nil : .integer(5),
      ]))
  }

  private func write(_ entries: [JournalEntry], to folder: TemporaryFolder, as writer: String)
    throws
  {
    var journal = try Journal.open(
      folder: folder.path, writer: writer, format: JournalFormat(Self.space))
    for entry in entries { try journal.append(entry) }
    try journal.synchronize()
  }

  private func read(_ folder: TemporaryFolder) throws -> [StageID: JournalEntry] {
    try Journal.read(folder: folder.path, format: JournalFormat(Self.space))
  }

  @Test func givesBackWhatWasWritten() throws {
    let folder = try TemporaryFolder()
    let entries = [Self.entry(0), Self.entry(1, .diverged), Self.entry(2), Self.entry(3)]
    try write(Array(entries[..<2]), to: folder, as: "local")
    try write(Array(entries[2...]), to: folder, as: "task-1")
    let found = try read(folder)
    let withoutRows = try Journal.read(
      folder: folder.path, format: JournalFormat(Self.space), hasRows: false)
    #expect(found.count == 4 && withoutRows.count == 4)
    for var entry in entries {
      // A line has no line breaks.
      entry.result.reason = "a \"quoted\", long reason"
      #expect(found[entry.result.id] == entry)
      (entry.result.best, entry.result.last) = (nil, nil)
      #expect(withoutRows[entry.result.id] == entry)
    }
  }

  /// Cut anywhere, the file gives the lines before, and goes on as though the rest had never been.
  @Test func aKillAtAnyByteLosesOneLineAtMost() throws {
    let whole = try TemporaryFolder()
    try write([Self.entry(0), Self.entry(1)], to: whole, as: "local")
    let bytes = try Data(contentsOf: URL(filePath: "\(whole.path)/local.csv"))
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let first = lines[0].count + 1
    let second = first + lines[1].count + 1
    for length in first..<bytes.count {
      let folder = try TemporaryFolder()
      try FileManager.default.createDirectory(
        atPath: folder.path, withIntermediateDirectories: true)
      try bytes.prefix(length).write(to: URL(filePath: "\(folder.path)/local.csv"))
      #expect(try read(folder).count == (length < second ? 0 : 1))
      try write(
        length < second ? [Self.entry(0), Self.entry(1)] : [Self.entry(1)], to: folder, as: "local")
      #expect(try Data(contentsOf: URL(filePath: "\(folder.path)/local.csv")) == bytes)
    }
  }

  @Test func damageInTheMiddleIsTold() throws {
    let folder = try TemporaryFolder()
    try write([Self.entry(0), Self.entry(1), Self.entry(2)], to: folder, as: "local")
    let path = "\(folder.path)/local.csv"
    var bytes = try Data(contentsOf: URL(filePath: path))
    let second = bytes.firstIndex(of: UInt8(ascii: "\n"))! + 3
    bytes[second] ^= 1
    try bytes.write(to: URL(filePath: path))
    let error = #expect(throws: RecordError.self) { try read(folder) }
    #expect(error?.path == "\(path):2")
  }

  @Test func whatIsSoundPrevails() throws {
    let folder = try TemporaryFolder()
    try write([Self.entry(0)], to: folder, as: "a")
    try write([Self.entry(0, .crashed)], to: folder, as: "b")
    #expect(try read(folder).values.map(\.result.status) == [.completed])
  }

  @Test func anotherSpacesJournalIsRefused() throws {
    let folder = try TemporaryFolder()
    try write([Self.entry(0)], to: folder, as: "a")
    let other = SearchSpace([Parameter("seed", .integers(lower: 0, upper: 1, scale: .linear))])
    #expect(throws: RecordError.self) {
      try Journal.read(folder: folder.path, format: JournalFormat(other))
    }
  }

  @Test func aStageHasOneClaim() throws {
    let folder = try TemporaryFolder()
    let (a, b) = (
      try Claims(folder: folder.path, task: "task-0"),
      try Claims(folder: folder.path, task: "task-1")
    )
    let stage = StageID(trial: 7, seed: 3, stage: -1)
    #expect(try a.take(stage))
    #expect(try !b.take(stage))
    #expect(try a.take(stage))
    let claims = Claims.read(folder: folder.path)
    #expect(claims.count == 1 && claims[0].stage == stage && claims[0].task == "task-0")
  }
}
