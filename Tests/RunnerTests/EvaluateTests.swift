import Foundation
import TestSupport
import Testing

/// What `evaluate` tells of each class, of what was asked for, and of the mistakes.
@Suite struct EvaluateTests {
  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// Precision, recall and F1 are those of the confusion matrix, in every format; what the spec asks for is
  /// what the run told at its end.
  @Test func figuresByClass() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Specs.small.replacingOccurrences(
        of: "\"training\"",
        with: "\"metrics\": [\"f1_macro\", \"recall_3\", \"ece\"], \"training\""), to: "small.json")
    let ended = try Program.run("small.json", "--quiet", in: folder)
    #expect(ended.status == 0 && ended.output.contains("\ntest metrics   f1_macro 0."))
    let run = try folder.run(of: "small")
    let result = try Program.run(
      "evaluate", run, "--weights", "last", "--format", "json", in: folder)
    let report = try object(result.output)
    let confusion = try #require(report["confusion"] as? [[String: Any]])
    let counts = try confusion.map { row in
      try (0..<10).map { try #require(row["as_\($0)"] as? Int) }
    }
    let classes = try #require(report["classes"] as? [[String: Any]])
    #expect(classes.count == 12)
    for c in 0..<10 {
      let (own, taken) = (counts[c].reduce(0, +), counts.reduce(0) { $0 + $1[c] })
      func part(_ count: Int, _ of: Int) -> Double { of == 0 ? 0 : Double(count) / Double(of) }
      #expect(classes[c]["class"] as? String == "\(c)" && classes[c]["images"] as? Int == own)
      #expect(classes[c]["precision"] as? Double == part(counts[c][c], taken))
      #expect(classes[c]["recall"] as? Double == part(counts[c][c], own))
      #expect(classes[c]["f1"] as? Double == part(2 * counts[c][c], own + taken))
    }
    #expect(classes[10]["class"] as? String == "macro average")
    #expect(classes[11]["recall"] as? Double == report["test_accuracy"] as? Double)
    #expect(classes[10]["f1"] as? Double == report["f1_macro"] as? Double)
    let summary = try object(folder.text("\(run)/summary.json"))
    let asked = try #require(summary["test_metrics"] as? [String: Double])
    #expect(asked.count == 3)
    for (name, value) in asked { #expect(report[name] as? Double == value) }

    let table = try Program.run("evaluate", run, in: folder).output
    #expect(table.contains("\nmetrics        f1_macro 0.") && table.contains(", ece 0."))
    #expect(table.contains("\nclass             precision  recall      f1  images\n"))
    #expect(table.contains("\nmacro average        0."))
    let csv = try Program.run("evaluate", run, "--format", "csv", in: folder).output
    #expect(csv.contains("class,precision,recall,f1,images\n0,"))
    let markdown = try Program.run("evaluate", run, "--format", "markdown", in: folder).output
    #expect(markdown.contains("| class | precision | recall | f1 | images |\n| --- | ---: |"))
  }

  /// Forty images of four classes, one of which has a name that no small font writes.
  private func ownImages(
    in folder: TemporaryFolder, test: String = "train.csv"
  ) throws -> String {
    let rows = (0..<40).map { i in
      "\(i % 4)," + (0..<25).map { String((i * 31 + $0 * 7) % 256) }.joined(separator: ",")
    }
    for name in ["train.csv", test] {
      try folder.write(rows.joined(separator: "\n"), to: name)
    }
    try folder.write(
      OwnDataTests.spec(
        """
        "path": "train.csv", "test_path": "\(test)", "classes": ["Größe", "b", "猫", "d"],
        "shape": [5, 5, 1]
        """, units: 4), to: "own.json")
    let result = try Program.run("own.json", "--quiet", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    return try folder.run(of: "own")
  }

  @Test func mistakesOnASheet() throws {
    let folder = try TemporaryFolder()
    let run = try ownImages(in: folder)
    let result = try Program.run(
      "evaluate", run, "--mistakes", "sheet.png", "--most-mistakes", "9", "--format", "json",
      in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let report = try object(result.output)
    let accuracy = try #require(report["test_accuracy"] as? Double)
    let mistaken = 40 - Int((accuracy * 40).rounded())
    try #require(mistaken > 9)
    let mistakes = try #require(report["mistakes"] as? [[String: Any]])
    #expect(mistakes.count == 9)
    let sure = try mistakes.map { try #require($0["confidence"] as? Double) }
    #expect(sure == sure.sorted(by: >) && sure.allSatisfy { 0.25 < $0 && $0 <= 1 })
    for mistake in mistakes {
      let image = try #require(mistake["image"] as? Int)
      #expect(mistake["class"] as? String == ["Größe", "b", "猫", "d"][image % 4])
      #expect(mistake["class"] as? String != mistake["taken_for"] as? String)
      let own = try #require(mistake["own_probability"] as? Double)
      #expect(own < (mistake["confidence"] as? Double ?? 0))
    }
    let notes = try #require(report["notes"] as? [String])
    #expect(notes[0] == "\(mistaken) of 40 images were mistaken: sheet.png shows the 9 surest")
    #expect(notes.dropFirst().allSatisfy { $0 == "on the sheet class 2 is 猫" })
    let sheet = try folder.data("sheet.png")
    #expect(sheet.prefix(8) == Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))

    let all = try Program.run("evaluate", run, "--mistakes", "all.png", in: folder)
    #expect(
      all.output.hasSuffix("\n\(mistaken) of 40 images were mistaken: all.png shows them\n")
        || all.output.hasSuffix("shows them\non the sheet class 2 is 猫\n"))
    let none = try Program.run("evaluate", run, "--most-mistakes", "0", in: folder)
    #expect(none.status == 2 && none.errors.contains("--most-mistakes takes 1 to 10000, not 0"))
    let nowhere = try Program.run("evaluate", run, "--mistakes", "none/sheet.png", in: folder)
    #expect(nowhere.status == 1 && nowhere.errors.contains("none/sheet.png"))
  }

  /// By default what the run tested, which it says; the others on request.
  @Test func theWeightsAreThoseThatTheRunTested() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for (change, tested, other) in [
      ("seed=1", "last", "best"),
      (#"early_stopping={"patience":5,"monitor":"train_loss"}"#, "best", "last"),
    ] {
      let ended = try Program.run(
        "small.json", change, "name=\(tested)", "--quiet", in: folder)
      #expect(ended.status == 0, "\(ended.errors)")
      let run = try folder.run(of: tested)
      let summary = try object(folder.text("\(run)/summary.json"))
      let own = try object(
        Program.run("evaluate", run, "--format", "json", in: folder).output)
      #expect(own["weights"] as? String == tested && own["tested_weights"] as? String == tested)
      #expect(own["test_loss"] as? Double == summary["test_loss"] as? Double)
      #expect(own["test_images_unchanged"] as? Bool == true)
      let text = try Program.run("evaluate", run, in: folder).output
      #expect(text.contains("\nweights        \(tested), of epoch "))
      #expect(text.contains("; the run tested these\n"))
      let others = try Program.run("evaluate", run, "--weights", other, in: folder).output
      #expect(others.contains("\nweights        \(other), of epoch "))
      #expect(others.contains("; the run tested the \(tested)\n"), "\(others)")
      try FileManager.default.removeItem(
        at: folder.url.appending(path: "\(run)/checkpoints/\(tested).safetensors"))
      let gone = try Program.run("evaluate", run, in: folder)
      #expect(gone.status == 1)
      #expect(gone.errors.contains("; it has the \(other): --weights \(other)\n"), "\(gone.errors)")
    }
  }

  @Test func testImagesThatHaveChangedAreTold() throws {
    let folder = try TemporaryFolder()
    let run = try ownImages(in: folder)
    let rows = try folder.text("train.csv")
    try folder.write(rows, to: "elsewhere.csv")
    let unchanged = try Program.run("evaluate", run, in: folder)
    #expect(unchanged.status == 0 && !unchanged.output.contains("begun with"))
    // Another pixel of the one file that is both, so that the training images are others too.
    try folder.write(rows.replacingOccurrences(of: "0,0,", with: "0,1,"), to: "train.csv")
    let changed = try Program.run("evaluate", run, in: folder)
    #expect(
      changed.output.contains(
        "\n               the test images are not those that the run was begun with: they have"),
      "\(changed.output)")
    let json = try Program.run("evaluate", run, "--format", "json", in: folder)
    #expect(try object(json.output)["test_images_unchanged"] as? Bool == false)
    #expect(json.errors.contains("WARNING: the test images are not those"))
  }

  /// Training images alone that have changed are no other test images.
  @Test func otherTrainingImagesChangeNoTest() throws {
    let folder = try TemporaryFolder()
    let run = try ownImages(in: folder, test: "test.csv")
    try folder.write(
      try folder.text("train.csv").replacingOccurrences(of: "0,0,", with: "0,1,"), to: "train.csv")
    let result = try Program.run("evaluate", run, "--format", "json", in: folder)
    #expect(try object(result.output)["test_images_unchanged"] as? Bool == true, "\(result.errors)")
  }

  @Test func onOtherImages() throws {
    let folder = try TemporaryFolder()
    let run = try ownImages(in: folder)
    func evaluate(_ arguments: String...) throws -> Program.Result {
      try Program.Running(
        Program.path, ["evaluate", run, "--format", "json"] + arguments, in: folder
      ).wait()
    }
    let own = try object(evaluate().output)
    // The same images from another file.
    try folder.write(try folder.text("train.csv"), to: "again.csv")
    let again = try object(evaluate("--on", "again.csv").output)
    #expect(again["test_loss"] as? Double == own["test_loss"] as? Double)
    #expect(again["dataset"] as? String == "again.csv" && again["images"] as? Int == 40)
    #expect(again["test_images_unchanged"] == nil)
    // The labels by the names of the classes, in the last column, and the pixels turned round, so that
    // they are the same once they are inverted.
    let names = ["Größe", "b", "猫", "d"]
    let rows = try folder.text("train.csv").split(separator: "\n").map { row in
      let cells = row.split(separator: ",").map { Int($0)! }
      return (cells.dropFirst().map { String(255 - $0) } + [names[cells[0]]]).joined(separator: ",")
    }
    try folder.write(rows.joined(separator: "\n"), to: "turned.csv")
    let turned = try evaluate("--on", "turned.csv", "invert=true", "label_column=-1")
    #expect(turned.status == 0, "\(turned.errors)")
    #expect(try object(turned.output)["test_loss"] as? Double == own["test_loss"] as? Double)
    // The run's own record is not written over.
    #expect(try evaluate("--on", "turned.csv", "invert=true", "--confusion").status == 0)
    #expect(folder.exists("\(run)/confusion-on-turned-csv.csv"))
    #expect(!folder.exists("\(run)/confusion.csv"))

    let mistaken = try evaluate("--on", "again.csv", "invrt=true")
    #expect(mistaken.status == 2)
    #expect(mistaken.errors.contains(#"dataset.invrt: unknown key; did you mean "invert"?"#))
    let nowhere = try evaluate("--on", "none.csv")
    #expect(nowhere.status == 1 && nowhere.errors.contains("none.csv is not on this machine"))
    let classes = try evaluate("--on", "mnist", "resize=bilinear")
    #expect(classes.status == 2, "\(classes.errors)")
    let values = try evaluate("invert=true")
    #expect(
      values.status == 2 && values.errors.contains("the run's own images are read as they were"))
  }

  @Test func onADatasetByItsName() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    #expect(try Program.run("small.json", "--quiet", in: folder).status == 0)
    let run = try folder.run(of: "small")
    let other = try Program.run(
      "evaluate", run, "--on", "synthetic_digits", "test_count=30", "synthetic_seed=9", "--format",
      "json", in: folder)
    #expect(other.status == 0, "\(other.errors)")
    let report = try object(other.output)
    #expect(report["images"] as? Int == 30 && report["dataset"] as? String == "synthetic_digits")
    let own = try object(Program.run("evaluate", run, "--format", "json", in: folder).output)
    #expect(report["test_loss"] as? Double != own["test_loss"] as? Double)
  }
}
