import Foundation
import TestSupport
import Testing

/// From a training to its watch, to what is learned from feedback, and to the version that is served.
@Suite struct MonitorTests {
  /// A small network that validates on enough images to say what others are to look like.
  private static let spec = """
    {
      "name": "watched",
      "dataset": {
        "name": "synthetic_digits", "train_count": 1200, "test_count": 300, "validation": 400
      },
      "model": [
        { "layer": "conv2d", "filters": 6, "kernel": 5, "stride": 2, "activation": "relu" },
        { "layer": "max_pool", "size": 2 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 24, "activation": "relu" },
        { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.01 },
      "training": { "epochs": 2, "batch_size": 20 }
    }
    """

  private static func trained() throws -> (TemporaryFolder, run: String) {
    let folder = try TemporaryFolder()
    try folder.write(spec, to: "watched.json")
    let result = try Program.run("watched.json", "--quiet", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    return (folder, try folder.run(of: "watched"))
  }

  /// The run's test images with their classes, test.npz, and what a server would log of them, log.jsonl.
  private static func asked() throws -> (TemporaryFolder, run: String) {
    let (folder, run) = try trained()
    let made = try Program.run("export", run, "x.onnx", "--samples", "test.npz", in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let logged = try Program.shell(
      "$RUNNER predict \(run) test.npz --format log > log.jsonl", in: folder)
    #expect(logged.status == 0, "\(logged.errors)")
    return (folder, run)
  }

  @Test func aRunLeavesAProfileThatVerifies() throws {
    let (folder, run) = try Self.trained()
    let profile = try folder.data("\(run)/model.profile")
    #expect(profile.count < 400_000)
    let again = try Program.run(
      "watched.json", "--quiet", "--threads", "1", "--output", "again", in: folder)
    #expect(again.status == 0)
    #expect(
      try folder.data("\(folder.run(of: "watched", under: "again"))/model.profile") == profile)
    let verified = try Program.run("verify", run, in: folder)
    #expect(verified.status == 0 && verified.output.contains("model.profile"), "\(verified.output)")
    // Records of earlier versions have none.
    try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/model.profile"))
    let older = try Program.run("verify", run, in: folder)
    #expect(older.status == 0, "\(older.output)\(older.errors)")
    try folder.write("", to: "log.jsonl")
    let refused = try Program.run("monitor", "log.jsonl", run, in: folder)
    #expect(refused.status == 2)
    #expect(
      refused.errors.hasPrefix("error: \(run)/model.profile: there is no profile beside the model"),
      "\(refused.errors)")
  }

  @Test func theSameIsTheSameAndOthersAreSeen() throws {
    let (folder, run) = try Self.asked()
    let still = try Program.run(
      "monitor", "log.jsonl", run, "--window", "100", "--plot", "look.svg", "--history",
      "looks.svg", "--prometheus", "watch.prom", in: folder)
    #expect(still.status == 0, "\(still.output)\(still.errors)")
    #expect(still.errors == "")
    #expect(still.output.hasPrefix("requests       300, 3 looks\n"), "\(still.output)")
    #expect(still.output.hasSuffix("requests look as the validation images do\n"))
    for picture in ["look.svg", "looks.svg"] {
      #expect(try folder.text(picture).contains("</svg>"))
    }
    let metrics = try folder.text("watch.prom")
    #expect(metrics.contains("runner_watch_looks{") && metrics.contains("runner_watch_accuracy{"))

    // White paper: the same images, taken for black.
    let made = try Program.shell(
      "$RUNNER predict \(run) test.npz --invert --format log > odd.jsonl", in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let odd = try Program.run(
      "monitor", "odd.jsonl", run, "--window", "100", "--format", "json", in: folder)
    #expect(odd.status == 4)
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(odd.output.utf8)) as? [String: Any])
    #expect(json["broken"] as? Bool == true)
    let looks = try #require(json["looks"] as? [[String: Any]])
    #expect(looks.count == 3)
    #expect((looks[0]["moved"] as? String)?.contains("ink") == true)
    let shifts = try #require(json["quantities"] as? [[String: Any]])
    let ink = try #require(shifts.first { $0["quantity"] as? String == "ink" })
    #expect((ink["median"] as? Double ?? 0) > 0.7 && ink["reading"] as? String == "has moved")

