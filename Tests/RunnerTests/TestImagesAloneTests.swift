import Foundation
import TestSupport
import Testing

/// Tests need the test images and no others, as long as the record tells whether they are the run's.
@Suite struct TestImagesAloneTests {
  private static func rows(_ count: Int, _ seed: Int) -> String {
    (0..<count).map { i in
      "\(i % 4),"
        + (0..<25).map { String((i * 31 + $0 * 7 + seed) % 256) }.joined(separator: ",")
    }.joined(separator: "\n")
  }

  /// A run on tables, one of which holds images to validate on where that is asked for.
  private func run(in folder: TemporaryFolder, _ section: String = "") throws -> String {
    try folder.write(Self.rows(24, 0), to: "train.csv")
    try folder.write(Self.rows(12, 5), to: "test.csv")
    try folder.write(Self.rows(8, 9), to: "held.csv")
    try folder.write(
      OwnDataTests.spec(
        """
        "path": "train.csv", "test_path": "test.csv", "classes": 4, "shape": [5, 5, 1]\(section)
        """, units: 4), to: "own.json")
    let result = try Program.run("own.json", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    return try folder.run(of: "own")
  }

  /// What run.json says, without some keys of its dataset, as earlier versions wrote it.
  private func forget(_ keys: [String], of run: String, in folder: TemporaryFolder) throws {
    var text = try folder.text("\(run)/run.json")
    for key in keys {
      let line = try #require(text.firstRange(of: try Regex("\\s*\"\(key)\": \"[0-9a-f]{64}\",")))
      text.removeSubrange(line)
    }
    try folder.write(text, to: "\(run)/run.json")
  }

  private func isUnchanged(_ run: String, in folder: TemporaryFolder) throws -> Bool? {
    let result = try Program.run("evaluate", run, "--format", "json", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    return try #require(object)["test_images_unchanged"] as? Bool
  }

  private func remove(_ name: String, in folder: TemporaryFolder) throws {
    try FileManager.default.removeItem(at: folder.url.appending(path: name))
  }

  @Test func theTrainingImagesMayBeGone() throws {
    let folder = try TemporaryFolder()
    let run = try run(in: folder)
    #expect(
      try folder.text("\(run)/run.json").contains(try Regex("\"test_sha256\": \"[0-9a-f]{64}\"")))
    try remove("train.csv", in: folder)
    #expect(try isUnchanged(run, in: folder) == true)
    // To train again takes them.
    let verified = try Program.run("verify", run, in: folder)
    #expect(verified.status != 0 && verified.errors.contains("train.csv is not on this machine"))
    // A record of an earlier version tells as much by two digests.
    try forget(["test_sha256"], of: run, in: folder)
    #expect(try isUnchanged(run, in: folder) == true)
    try folder.write(Self.rows(12, 6), to: "test.csv")
    #expect(try isUnchanged(run, in: folder) == false)
    // And one of the first versions not without the training images.
    try forget(["training_sha256"], of: run, in: folder)
    let result = try Program.run("evaluate", run, in: folder)
    #expect(result.status != 0 && result.errors.contains("train.csv is not on this machine"))
    try folder.write(Self.rows(24, 0), to: "train.csv")
    #expect(try isUnchanged(run, in: folder) == nil)
    try folder.write(Self.rows(12, 5), to: "test.csv")
    #expect(try isUnchanged(run, in: folder) == true)
    #expect(try Program.run("verify", run, "--quiet", in: folder).status == 0)
  }

  /// The digest of all images is of how many there are to validate on, too.
  @Test func imagesToValidateOn() throws {
    let folder = try TemporaryFolder()
    let run = try run(in: folder, #", "validation_path": "held.csv""#)
    try remove("held.csv", in: folder)
    #expect(try isUnchanged(run, in: folder) == true)
    try folder.write(Self.rows(8, 9), to: "held.csv")
    try forget(["test_sha256"], of: run, in: folder)
    #expect(try isUnchanged(run, in: folder) == true)
    #expect(try Program.run("verify", run, "--quiet", in: folder).status == 0)
  }

  /// A share of the training images is among them.
  @Test func aShare() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.rows(40, 0), to: "all.csv")
    try folder.write(
      OwnDataTests.spec(
        #""path": "all.csv", "test": 0.25, "classes": 4, "shape": [5, 5, 1]"#, units: 4),
      to: "own.json")
    let made = try Program.run("own.json", "--threads", "1", in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let run = try folder.run(of: "own")
    #expect(try isUnchanged(run, in: folder) == true)
    try folder.write(Self.rows(40, 1), to: "all.csv")
    #expect(try isUnchanged(run, in: folder) == false)
  }

  /// A forged digest is found by the one that carries the run out again.
  @Test func aForgedDigest() throws {
    let folder = try TemporaryFolder()
    let run = try run(in: folder)
    let record = try folder.text("\(run)/run.json")
    let forged = record.replacing(
      try Regex("\"test_sha256\": \"[0-9a-f]{8}"), with: "\"test_sha256\": \"00000000")
    try folder.write(forged, to: "\(run)/run.json")
    let verified = try Program.run("verify", run, "--quiet", in: folder)
    #expect(verified.status == 4 && verified.output.contains("dataset.test_sha256 is "))
    #expect(try isUnchanged(run, in: folder) == false)
  }
}
