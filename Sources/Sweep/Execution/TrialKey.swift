import Datasets
import Experiment
import Storage

/// What decides the figures of a run, as a digest: the resolved spec without what changes none of
/// them, the training images and the kernel. Runs with equal keys have the same metrics.csv.
enum TrialKey {
  /// What may differ between specs of the same run: names, what is done with the trained network, and
  /// how often it is saved.
  private static let indifferent = ["name", "description", "expect", "checkpoint"]

  /// The sections that name models.
  private static let modelSections = ["initial", "teacher"]

  private static func hasDigests(_ section: JSONValue) -> Bool {
    section["weights_sha256"].map { !$0.isNull } ?? false
  }

  /// Whether a resolved spec tells the weights of all models that it names.
  static func tellsModels(_ experiment: JSONValue) -> Bool {
    modelSections.allSatisfy { key in
      experiment[key].map { $0.isNull || hasDigests($0) } ?? true
    }
  }

  static func make(experiment: JSONValue, images: String, kernel: String) -> String {
    var spec = experiment
    for key in indifferent { spec[key] = nil }
    var dataset = spec["dataset"] ?? .null
    for key in ["test", "test_count", "test_path", "when_unavailable"] where dataset.object != nil {
      dataset[key] = nil
    }
    spec["dataset"] = dataset
    // A model that it names is its digest; where that lies decides nothing.
    for key in modelSections {
      guard var section = spec[key], hasDigests(section) else { continue }
      section["model"] = nil
      spec[key] = section
    }
    return SHA256.hex(of: Array("\(spec.compact)\n\(images)\n\(kernel)".utf8))
  }
}
