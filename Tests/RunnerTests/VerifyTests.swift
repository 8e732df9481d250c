import Foundation
import TestSupport
import Testing

@Suite struct VerifyTests {
  @Test func aRunVerifiesWithoutItsCheckpoints() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    for name in [
      "checkpoints", "model.safetensors", "plots", "spec.json", "timing.csv", ".lock",
    ] {
      try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/\(name)"))
    }
    let before = try FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/\(run)")
    let result = try Program.run("verify", run, "--quiet", "--threads", "3", in: folder)
    #expect(result.status == 0)
    #expect(
      result.output
        == """
        \(run): verified, to the last bit: 3 epochs of metrics.csv; 21 figures of summary.json; \
        name, seed and kernel of run.json; the dataset's digest; status and ending of run.json
        not there: checkpoints/last.safetensors; checkpoints/best.safetensors; model.safetensors

        """)
    #expect(result.errors == "")
    let after = try FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/\(run)")
    #expect(before.sorted() == after.sorted())

    let partial = try Program.run(
      "verify", run, "--quiet", "--threads", "1", "--epochs", "2", in: folder)
    #expect(partial.status == 0)
    #expect(
      partial.output == """
        \(run): verified, to the last bit: 2 epochs of metrics.csv; name, seed and kernel of \
        run.json; the dataset's digest
        not there: checkpoints/last.safetensors; checkpoints/best.safetensors
        not compared: the 1 epochs after these; status and ending of run.json; summary.json

        """)

    try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/summary.json"))
    let bare = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(bare.status == 0)
    #expect(
      bare.output == """
        \(run): verified, to the last bit: 3 epochs of metrics.csv; name, seed and kernel of \
        run.json; the dataset's digest; status and ending of run.json
        not there: summary.json; checkpoints/last.safetensors; checkpoints/best.safetensors; \
        model.safetensors

        """)
  }

  @Test func allThatIsThereIsCompared() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(
      in: folder,
      [
        #"metrics=["top_2_accuracy","ece"]"#, #"expect={"test_accuracy":{"min":0}}"#,
        #"evaluation={"test_time_augmentation":{"count":3}}"#,
      ])
    let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result)")
    // Of the list of expectations, five figures instead of one.
    #expect(
      result.output == """
        \(run): verified, to the last bit: 3 epochs of metrics.csv; 32 figures of summary.json; \
        checkpoints/last.safetensors; checkpoints/best.safetensors; model.safetensors; name, seed \
        and kernel of run.json; the dataset's digest; status and ending of run.json
        not compared: plots; spec.json; timing.csv

        """)
  }

  /// Every figure of summary.json, one after another.
  @Test func aForgedFigureIsFound() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(
      in: folder,
      [
        #"metrics=["ece"]"#, #"expect={"test_accuracy":{"min":0}}"#,
        #"evaluation={"test_time_augmentation":{"count":2}}"#, "training.epochs=1",
      ])
    let path = "\(run)/summary.json"
    let lines = try folder.text(path).split(separator: "\n").map(String.init)
    var forged = 0
    for (place, line) in lines.enumerated() {
      guard let figure = line.firstMatch(of: /^( *"([a-z_0-9]+)": )([^\[{].*?)(,?)$/) else {
        continue
      }
      let (key, value) = (String(figure.2), String(figure.3))
      let other =
        switch value {
        case "null": "\"x\""
        case "true": "false"
        case _ where value.hasPrefix("\""): "\"x\""
        default: value.contains(".") ? "0.9999" : "\(Int(value)! + 1)"
        }
      var changed = lines
      changed[place] = "\(figure.1)\(other)\(figure.4)"
      try folder.write(changed.joined(separator: "\n") + "\n", to: path)
      let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
      #expect(result.status == 4, "\(key)")
      let first = try #require(result.output.split(separator: "\n").first)
      #expect(
        first.hasPrefix("\(run): NOT the same: summary.json: ")
          && first.hasSuffix("\(key) is \(value), was \(other)"), "\(first)")
      forged += 1
    }
    #expect(forged == 30)

    // A figure that the run doesn't have, and one that is left out.
    var changed = lines
    changed.insert("  \"test_f1\": 1.0,", at: 1)
    try folder.write(changed.joined(separator: "\n") + "\n", to: path)
    let more = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(more.status == 4)
    #expect(more.output.contains("NOT the same: summary.json: test_f1 is not there, was 1.0\n"))
    changed = lines
    changed.removeAll { $0.contains("test_accuracy\": ") && !$0.hasPrefix("    ") }
    #expect(changed.count == lines.count - 1)
    try folder.write(changed.joined(separator: "\n") + "\n", to: path)
    let fewer = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(fewer.status == 0)
    #expect(fewer.output.contains("\nnot there: test_accuracy of summary.json\n"))
  }

  /// What run.json says of the spec, of the data and of the end.
  @Test(arguments: [
    (#""name": "small""#, #""name": "large""#, "name is small, was large"),
    (#""seed": 1,"#, #""seed": 2,"#, "seed is 1, was 2"),
    (
      #""name": "synthetic_digits""#, #""name": "mnist""#,
      "dataset.name is synthetic_digits, was mnist"
    ),
    (#""stands_in_for": null"#, #""stands_in_for": "mnist""#, "dataset.stands_in_for is nothing"),
    (#""test": null"#, #""test": "mnist""#, "dataset.test is nothing, was mnist"),
    (#""sha256": "4"#, #""sha256": "5"#, "dataset.sha256 is 4"),
    (#""training_sha256": "8"#, #""training_sha256": "9"#, "dataset.training_sha256 is 8"),
    (
      "all 3 epochs were trained", "all 4 epochs were trained",
      "ending is \"all 3 epochs were trained\", was \"all 4 epochs were trained\""
    ),
    (#""status": "completed""#, #""status": "diverged""#, "status is completed, was diverged"),
  ])
  func aForgedClaimIsFound(of: String, into: String, told: String) throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let record = try folder.text("\(run)/run.json")
    #expect(record.contains(of))
    try folder.write(record.replacing(of, with: into), to: "\(run)/run.json")
    let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    // Another dataset isn't looked for in vain: that is no difference, but a run of other data.
    #expect(result.status == 4, "\(result)")
    #expect(result.output.contains("NOT the same: run.json: \(told)"), "\(result.output)")
  }

  @Test func replacedCheckpointsAreFound() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let other = try Program.run(
      "small.json", "seed=2", "--quiet", "--threads", "1", "--output", "other", in: folder)
    #expect(other.status == 0)
    let others = try folder.run(of: "small", under: "other")
    for name in ["last", "best"] {
      let path = "\(run)/checkpoints/\(name).safetensors"
      let sound = try folder.data(path)
      try folder.data("\(others)/checkpoints/\(name).safetensors")
        .write(to: folder.url.appending(path: path))
      let replaced = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
      #expect(replaced.status == 4)
      #expect(
        replaced.output.hasPrefix("\(run): NOT the same: checkpoints/\(name).safetensors: "),
        "\(replaced.output)")
      #expect(replaced.output.contains(" is not the same\n"))
      var damaged = sound
      damaged[damaged.count - 3] ^= 16
      try damaged.write(to: folder.url.appending(path: path))
      let broken = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
      #expect(broken.status == 4)
      #expect(
        broken.output.contains(
          "NOT the same: checkpoints/\(name).safetensors: is damaged: its bytes do not have"))
      try sound.write(to: folder.url.appending(path: path))
    }
    #expect(
      try Program.run("verify", run, "--quiet", "--threads", "1", in: folder).status == 0)
  }

  /// A run that diverged does so again, if only in its first epoch; one that was interrupted is
  /// compared as far as it went.
  @Test func runsThatDidNotEndAreComparedAsFarAsTheyWent() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for rate in ["1e3", "1e2"] {
      let diverged = try Program.run(
        "small.json", #"optimizer={"name":"sgd","learning_rate":\#(rate)}"#,
        #"model=[{"layer":"flatten"},{"layer":"dense","units":10,"l2":1}]"#, "training.epochs=6",
        "--quiet",
        "--threads", "1", "--output", rate, in: folder)
      #expect(diverged.status == 1)
      let run = try folder.run(of: "small", under: rate)
      let again = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
      #expect(again.status == 0, "\(again)")
      #expect(again.output.contains("status and ending of run.json"))
      let record = try folder.text("\(run)/run.json")
      try folder.write(record.replacing("(epoch ", with: "(epoch 1"), to: "\(run)/run.json")
      let other = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
      #expect(other.status == 4)
      #expect(other.output.contains("NOT the same: run.json: ending is \"the loss of step "))
    }

    for (step, compared) in [(10, true), (12, false)] {
      let output = "stopped-\(step)"
      _ = try Program.run(
        "small.json", "checkpoint.every_steps=1", "--quiet", "--threads", "1", "--output", output,
        "--stop-at-step", "\(step)", in: folder)
      let run = try folder.run(of: "small", under: output)
      let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
      #expect(result.status == 0, "\(result)")
      #expect(result.output.contains("2 epochs of metrics.csv"))
      #expect(
        result.output.contains("of step 12 within an epoch") == !compared, "\(result.output)")
      #expect(
        result.output.contains("not compared: status and ending of run.json"), "\(result.output)")
    }
  }

  @Test func aFigureThatWasChangedIsFound() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    var lines = try folder.text("\(run)/metrics.csv").split(separator: "\n").map(String.init)
    var cells = lines[2].split(separator: ",").map(String.init)
    let loss = cells[3]
    cells[3] += "1"
    lines[2] = cells.joined(separator: ",")
    try folder.write(lines.joined(separator: "\n") + "\n", to: "\(run)/metrics.csv")
    let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 4)
    #expect(
      result.output == """
        \(run): NOT the same: epoch 2 is the first that differs: train_loss is \(loss), was \(loss)1; \
        the epochs from 3 on were not trained again
        kernel, OpenBLAS, toolchain, program and CPU are as recorded

        """)
    // It goes on where it is asked to, and tells all.
    let all = try Program.run("verify", run, "--quiet", "--threads", "1", "--all", in: folder)
    #expect(all.status == 4)
    #expect(
      all.output.hasPrefix(
        """
        \(run): NOT the same: epoch 2 is the first that differs: train_loss is \(loss), was \(loss)1
        kernel
        """), "\(all.output)")
    // The first epoch is still the same.
    #expect(
      try Program.run("verify", run, "--quiet", "--threads", "1", "--epochs", "1", in: folder)
        .status == 0)
  }

  /// As on a processor with AVX2 and without AVX-512.
  @Test func anotherProcessorsKernelIsNoDifference() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let doctor = try Program.shell("RUNNER_VECTOR_LEVEL=1 $RUNNER doctor", in: folder)
    #expect(doctor.output.contains("kernel      HASWELL (\"auto\")"))
    let record = try folder.text("\(run)/run.json")
    let kernel = try #require(record.firstMatch(of: /"kernel": "(.+)"/)?.1)
    try folder.write(
      record.replacing("\"kernel\": \"\(kernel)\"", with: "\"kernel\": \"SKYLAKEX\""),
      to: "\(run)/run.json")
    let result = try Program.shell(
      "RUNNER_VECTOR_LEVEL=1 $RUNNER verify \(run) --quiet --threads 1", in: folder)
    #expect(result.status == 69)
    #expect(result.output == "")
    #expect(
      result.errors == """
        error: the kernel SKYLAKEX needs a processor with AVX-512, which this one is not; "auto" \
        would take HASWELL here, with other bits

        """)
  }

  @Test func otherSurroundingsAreNamed() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    var resolved = try folder.text("\(run)/resolved.json")
    resolved.replace("\"learning_rate\": 0.02", with: "\"learning_rate\": 0.03")
    try folder.write(resolved, to: "\(run)/resolved.json")
    var record = try folder.text("\(run)/run.json")
    record.replace(/"openblas": "[^"]*"/, with: "\"openblas\": \"0.0.1\"")
    try folder.write(record, to: "\(run)/run.json")
    let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 4)
    #expect(result.output.contains("epoch 1 is the first that differs"))
    #expect(result.output.contains("\nwhat differs in the surroundings:\n  OpenBLAS: "))
    #expect(result.output.contains(", was 0.0.1\n"))
  }

  @Test func weightsThatDifferAreFound() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    var summary = try folder.text("\(run)/summary.json")
    summary.replace(/"weights_sha256": "[^"]*"/, with: "\"weights_sha256\": \"00\"")
    try folder.write(summary, to: "\(run)/summary.json")
    let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 4)
    #expect(result.output.contains("NOT the same: summary.json: weights_sha256 is \""))
  }

  @Test func whatCannotBeRepeatedHereIsNoDifference() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let record = try folder.text("\(run)/run.json")
    try folder.write(
      record.replacing(/"kernel": "[^"]*"/, with: "\"kernel\": \"NOSUCH\""), to: "\(run)/run.json")
    let kernel = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(kernel.status == 69)
    #expect(kernel.output == "")
    #expect(kernel.errors.contains("OpenBLAS that is installed has no kernel \"NOSUCH\""))
  }
}
