import Foundation
import TestSupport
import Testing

/// A folder of ten people's habits (Fixtures/make_habits.py): all of it is read, or told of by name.
@Suite struct HabitsTests {
  func unpacked() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let archive = Fixture.url("habits.tar")
    let tar = try Program.shell("tar -xf '\(archive.path)'", in: folder)
    try #require(tar.status == 0, "\(tar.errors)")
    return folder
  }

  @Test func photographs() throws {
    let folder = try unpacked()
    try folder.write(
      OwnDataTests.spec("\"path\": \"photos\", \"test\": 0.2, \"validation\": 0.2", units: 4),
      to: "own.json")
    // Step by step to what can be trained on, each step told.
    let sizes = try Program.run("validate", "own.json", in: folder)
    #expect(sizes.status == 2)
    #expect(sizes.errors.contains("own.json:1:56: dataset.path: photos: its images are of several"))
    #expect(sizes.errors.contains("garten.jpg 22x30; give dataset.shape, [height, width, 1 or 3]"))
    let shape = ["dataset.shape=[16,16,3]", "dataset.resize=area"]
    func run(_ arguments: String...) throws -> Program.Result {
      try Program.Running(Program.path, arguments + shape, in: folder).wait()
    }
    let validated = try run("validate", "own.json")
    #expect(validated.status == 0, "\(validated.errors)")
    #expect(
      validated.output.contains("files: 11 images to train on, 3 to validate on, 4 to test on"))
    let stopped = try run("own.json")
    #expect(stopped.status == 1)
    #expect(
      stopped.errors.contains("photos/Nüsse/Paran\\xFC\\xDFe.png: its name is not UTF-8; rename"))
    #expect(stopped.errors.contains("2 more cannot be used"))

    let result = try run("own.json", "dataset.corrupt=skip")
    #expect(result.status == 0, "\(result.errors)")
    let told = [
      "note: photos: 2 folders are called Äpfel, in different bytes for the same letters; the images "
        + "of all are its class's",
      "note: photos: 3 images lie in folders within their classes', such as Birnen/2020, and are read "
        + "too",
      "note: photos: 8 files are no images of the forms that are read, and are left out: 1 without an "
        + "ending, 1 .csv, 1 .db, 1 .heic, 1 .txt, 3 hidden; the first is labels.csv",
      "note: photos: 2 images hold several pictures each, of which the first is read, such as "
        + "Nüsse/animiert.gif",
      "note: photos: Äpfel/IMG_0001.JPG notes a turn (EXIF) and is read as it is stored; "
        + "dataset.exif_orientation true turns it upright",
      "WARNING: 3 image files cannot be used and are left out, listed in run.json; the first: ",
      "WARNING: there is no image to train on of the class Quitten",
      "WARNING: there is no image to validate on of the 3 classes Birnen, Nüsse, Quitten",
      "WARNING: there is no image to test on of the class Quitten",
    ]
    for line in told { #expect(result.errors.contains(line), "\(line)\n\(result.errors)") }
    let notes = result.errors.split(separator: "\n").count {
      $0.hasPrefix("note:") || $0.hasPrefix("WARNING:")
    }
    #expect(notes == told.count, "\(result.errors)")

    // The record has it all, what the files told too, and comes to the same again.
    let run = try folder.run(of: "own")
    let record = try folder.text("\(run)/run.json")
    for file in [
      "Birnen/kaputt.jpg: it ends", "Birnen/leer.png: it is empty", "Nüsse/Paran\\\\xFC",
    ] {
      #expect(record.contains(file), "\(file)")
    }
    let resolved = try folder.text("\(run)/resolved.json")
    #expect(resolved.contains("\"classes\": [\"Birnen\", \"Nüsse\", \"Quitten\", \"Äpfel\"]"))
    #expect(resolved.contains("\"test\": 0.2,"))
    let verified = try Program.run("verify", run, "--threads", "2", in: folder)
    #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
    let turned = try Program.Running(
      Program.path,
      ["own.json", "dataset.corrupt=skip", "dataset.exif_orientation=true", "name=turned"] + shape,
      in: folder
    ).wait()
    #expect(turned.status == 0 && !turned.errors.contains("EXIF"), "\(turned.errors)")
  }

  /// The images that a share keeps apart are no trial's either.
  @Test func sweepOfTheTable() throws {
    let folder = try unpacked()
    try folder.write(
      OwnDataTests.spec("\"path\": \"Obst.CSV\", \"test\": 0.25, \"validation\": 3", units: 3),
      to: "own.json")
    let result = try Program.run("own.json", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    for note in [
      "fields are parted by semicolons, decimals by commas",
      "letters that are no UTF-8 are read as Windows-1252",
      "the last column, \"Klasse\", is taken for the labels: it is the one of texts",
      "the first column, \"Nr\", is left out, a count of the rows",
    ] {
      #expect(result.errors.contains("note: Obst.CSV: \(note)\n"), "\(result.errors)")
    }
    let run = try folder.run(of: "own")
    let resolved = try folder.text("\(run)/resolved.json")
    #expect(resolved.contains("\"classes\": [\"Birnen\", \"Nüsse\", \"Äpfel\"]"))
    #expect(resolved.contains("\"shape\": [4, 4, 1]"))
    #expect(result.errors.contains("6 images to train on, 3 to validate on, 3 to test on"))

    let sweep = try Program.run(
      "sweep", "own.json", "optimizer.learning_rate=0.01,0.001", "-j", "2", in: folder)
    #expect(sweep.status == 0, "\(sweep.errors)")
    let trial = try folder.text(
      String(
        try Program.shell("ls -d results/own-*/trials/0000/seed-1", in: folder).output.dropLast())
        + "/resolved.json")
    #expect(trial.contains("\"test\": 0.25,") && trial.contains("\"test_count\": 0,"))
  }
}
