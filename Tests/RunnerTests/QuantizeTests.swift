import Foundation
import TestSupport
import Testing

/// `runner quantize`: what is written is a model as any other, with the same bits by every path.
@Suite struct QuantizeTests {
  private func quantized() throws -> (TemporaryFolder, run: String, file: String) {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let result = try Program.run("quantize", run, "--quiet", in: folder)
    #expect(result.status == 0 && result.errors == "", "\(result)")
    return (folder, run, "\(run)/model.int8.safetensors")
  }

  @Test func whatIsTold() throws {
    let (folder, run, file) = try quantized()
    let json = try Program.run("quantize", run, "--quiet", "--format", "json", in: folder)
    let told = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(told["file"] as? String == file)
    #expect(told["bytes"] as? Int == (try folder.data(file).count))
    #expect(told["calibration"] as? String == "min-max of 48 training images of synthetic_digits")
    #expect(told["images"] as? Int == 20)
    let (before, after) = (told["accuracy_before"] as? Double, told["accuracy_after"] as? Double)
    #expect(before != nil && after != nil && abs(before! - after!) <= 0.1, "\(json)")
    let text = try Program.run("quantize", run, "--quiet", in: folder).output
    for line in [
      "quantised      \(file): ", "ranges         min-max of 48", "accuracy       ",
      "answers        ",
    ] {
      #expect(text.contains(line), "\(text)")
    }
    // The same again gives the same bytes, with any number of threads.
    let bytes = try folder.data(file)
    #expect(try Program.run("quantize", run, "--threads", "3", "--quiet", in: folder).status == 0)
    #expect(try folder.data(file) == bytes)
    // The model itself is as it was, and by other ranges another file comes of it.
    #expect(try Program.run("verify", run, "--quiet", in: folder).status == 0)
    for calibration in ["percentile", "least-squares"] {
      let other = try Program.run(
        "quantize", run, "--calibration", calibration, "--images", "7", "--to", "b.safetensors",
        "--quiet", in: folder)
      #expect(other.status == 0 && other.output.contains("of 7 training images"), "\(other)")
      #expect(try folder.data("b.safetensors") != bytes)
    }
  }

