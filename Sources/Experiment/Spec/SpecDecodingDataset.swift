import ConvNet
import Datasets
import Storage

extension DatasetSpec {
  init(checked value: JSONValue) {
    func dataset(_ key: String) -> DatasetName? {
      value[key]?.string.flatMap(DatasetName.init(rawValue:))
    }
    self.init(
      name: dataset("name")!, validation: ValidationSplit(checked: value["validation"]!),
      stratified: value.bool("stratified"), trainCount: value["train_count"]?.int,
      testCount: value["test_count"]?.int, test: TestSet(checked: value["test"]),
      normalization: value["normalize"].flatMap(NormalizationDescription.init(checked:)),
      syntheticSeed: value["synthetic_seed"]!.uint64!,
      whenUnavailable: dataset("when_unavailable"))
    files = OwnFiles(checked: value)
    if files?.validationPath != nil { self.validation = .own }
    preparation = ImagePreparation(
      shape: ImageShape(checked: value["shape"]),
      resize: .init(rawValue: value["resize"]!.string!)!,
      keepsAspect: value.bool("keep_aspect"), inverts: value.bool("invert"))
    corrupt = CorruptImages(rawValue: value["corrupt"]!.string!)!
    selection = Selection(
      subset: Selection.Subset(checked: value),
      balance: .init(rawValue: value["balance"]!.string!)!, seed: value["subset_seed"]!.uint64!)
  }

  var json: JSONValue {
    return [
      "name": .string(name.rawValue), "validation": validation.json,
      "stratified": .bool(stratified), "train_count": JSONValue(trainCount),
      "test_count": JSONValue(testCount), "test": test.json,
      "normalize": normalization?.json ?? .null, "synthetic_seed": JSONValue(syntheticSeed),
      "when_unavailable": JSONValue(whenUnavailable?.rawValue),
      "path": JSONValue(files?.path), "test_path": JSONValue(files?.testPath),
      "validation_path": JSONValue(files?.validationPath),
      "format": JSONValue(files?.format.rawValue), "classes": files?.classes.json ?? .null,
      "label_column": files?.labelColumn?.json ?? .null,
      "pixel_max": files?.pixelMax.map { Bounds.value($0) } ?? .null,
      "prepare": JSONValue(files?.prepare?.rawValue), "shape": preparation.shape?.json ?? .null,
      "exif_orientation": .bool(files?.followsOrientation ?? false),
      "resize": .string(preparation.resize.rawValue),
      "keep_aspect": .bool(preparation.keepsAspect), "invert": .bool(preparation.inverts),
      "corrupt": .string(corrupt.rawValue), "per_class": selection.subset?.perClass ?? .null,
      "fraction": selection.subset?.fraction ?? .null, "subset_seed": JSONValue(selection.seed),
      "balance": .string(selection.balance.rawValue),
    ]
  }
}

extension Selection.Subset {
  /// Nil where all images are used.
  init?(checked value: JSONValue?) {
    if let count = value?["per_class"]?.int {
      self = .perClass(count)
    } else if let fraction = value?["fraction"]?.double {
      self = .fraction(fraction)
    } else {
      return nil
    }
  }

  var perClass: JSONValue? { if case .perClass(let count) = self { JSONValue(count) } else { nil } }
  var fraction: JSONValue? {
    if case .fraction(let fraction) = self { JSONValue(fraction) } else { nil }
  }
}

extension OwnFiles {
  /// Nil where a spec names none, or leaves out what they need.
  init?(checked value: JSONValue) {
    let classes: Classes
    if let said = Classes(checked: value["classes"]) {
      classes = said
    } else if let entry = DatasetName(checked: value["name"])?.entry {
      // Another dataset's classes, where only the test images are one's own.
      classes = .names(entry.classNames)
    } else {
      return nil
    }
    guard let path = value["path"]?.string ?? value["test_path"]?.string else { return nil }
    self.init(
      path: path, testPath: value["test_path"]?.string, format: Format(checked: value),
      classes: classes, labelColumn: LabelColumn(checked: value["label_column"]),
      pixelMax: value["pixel_max"]?.double)
    validationPath = value["validation_path"]?.string
    followsOrientation = value["exif_orientation"] == .bool(true)
    prepare = value["prepare"]?.string.flatMap(FilePreparation.init(rawValue:))
  }
}

extension OwnFiles.Classes {
  /// Nil where a spec leaves them to the files.
  init?(checked value: JSONValue?) {
    if let count = value?.int {
      self = .count(count)
    } else if let names = value?.array?.compactMap(\.string), !names.isEmpty {
      self = .names(names)
    } else {
      return nil
    }
  }

  var json: JSONValue {
    switch self {
    case .count(let count): JSONValue(count)
    case .names(let names): .array(names.map { .string($0) })
    }
  }
}

extension OwnFiles.Format {
  /// What a dataset section says, or else the ending of its path; nil where it has neither.
  init?(checked dataset: JSONValue) {
    if let said = dataset["format"]?.string {
      self.init(rawValue: said)
    } else if let path = dataset["path"]?.string ?? dataset["test_path"]?.string {
      self = .of(path)
    } else {
      return nil
    }
  }
}

extension ImageShape {
  init?(checked value: JSONValue?) {
    guard let sizes = value?.array?.compactMap(\.int), sizes.count == 3 else { return nil }
    self.init(height: sizes[0], width: sizes[1], channels: sizes[2])
  }

  var json: JSONValue { .array([height, width, channels].map { JSONValue($0) }) }
}

extension TestSet {
  init(checked value: JSONValue?) {
    if let share = value?.double {
      self = .share(share)
    } else if let name = value?.string {
      self = name == Self.noneName ? .none : .of(DatasetName(rawValue: name)!)
    } else {
      self = .own
    }
  }
}

extension ValidationSplit {
  init(checked value: JSONValue) {
    guard let number = value.double else {
      self = .own
      return
    }
    self = number == 0 ? .none : number < 1 ? .fraction(number) : .count(value.int!)
  }

  var json: JSONValue {
    switch self {
    case .none: 0
    case .fraction(let fraction): JSONValue(fraction)
    case .count(let count): JSONValue(count)
    case .own: .string(Self.ownName)
    }
  }
}

extension LabelColumn {
  init?(checked value: JSONValue?) {
    if let number = value?.int {
      self = .number(number)
    } else if let name = value?.string {
      self = .name(name)
    } else {
      return nil
    }
  }

  var json: JSONValue {
    switch self {
    case .name(let name): .string(name)
    case .number(let number): JSONValue(number)
    case .absent: .null
    }
  }
}
