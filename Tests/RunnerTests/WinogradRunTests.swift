import Foundation
import Storage
import TestSupport
import Testing

/// What a run leaves is computed by its lowering, whoever asks it and in whatever company.
@Suite struct WinogradRunTests {
  @Test(arguments: ["compute.convolution=winograd", "compute.numerics=1"])
  func aModelAnswersAsItsRun(compute: String) throws {
    let folder = try TemporaryFolder()
    try PredictTests.npy("9, 28, 28", PredictTests.images.flatMap { $0 })
      .write(to: folder.url.appending(path: "nine.npy"))
    try PredictTests.npy("28, 28", PredictTests.images[4])
      .write(to: folder.url.appending(path: "one.npy"))
    let run = try InterruptionTests.reference(
      in: folder, [InterruptionTests.convolutions, "compute.kernel=HASWELL", compute])
    func probabilities(_ arguments: String...) throws -> [JSONValue?] {
      let result = try Program.run(
        ["predict"] + arguments + ["--probabilities", "--format", "jsonl"], in: folder)
      #expect(result.status == 0, "\(result)")
      return try result.output.split(separator: "\n").map {
        try JSONValue(parsing: Array($0.utf8), name: "answer")["probabilities"]
      }
    }
    let answers = try probabilities(run, "nine.npy")
    #expect(answers.count == 9 && !answers.contains(nil))
    #expect(try probabilities("\(run)/model.safetensors", "nine.npy") == answers)
    // These are the weights that it was tested with, by what the spec says.
    #expect(try probabilities(run, "nine.npy", "--weights", "last") == answers)
    #expect(try probabilities(run, "one.npy", "--weights", "last") == [answers[4]])
    // The same weights by the other lowering answer otherwise.
    let file = try folder.data("\(run)/model.safetensors")
    let isFiltered = file.range(of: Data(#""convolution":"winograd""#.utf8)) != nil
    #expect(isFiltered == compute.hasSuffix("winograd"))
  }
}
