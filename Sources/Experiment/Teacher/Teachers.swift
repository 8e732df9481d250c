import ConvNet
import Storage

/// The models that a training is taught by.
struct Teachers {
  let description: DistillationDescription
  let models: [FoundModel]

  /// Those that a spec names; nil where it names none.
  /// - Parameter places: where else they may be.
  /// - Throws: `RecordError` where one is at none of the places, or isn't what it was.
  init?(_ spec: ExperimentSpec, places: [String]) throws {
    guard let teacher = spec.teacher else { return nil }
    description = teacher.description
    models = try teacher.models.enumerated().map { place, path in
      try FoundModel(
        path, digest: teacher.weightsDigests?[place], places: places, as: .teacher)
    }
  }

  var plans: [NetworkPlan] { models.map(\.file.model.plan) }

  /// - Throws: `RecordError` where one tells other classes apart.
  func check(classNames: [String]) throws(RecordError) {
    for model in models where model.file.classNames != classNames {
      throw RecordError(
        model.path,
        "tells \(Self.shown(model.file.classNames)) apart (teacher.model), and the images here are of "
          + Self.shown(classNames))
    }
  }

  /// Refuses teachers of other classes than the images before anything is made.
  static func check(_ spec: ExperimentSpec, _ data: RunData, _ options: RunOptions) throws {
    try Teachers(spec, places: options.teacherPlaces)?.check(classNames: data.classNames)
  }

  private static func shown(_ names: [String]) -> String {
    let most = 5
    return names.prefix(most).joined(separator: ", ")
      + (names.count > most ? " and \(names.count - most) more" : "")
  }

  var records: [RunRecord.Teacher] { models.map { RunRecord.Teacher($0) } }

  /// What they are, as lines to the user.
  func lines(_ dataset: DatasetSpec) -> [String] {
    var lines = models.map { model in
      let file = model.file
      let accuracy = file.testAccuracy.map { ", \(percent($0)) of its test images" } ?? ""
      return
        "\(model.path): \(file.name), \(counted(file.model.plan.parameters, "parameter"))\(accuracy)"
    }
    let part = description
    lines.append(
      "\(models.count == 1 ? "its" : "their mean") answers at temperature \(part.temperature) are "
        + "\(part.weight) of the loss")
    for model in models
    where model.file.preparation != dataset.inputPreparation
      || model.file.prepare != dataset.files?.prepare
    {
      lines.append(
        "WARNING: \(model.path) learned from images that were made its input in another way (prepare, "
          + "resize, keep_aspect or invert)")
    }
    return lines
  }
}

extension RunRecord {
  /// A model that taught a run.
  public struct Teacher: Hashable, Sendable {
    /// Where it was found.
    public var path: String
    /// What the model is called.
    public var name: String
    /// SHA-256 of its weights; of the resolved spec that it was trained by, nil for one from elsewhere.
    public var weightsDigest: String
    public var specDigest: String?

    init(_ model: FoundModel) {
      path = model.path
      name = model.file.name
      weightsDigest = model.file.weightsDigest
      specDigest = model.file.specDigest
    }

    var json: JSONValue {
      [
        "model": .string(path), "name": .string(name), "weights_sha256": .string(weightsDigest),
        "spec_sha256": JSONValue(specDigest),
      ]
    }

    /// Nil for what is none.
    init?(_ json: JSONValue) {
      guard let path = json["model"]?.string, let name = json["name"]?.string,
        let digest = json["weights_sha256"]?.string
      else { return nil }
      self.path = path
      self.name = name
      weightsDigest = digest
      specDigest = json["spec_sha256"]?.string
    }
  }
}
