import Foundation
import TestSupport
import Testing

@Suite struct BaselinesTests {
  @Test func tellWhatClassicalMethodsReach() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    var tables: [[[Substring]]] = []
    for threads in ["1", "2"] {
      let result = try Program.run(
        "baselines", "small.json", "dataset.train_count=300", "dataset.validation=100",
        "--threads", threads, "--quiet", "--output", "out-\(threads)", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n")
      let path = String(try #require(lines.last).dropFirst(9))
      let rows = try folder.text(path).split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
      #expect(
        rows[0] == ["method", "chosen", "parameters", "val_accuracy", "test_accuracy", "seconds"])
      #expect(rows.count == 9)
      #expect(rows.dropFirst().allSatisfy { Double($0[$0.count - 3])! > 0.05 })
      tables.append(rows.map { Array($0.dropLast()) })
    }
    #expect(tables[0] == tables[1])
  }

  @Test func needValidationImages() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run(
      "baselines", "small.json", "dataset.validation=0", "--quiet", in: folder)
    #expect(result.status != 0)
    #expect(result.errors.contains("dataset.validation"))
    let method = try Program.run("baselines", "small.json", "--method", "svm", in: folder)
    #expect(method.status == 2)
  }
}
