import Foundation
import TestSupport
import Testing

/// Experiments on a user's own images, as they are run.
@Suite struct OwnDataTests {
  /// Where the files lie that the readers of datasets are tested on.
  static let formats = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "DatasetsTests/Fixtures/formats").path

  static func spec(_ dataset: String, units: Int) -> String {
    """
    { "name": "own", "dataset": { "name": "files", \(dataset) },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 3, "activation": "relu" },
        { "layer": "global_average_pool" }, { "layer": "dense", "units": \(units) } ],
      "optimizer": { "name": "adam" }, "augmentation": [ { "op": "rotate", "degrees": 10 } ],
      "training": { "epochs": 2, "batch_size": 4 } }
    """
  }

  /// Colour, three classes, images of several sizes and forms, one of them broken.
  @Test func foldersOfImages() throws {
    let folder = try TemporaryFolder()
    for (place, name) in [
      ("a/1.png", "rgb.png"), ("a/2.jpg", "rgb.jpg"), ("b/1.png", "rgba.png"),
      ("b/2.jpg", "full.jpg"), ("c/1.png", "grey.png"), ("c/2.png", "palette.png"),
    ] {
      let to = folder.url.appending(path: "photos/\(place)")
      try FileManager.default.createDirectory(
        at: to.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: URL(filePath: "\(Self.formats)/\(name)"), to: to)
    }
    try folder.write(
      Self.spec(
        """
        "path": "photos", "test_path": "photos", "classes": 3, "shape": [12, 16, 3],
        "resize": "bilinear", "balance": "oversample"
        """, units: 3),
      to: "own.json")
    try folder.write("no image", to: "photos/c/0.png")
    let refused = try Program.run("own.json", "--threads", "1", in: folder)
    #expect(refused.status != 0)
    #expect(refused.errors.contains("photos/c/0.png: its first bytes are those of no PNG"))
    #expect(refused.errors.contains("give dataset.corrupt \"skip\" to leave them out"))

    let result = try Program.run(
      "own.json", "dataset.corrupt=skip", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("WARNING: 1 image file cannot be used and is left out"))
    let run = try folder.run(of: "own")
    #expect(
      try folder.text("\(run)/run.json").contains(
        "photos/c/0.png: its first bytes are those of no PNG"))
    let checked = try Program.run("data", "check", "own.json", in: folder)
    #expect(checked.status != 0 && checked.errors.contains("photos/c/0.png"))
    let verified = try Program.run("verify", run, "--threads", "2", in: folder)
    #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
    let evaluated = try Program.run("evaluate", run, "--corruptions", "--severity", "2", in: folder)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let table = try folder.text("\(run)/corruptions.csv").split(separator: "\n")
    #expect(table.count == 1 + 1 + 15 + 1 && table[0] == "corruption,severity,accuracy,loss")
    #expect(table[1].hasPrefix("none,0,") && table[17].hasPrefix("mean,2,"))
    #expect(table[2].hasPrefix("shot_noise,2,") && table[11].hasPrefix("stripe,,"))
    // Each as much as in MNIST-C.
    let published = try Program.run("evaluate", run, "--corruptions", in: folder)
    #expect(published.output.contains("images spoiled as those of MNIST-C"))
    let rows = try folder.text("\(run)/corruptions.csv").split(separator: "\n")
    #expect(rows[2].hasPrefix("shot_noise,5,") && rows[17].hasPrefix("mean,,"))
    let beyond = try Program.run("evaluate", run, "--severity", "6", in: folder)
    #expect(beyond.errors.contains("--severity takes 1 to 5, not 6"))
    // Broken after it was recorded: another set, which is not the one that was trained on.
    try FileManager.default.removeItem(at: folder.url.appending(path: "photos/a/1.png"))
    #expect(try Program.run("verify", run, in: folder).status != 0)
  }

  @Test func rowsInCSV() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<24).map { i in
      "\(i % 4)," + (0..<25).map { String((i * 31 + $0 * 7) % 256) }.joined(separator: ",")
    }
    try folder.write(rows.joined(separator: "\n"), to: "train.csv")
    try folder.write(
      Self.spec(
        """
        "path": "train.csv", "test": "none", "classes": 4, "shape": [5, 5, 1], "validation": 4
        """, units: 4),
      to: "own.json")
    let validated = try Program.run("validate", "own.json", in: folder)
    #expect(validated.status == 0, "\(validated.errors)")
    #expect(
      validated.output.contains("files: 20 images to train on, 4 to validate on, none to test on"))
    let result = try Program.run("own.json", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("test accuracy  not measured"))
    let sweep = try Program.run(
      "sweep", "own.json", "optimizer.learning_rate=0.01,0.001", "-j", "2", in: folder)
    #expect(sweep.status == 0, "\(sweep.errors)")
    try folder.write(rows.joined(separator: "\n") + "\n1,2", to: "train.csv")
    let ragged = try Program.run("own.json", in: folder)
    #expect(ragged.status != 0)
    #expect(ragged.errors.contains("train.csv:25: it has 2 fields where the first line has 26"))
  }

  /// A share of the images that is none is told before anything is trained; a class that a part lacks is
  /// named wherever it is read.
  @Test func sharesThatAreNone() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<12).map { i in
      "\(["ant", "bee", "cow"][i / 5]),"
        + (0..<25).map { String((i * 31 + $0 * 7) % 256) }
        .joined(separator: ",")
    }
    try folder.write(rows.joined(separator: "\n"), to: "train.csv")
    try folder.write(rows[3..<8].joined(separator: "\n"), to: "test.csv")
    try folder.write(
      Self.spec(
        """
        "path": "train.csv", "test_path": "test.csv", "classes": ["ant", "bee", "cow", "dog"],
        "shape": [5, 5, 1], "validation": 0.04
        """, units: 4),
      to: "own.json")
    for command in [["own.json"], ["sweep", "own.json", "optimizer.learning_rate=0.01,0.001"]] {
      let none = try Program.Running(Program.path, command, in: folder).wait()
      #expect(none.status == 2)
      #expect(
        none.errors.contains(
          "dataset.validation: 0.04 of the 12 training images is not even one to validate on; give a "
            + "greater share, a count, or 0"), "\(none.errors)")
      #expect(try folder.runs(of: "own") == [])
    }
    let result = try Program.run("own.json", "dataset.validation=1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.errors.contains("WARNING: there is no image to train on of the class dog\n"))
    #expect(result.errors.contains("WARNING: there is no image to validate on of the 3 classes "))
    let tested = "there is no image to test on of the 2 classes cow, dog"
    #expect(result.errors.contains("WARNING: \(tested)\n"), "\(result.errors)")
    #expect(try folder.text("\(folder.run(of: "own"))/run.json").contains(tested))
    let resolved = try "\(folder.run(of: "own"))/resolved.json"
    let checked = try Program.run("data", "check", resolved, in: folder)
    #expect(checked.output.contains("  note      \(tested)\n"), "\(checked.output)")
  }

  /// What a hostile file claims is not allocated: the program is given 1 GB of address space beyond its
  /// libraries' and threads'.
  @Test func hostileFilesTakeNoMemory() throws {
    let folder = try TemporaryFolder()
    var header = Array(
      "{'descr': '|u1', 'fortran_order': False, 'shape': (60000, 250, 280), }\n".utf8)
    header =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header
    let npy = folder.url.appending(path: "arrays")
    try FileManager.default.createDirectory(at: npy, withIntermediateDirectories: true)
    try Data(header).write(to: npy.appending(path: "x_train.npy"))
    try FileManager.default.copyItem(
      at: URL(filePath: "\(Self.formats)/npy/y_train.npy"), to: npy.appending(path: "y_train.npy"))
    try folder.write(
      Self.spec(
        """
        "path": "arrays", "format": "npy", "test": "none", "classes": 10, "shape": [250, 280, 1]
        """, units: 10),
      to: "own.json")
    let result = try Program.shell(
      "ulimit -v 4000000; exec $RUNNER own.json --threads 1", in: folder)
    #expect(result.status == 1 || result.status == 2, "\(result.errors)")
    #expect(result.errors.contains("x_train.npy: its header announces 4200000"))
  }

  /// Validation images of an archive's own: never trained on, the same in a sweep's workers.
  @Test func arraysToValidateOn() throws {
    let folder = try TemporaryFolder()
    let tables = URL(filePath: Self.formats).deletingLastPathComponent().appending(path: "tables")
    try FileManager.default.copyItem(
      at: tables.appending(path: "validation.npz"), to: folder.url.appending(path: "mine.npz"))
    let dataset = "\"path\": \"mine.npz\", \"classes\": 10, \"shape\": [4, 4, 1]"
    try folder.write(Self.spec(dataset, units: 10), to: "own.json")
    let unused = try Program.run("own.json", "--threads", "1", in: folder)
    #expect(unused.status == 0, "\(unused.errors)")
    let note = "its own validation images, x_val with y_val, are not used"
    #expect(unused.errors.contains("note: mine.npz: \(note)"), "\(unused.errors)")
    #expect(try folder.text("\(folder.run(of: "own"))/run.json").contains(note))
    let checked = try Program.run("data", "check", "own.json", in: folder)
    #expect(checked.output.contains("  note      mine.npz: \(note)"), "\(checked.output)")

    let own = try Program.run(
      "own.json", "dataset.validation=own", "name=validated", "--threads", "1", in: folder)
    #expect(own.status == 0 && !own.errors.contains("note:"), "\(own.errors)")
    let run = try folder.run(of: "validated")
    // Trained on the same images as without.
    func trained(_ run: String) throws -> [Substring] {
      try folder.text("\(run)/metrics.csv").split(separator: "\n").map { row in
        let cells = row.split(separator: ",", omittingEmptySubsequences: false)
        return cells[..<5].joined(separator: ",")[...]
      }
    }
    #expect(try trained(run) == trained(folder.run(of: "own")))
    let verified = try Program.run("verify", run, "--threads", "2", in: folder)
    #expect(verified.status == 0, "\(verified.output) \(verified.errors)")

    let sweep = try Program.run(
      "sweep", "own.json", "dataset.validation=own", "optimizer.learning_rate=0.01,0.001", "-j",
      "2",
      in: folder)
    #expect(sweep.status == 0, "\(sweep.errors)")
    // A part of the training images leaves the others whole.
    let few = try Program.run(
      "own.json", "dataset.validation=own", "dataset.fraction=0.5", "name=few", in: folder)
    #expect(few.status == 0, "\(few.errors)")
    let lacking = try Program.run(
      "own.json", "dataset.validation=own", "dataset.path=\(tables.path)/one_hot.npz",
      "dataset.test=none", in: folder)
    #expect(
      lacking.status != 0
        && lacking.errors.contains(
          "there are no validation images: none of x_val with y_val, X_val with y_val"),
      "\(lacking.errors)")
  }

  /// A spreadsheet in German settings, as it was saved.
  @Test func tableOfASpreadsheet() throws {
    let folder = try TemporaryFolder()
    let tables = URL(filePath: Self.formats).deletingLastPathComponent().appending(path: "tables")
    try FileManager.default.copyItem(
      at: tables.appending(path: "german.csv"), to: folder.url.appending(path: "Obst.CSV"))
    try folder.write(
      Self.spec(
        """
        "path": "Obst.CSV", "test": "none", "classes": ["Äpfel", "Birnen", "Nüsse"],
        "shape": [4, 4, 1]
        """, units: 3),
      to: "own.json")
    let result = try Program.run("own.json", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    for note in [
      "fields are parted by semicolons, decimals by commas",
      "letters that are no UTF-8 are read as Windows-1252",
      "the last column, \"Klasse\", is taken for the labels: it is the one of texts",
      "pixels from 0 to 1 are taken as parts of 1 and rounded to the 256 levels that are kept, by up "
        + "to 0.5 of a level",
    ] {
      #expect(result.errors.contains("note: Obst.CSV: \(note)\n"), "\(result.errors)")
    }
    let run = try folder.run(of: "own")
    #expect(try folder.text("\(run)/run.json").contains("decimals by commas"))
    let verified = try Program.run("verify", run, in: folder)
    #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
  }
}
