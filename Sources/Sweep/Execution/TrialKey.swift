import Datasets
import Experiment
import Storage

/// What decides the figures of a run, as a digest: the resolved spec without what changes none of
/// them, the training images and the kernel. Runs with equal keys have the same metrics.csv.
enum TrialKey {
  /// What may differ between specs of the same run: names, what is done with the trained network, and
  /// how often it is saved.
  private static let indifferent = ["name", "description", "expect", "checkpoint"]

  static func make(experiment: JSONValue, images: String, kernel: String) -> String {
    var spec = experiment
    for key in indifferent { spec[key] = nil }
    var dataset = spec["dataset"] ?? .null
    for key in ["test", "test_count", "test_path", "when_unavailable"] where dataset.object != nil {
      dataset[key] = nil
    }
    spec["dataset"] = dataset
    // What it begins with is its digest; where it lies decides nothing.
    if var initial = spec["initial"], initial["weights_sha256"]?.string != nil {
      initial["model"] = nil
      spec["initial"] = initial
    }
    return SHA256.hex(of: Array("\(spec.compact)\n\(images)\n\(kernel)".utf8))
  }
}