    // Images themselves, a bound that no accuracy keeps, and CSV.
    let images = try Program.run(
      "monitor", "test.npz", run, "--format", "csv", "--min-accuracy", "99.99%", "--quiet",
      in: folder)
    #expect(images.status == 4, "\(images.output)\(images.errors)")
    #expect(images.output.hasPrefix("look,requests,first,last,level,least_p,moved,"))
    // The log's own words in another order of options and threads.
    let again = try Program.run(
      "monitor", "log.jsonl", run, "--threads", "1", "--window", "100", in: folder)
    #expect(again.output == still.output)
    let few = try Program.run("monitor", "log.jsonl", run, "--window", "1000", in: folder)
    #expect(few.status == 0 && few.errors.contains("300 requests are fewer than a window of 1000"))
    // A model without a profile is held against labelled images.
    try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/model.profile"))
    let held = try Program.run(
      "monitor", "odd.jsonl", run, "--reference", "test.npz", in: folder)
    #expect(held.status == 4, "\(held.errors)")
  }

  @Test(arguments: [
    (["nothing.jsonl", "RUN"], "nothing.jsonl"),
    (["log.jsonl", "none"], "none: there is no such model"),
    (["log.jsonl", "RUN", "--window", "5"], "--window"),
    (["log.jsonl", "RUN", "--alpha", "1"], "--alpha must be between 0 and 1"),
    (["log.jsonl", "RUN", "--min-accuracy", "120%"], "--min-accuracy"),
  ])
  func mistakesAreTold(_ arguments: [String], _ message: String) throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    try folder.write("", to: "log.jsonl")
    let result = try Program.Running(
      Program.path, ["monitor"] + arguments.map { $0 == "RUN" ? run : $0 }, in: folder
    ).wait()
    #expect([1, 2].contains(result.status) && result.errors.contains(message), "\(result.errors)")
  }

  /// Feedback is trained on, from the model that was wrong; the label moves to what is better only.
  @Test func feedbackIsLearnedAndPromoted() throws {
    let (folder, run) = try Self.asked()
    try folder.write(
      """
      {
        "name": "tuned",
        "dataset": {
          "name": "files", "format": "feedback", "path": "log.jsonl", "classes": 10,
          "shape": [28, 28, 1], "validation": 60, "test": "none"
        },
        "model": [
          { "layer": "conv2d", "filters": 6, "kernel": 5, "stride": 2, "activation": "relu" },
          { "layer": "max_pool", "size": 2 },
          { "layer": "flatten" },
          { "layer": "dense", "units": 24, "activation": "relu" },
          { "layer": "dense", "units": 10 }
        ],
        "initial": { "model": "\(run)" },
        "optimizer": { "name": "adam", "learning_rate": 0.003 },
        "training": { "epochs": 3, "batch_size": 20 }
      }
      """, to: "tuned.json")
    let tuned = try Program.run("tuned.json", "--quiet", in: folder)
    #expect(tuned.status == 0, "\(tuned.errors)")
    let spoiled = try Program.run(
      "watched.json", "optimizer.learning_rate=1e-8", "training.epochs=1", "--quiet", "--output",
      "spoiled", in: folder)
    #expect(spoiled.status == 0, "\(spoiled.errors)")
    for (version, source) in [
      ("1", run), ("2", try folder.run(of: "watched", under: "spoiled")),
      ("3", try folder.run(of: "tuned")),
    ] {
      let result = try Program.shell(
        "mkdir -p models/\(version) && cp \(source)/model.* models/\(version)/", in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    #expect(folder.exists("models/3/model.profile"))

    let first = try Program.run("promote", "models", "2", in: folder)
    #expect(first.status == 0 && first.output == "stable is 2 now: there was none before\n")
    let undecided = try Program.run("promote", "models", "1", in: folder)
    #expect(undecided.status == 2 && undecided.errors.contains("--on mnist"))
    let better = try Program.run("promote", "models", "1", "--on", "test.npz", in: folder)
    #expect(better.status == 0, "\(better.output)\(better.errors)")
    #expect(
      better.output.hasPrefix("stable is 1 now, was 2: 1 is better than 2: "),
      "\(better.output)")
    let worse = try Program.run("promote", "models", "2", "--on", "test.npz", in: folder)
    #expect(worse.status == 4 && worse.output.hasPrefix("stable stays 1: 2 is worse than 1: "))
    let forced = try Program.run(
      "promote", "models", "2", "--on", "test.npz", "--force", "--reason", "a trial", in: folder)
    #expect(forced.status == 0 && forced.output.contains("by force: a trial; 2 is worse than 1"))
    let gone = try Program.run("promote", "models", "9", in: folder)
    #expect(gone.status == 2 && gone.errors.contains("there is 1, 2, 3"))
    let canary = try Program.run("promote", "models", "3", "--label", "canary", in: folder)
    #expect(canary.status == 0)
    let labels = try #require(
      try JSONSerialization.jsonObject(with: folder.data("models/labels.json")) as? [String: Any])
    #expect(labels["labels"] as? [String: Int] == ["stable": 2, "canary": 3])
    let history = try #require(labels["history"] as? [[String: Any]])
    #expect(history.map { $0["forced"] as? Bool } == [false, false, true, false])

    // The log decides as well: feedback with its images.
    let compared = try Program.run(
      "compare", "models/2/model.safetensors", "models/1/model.safetensors", "--on", "log.jsonl",
      "--format", "json", in: folder)
    #expect(compared.status == 0, "\(compared.errors)")
    #expect(compared.output.contains("\"verdict\": \"better\""), "\(compared.output)")
  }
}
