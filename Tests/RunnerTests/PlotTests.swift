import Foundation
import TestSupport
import Testing

/// The curves of runs, as `plot` and the end of a run draw them.
@Suite struct PlotTests {
  @Test func seedsOfAConfigurationAreOneLine() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for (name, change) in [("a", "seed=1"), ("a", "seed=2"), ("b", "optimizer.learning_rate=1e-3")]
    {
      let result = try Program.run(
        "small.json", change, "training.epochs=2", "name=\(name)", "metrics=[\"f1_macro\"]",
        "--quiet", in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    let runs = try folder.runs(of: "a")
    func plot(_ arguments: [String]) throws -> String {
      let running = try Program.Running(
        Program.path, ["plot"] + arguments + ["--output", "-"], in: folder)
      let result = try running.wait()
      #expect(result.status == 0, "\(result.errors)")
      return result.output
    }
    func bands(_ svg: String) -> Int { svg.components(separatedBy: "class=\"band\"").count - 1 }
    let both = try plot(runs)
    #expect(both.contains(">a</title>") && both.contains("lines are means over 2 seeds"))
    // Of validation and training, in loss and accuracy, and of the metric.
    #expect(bands(both) == 5 && both.contains(">f1_macro</text>"))
    #expect(bands(try plot(runs + ["--each"])) == 0)
    // A line for each configuration, by its name; bands of validation alone.
    let others = try plot(runs + [try folder.run(of: "b")])
    #expect(bands(others) == 3 && others.contains("lines are means over 2 seeds"))

    // One run says which epoch was tested, here the last.
    let one = try folder.text("\(runs[0])/plots/curves.svg")
    #expect(one.contains("; tested: epoch 2</text>") && one.contains(">tested</text>"))
    #expect(try plot([runs[0]]).contains("; tested: epoch 2</text>"))
    #expect(!(try plot(["\(runs[0])/metrics.csv"]).contains("tested")))
  }

  /// Of several paths, what is no run is left out and told; alone, it is an error.
  @Test func whatIsNoRunIsLeftOut() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    #expect(try Program.run("small.json", "--quiet", in: folder).status == 0)
    let run = try folder.run(of: "small")
    try folder.write("{}", to: "results/small/notes.json")
    try folder.write("trial,best_epoch\n0,1\n", to: "results/small/sorted.csv")
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "results/small/old"), withIntermediateDirectories: true)
    let result = try Program.shell("\"$RUNNER\" plot results/small/* --output all.svg", in: folder)
    #expect(result.status == 0 && result.output == "all.svg\n")
    #expect(
      result.errors == """
        note: left out: results/small/notes.json is not the metrics.csv of a run: it has no column "epoch"
        note: left out: results/small/old is not the folder of a run: it has no metrics.csv
        note: left out: results/small/sorted.csv is not the metrics.csv of a run: it has no column "epoch"

        """)
    #expect(
      try folder.text("all.svg") == Program.run("plot", run, "--output", "-", in: folder).output)
    let none = try Program.run("plot", "results/small/old", "results/small/notes.json", in: folder)
    #expect(none.status == 2)
    #expect(
      none.errors.hasSuffix("it has no metrics.csv; nor is there a run at the other path\n"))
    let missing = try Program.run("plot", run, "results/smal", in: folder)
    #expect(missing.status == 2 && missing.errors.contains("results/smal: there is no such run"))
  }
}
