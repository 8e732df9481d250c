import ConvNet
import Datasets
import Images
import Storage

/// What a dataset section, perhaps with errors, says of the images and classes.
struct DatasetFacts {
  let name: DatasetName
  let shape: ImageShape?
  let classes: Int?
  /// Nil where only the files will tell.
  let classNames: [String]?

  init?(_ section: JSONValue?) {
    guard let section, let name = DatasetName(section["name"]) else { return nil }
    self.name = name
    let shape = SpecDescription.imageShape.read(section["shape"]) ?? name.imageShape
    self.shape = shape.flatMap { [1, 3].contains($0.channels) ? $0 : nil }
    classNames = name.classNames ?? section["classes"]?.array?.compactMap(\.string)
    classes = name.classCount ?? section["classes"]?.int ?? section["classes"]?.array?.count
  }

  var sampleShape: Shape? {
    shape.map { .image(height: $0.height, width: $0.width, channels: $0.channels) }
  }
}

extension DatasetName {
  /// The dataset that a key names; nil where it names none.
  init?(_ json: JSONValue?) {
    guard let name = json?.string else { return nil }
    self.init(rawValue: name)
  }
}

extension OwnFiles.Format {
  /// What a dataset section says, or else the ending of its path; nil where it has neither.
  init?(of section: JSONValue) {
    if let said = section["format"]?.string {
      self.init(rawValue: said)
    } else if let path = section["path"]?.string ?? section["test_path"]?.string {
      self = .of(path)
    } else {
      return nil
    }
  }
}

extension SpecChecker {
  private static let section = Path() + "dataset"

  mutating func checkDataset(_ spec: JSONValue) {
    let section = Self.section
    guard let dataset = spec["dataset"], let facts = DatasetFacts(dataset) else { return }
    let name = facts.name
    checkSubstitute(dataset, name)
    checkFiles(dataset, name)
    checkShape(dataset, facts)
    var loaded = dataset["train_count"]?.int ?? name.trainCount
    if let loaded, let most = name.trainCount, !name.isUnlimited, loaded > most {
      report(
        at: section + "train_count",
        "\(loaded) is more than the \(most) training images of \(name.rawValue)")
      return
    }
    let test = DatasetName(dataset["test"]) ?? name
    let readsNoTest = dataset["test"]?.string == TestSet.noneName
    if let count = dataset["test_count"]?.int, !readsNoTest, !test.isUnlimited,
      let most = test.testCount, count > most
    {
      report(
        at: section + "test_count",
        "\(count) is more than the \(most) test images of \(test.rawValue)")
    }
    checkSubset(dataset, facts, &loaded)
    if dataset["validation"]?.string != nil || dataset["validation_path"]?.string != nil {
      return checkOwnValidation(dataset, name)
    }
    guard let validation = dataset["validation"], let loaded else { return }
    guard let split = SpecDescription.validation.decode(validation) else { return }
    let held = split.count(of: loaded)
    if held >= loaded {
      report(
        at: section + "validation",
        "\(validation.compact) leaves none of the \(loaded) images to train on")
    } else if split != .none, held == 0 {
      report(
        at: section + "validation",
        "\(validation.compact) of \(loaded) images is not even one to validate on")
    } else if let batch = spec["training"]?["batch_size"]?.int, batch > loaded - held {
      report(
        at: Path() + "training" + "batch_size",
        "\(batch) is more than the \(loaded - held) images there are to train on")
    }
  }

  /// What stands in for a dataset has its classes: a network of clothes learns nothing from digits.
  private mutating func checkSubstitute(_ dataset: JSONValue, _ name: DatasetName) {
    guard let other = DatasetName(dataset["when_unavailable"]) else { return }
    let path = Self.section + "when_unavailable"
    if other == name {
      report(at: path, "\"\(name.rawValue)\" cannot stand in for itself")
    } else if name == .files {
      report(at: path, "nothing stands in for one's own files; remove it")
    } else if other.classNames != name.classNames {
      let able = DatasetName.allCases.filter {
        $0 != name && $0 != other && $0.classNames == other.classNames
      }
      report(
        at: path,
        "the classes of \(other.rawValue) are \(Self.shown(other)), those of \(name.rawValue) "
          + "\(Self.shown(name)); it can stand in for \(able.map(\.rawValue).quotedList)")
    }
  }

