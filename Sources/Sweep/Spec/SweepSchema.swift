import Experiment

extension SweepSpec {
  /// The JSON Schema of a sweep (draft 2020-12), for editors; `experiments/sweeps/sweep.schema.json`.
  /// It says all that can be said of one key at a time.
  public static func schema() -> JSONValue {
    SweepDescription.root.document(title: "A sweep of runner")
  }
}