  @Test func answersAsAnyModel() throws {
    let (folder, run, file) = try quantized()
    let sheet = try Program.run(
      "data", "show", "synthetic_digits", "--count", "4", in: folder)
    #expect(sheet.status == 0, "\(sheet)")
    var answers: Set<String> = []
    for path in ["", "plain", "avx2", "vnni"] {
      for threads in ["1", "3"] {
        let result = try Program.shell(
          "RUNNER_INT8=\(path) \"$RUNNER\" predict \(file) synthetic_digits.png --resize area "
            + "--threads \(threads) --probabilities --format jsonl", in: folder)
        // A processor may have none of the wider paths, and says so.
        if result.status == 2, result.errors.contains("doesn't run it") { continue }
        #expect(result.status == 0, "\(result)")
        answers.insert(result.output)
      }
    }
    #expect(answers.count == 1 && answers.first?.contains("\"probabilities\"") == true)
    let evaluated = try Program.run(
      "evaluate", file, "--on", "synthetic_digits", "--format", "json", in: folder)
    #expect(evaluated.status == 0 && evaluated.output.contains("\"test_accuracy\""), "\(evaluated)")
    // Exported, checked and verified.
    let exported = try Program.run("export", file, "small.tflite", "--quiet", in: folder)
    #expect(exported.status == 0, "\(exported)")
    #expect(exported.output.contains("with 20 test images of synthetic_digits"), "\(exported)")
    #expect(
      exported.errors.hasPrefix("note: the file takes bytes of 0 to 255, and gives int8 of "),
      "\(exported)")
    let verified = try Program.run("verify", "small.tflite.json", "--quiet", in: folder)
    #expect(verified.status == 0, "\(verified)")
    for (name, note) in [
      ("small.h", "note: the header takes bytes of 0 to 255, and gives int8 of "),
      ("small.onnx", "note: the file takes floats of 0 to 255, and gives floats; "),
    ] {
      let exported = try Program.run("export", file, name, "--quiet", in: folder)
      #expect(exported.status == 0 && exported.errors.hasPrefix(note), "\(exported)")
      let verified = try Program.run("verify", "\(name).json", "--quiet", in: folder)
      #expect(verified.status == 0, "\(verified)")
    }
    let softmax = try Program.run(
      "export", file, "other.tflite", "--softmax", "--without-preparation", "--quiet", in: folder)
    #expect(softmax.status == 0, "\(softmax)")
    _ = run
  }

  /// What is asked for is told and recorded, in a file or as key=value, and changes the model.
  @Test func waysToBeBetter() throws {
    let (folder, run, file) = try quantized()
    let plain = try folder.data(file)
    let spec = #"{ "weight_bits": 4, "rounding": "adaptive", "iterations": 50 }"#
    try Data(spec.utf8).write(to: folder.url.appending(path: "four.json"))
    let result = try Program.run(
      "quantize", run, "four.json", "bias_correction=true", "equalization=weights", "--to",
      "four.safetensors", "--quiet", in: folder)
    #expect(result.status == 0, "\(result)")
    #expect(
      result.output.contains(
        "weights        weights of 4 bits, rounded adaptively in 50 steps, equalised by weights, biases "
          + "corrected"), "\(result)")
    let four = try folder.data("four.safetensors")
    #expect(four.count < plain.count)
    let text = String(decoding: four.prefix(4000), as: UTF8.self)
    #expect(
      text.contains(#"\"weight_bits\":4"#) && text.contains(#"\"rounding\":\"adaptive\""#))
    let again = try Program.run(
      "quantize", run, "four.json", "bias_correction=true", "equalization=weights", "--to",
      "again.safetensors", "--threads", "3", "--quiet", in: folder)
    #expect(again.status == 0)
    #expect(try folder.data("again.safetensors") == four)
    for name in ["four.tflite", "four.h", "four.onnx"] {
      let exported = try Program.run(
        "export", "four.safetensors", name, "--quiet", in: folder)
      #expect(exported.status == 0, "\(exported)")
    }
    for value in ["equalization=activations", "bias_correction=true", "weight_bits=5"] {
      let other = try Program.run(
        "quantize", run, value, "--to", "other.safetensors", "--quiet", in: folder)
      #expect(other.status == 0, "\(other)")
      #expect(try folder.data("other.safetensors") != plain)
    }
    let explained = try Program.run("explain", "quantization", in: folder)
    #expect(explained.status == 0 && explained.output.contains("Nagel et al. 2020"))
  }

  /// A model that lies in the folder of its run is tested on the run's images.
  @Test func evaluatedOnItsOwnImages() throws {
    let (folder, run, file) = try quantized()
    let told = try Program.run("evaluate", file, "--format", "json", in: folder)
    #expect(told.status == 0, "\(told)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any])
    let quantized = try Program.run("quantize", run, "--quiet", "--format", "json", in: folder)
    let before = try #require(
      try JSONSerialization.jsonObject(with: Data(quantized.output.utf8)) as? [String: Any])
    #expect(json["test_accuracy"] as? Double == before["accuracy_after"] as? Double)
    #expect(json["images"] as? Int == 20 && json["test_images_unchanged"] as? Bool == true)
  }

  @Test func tradeOff() throws {
    let (folder, run, file) = try quantized()
    let result = try Program.run(
      "tradeoff", run, file, "--rounds", "2", "--picture", "t.svg", "--quiet", "--format", "json",
      in: folder)
    #expect(result.status == 0, "\(result)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let models = try #require(json["models"] as? [[String: Any]])
    #expect(models.map { $0["weights"] as? String } == ["float", "int8"])
    #expect(models.map { $0["images"] as? Int } == [20, 20])
    let adds = models.map { $0["multiply_adds"] as? Int }
    #expect(adds[0] == adds[1] && adds[0]! > 0)
    let bytes = models.map { $0["bytes"] as? Int ?? 0 }
    #expect(bytes[1] == (try folder.data(file).count) && bytes[0] > bytes[1])
    for model in models {
      let (low, accuracy, high) = (
        model["accuracy_low"] as? Double ?? 2, model["accuracy"] as? Double ?? 0,
        model["accuracy_high"] as? Double ?? -1
      )
      #expect(low <= accuracy && accuracy <= high && low < high)
      #expect(model["microseconds"] as? Double ?? 0 > 0)
    }
    // One of them is the smaller and the other the more accurate, or one is both.
    #expect(models.contains { $0["front_bytes"] as? Bool == true })
    #expect(models.contains { $0["front_time"] as? Bool == true })
    let picture = String(decoding: try folder.data("t.svg"), as: UTF8.self)
    #expect(picture.hasPrefix("<svg") || picture.hasPrefix("<?xml"))
    #expect(picture.contains("none beats it in both"))
    for format in ["table", "csv", "markdown"] {
      let told = try Program.run(
        "tradeoff", run, file, "--rounds", "1", "--quiet", "--format", format, "--on",
        "synthetic_digits", in: folder)
      #expect(told.status == 0 && told.output.contains("int8"), "\(told)")
    }
  }

  @Test func aModelAlone() throws {
    let (folder, run, _) = try quantized()
    _ = try Program.shell("cp \(run)/model.safetensors alone.safetensors", in: folder)
    let none = try Program.run("quantize", "alone.safetensors", in: folder)
    #expect(none.status == 2)
    #expect(
      none.errors
        == "error: alone.safetensors: says of no run on whose images its ranges could be looked up; --on "
        + "names others\n")
    let result = try Program.run(
      "quantize", "alone.safetensors", "--on", "synthetic_digits", "--quiet", in: folder)
    #expect(result.status == 0 && folder.exists("alone.int8.safetensors"), "\(result)")
    #expect(result.output.contains("which it is tested on as well"), "\(result)")
  }

  @Test func mistakes() throws {
    let (folder, run, file) = try quantized()
    for (arguments, message) in [
      (["quantize", "nowhere"], "nowhere: there is no such model"),
      (["quantize", run, "--to", "a.onnx"], "--to writes a .safetensors file; a.onnx doesn't end"),
      (
        ["quantize", run, "--to", "\(run)/model.safetensors"],
        "--to \(run)/model.safetensors: it would take the place of the model itself"
      ),
      (
        ["quantize", run, "--to", "\(run)/checkpoints/last.safetensors"],
        "what is there is no quantised model, whose place another may take"
      ),
      (["quantize", run, "--percentile", "1"], "percentile: goes with calibration percentile"),
      (["quantize", run, "--images", "0"], "images: found 0, but "),
      (["quantize", run, "resize=bilinear"], "resize=bilinear: the run's own images are read"),
      (
        ["quantize", file],
        "is a quantised one, which predict, evaluate, serve, export and tradeoff take"
      ),
      (["predict", file, "x.png", "--layer", "dense_0"], "a quantised model gives answers alone"),
      (["evaluate", file, "--confusion"], "--confusion is for the folder of a run"),
      (
        ["quantize", run, "equalisation=weights"],
        "equalisation: unknown key; did you mean \"equalization\"?"
      ),
      (
        ["quantize", run, "rounding=up"],
        "rounding: \"up\" is not a rounding; it is one of \"nearest\", \"adaptive\""
      ),
      (["quantize", run, "weight_bits=9"], "weight_bits: found 9, but "),
      (["quantize", run, "iterations=5"], "iterations: goes with rounding adaptive"),
      (["quantize", run, "nowhere.json"], "nowhere.json: no such file"),
      (["tradeoff", run, "--picture", "a.png"], "--picture writes an SVG file"),
      (["tradeoff", run, "nowhere"], "nowhere: there is no such model"),
      (
        ["export", file, "a.keras"],
        "a quantised model is written as .tflite, .onnx, .h, not as keras"
      ),
      (
        ["export", file, "a.tflite", "--fold-batch-norm"],
        "a quantised model has no batch norms left"
      ),
    ] {
      let result = try Program.Running(Program.path, arguments, in: folder).wait()
      #expect(result.status != 0 && result.errors.contains(message), "\(arguments): \(result)")
      #expect(result.output == "", "\(result)")
    }
    let path = try Program.shell(
      "RUNNER_INT8=mmx exec \"$RUNNER\" quantize \(run) --quiet", in: folder)
    #expect(path.status == 2, "\(path)")
    #expect(
      path.errors == "error: RUNNER_INT8=mmx: is no path of integers; there are plain, avx2, vnni\n"
    )
    // A layer without a form in integers.
    let gelu = try Program.run(
      "small.json", "model[0].activation=gelu", "--quiet", "--output", "gelu", in: folder)
    #expect(gelu.status == 0, "\(gelu)")
    let refused = try Program.run("quantize", folder.run(of: "small", under: "gelu"), in: folder)
    #expect(
      refused.status != 0 && refused.errors.contains("conv2d_0: of activations"), "\(refused)")
    // A byte of the file.
    var bytes = try folder.data(file)
    bytes[bytes.count - 3] ^= 1
    try bytes.write(to: folder.url.appending(path: "damaged.safetensors"))
    let damaged = try Program.run("predict", "damaged.safetensors", "x.png", in: folder)
    #expect(damaged.status == 1 && damaged.errors.contains("is damaged: its bytes"), "\(damaged)")
  }
}
