import Foundation
import TestSupport
import Testing

/// A thousand classes, from their files to their figures, as a user would have them.
@Suite struct ManyClassesTests {
  private static let classes = 1000

  /// A class's number in binary, its bits the pixels of 4x4, drawn a little differently each time.
  private static func pixels(_ label: Int, _ time: Int) -> [UInt8] {
    (0..<16).map { bit in
      let isSet = label >> (bit % 10) & 1 == 1
      return UInt8((isSet ? 220 : 20) + (label * 7 + bit * 5 + time * 11) % 16)
    }
  }

  /// A grey picture as an uncompressed BMP file.
  private static func bitmap(_ pixels: [UInt8]) -> Data {
    let rows = (0..<4).reversed().flatMap { row in
      pixels[4 * row..<4 * row + 4].flatMap { [$0, $0, $0] }
    }
    return Data(
      Array("BM".utf8) + [102, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0]
        + [4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 24, 0] + [UInt8](repeating: 0, count: 24) + rows)
  }

  private static func name(_ label: Int) -> String { "n\(10_000 + label)" }

  /// Three training images and a test image of each class, in folders, and an experiment on them.
  private static func write(in folder: TemporaryFolder) throws {
    for label in 0..<classes {
      for (part, times) in [("train", 0..<3), ("test", 3..<4)] {
        let place = folder.url.appending(path: "\(part)/\(name(label))")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        for time in times {
          try bitmap(pixels(label, time)).write(to: place.appending(path: "\(time).bmp"))
        }
      }
    }
    try folder.write(
      """
      { "name": "thousand", "seed": 3,
        "dataset": {
          "name": "files", "path": "train", "test_path": "test", "shape": [4, 4, 1],
          "validation": 1000, "stratified": true },
        "model": [
          { "layer": "flatten" }, { "layer": "dense", "units": 32, "activation": "relu" },
          { "layer": "dense", "units": 1000 } ],
        "loss": { "name": "softmax_cross_entropy", "label_smoothing": 0.05,
          "class_weights": "balanced" },
        "optimizer": { "name": "adam", "learning_rate": 0.02 },
        "augmentation": [ { "op": "mixup", "alpha": 0.1, "p": 0.2 } ],
        "metrics": ["top_5_accuracy", "f1_macro", "recall_n10999", "ece"],
        "training": { "epochs": 6, "batch_size": 50 } }
      """, to: "thousand.json")
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func fromFilesToFigures() throws {
    let folder = try TemporaryFolder()
    try Self.write(in: folder)
    func run(_ arguments: String..., status: Int32 = 0) throws -> Program.Result {
      let result = try Program.Running(Program.path, arguments, in: folder).wait()
      #expect(result.status == status, "\(arguments): \(result.errors)")
      return result
    }
    #expect(try run("validate", "thousand.json").output.contains("2,000 images to train on"))
    let checked = try run("data", "check", "thousand.json").output
    #expect(checked.contains("3000 images of 4x4x1, 3 of each of 1,000 classes"), "\(checked)")
    #expect(checked.contains("19 n10019 and 980 more"), "\(checked)")
    let shown = try run("data", "show", "thousand.json", "--count", "4").output
    #expect(shown.contains("  n10003: 3 images\n  and 996 classes that the sheet doesn't show\n"))

    _ = try run("thousand.json", "--threads", "1")
    _ = try run("thousand.json", "--threads", "2")
    _ = try run("thousand.json", "seed=4", "--threads", "2")
    let runs = try folder.runs(of: "thousand")
    try #require(runs.count == 3)
    try expectSameRecord(runs[0], runs[1], in: folder)
    let record = try object(folder.text("\(runs[0])/run.json"))
    let dataset = try #require(record["dataset"] as? [String: Any])
    #expect((dataset["classes"] as? [String])?.last == "n10999")
    #expect((dataset["class_weights"] as? [Double])?.count == 1000)
    #expect(try run("verify", runs[0]).output.contains("6 epochs of metrics.csv"))
    try evaluate(runs[0], in: folder, run: { try run($0, $1, $2, $3) })
    try predict(runs[0], in: folder)

    // Image by image, as two bytes' labels tell them apart.
    let compared = try run("compare", runs[0], runs[2], "--format", "json").output
    #expect(try !object(compared).isEmpty)
    let other = try run(
      "thousand.json", "optimizer.learning_rate=0.001", "name=slow", "--threads", "2")
    #expect(other.output.contains("test accuracy"))
    let pair = try run(
      "compare", runs[0], folder.run(of: "slow"), "--format", "csv", "--table", "images"
    ).output
    #expect(pair.split(separator: "\n").count == 2, "\(pair)")
  }

  private func evaluate(
    _ folderOfRun: String, in folder: TemporaryFolder,
    run: (String, String, String, String) throws -> Program.Result
  ) throws {
    let report = try object(run("evaluate", folderOfRun, "--format", "json").output)
    let accuracy = try #require(report["test_accuracy"] as? Double)
    let top = try #require(report["top_5_accuracy"] as? Double)
    // Of a thousand classes one in a thousand is chance.
    #expect(accuracy > 0.05 && top >= accuracy, "\(accuracy), \(top)")
    let classes = try #require(report["classes"] as? [[String: Any]])
    #expect(classes.count == 1002 && classes[999]["class"] as? String == "n10999")
    #expect(report["recall_n10999"] as? Double == classes[999]["recall"] as? Double)
    #expect(report["f1_macro"] as? Double == classes[1000]["f1"] as? Double)
    let mistaken = 1000 - Int((accuracy * 1000).rounded())
    let pairs = try #require(report["pairs"] as? [[String: Any]])
    #expect(pairs.reduce(0) { $0 + ($1["images"] as? Int ?? 0) } == mistaken)

    // A person gets what can be read.
    let table = try Program.run("evaluate", folderOfRun, "--confusion", in: folder)
    #expect(table.output.split(separator: "\n").count < 60)
    #expect(
      table.output.contains("the 20 of 1,000 classes with the lowest F1; --format csv has all"))
    #expect(
      table.output.contains("the most frequent mistakes, \(min(20, pairs.count)) of "),
      "\(table.output)")
    #expect(table.errors.contains("confusion.svg, which shows "))
    let matrix = try folder.text("\(folderOfRun)/confusion.csv").split(separator: "\n")
    #expect(matrix.count == 1001)
    let counts = matrix.dropFirst().map { $0.split(separator: ",").dropFirst().map { Int($0)! } }
    #expect(counts.allSatisfy { $0.count == 1000 && $0.reduce(0, +) == 1 })
    let right = counts.indices.reduce(0) { $0 + counts[$1][$1] }
    #expect(right == 1000 - mistaken)
    let picture = try folder.text("\(folderOfRun)/plots/confusion.svg")
    #expect(
      picture.utf8.count < 1_000_000 && picture.contains(" of 1,000 classes, those of the most"))
    let sheet = try Program.run("evaluate", folderOfRun, "--mistakes", "m.png", in: folder)
    #expect(sheet.output.contains("\(mistaken) of 1,000 images were mistaken"))
  }

  /// Folders and tables that say what they hold; the likeliest of a thousand.
  private func predict(_ run: String, in folder: TemporaryFolder) throws {
    func ask(_ line: String, status: Int32 = 0) throws -> Program.Result {
      let result = try Program.shell("$RUNNER predict \(run)/model.safetensors \(line)", in: folder)
      #expect(result.status == status, "\(line): \(result.errors)")
      return result
    }
    let chosen = [0, 255, 256, 257, 999]
    let rows = chosen.map { label in
      "\(Self.name(label))," + Self.pixels(label, 3).map(String.init).joined(separator: ",")
    }
    try folder.write(
      "label," + (0..<16).map { "pixel\($0)" }.joined(separator: ",") + "\n"
        + rows.joined(separator: "\n") + "\n", to: "few.csv")
    let table = try ask("few.csv --top 3 --format csv").output.split(separator: "\n")
    #expect(table[0] == "image,label,class,confidence,class_2,confidence_2,class_3,confidence_3")
    #expect(table.count == 6 && table[5].hasPrefix("few.csv[4],n10999,"))
    let files = chosen.map { "test/\(Self.name($0))/3.bmp" }.joined(separator: " ")
    let pictures = try ask("\(files) --top 3 --format csv").output.split(separator: "\n")
    // Images in no folder that was named have no label; the answers are the same.
    for (row, picture) in zip(table, pictures).dropFirst() {
      let fields = row.split(separator: ",")
      #expect(picture.hasSuffix(fields.dropFirst(2).joined(separator: ",")), "\(row), \(picture)")
    }
    let all = try ask("test --format jsonl --probabilities").output.split(separator: "\n")
    #expect(all.count == 1000)
    let answer = try object(String(all[256]))
    let probabilities = try #require(answer["probabilities"] as? [Double])
    #expect(probabilities.count == 1000 && answer["label"] as? String == "n10256")
    #expect(answer["confidence"] as? Double == probabilities.max())
    let told = try ask("test").output
    let evaluated = try object(
      try Program.run("evaluate", run, "--format", "json", in: folder).output)
    let accuracy = try #require(evaluated["test_accuracy"] as? Double)
    let right = Int((accuracy * 1000).rounded())
    #expect(told.contains("recognised \(right) of 1,000 images"), "\(told.suffix(100))")
    let wide = try ask("few.csv --probabilities", status: 2)
    #expect(wide.errors.contains("--top names the likeliest, --format csv and jsonl have all"))
  }

  /// A table of so many classes that a number for each two of them would be no file to open.
  @Test func morePairsThanAMatrixShows() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<2100).map { label in
      "\(label),"
        + (0..<9).map { String(label >> $0 & 1 == 1 ? 200 : label % 50) }.joined(separator: ",")
    }
    try folder.write(
      "label," + (0..<9).map { "p\($0)" }.joined(separator: ",") + "\n"
        + rows.joined(separator: "\n") + "\n", to: "many.csv")
    try folder.write(
      """
      { "name": "many", "dataset": { "name": "files", "path": "many.csv", "test_path": "many.csv" },
        "model": [ { "layer": "flatten" }, { "layer": "dense", "units": 2100 } ],
        "optimizer": { "name": "adam" }, "training": { "epochs": 1, "batch_size": 100 } }
      """, to: "many.json")
    let trained = try Program.run("many.json", "--threads", "2", in: folder)
    #expect(trained.status == 0, "\(trained.errors)")
    let run = try folder.run(of: "many")
    let evaluated = try Program.run("evaluate", run, "--confusion", in: folder)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let pairs = try folder.text("\(run)/confusion.csv").split(separator: "\n")
    #expect(pairs[0] == "class,taken_for,images,part" && pairs.count <= 2101)
    #expect(pairs.dropFirst().reduce(0) { $0 + (Int($1.split(separator: ",")[2]) ?? 0) } == 2100)
    let beyond = try Program.run("validate", "many.json", "dataset.classes=65537", in: folder)
    #expect(beyond.status == 2 && beyond.errors.contains("65536"), "\(beyond.errors)")
    let other = try Program.run("validate", "many.json", "dataset.classes=2000", in: folder)
    #expect(other.status == 2 && other.errors.contains("2100 outputs do not fit the 2000 classes"))
  }
}
