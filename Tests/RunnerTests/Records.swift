import Foundation
import TestSupport
import Testing

extension TemporaryFolder {
  /// The folders of an experiment's runs, `results/<name>/<id>`, by id.
  func runs(of name: String, under output: String = "results") throws -> [String] {
    let folder = url.appending(path: "\(output)/\(name)").path
    guard FileManager.default.fileExists(atPath: folder) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0 != "latest" }.sorted().map { "\(output)/\(name)/\($0)" }
  }

  /// The one run of an experiment.
  func run(of name: String, under output: String = "results") throws -> String {
    let runs = try runs(of: name, under: output)
    return try #require(runs.count == 1 ? runs[0] : nil, "\(runs)")
  }
}

/// Specs of small experiments on the built-in digits.
enum Specs {
  /// Fifteen steps that use all that has a state of its own: batch normalisation, dropout,
  /// augmentation, a schedule that remembers, a best epoch.
  static let small = """
    {
      "name": "small",
      "dataset": {
        "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2,
        "stratified": true
      },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
        { "layer": "max_pool", "size": 4 },
        { "layer": "batch_norm", "momentum": 0.7 },
        { "layer": "flatten" },
        { "layer": "dropout", "rate": 0.2 },
        { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "schedule": { "name": "reduce_on_plateau", "factor": 0.5, "patience": 1 },
      "augmentation": [ { "op": "rotate", "degrees": 10 }, { "op": "shift", "fraction": 0.1 } ],
      "training": { "epochs": 3, "batch_size": 10 }
    }
    """

  /// All files of a run whose bytes are a function of the spec.
  static let reproducible = [
    "metrics.csv", "summary.json", "resolved.json", "checkpoints/best.safetensors",
    "checkpoints/last.safetensors", "model.safetensors",
  ]
}

/// Checks that two runs left the same bytes.
func expectSameRecord(
  _ a: String, _ b: String, in folder: TemporaryFolder, except left: String? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  for file in Specs.reproducible where file != left {
    let same = try folder.data("\(a)/\(file)") == folder.data("\(b)/\(file)")
    #expect(same, "\(file) of \(a) and \(b)", sourceLocation: sourceLocation)
  }
}
