import Foundation
import TestSupport
import Testing

/// What `data` tells and draws of an experiment's images.
@Suite struct DataShowTests {
  /// Sorted by class, as people's files are.
  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let rows = (0..<40).map { i in
      "\(i / 10)," + (0..<25).map { String(10 + (i * 31 + $0 * 7) % 200) }.joined(separator: ",")
    }
    try folder.write(rows.joined(separator: "\n"), to: "train.csv")
    try folder.write(
      OwnDataTests.spec(
        """
        "path": "train.csv", "test": "none", "classes": ["cat", "dog", "猫", "d"], "shape": [5, 5, 1]
        """, units: 4), to: "own.json")
    return folder
  }

  @Test func imagesOfAnExperimentWithTheirClasses() throws {
    let folder = try folder()
    let result = try Program.run("data", "show", "own.json", "--count", "8", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.output
        == "own.png\n  cat: 10 images\n  dog: 10 images\n  class 2 is 猫: 10 images\n  d: 10 images\n"
    )
    let sheet = try folder.data("own.png")
    #expect(sheet.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    let changed = try Program.run(
      "data", "show", "own.json", "dataset.invert=true", "--count", "8", "--output", "b.png",
      in: folder)
    #expect(changed.status == 0)
    #expect(try folder.data("b.png") != sheet)
    let plain = try Program.run("data", "show", "synthetic_digits", "seed=1", in: folder)
    #expect(plain.status == 2 && plain.errors.contains("values are replaced in an experiment only"))
  }

  @Test func whatTheChecksTell() throws {
    let folder = try folder()
    let pixels = try folder.text("train.csv").split(separator: "\n").flatMap {
      $0.split(separator: ",").dropFirst().map { Int($0)! }
    }
    let mean = Double(pixels.reduce(0, +)) / 1000
    let result = try Program.run("data", "check", "own.json", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.output.contains(
        """
          training  40 images of 5x5x1, by class 10 10 10 10
                    pixels from \(pixels.min()!) to \(pixels.max()!), mean \(String(format: "%.2f", mean))
          classes   0 cat, 1 dog, 2 猫, 3 d
        """), "\(result.output)")
    try folder.write(Specs.small, to: "small.json")
    let digits = try Program.run("data", "check", "small.json", in: folder)
    #expect(digits.output.contains("\n  classes   0 to 9\n"))
  }

  /// Weights by scikit-learn's formula, of what is trained on; recorded, and verified as part of the run.
  @Test func balancedClassWeights() throws {
    let folder = try folder()
    let rows = try folder.text("train.csv").split(separator: "\n")
    // 10, 5, 4 and 1 of each.
    let kept = rows[..<10] + rows[10..<15] + rows[20..<24] + rows[30..<31]
    try folder.write(kept.joined(separator: "\n"), to: "train.csv")
    let loss = #"loss={"name":"softmax_cross_entropy","class_weights":"balanced"}"#
    let ended = try Program.run("own.json", loss, "metrics=[\"f1_dog\"]", in: folder)
    #expect(ended.status == 0, "\(ended.errors)")
    let run = try folder.run(of: "own")
    let record = try #require(
      try JSONSerialization.jsonObject(with: folder.data("\(run)/run.json")) as? [String: Any])
    let dataset = try #require(record["dataset"] as? [String: Any])
    #expect(dataset["class_weights"] as? [Double] == [0.5, 1, 1.25, 5])
    #expect(dataset["classes"] as? [String] == ["cat", "dog", "猫", "d"])
    #expect(try folder.text("\(run)/metrics.csv").hasPrefix("epoch,"))
    #expect(try folder.text("\(run)/metrics.csv").contains(",val_f1_dog\n"))
    #expect(try Program.run("verify", run, "--quiet", in: folder).status == 0)
    // The same as the weights written out.
    let written = try Program.run(
      "own.json", #"loss={"name":"softmax_cross_entropy","class_weights":[0.5,1,1.25,5]}"#,
      "metrics=[\"f1_1\"]", "name=written", "--quiet", in: folder)
    #expect(written.status == 0)
    func epochs(_ run: String) throws -> [Substring] {
      try folder.text("\(run)/metrics.csv").split(separator: "\n").dropFirst().map { $0 }
    }
    #expect(try epochs(run) == epochs(try folder.run(of: "written")))
    let both = try Program.run(
      "validate", "own.json", loss, "dataset.balance=oversample", in: folder)
    #expect(
      both.output.contains(
        #"dataset.balance "oversample" and loss.class_weights are both asked for: as all classes"#),
      "\(both.output)")
  }
}
