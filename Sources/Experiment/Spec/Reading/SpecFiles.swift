import Datasets
import FoundationEssentials
import Storage

// What a spec leaves to one's own files: it is written into the spec before that is checked, so that a
// resolved spec says all and needs no files.

extension DatasetLocator {
  /// Looks where this process's surroundings say.
  public static func standard(dataFolder: String? = nil) -> DatasetLocator {
    DatasetLocator(
      dataFolder: dataFolder, environment: ProcessInfo.processInfo.environment)
  }
}

extension JSONNode {
  /// What the files of an experiment's dataset tell: `classes` and `shape`, those of the two that the
  /// spec doesn't say; nil where it says both, or isn't of one's own files.
  /// - Throws: `DatasetError` where they aren't there, or it isn't certain.
  package func toldByFiles(_ locator: DatasetLocator) throws(DatasetError) -> OwnFilesSurvey? {
    guard let dataset = self["dataset"]?.value, dataset["name"]?.value.value.string == OwnFiles.name
    else { return nil }
    let section = dataset.value
    let (classes, shape) = (
      SpecDescription.classes.read(section["classes"]),
      SpecDescription.imageShape.read(section["shape"])
    )
    func isLeft(_ key: String) -> Bool { section[key] == nil || section[key] == .null }
    guard isLeft("classes") || isLeft("shape"), let path = section["path"]?.string,
      let format = OwnFiles.Format(of: section)
    else { return nil }
    return try locator.survey(
      OwnFilesQuestion(
        path: path, format: format,
        labelColumn: SpecDescription.labelColumn.read(section["label_column"]),
        followsOrientation: section["exif_orientation"] == .bool(true), classes: classes,
        shape: shape))
  }

  /// Writes what the files tell into an experiment, where it doesn't say it itself.
  package mutating func add(_ told: OwnFilesSurvey) {
    guard case .object(var members) = content,
      let place = members.firstIndex(where: { $0.key == "dataset" }),
      case .object(var section) = members[place].value.content
    else { return }
    let origin = members[place].value.origin
    let told = [
      ("classes", SpecDescription.classes.encode(told.classes)),
      ("shape", SpecDescription.imageShape.encode(told.shape)),
    ]
    for (key, value) in told {
      if let said = section.first(where: { $0.key == key }), !said.value.isNull { continue }
      section.removeAll { $0.key == key }
      section.append(
        Member(key: key, keyOrigin: origin, value: JSONNode(value, origin: origin)))
    }
    members[place].value.content = .object(section)
    content = .object(members)
  }
}
