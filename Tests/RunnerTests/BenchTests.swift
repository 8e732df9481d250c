import Foundation
import TestSupport
import Testing

/// Speeds are not compared, but what is measured of what.
@Suite struct BenchTests {
  private func bench(_ arguments: String...) throws -> Program.Result {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    return try Program.run(["bench", "small.json", "--threads", "1"] + arguments, in: folder)
  }

  @Test func settingsAreMeasuredSideBySide() throws {
    let result = try bench(
      "--compare", "compute.numerics=1,2", "--compare", "model[0].kernel=[5,5],3", "--epochs", "2",
      "--format", "csv", "--table", "settings")
    #expect(result.status == 0, "\(result.errors)")
    let rows = result.output.split(separator: "\n").map { $0.split(separator: ",") }
    #expect(rows[0].prefix(5) == ["setting", "seconds_per_epoch", "least", "most", "ratio"])
    #expect(rows.count == 5)
    for row in rows.dropFirst() {
      let figures = row.suffix(rows[0].count - 1).compactMap { Double($0) }
      #expect(figures.allSatisfy { $0 > 0 } && figures[1] <= figures[0] && figures[0] <= figures[2])
    }
    let text = try bench("--compare", "compute.numerics=1,2", "--epochs", "1").output
    #expect(text.contains("1 epochs of each in turn") == false)
    #expect(text.contains("compute.numerics=1") && text.contains("compute.numerics=2"))
  }

  @Test(arguments: [
    (["--compare", "seed"], "names no values"), (["--compare", "seed=1"], "one setting alone"),
    (["--compare", "seed=1,1"], "is there twice"),
    (["--compare", "optimizer.rate=1,2"], "optimizer.rate: unknown key"),
    (["--compare", "compute.kernel=HASWELL,NEHALEM"], "a kernel is of a whole process"),
    (["--compare", "seed=1,2", "--json"], "--format json"), (["--epochs", "0"], "from 1 to 1000"),
  ])
  func mistakesAreTold(_ arguments: [String], _ message: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run(["bench", "small.json"] + arguments, in: folder)
    #expect(result.status == 2 && result.output.isEmpty, "\(result)")
    #expect(result.errors.contains(message), "\(result.errors)")
  }
}
