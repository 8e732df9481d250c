import Foundation
import TestSupport
import Testing

/// Every rule that remembers something of the steps before: killed and resumed, it ends with the
/// bytes of a run that never was.
@Suite struct TrainingStateTests {
  static let recipes = [
    #"optimizer={"name":"sgd","learning_rate":0.05,"momentum":0.9,"nesterov":true}"#,
    #"optimizer={"name":"adam","learning_rate":0.02,"amsgrad":true}"#,
    #"optimizer={"name":"adadelta"}"#,
    #"optimizer={"name":"rmsprop","momentum":0.9,"centered":true}"#,
    #"optimizer={"name":"rmsprop","centered":true,"convention":"pytorch"}"#,
    #"optimizer={"name":"adagrad","learning_rate":0.05}"#,
    #"optimizer={"name":"adamax","learning_rate":0.02}"#,
    #"optimizer={"name":"nadam","learning_rate":0.02}"#,
    #"optimizer={"name":"lion"}"#,
    #"optimizer={"name":"adam","clip_norm":0.5,"averaging":{"name":"ema","decay":0.8}}"#,
    #"optimizer={"name":"sgd","averaging":{"name":"swa","after":1}}"#,
    #"optimizer={"name":"muon","learning_rate":0.01,"weight_decay":0.01}"#,
    #"optimizer={"name":"shampoo","learning_rate":0.01,"every":3,"largest":64}"#,
    #"optimizer={"name":"kfac","every":3,"moments_every":2,"accumulation":2}"#,
    #"optimizer={"name":"adam","accumulation":2,"clip_value":0.01}"#,
    #"optimizer={"name":"sgd","momentum":0.9,"sam":0.05,"learning_rate_factors":{"conv2d_0":0}}"#,
    #"schedule={"name":"one_cycle","momentum":[0.8,0.95]}"#,
    #"loss={"name":"focal","class_weights":[1,1,2,1,1,1,0.5,1,1,1]}"#,
    #"metrics=["top_2_accuracy","f1_macro","f1_3","ece"]"#,
    #"dataset.normalize=per_pixel"#,
    #"dataset.normalize={"name":"zca","epsilon":0.1}"#,
    #"augmentation=[{"op":"crop","padding":2},{"op":"gaussian_noise","stddev":0.1},{"op":"mixup"}]"#,
    #"augmentation=[{"op":"rand_augment"},{"op":"cutmix","p":0.7},{"op":"mixup","alpha":1}]"#,
    #"model[0]={"layer":"conv2d","filters":4,"kernel":5,"stride":2,"max_norm":0.5,"orthogonal":0.1}"#,
    #"evaluation={"test_time_augmentation":{"count":3}}"#,
  ]

