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

  /// By what each layer makes its products, for people and for programs.
  @Test func eachLayerTellsItsWays() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    func bench(_ arguments: String...) throws -> String {
      let result = try Program.run(
        ["bench", "small.json", "--threads", "1", InterruptionTests.convolutions] + arguments,
        in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return result.output
    }
    let csv = try bench(
      "--format", "csv", "--table", "layers", "compute.convolution=winograd",
      "compute.kernel=HASWELL")
    let rows = csv.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(rows[0].suffix(3) == ["forward_by", "input_gradient_by", "kernel_gradient_by"])
    let ways = Dictionary(uniqueKeysWithValues: rows.dropFirst().map { ($0[0], $0.suffix(3)) })
    #expect(ways["conv2d_0"] == ["im2col", "", "im2col"])
    #expect(ways["conv2d_1+max_pool_0"] == ["winograd 4x4", "winners", "winners"])
    #expect(ways["dense_0"] == ["product", "product", "product"])
    #expect(ways["update"] == ["", "", ""])
    let text = try bench("compute.numerics=1", "compute.convolution=winograd")
    #expect(text.contains("dX by") && text.contains("winograd 4x4"), "\(text)")
    #expect(text.contains("winners") == false, "\(text)")
    // The first convolution needs no patches where the kernel sums in chains.
    let json = try bench("--json")
    let way = json.contains(#""kernel": "SKYLAKEX""#) ? "direct" : "im2col"
    #expect(
      json.contains(
        #"{ "layer": "conv2d_0", "forward_by": "\#(way)", "input_gradient_by": null, "#
          + #""kernel_gradient_by": "\#(way)" }"#), "\(json)")
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
