import Foundation
import Testing

@Suite struct VerifyTests {
  @Test func aRunVerifiesWithoutItsCheckpoints() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    for name in ["checkpoints", "plots", "spec.json", "timing.csv", ".lock"] {
      try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/\(name)"))
    }
    let before = try FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/\(run)")
    let result = try Program.run("verify", run, "--quiet", "--threads", "3", in: folder)
    #expect(result.status == 0)
    #expect(
      result.output
        == "\(run): verified, 3 epochs, metrics.csv and weights the same to the last bit\n")
    #expect(result.errors == "")
    let after = try FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/\(run)")
    #expect(before.sorted() == after.sorted())

    let partial = try Program.run(
      "verify", run, "--quiet", "--threads", "1", "--epochs", "2", in: folder)
    #expect(partial.status == 0)
    #expect(
      partial.output == "\(run): verified, 2 epochs, metrics.csv the same to the last bit\n")

    try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/summary.json"))
    let bare = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(bare.status == 0)
    #expect(bare.output == "\(run): verified, 3 epochs, metrics.csv the same to the last bit\n")
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
        \(run): NOT the same: epoch 2 is the first that differs: train_loss is \(loss), was \(loss)1
        kernel, OpenBLAS, toolchain, program, CPU and data are as recorded

        """)
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
    resolved.replace("\"seed\": 1,", with: "\"seed\": 2,")
    try folder.write(resolved, to: "\(run)/resolved.json")
    var record = try folder.text("\(run)/run.json")
    record.replace(/"openblas": "[^"]*"/, with: "\"openblas\": \"0.0.1\"")
    record.replace(/"sha256": "[^"]*"/, with: "\"sha256\": \"00112233445566\"")
    try folder.write(record, to: "\(run)/run.json")
    let result = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 4)
    #expect(result.output.contains("epoch 1 is the first that differs"))
    #expect(result.output.contains("\nwhat differs in the surroundings:\n  dataset: "))
    #expect(result.output.contains(", was synthetic_digits 001122334455…\n"))
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
    #expect(result.output.contains("metrics.csv is the same, but the last weights are "))
  }

  @Test func whatCannotBeRepeatedHereIsNoDifference() throws {
    let folder = try TemporaryFolder()
    let run = try InterruptionTests.reference(in: folder)
    let record = try folder.text("\(run)/run.json")
    try folder.write(
      record.replacing(/"kernel": "[^"]*"/, with: "\"kernel\": \"NOSUCH\""), to: "\(run)/run.json")
    let kernel = try Program.run("verify", run, "--quiet", "--threads", "1", in: folder)
    #expect(kernel.status == 1)
    #expect(kernel.output == "")
    #expect(kernel.errors.contains("\"NOSUCH\" is not a kernel"))
  }
}