  private static func shown(_ name: DatasetName) -> String {
    let classes = name.classNames ?? []
    return classes.prefix(3).joined(separator: ", ") + (classes.count > 3 ? ", …" : "")
  }

  /// - Parameter loaded: how many images there are, and then how many are left of them.
  private mutating func checkSubset(
    _ dataset: JSONValue, _ facts: DatasetFacts, _ loaded: inout Int?
  ) {
    let part: Selection.Subset? = dataset["fraction"]?.double.map { .fraction($0) }
    guard let subset = dataset["per_class"]?.int.map({ .perClass($0) }) ?? part else { return }
    if case .perClass = subset, let fraction = dataset["fraction"], !fraction.isNull {
      report(at: Self.section + "fraction", "\"per_class\" and \"fraction\" exclude each other")
    }
    guard let total = loaded, let classes = facts.classes else { return }
    if case .perClass(let count) = subset, count * classes > total {
      report(
        at: Self.section + "per_class",
        "\(count) of each of \(classes) classes are more than the \(total) training images")
    }
    loaded = Selection(subset: subset).count(of: total, classes: classes)
  }

  private mutating func checkClasses(
    _ facts: DatasetFacts, of other: DatasetName, at path: Path, _ verb: String
  ) {
    guard let classes = facts.classes, let others = other.classCount, classes != others else {
      return
    }
    report(
      at: path,
      "\(other.rawValue) has \(others) classes, which cannot \(verb) for the \(classes) of "
        + facts.name.rawValue)
  }

  /// What only one's own files need, and what they need.
  private mutating func checkFiles(_ dataset: JSONValue, _ name: DatasetName) {
    let section = Self.section
    let test = dataset["test"]?.string
    checkShare(dataset, name)
    guard name == .files || test == OwnFiles.name else {
      let keys = [
        "path", "test_path", "validation_path", "format", "classes", "label_column", "pixel_max",
        "exif_orientation", "prepare",
      ]
      for key in keys {
        if let value = dataset[key], !value.isNull, value != .bool(false) {
          report(at: section + key, "is of the dataset \"files\" only, not of \(name.rawValue)")
        }
      }
      return
    }
    func isMissing(_ key: String) -> Bool { dataset[key] == .null }
    checkForm(dataset)
    checkClassNames(dataset)
    checkPreparation(dataset)
    if name == .files {
      let missing = ["path", "shape", "classes"].filter(isMissing)
      if !missing.isEmpty {
        report(
          at: section + (missing.contains("path") ? "name" : "path"),
          filesReason
            ?? "\"files\" needs \(missing.quotedList) too; nothing is known of them beforehand")
        return
      }
      if dataset["test"] == .null, isMissing("test_path"),
        OwnFiles.Format(of: dataset)?.holdsTest == false
      {
        report(
          at: section + "path",
          "its test images are not said; give \"test_path\", a share of the images, as \"test\": 0.2, "
            + "or \"test\" \"none\"")
      }
    } else if isMissing("test_path") {
      report(at: section + "test", "\"files\" needs \"test_path\" too")
    }
  }

  /// Whether a share of the images can be kept apart to test on.
  private mutating func checkShare(_ dataset: JSONValue, _ name: DatasetName) {
    let section = Self.section
    guard dataset["test"]?.double != nil else {
      if dataset["test_count"]?.int == 0 {
        report(
          at: section + "test_count",
          "is 0, which is for a share of the images as \"test\"; give \"test\" \"none\"")
      }
      return
    }
    if name != .files {
      report(
        at: section + "test",
        "a share of the images is for \"files\"; \(name.rawValue) has test images of its own")
    } else if dataset["test_path"]?.string != nil {
      report(
        at: section + "test_path", "\"test\" is a share of the images already; give one of the two")
    }
  }

  /// Each class has a name of its own, however its letters are written (NFC or NFD).
  private mutating func checkClassNames(_ dataset: JSONValue) {
    var seen: Set<String> = []
    for (place, name) in (dataset["classes"]?.array ?? []).enumerated() {
      guard let name = name.string, !seen.insert(name).inserted else { continue }
      report(
        at: Self.section + "classes" + place,
        "\(shortened(name)) is listed twice; each class has a name of its own")
    }
  }

