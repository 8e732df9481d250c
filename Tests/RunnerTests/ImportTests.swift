import Foundation
import TestSupport
import Testing

/// `runner import`: what it writes, what it tells, and what the other commands make of it.
@Suite struct ImportTests {
  private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "ExchangeTests/Fixtures/onnx").path

  @Test func aNetworkOfPyTorch() throws {
    let folder = try TemporaryFolder()
    let file = "\(Self.fixtures)/residual-script.onnx"
    let result = try Program.run(
      "import", file, "taken", "--dataset", "photos", "--mean", "0.485,0.456,0.406", "--deviation",
      "0.229,0.224,0.225",
      in: folder)
    #expect(result.status == 0 && result.errors == "", "\(result)")
    #expect(result.output.contains("12x12x3 to 5 classes"), "\(result)")
    #expect(result.output.contains("checked        with 2 images of noise"), "\(result)")
    #expect(try folder.text("taken.json").contains("\"path\": \"photos\""))
    let digits = try Program.run(
      "import", "\(Self.fixtures)/lenet-script.onnx", "digits", in: folder)
    #expect(digits.errors.contains("the spec trains on mnist"), "\(digits)")
    #expect(try Program.run("validate", "digits.json", in: folder).status == 0)
    // It goes on to what models go on to.
    let exported = try Program.run("export", "taken.safetensors", "again.onnx", in: folder)
    #expect(exported.status == 0, "\(exported)")
    let back = try Program.run("import", "again.onnx", in: folder)
    #expect(back.status == 0 && back.errors.contains("makes its numbers of pixels of 0 to 255"))
    // A name that is taken.
    let taken = try Program.run("import", file, "taken", in: folder)
    #expect(taken.status == 2)
    #expect(taken.errors == "error: taken.json is there already; --force writes over it\n")
    #expect(try Program.run("import", file, "taken", "--force", in: folder).status == 0)
  }

  @Test func weightsOfASpec() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    _ = try Program.shell("cp \(run)/model.safetensors own.safetensors", in: folder)
    let noise = try Program.run(
      "export", "own.safetensors", "a.npz", "--count", "3", "--samples", "x.npz", in: folder)
    #expect(noise.status == 0, "\(noise)")
    let pytorch = try Program.run("export", "own.safetensors", "b.safetensors", in: folder)
    #expect(pytorch.status == 0, "\(pytorch)")
    func answers(_ model: String) throws -> String {
      let result = try Program.run(
        "predict", model, "x.npz", "--probabilities", "--format", "csv", in: folder)
      #expect(result.status == 0, "\(result)")
      return result.output
    }
    let own = try answers("own.safetensors")
    for (file, name) in [("a.npz", "c"), ("b.safetensors", "d")] {
      let result = try Program.run("import", file, name, "--spec", "small.json", in: folder)
      #expect(result.status == 0, "\(result)")
      #expect(try answers("\(name).safetensors") == own)
    }
  }

  /// A model apart from any run is tested on the images that are named.
  @Test func aModelAloneIsTested() throws {
    let folder = try TemporaryFolder()
    let taken = try Program.run(
      "import", "\(Self.fixtures)/lenet-script.onnx", "digits", in: folder)
    #expect(taken.status == 0, "\(taken)")
    let model = "digits.safetensors"
    let result = try Program.run(
      "evaluate", model, "--on", "synthetic_digits", "test_count=30", "--format", "json",
      "--mistakes", "sheet.png", in: folder)
    #expect(result.status == 0 && folder.exists("sheet.png"), "\(result)")
    #expect(result.output.contains("\"images\": 30"), "\(result)")
    for (arguments, message) in [
      ([], "a model alone has no test images"),
      (["--on", "synthetic_digits", "--corruptions"], "--corruptions is for the folder of a run"),
      (["--on", "synthetic_digits", "--tta", "3"], "--tta is for the folder of a run"),
    ] {
      let refused = try Program.Running(
        Program.path, ["evaluate", model] + arguments, in: folder
      ).wait()
      #expect(refused.status == 2 && refused.errors.contains(message), "\(refused)")
    }
  }

  @Test func mistakes() throws {
    let folder = try TemporaryFolder()
    let file = "\(Self.fixtures)/lenet-script.onnx"
    try folder.write("nothing", to: "a.onnx")
    try folder.write("nothing", to: "a.pb")
    try folder.write("nothing", to: "a.npz")
    try folder.write("one\ntwo\n", to: "names.txt")
    for (arguments, message) in [
      (["nowhere.onnx"], "nowhere.onnx: there is no such file"),
      (["a.onnx", "b"], "a.onnx: is no sound protobuf"),
      (["a.npz", "b"], "a.npz: weights are of a network that --spec names"),
      (["a.pb", "b", "--spec", "s.json"], "a.pb: .onnx, .safetensors and .npz are read"),
      ([file, "b", "--classes", "names.txt"], "names.txt: has 2 names (2 different)"),
      ([file, "b", "--mean", "1,2"], "\(file): takes images of 1 channels"),
      ([file, "b", "--dataset", "cifar100"], "cifar100 has 100 classes, and the model 10"),
      ([file, ".hidden"], ".hidden: a name is of at most 100 letters"),
    ] {
      let result = try Program.Running(Program.path, ["import"] + arguments, in: folder).wait()
      #expect(result.status == 2 && result.output == "", "\(result)")
      #expect(result.errors.hasPrefix("error: \(message)"), "\(result)")
    }
    #expect(!folder.exists("b.json") && !folder.exists("b.safetensors"))
  }
}