  @Test(arguments: recipes) func killedAndResumed(_ recipe: String) throws {
    let folder = try TemporaryFolder()
    let overrides = [recipe, "checkpoint.every_steps=2"]
    let reference = try InterruptionTests.reference(in: folder, overrides)
    for step in [3, 8] {
      let output = "killed-\(step)"
      let killed = try Program.Running(
        Program.path,
        [
          "small.json", "--quiet", "--threads", "1", "--output", output, "--kill-at-step",
          "\(step)",
        ]
          + overrides, in: folder
      ).wait()
      #expect(killed.signal == SIGKILL)
      let run = try folder.run(of: "small", under: output)
      let resumed = try Program.run("resume", run, "--quiet", "--threads", "2", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      try expectSameRecord(reference, run, in: folder)
    }
    let verified = try Program.run("verify", reference, "--quiet", in: folder)
    #expect(verified.status == 0, "\(verified.errors)")
  }

  /// Views of the test images are reported beside the plain figures, by a run and by `evaluate` alike;
  /// weights take their normalisation with them.
  @Test func viewsAreAveraged() throws {
    let folder = try TemporaryFolder()
    let overrides = [
      "dataset.normalize=zca", #"evaluation={"test_time_augmentation":{"count":4}}"#,
    ]
    let run = try InterruptionTests.reference(in: folder, overrides)
    let summary = try summary(run, in: folder)
    let views = try #require(summary["test_time_augmentation"] as? [String: Any])
    #expect(views["views"] as? Int == 4)
    let evaluated = try Program.run("evaluate", run, "--format", "json", in: folder)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    let entropy = try #require(views["test_cross_entropy"] as? Double)
    #expect(report["averaged_cross_entropy"] as? Double == entropy)
    #expect(report["averaged_accuracy"] as? Double == views["test_accuracy"] as? Double)
    let more = try Program.run("evaluate", run, "--tta", "6", in: folder)
    #expect(more.output.contains(" over 6 views of each image, cross-entropy "))
  }

  @Test func viewsNeedAugmentation() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder, ["augmentation=[]"])
    let result = try Program.run("evaluate", run, "--tta", "4", in: folder)
    #expect(result.status == 2)
    #expect(result.errors.contains("--tta: the run's augmentation is empty"))
  }

  private func summary(_ run: String, in folder: TemporaryFolder) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: folder.data("\(run)/summary.json"))
    return try #require(object as? [String: Any])
  }

  /// The average is what is validated, tested and evaluated later, from either checkpoint.
  @Test(arguments: [#"{"name":"ema","decay":0.9}"#, #"{"name":"swa","after":1}"#])
  func averagesAreEvaluated(averaging: String) throws {
    let folder = try TemporaryFolder()
    let plain = try InterruptionTests.reference(in: folder)
    for restoreBest in [true, false] {
      let output = "best-\(restoreBest)"
      let trained = try Program.run(
        "small.json", "--quiet", "--threads", "1", "--output", output,
        "optimizer.averaging=\(averaging)",
        #"early_stopping={"patience":9,"restore_best":\#(restoreBest)}"#, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let run = try folder.run(of: "small", under: output)
      // The training itself is as without an average.
      func columns(_ run: String) throws -> [[Substring]] {
        try folder.text("\(run)/metrics.csv").split(separator: "\n").map {
          $0.split(separator: ",", omittingEmptySubsequences: false)
        }
      }
      let (with, without) = (try columns(run), try columns(plain))
      #expect(with.map { $0[0] } == without.map { $0[0] })
      #expect(with[1][3] == without[1][3])
      #expect(with.last![5] != without.last![5])
      let loss = try #require(try summary(run, in: folder)["test_loss"] as? Double)
      let evaluated = try Program.run(
        "evaluate", run, "--weights", restoreBest ? "best" : "last", "--format", "json", in: folder)
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
      #expect(report["test_loss"] as? Double == loss)
    }
  }

  /// Columns on request, after those of every run; the test images' figures in summary.json.
  @Test func metricsOnRequest() throws {
    let folder = try TemporaryFolder()
    let names = ["top_2_accuracy", "precision_macro", "recall_macro", "f1_3", "ece"]
    let list = names.map { "\"\($0)\"" }.joined(separator: ",")
    let run = try InterruptionTests.reference(in: folder, ["metrics=[\(list)]"])
    let lines = try folder.text("\(run)/metrics.csv").split(separator: "\n")
    #expect(
      lines[0] == "epoch,step,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy,"
        + names.map { "val_\($0)" }.joined(separator: ","))
    for line in lines.dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      #expect(cells.count == 12)
      #expect(cells.allSatisfy { Double($0) != nil })
      #expect(Double(cells[7])! >= Double(cells[6])!)
    }
    let figures = try #require(try summary(run, in: folder)["test_metrics"] as? [String: Double])
    #expect(Set(figures.keys) == Set(names))
    #expect(figures.values.allSatisfy { (0...1).contains($0) })
    // Who reads such a run finds what every run has.
    let compared = try Program.run("compare", run, in: folder)
    #expect(compared.status == 0, "\(compared.errors)")
  }

  @Test func confusionMatrix() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let result = try Program.run("evaluate", run, "--confusion", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let rows = try folder.text("\(run)/confusion.csv").split(separator: "\n").map {
      $0.split(separator: ",")
    }
    #expect(rows.count == 11)
    #expect(rows[0] == ["class", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
    let counts = rows.dropFirst().flatMap { $0.dropFirst().compactMap { Int($0) } }
    #expect(counts.count == 100)
    #expect(counts.reduce(0, +) == 20)
    #expect(try folder.text("\(run)/plots/confusion.svg").contains("<svg "))
  }

  @Test func learningRateRangeTest() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    var files: [String] = []
    for threads in ["1", "2"] {
      let result = try Program.run(
        "lr-find", "small.json", "--steps", "60", "--from", "1e-5", "--to", "100", "--quiet",
        "--threads", threads, "--output", "out-\(threads)", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n")
      #expect(lines.count == 6)
      #expect(lines[0].hasPrefix("suggested      "))
      #expect(lines[0].contains(", amid those that learn best, ") || lines[0].contains(", which "))
      #expect(lines[1].hasPrefix("range          half of the loss's fall is done at "))
      let path = String(lines[4].dropFirst(15))
      let trials = path.replacing("lr-find.csv", with: "trials.csv")
      files.append(try folder.text(trials))
      files.append(try folder.text(path))
      #expect(try folder.text(path.replacing(".csv", with: ".svg")).contains("<svg "))
      let suggested = try #require(Float(lines[0].dropFirst(15).prefix { $0 != "," }))
      #expect((1e-5...1).contains(suggested))
    }
    #expect(files[0] == files[2] && files[1] == files[3])
    #expect(files[0].hasPrefix("learning_rate,loss\n"))
    let rows = files[1].split(separator: "\n")
    #expect(rows[0] == "step,learning_rate,loss,smoothed_loss,trend")
    #expect(rows[1].hasPrefix("1,1e-05,"))
    let wrong = try Program.run("lr-find", "small.json", "--from", "1", "--to", "0.1", in: folder)
    #expect(wrong.status == 2)
  }
}
