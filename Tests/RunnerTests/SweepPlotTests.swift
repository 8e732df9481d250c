import Foundation
import TestSupport
import Testing

@Suite struct SweepPlotTests {
  static let sweep = """
    {
      "name": "small",
      "base": {
        "name": "base",
        "dataset": { "name": "synthetic_digits", "train_count": 1000, "validation": 0.2, "stratified": true },
        "model": [ { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
        "optimizer": { "name": "sgd" },
        "training": { "epochs": 2, "batch_size": 32 }
      },
      "parameters": {
        "optimizer.learning_rate": { "range": [0.001, 0.1], "scale": "log" },
        "optimizer.name": { "choice": ["sgd", "adam"] }
      },
      "sampler": { "name": "random" },
      "metric": "val_accuracy",
      "trials": 3
    }
    """

  static let trials = """
    trial,status,seed,optimizer.learning_rate,optimizer.name,epochs,best_epoch,best_val_accuracy
    0,completed,1,0.01,sgd,2,2,0.91
    1,stopped,1,0.002,adam,1,1,0.5
    2,diverged,1,0.1,sgd,1,,

    """

  private static func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "results/small"), withIntermediateDirectories: true)
    try folder.write(sweep, to: "results/small/resolved.json")
    try folder.write(trials, to: "results/small/trials.csv")
    return folder
  }

  @Test func drawsAllPicturesOfASweep() throws {
    let folder = try Self.folder()
    let result = try Program.run("plot", "results/small/", in: folder)
    #expect(result.status == 0)
    #expect(result.errors == "")
    let names = ["parallel", "parameters", "best-so-far"]
    #expect(result.output == names.map { "results/small/plots/\($0).svg\n" }.joined())
    for name in names {
      let svg = try folder.text("results/small/plots/\(name).svg")
      #expect(svg.hasSuffix("</svg>\n") && svg.contains(">small</title>"))
      #expect(svg.contains("best val_accuracy 91.00% (trial 0)"))
      #expect(svg.contains("3 trials: 1 completed, 1 stopped early, 1 failed"))
    }
    let other = try Program.run(
      "plot", "results/small", "--output", "pictures", "--title", "Mine", in: folder)
    #expect(other.output == names.map { "pictures/\($0).svg\n" }.joined())
    #expect(try folder.text("pictures/parallel.svg").contains(">Mine</title>"))
  }

  @Test func saysWhatASweepIsNot() throws {
    let folder = try Self.folder()
    for (arguments, message) in [
      (["results/small", "results/small"], "results/small is a sweep, and is drawn alone"),
      (
        ["results/small", "--log"],
        "--log and --learning-rate are for the curves of runs, not for a sweep"
      ),
      (["results/small", "-o", "-"], "a sweep has several pictures; give --output a folder"),
    ] {
      let result = try Program.shell(
        "\"$RUNNER\" plot \(arguments.joined(separator: " "))", in: folder)
      #expect(result.status == 2 && result.output == "")
      #expect(result.errors == "error: \(message)\n")
    }
    try folder.write("trial,status,seed\n0\n", to: "results/small/trials.csv")
    let damaged = try Program.run("plot", "results/small", in: folder)
    #expect(damaged.status == 1 && damaged.output == "")
    #expect(damaged.errors.hasPrefix("error: results/small/trials.csv:1: "))
  }
}