  /// What only some forms of files have.
  private mutating func checkForm(_ dataset: JSONValue) {
    guard let format = OwnFiles.Format(of: dataset) else { return }
    let forms: [(key: String, formats: [OwnFiles.Format])] = [
      ("label_column", [.csv]), ("pixel_max", [.csv, .npz, .npy]), ("exif_orientation", [.images]),
    ]
    for (key, formats) in forms where !formats.contains(format) {
      guard let value = dataset[key], !value.isNull, value != .bool(false) else { continue }
      report(
        at: Self.section + key,
        "is of the format \(formats.map(\.rawValue).quotedList), not of \"\(format.rawValue)\"")
    }
  }

  /// What is prepared has a size, and is light on dark.
  private mutating func checkPreparation(_ dataset: JSONValue) {
    guard let prepare = dataset["prepare"]?.string.flatMap(FilePreparation.init(rawValue:)) else {
      return
    }
    if dataset["invert"] == .bool(true) {
      report(
        at: Self.section + "invert",
        "\"prepare\" \"\(prepare.rawValue)\" finds out whether ink is dark or light; remove it")
    }
    let made = prepare.shape
    if let shape = SpecDescription.imageShape.read(dataset["shape"]),
      dataset["resize"]?.string == ImagePreparation.Resize.none.rawValue,
      shape.height != made.height || shape.width != made.width
    {
      report(
        at: Self.section + "shape",
        "\"prepare\" \"\(prepare.rawValue)\" makes \(made.height)x\(made.width), not "
          + "\(shape.height)x\(shape.width); give \"resize\" \"bilinear\" or \"area\"")
    }
  }

  /// Whether a set of images to validate on can be there.
  private mutating func checkOwnValidation(_ dataset: JSONValue, _ name: DatasetName) {
    let hasPath = dataset["validation_path"]?.string != nil
    // Elsewhere the path itself is reported.
    guard name == .files || !hasPath else { return }
    guard name == .files, hasPath || OwnFiles.Format(of: dataset)?.holdsValidation == true
    else {
      report(
        at: Self.section + "validation",
        "\"own\" is of the dataset \"files\", with a \"validation_path\" or in the format \"npz\" or "
          + "\"npy\"; give a fraction or a count of the training images")
      return
    }
    if hasPath, let held = dataset["validation"]?.double, held != 0 {
      report(
        at: Self.section + "validation",
        "images are held out of the training images, and \"validation_path\" has others; give one of "
          + "the two")
    }
    if dataset["stratified"] == .bool(true) {
      report(
        at: Self.section + "stratified",
        "is of images that are held out of the training images; \"validation\" is \"own\"")
    }
  }

  private mutating func checkShape(_ dataset: JSONValue, _ facts: DatasetFacts) {
    let section = Self.section
    if let shape = SpecDescription.imageShape.read(dataset["shape"]),
      ![1, 3].contains(shape.channels)
    {
      report(
        at: section + "shape" + 2, "\(shape.channels) channels are neither grey, 1, nor colour, 3")
    }
    if dataset["keep_aspect"] == .bool(true),
      dataset["resize"]?.string == ImagePreparation.Resize.none.rawValue
    {
      report(
        at: section + "keep_aspect",
        "is of images that are resized; give \"resize\" \"bilinear\" or \"area\" too")
    }
    let other = DatasetName(dataset["test"])
    if let other { checkClasses(facts, of: other, at: section + "test", "be the test") }
    guard dataset["resize"]?.string == ImagePreparation.Resize.none.rawValue,
      let shape = facts.shape
    else { return }
    for (name, key) in [(facts.name, "shape"), (other ?? facts.name, "test")] {
      guard let own = name.imageShape, own.height != shape.height || own.width != shape.width
      else { continue }
      report(
        at: section + key,
        "the images of \(name.rawValue) are \(own.height)x\(own.width), not "
          + "\(shape.height)x\(shape.width); give \"resize\" \"bilinear\" or \"area\"")
      return
    }
  }
}
