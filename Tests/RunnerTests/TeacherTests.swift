import Foundation
import Storage
import TestSupport
import Testing

/// Runs that are taught by models besides the labels.
@Suite struct TeacherTests {
  private static func dataset(_ more: String = "") -> String {
    """
    "dataset": {
      "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2\(more)
    }
    """
  }

  private static func teacher(_ name: String, _ dataset: String) -> String {
    """
    {
      "name": "\(name)", \(dataset),
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
        { "layer": "flatten" }, { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "training": { "epochs": 2, "batch_size": 10 }
    }
    """
  }

  private static let pupil = """
    {
      "name": "pupil", \(dataset()),
      "model": [ { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
      "teacher": {
        "model": ["results/one/latest", "results/two/latest"], "temperature": 3, "weight": 0.75
      },
      "augmentation": [{ "op": "shift", "fraction": 0.1 }, { "op": "mixup", "alpha": 0.5 }],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "training": { "epochs": 3, "batch_size": 10 }
    }
    """

  private let folder: TemporaryFolder
  private let models: [String]

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      Self.teacher("one", Self.dataset(#", "normalize": "per_channel""#)), to: "one.json")
    try folder.write(Self.teacher("two", Self.dataset()), to: "two.json")
    try folder.write(Self.pupil, to: "pupil.json")
    for name in ["one", "two"] {
      let result = try Program.run("\(name).json", "--quiet", "--threads", "1", in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    models = try ["one", "two"].map { [folder] in try folder.run(of: $0) }
  }

  private func train(
    _ overrides: String..., output: String = "results", threads: Int = 1
  ) throws -> (run: String, result: Program.Result) {
    let result = try Program.Running(
      Program.path,
      ["pupil.json", "--threads", "\(threads)", "--output", output] + overrides, in: folder
    ).wait()
    #expect(result.status == 0, "\(result.errors)")
    return (try folder.runs(of: "pupil", under: output).last ?? "", result)
  }

  private func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: Array(folder.data(path)), name: path)
  }

  private func move(_ path: String, to other: String) throws {
    try FileManager.default.moveItem(
      atPath: "\(folder.path)/\(path)", toPath: "\(folder.path)/\(other)")
  }

  /// Who taught it is on the screen, in resolved.json and in run.json.
  @Test func tellsItsTeachers() throws {
    let (run, result) = try train()
    #expect(result.errors.contains("  teacher   \(models[0]): one, "), "\(result.errors)")
    #expect(
      result.errors.contains("their mean answers at temperature 3.0 are 0.75 of the loss\n"),
      "\(result.errors)")
    let teachers = try #require(try json("\(run)/run.json")["teachers"]?.array)
    #expect(teachers.compactMap { $0["model"]?.string } == models)
    let section = try #require(try json("\(run)/resolved.json")["teacher"])
    #expect(section["model"]?.array?.compactMap(\.string) == models)
    #expect(
      section["weights_sha256"]?.array?.compactMap(\.string)
        == teachers.compactMap { $0["weights_sha256"]?.string })
    // Of one a spec may say just that.
    let (single, _) = try train("teacher.model=results/two/latest", output: "single")
    #expect(try json("\(single)/resolved.json")["teacher"]?["model"]?.string == models[1])
    let (alone, _) = try train("teacher=null", output: "alone")
    #expect(try json("\(alone)/resolved.json")["teacher"] == nil)
    #expect(try json("\(alone)/run.json")["teachers"] == nil)
    #expect(try folder.text("\(run)/metrics.csv") != folder.text("\(alone)/metrics.csv"))
  }

  @Test func bitsAreThoseOfTheSpec() throws {
    let (run, _) = try train()
    let (other, _) = try train(output: "two", threads: 2)
    try expectSameRecord(run, other, in: folder)
    for step in ["--stop-at-step=4", "--kill-at-step=9"] {
      let output = "cut\(step)"
      _ = try Program.run("pupil.json", "--quiet", "--output", output, step, in: folder)
      let cut = try folder.run(of: "pupil", under: output)
      let resumed = try Program.run("resume", cut, "--quiet", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      try expectSameRecord(run, cut, in: folder)
    }
    let verified = try Program.run("verify", run, in: folder)
    #expect(verified.status == 0, "\(verified)")
    #expect(verified.output.contains("the models that taught it"), "\(verified.output)")
  }

  /// More epochs are refused before a folder is made, and can be trained when the teacher is back.
  @Test func moreEpochsWithoutTheTeacher() throws {
    let (run, _) = try train()
    try move(models[1], to: "moved")
    let gone = try Program.run("resume", run, "training.epochs=4", "--quiet", in: folder)
    #expect(gone.status == 1 && gone.errors.contains(" is gone, which the training is taught by"))
    #expect(try folder.runs(of: "pupil") == [run])
    let more = try Program.run(
      "resume", run, "training.epochs=4", "--quiet", "--teacher", "moved", in: folder)
    #expect(more.status == 0, "\(more)")
  }

  /// A run is resumed and verified with teachers that have moved; not with others, nor without.
  @Test func teachersMayMove() throws {
    _ = try Program.run("pupil.json", "--quiet", "--stop-at-step=4", in: folder)
    let run = try folder.run(of: "pupil")
    try move(models[1], to: "moved")
    let gone = try Program.run("resume", run, "--quiet", in: folder)
    #expect(gone.status == 1)
    #expect(
      gone.errors.contains(
        """
        \(models[1]): is gone, which the training is taught by (teacher.model); say where it is: verify \
        and resume have --teacher for that, and a spec teacher.model
        """), "\(gone.errors)")
    let other = try Program.run("resume", run, "--quiet", "--teacher", models[0], in: folder)
    #expect(other.status == 1)
    #expect(
      other.errors.contains("has changed: the training is taught by the weights "),
      "\(other.errors)")
    for command in ["resume", "verify"] {
      let found = try Program.run(command, run, "--quiet", "--teacher", "moved", in: folder)
      #expect(found.status == 0, "\(found)")
    }
    let needless = try Program.run("verify", models[0], "--teacher", "moved", in: folder)
    #expect(needless.status == 2)
    #expect(needless.errors.contains("was taught by the labels alone"), "\(needless.errors)")
  }

  @Test func mistakesAreToldAtTheirPlace() throws {
    func errors(_ overrides: String...) throws -> String {
      let result = try Program.Running(
        Program.path, ["validate", "pupil.json"] + overrides, in: folder
      ).wait()
      #expect(result.status == 2, "\(result)")
      return result.errors
    }
    #expect(
      try errors(#"teacher.model=["results/one/latest","results/tow/latest"]"#).contains(
        "teacher.model[1]: there is no model \"results/tow/latest\"\n"))
    #expect(try errors("teacher.temperature=0").contains("teacher.temperature: found 0, but "))
    #expect(
      try errors("teacher.weights_sha256=\(String(repeating: "0", count: 64))").contains(
        "teacher.weights_sha256: 1 digest for 2 models; give one for each"))
    #expect(try errors("teacher.alpha=1").contains("unknown key; did you mean \"weight\"?"))
    let many =
      "[" + Array(repeating: "\"results/one/latest\"", count: 17).joined(separator: ",") + "]"
    let told = try errors("teacher.model=\(many)")
    #expect(
      told.contains(
        "teacher.model: found a list of 17, but a list of at most 16 models is expected")
        && told.contains("1 error; nothing was run"), "\(told)")
    #expect(try errors("distillation=null").contains("did you mean \"teacher\"?"))
    // Numbers of another size, and of fewer classes.
    try folder.write(
      Self.pupil.replacing("synthetic_digits", with: "files").replacing(
        "\"train_count\": 60, \"test_count\": 20, \"validation\": 0.2",
        with:
          "\"path\": \"own\", \"shape\": [8, 8, 1], \"classes\": [\"a\", \"b\"], \"test\": \"none\""
      ).replacing("\"units\": 10", with: "\"units\": 2"), to: "pupil.json")
    #expect(
      try errors().contains("\(models[0]) takes images of 28x28x1, and they are 8x8x1 here"))
    #expect(
      try errors("dataset.shape=[28,28,1]").contains(
        "\(models[0]) tells 10 classes apart, and there are 2 here"))
  }

  /// Classes in another order would be taught wrong.
  @Test func classesMustBeTheSame() throws {
    let letters = "abcdefghij".map(String.init)
    let rows = (0..<30).map { row in
      letters[row % 10] + (0..<784).map { ",\((row * 31 + $0 * 7) % 256)" }.joined()
    }
    try folder.write(rows.joined(separator: "\n"), to: "own.csv")
    let names = JSONValue.array(letters.map { .string($0) }).compact
    try folder.write(
      Self.pupil.replacing(
        Self.dataset(),
        with: """
          "dataset": {
            "name": "files", "path": "own.csv", "shape": [28, 28, 1], "classes": \(names), "test": "none"
          }
          """), to: "own.json")
    let result = try Program.run("own.json", "--quiet", in: folder)
    #expect(result.status == 1)
    // Before a folder is made.
    #expect(try folder.runs(of: "pupil") == [])
    #expect(
      result.errors.contains(
        "\(models[0]): tells 0, 1, 2, 3, 4 and 5 more apart (teacher.model), and the images here are of a, "
          + "b, c, d, e and 5 more"), "\(result.errors)")
  }

  /// What trials are taught by is told by their digests, so that one may be a copy of another's.
  @Test func sweeps() throws {
    try folder.write(
      """
      {
        "name": "tuned", "base": "pupil.json", "metric": "val_loss",
        "parameters": { "teacher.weight": { "choice": [0.1, 0.75] } }, "sampler": { "name": "grid" }
      }
      """, to: "sweep.json")
    let (run, _) = try train()
    let result = try Program.run("sweep", "sweep.json", "-j", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    for trial in ["0000", "0001"] {
      let teacher = try json("results/tuned/trials/\(trial)/seed-1/resolved.json")["teacher"]
      #expect(teacher?["weights_sha256"]?.array?.count == 2)
    }
    #expect(
      try json("results/tuned/trials/0001/seed-1/run.json")["reused"]?.string?.hasSuffix(run)
        == true, "\(result.errors)")
  }
}
