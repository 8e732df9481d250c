import Experiment
import Storage

extension SweepSpec {
  /// The JSON Schema of a sweep (draft 2020-12), for editors; `experiments/sweeps/sweep.schema.json`.
  /// It says all that can be said of one key at a time.
  public static func schema() -> JSONValue {
    SweepDescription.root.document(title: "A sweep of runner")
  }

  /// All that a sweep may say, in the order of its keys.
  public static func catalogue() -> [CatalogueEntry] {
    SweepDescription.root.catalogue(
      kind: "a sweep", name: "sweep", doc: "A sweep: the whole of a file.")
  }
}
