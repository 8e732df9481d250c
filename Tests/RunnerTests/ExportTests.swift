import Foundation
import TestSupport
import Testing

/// `runner export`: what is written, what is told of it, and what `runner verify` makes of that.
@Suite struct ExportTests {
  private static let endings = [
    "onnx", "tflite", "keras", "h5", "weights.h5", "savedmodel", "safetensors", "h", "npz",
  ]

  private static func certificate(
    _ name: String, in folder: TemporaryFolder
  ) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: folder.data(name)) as? [String: Any])
  }

  @Test func everyFormatIsCheckedAndVerified() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    for ending in Self.endings {
      let file = "small.\(ending)"
      let result = try Program.run("export", run, file, "--quiet", "--threads", "1", in: folder)
      // What Keras cannot be told of the training is told to the user.
      let notes = result.errors.split(separator: "\n")
      #expect(result.status == 0 && notes.allSatisfy { $0.hasPrefix("note: ") }, "\(result)")
      #expect(notes.isEmpty || ["keras", "h5"].contains(ending), "\(result)")
      #expect(result.output.contains("with 20 test images of synthetic_digits"), "\(result)")
      let certificate = try Self.certificate("\(file).json", in: folder)
      let (answers, accuracy) = (
        certificate["answers"] as? [String: Int], certificate["accuracy"] as? [String: Double]
      )
      #expect(answers == ["different": 0])
      #expect(accuracy?["file"] != nil && accuracy?["file"] == accuracy?["model"])
      let verified = try Program.run("verify", "\(file).json", "--quiet", in: folder)
      #expect(verified.status == 0, "\(verified)")
      #expect(verified.output.hasPrefix("\(file).json: verified\n"), "\(verified)")
    }
    #expect(folder.exists("small.py"))
    // Batch norms, probabilities, and images as the network itself takes them.
    let other = try Program.run(
      "export", run, "other.onnx", "--fold-batch-norm", "--softmax", "--without-preparation",
      "--layout", "nhwc", "--count", "7", "--samples", "samples.npz", "--quiet", in: folder)
    #expect(other.status == 0 && folder.exists("samples.npz"), "\(other)")
    #expect(other.output.contains("with 7 test images"), "\(other)")
    #expect(try Program.run("verify", "other.onnx.json", "--quiet", in: folder).status == 0)
    // The same again gives the same bytes.
    let bytes = try folder.data("small.onnx")
    #expect(try Program.run("export", run, "small.onnx", "--quiet", in: folder).status == 0)
    #expect(try folder.data("small.onnx") == bytes)
  }

  @Test func whatHasChangedSince() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    #expect(try Program.run("export", run, "a.onnx", "--quiet", in: folder).status == 0)
    let certificate = try folder.text("a.onnx.json")
    let bytes = try folder.data("a.onnx")
    // A byte of the file.
    var damaged = bytes
    damaged[damaged.count / 2] ^= 1
    try damaged.write(to: folder.url.appending(path: "a.onnx"))
    let changed = try Program.run("verify", "a.onnx.json", "--quiet", in: folder)
    #expect(changed.status == 1)
    #expect(
      changed.errors
        == "error: ./a.onnx: is not the file that a.onnx.json is of: its SHA-256 is another\n")
    try bytes.write(to: folder.url.appending(path: "a.onnx"))
    // A figure of the certificate.
    try folder.write(
      certificate.replacing("\"mean_difference\": ", with: "\"mean_difference\": 1"),
      to: "a.onnx.json")
    let lying = try Program.run("verify", "a.onnx.json", "--quiet", in: folder)
    #expect(lying.status == 4 && lying.output.contains("NOT the same"), "\(lying)")
    // Another model.
    try folder.write(certificate, to: "a.onnx.json")
    let longer = try Program.run(
      "small.json", "seed=8", "--quiet", "--threads", "1", "--output", "other", in: folder)
    #expect(longer.status == 0)
    let other = try Program.run(
      "verify", "a.onnx.json", "--model", folder.run(of: "small", under: "other"), in: folder)
    #expect(other.status == 4 && other.output.contains("has other weights"), "\(other)")
    // What is none.
    try folder.write("{}", to: "b.json")
    let none = try Program.run("verify", "b.json", in: folder)
    #expect(none.status == 1)
    #expect(none.errors == "error: b.json: is not the certificate of an export\n")
  }

  @Test func aModelAlone() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    _ = try Program.shell("cp \(run)/model.safetensors alone.safetensors", in: folder)
    let result = try Program.run(
      "export", "alone.safetensors", "alone.onnx", "--count", "9", in: folder)
    #expect(result.status == 0, "\(result)")
    #expect(
      result.errors
        == "note: alone.safetensors says of no run whose test images it could be checked with; noise is "
        + "taken\n")
    #expect(result.output.contains("with 9 images of noise"), "\(result)")
    #expect(try Program.run("verify", "alone.onnx.json", in: folder).status == 0)
  }

  @Test func mistakes() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let before = try folder.data("\(run)/model.safetensors")
    _ = try Program.shell("mkdir other.savedmodel && touch other.savedmodel/notes.txt", in: folder)
    for (arguments, message) in [
      (["nowhere", "a.onnx"], "nowhere: there is no such model"),
      (
        [run, "a.pb"],
        "a.pb: its ending stands for no format; there are .onnx, .npz, .safetensors, .h, .tflite, .keras, "
          + ".weights.h5, .h5, .savedmodel"
      ),
      ([run, "a.onnx", "--format", "c"], "a.onnx: a file of the format c ends with .h"),
      (
        [run, "\(run)/model.safetensors"],
        "\(run)/model.safetensors: it would take the place of the model itself; name another file"
      ),
      ([run, "other.savedmodel"], "other.savedmodel: is there, and no SavedModel of this program"),
      ([run, "a.npz", "--softmax"], "an .npz holds the tensors as they are"),
      ([run, "a.h", "--layout", "nhwc"], "how images lie can be chosen for ONNX alone"),
    ] {
      let result = try Program.Running(Program.path, ["export"] + arguments, in: folder).wait()
      #expect(result.status == 2 && result.output == "", "\(result)")
      #expect(result.errors.hasPrefix("error: \(message)"), "\(result)")
    }
    #expect(try folder.data("\(run)/model.safetensors") == before)
    #expect(!folder.exists("a.onnx") && !folder.exists("a.npz") && !folder.exists("a.h"))
  }
}
