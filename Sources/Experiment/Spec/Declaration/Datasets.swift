import ConvNet
import Datasets
import Images
import Storage

extension SpecDescription {
  static let datasetChoice = Choice(
    noun: "a dataset", names: DatasetName.allCases.map(\.rawValue),
    aliases: [
      "synthetic": "synthetic_digits", "digits": "synthetic_digits", "emnist": "emnist_balanced",
      "fashion": "fashion_mnist", "cifar": "cifar10", "image_folder": "files", "folder": "files",
      "csv": "files", "npz": "files", "custom": "files",
    ])

  private static let testChoice = Choice(
    noun: "a dataset", names: datasetChoice.names + [TestSet.noneName],
    aliases: datasetChoice.aliases)

  private static let section = Declaration(DatasetSection(DatasetSpec(name: .mnist))) {
    Key(
      "name", \.spec.name, .choice(datasetChoice), otherwise: .required,
      "The dataset; \"files\" for images of one's own.")
    Key(
      "validation", \.spec.validation, validation,
      aliases: ["validation_split", "val_split", "val"],
      "Training images held out to validate on: a fraction below 1, or a count. \"own\" for those of "
        + "validation_path, or that an .npz or .npy set holds besides, such as x_val with y_val.")
    Key(
      "stratified", \.spec.stratified, .boolean, aliases: ["stratify"],
      "Whether the validation images keep the proportions of the classes.")
    Key(
      "train_count", \.spec.trainCount, .integer(1...10_000_000),
      aliases: ["train", "train_size", "limit"],
      "Only so many training images, validation included: the first, or, where a set may be sorted by "
        + "class, as \"files\" and emnist_letters, some drawn by subset_seed; null for all.")
    Key(
      "test_count", \.spec.testCount, .integer(0...10_000_000), aliases: ["test_size"],
      "Only so many test images, the first or drawn as with train_count; null for all; 0 to test on "
        + "none where test is a share, which is still kept apart.")
    Key(
      "test", \.spec.test, test, aliases: ["test_set", "test_dataset", "test_split"],
      "The dataset whose test images are used; null for this one's own, \"none\" to read none. Of "
        + "\"files\" also a share of the images, such as 0.2, kept apart by class, drawn by "
        + "subset_seed.")
    Key(
      "normalize", \.spec.normalization, normalization,
      aliases: ["normalization", "normalisation", "standardize", "whiten"],
      "What is done to the pixels, by what is found of the images that are trained on; null for "
        + "numbers in [0, 1] as they are.")
    Key(
      "synthetic_seed", \.spec.syntheticSeed, .seed,
      "Decides the images of synthetic_digits, apart from the experiment's seed.")
    Key(
      "when_unavailable", \.spec.whenUnavailable,
      .choice("a built-in dataset", among: [.syntheticDigits]),
      aliases: ["fallback", "substitute"],
      "What to use, and say so, when the dataset is neither on disk nor to be downloaded; null to "
        + "fail.")
    Key(
      "path", \.files.path, .form(.path), aliases: ["file", "folder", "root", "dir"],
      "Of \"files\": an archive, a CSV file, or a folder, from --data, $RUNNER_DATA, data/ or the "
        + "current folder.")
    Key(
      "test_path", \.files.testPath, .form(.path), aliases: ["test_file", "test_folder"],
      "Of \"files\": where the test images are; null where they are in the same archive or folder.")
    Key(
      "validation_path", \.files.validationPath, .form(.path),
      aliases: ["val_path", "validation_folder", "val_folder"],
      "Of \"files\": where images to validate on are; null where validation says which.")
    Key(
      "format", \.files.format,
      .choice(
        "a form of files",
        aliases: [
          "folder": "images", "image_folder": "images", "png": "images", "jpeg": "images",
          "numpy": "npz", "mnist": "idx", "ubyte": "idx", "log": "feedback", "jsonl": "feedback",
        ]), aliases: ["form", "type"],
      "Of \"files\": what the path holds; null for what its ending says: .npz, .csv, .tsv or .txt "
        + "(also with .gz, .bz2 or .zip), .jsonl, or else a folder of images by class. \"feedback\" is a "
        + "server's request log, or a folder of them: the images that somebody told the right class "
        + "of, as the model saw them.")
    Key(
      "classes", \.files.classes, classes, aliases: ["class_names", "num_classes", "labels"],
      "Of \"files\": how many classes there are, or their names, for images by class those of their "
        + "folders; null for those that the folders, or the labels, are of.")
    Key(
      "label_column", \.files.labelColumn, labelColumn,
      aliases: ["label", "label_col", "target", "target_column", "y_col", "class_column"],
      "Of \"files\" in CSV: the column of the labels, by its name in the header, or counted from 0, "
        + "-1 for the last; null for the one that certainly holds them: called label, class, target, "
        + "digit, y and the like, or by its values the first or the last.")
    Key(
      "pixel_max", \.files.pixelMax, Notation.number(.above(0, to: 1e9)).written,
      aliases: ["max_value", "white", "rescale", "scale", "max_pixel"],
      "Of \"files\" in CSV, .npz and .npy: the number that is white, of which pixels are parts; null "
        + "for what is certain: 255 for whole numbers, 1 for others up to 1.")
    Key(
      "prepare", \.files.prepare,
      .choice(
        "a way to prepare images", aliases: ["digits": "digit", "mnist": "digit"]),
      aliases: ["preprocess", "preprocessing", "preparation"],
      "Of \"files\": what is made of each image first; null for nothing. \"digit\" takes photos and "
        + "drawings of one digit of any size, colour and light, and makes of them what MNIST was made "
        + "of, 28 x 28 x 1: light strokes on black, without paper, shadows, ruled lines and specks, "
        + "in a box of 20 x 20 with their aspect kept, grey where a pixel is covered in part, the "
        + "centre of mass in the middle. An image on which it finds nothing cannot be used.")
    Key(
      "shape", \.spec.preparation.shape, imageShape,
      aliases: ["image_size", "image_shape", "input_shape", "size"],
      "What the network sees, [height, width, 1 or 3]; null for the dataset's own, or of \"files\" for "
        + "that of all images. Colour is turned to grey by ITU-R 601-2, grey repeated for colour.")
    Key(
      "exif_orientation", \.files.followsOrientation, .boolean,
      aliases: ["exif", "exif_transpose", "auto_orient", "orientation"],
      "Of \"files\" in folders of images: whether images are turned upright where their files note how "
        + "the camera was held (EXIF); TIFF's own are in any case.")
    Key(
      "resize", \.spec.preparation.resize,
      .choice(
        "a way to resize",
        aliases: ["box": "area", "linear": "bilinear", "antialias": "bilinear"]),
      aliases: ["interpolation"],
      "How images of another size are made to fit the shape: bilinear, smoothed when it shrinks, or by "
        + "the area's mean; with \"none\" they are an error.")
    Key(
      "keep_aspect", \.spec.preparation.keepsAspect, .boolean,
      aliases: ["pad_to_aspect_ratio", "keep_aspect_ratio", "preserve_aspect_ratio", "letterbox"],
      "Whether resized images keep the proportion of their sides, in the middle of the shape, with zeros "
        + "on two sides (Pillow's ImageOps.pad), which \"invert\" leaves zeros.")
    Key(
      "invert", \.spec.preparation.inverts, .boolean, aliases: ["inverts", "negative"],
      "Whether light and dark change places, as for ink on paper.")
    Key(
      "corrupt", \.spec.corrupt,
      .choice("what to do", aliases: ["error": "stop", "ignore": "skip"]),
      aliases: ["on_error", "errors"],
      "What is done about image files that cannot be read: stop, or skip and list them.")
    Key(
      "per_class", \.spec.selection.perClass, .integer(1...10_000_000),
      aliases: ["samples_per_class", "shots"],
      "Only so many training images of each class, validation included, drawn by subset_seed.")
    Key(
      "fraction", \.spec.selection.fraction, .number(.above(0, below: 1)),
      aliases: ["subset", "subset_fraction"],
      "Only this part of each class's training images, validation included, drawn by subset_seed.")
    Key(
      "subset_seed", \.spec.selection.seed, .seed,
      "Decides what per_class, fraction, balance, counts and a share to test on draw, apart from the "
        + "experiment's seed.")
    Key(
      "balance", \.spec.selection.balance,
      .choice(
        "a way to balance classes", aliases: ["under": "undersample", "over": "oversample"]),
      aliases: ["class_balance", "sampling", "resample"],
      "How the classes are made to come equally often in training: by leaving out images of the "
        + "frequent ones, or by repeating those of the rare.")
  }

  static let dataset = Notation<DatasetSection>.object(section).converted(
    { $0.settled }, back: { DatasetSection($0) })

  static let validation: Notation<ValidationSplit> = {
    let own = Choice(
      noun: "the images to validate on", names: ["own"],
      aliases: ["files": "own", "x_val": "own", "x_valid": "own"])
    return Notation(
      .either([.fractionOrCount(10_000_000), .choice(own)]),
      decode: { json in
        guard let number = json.double else { return json.string == "own" ? .own : nil }
        if number == 0 { return ValidationSplit.none }
        return number < 1 ? .fraction(number) : json.int.map { .count($0) }
      },
      encode: {
        switch $0 {
        case .none: 0
        case .fraction(let fraction): JSONValue(fraction)
        case .count(let count): JSONValue(count)
        case .own: "own"
        }
      })
  }()

  /// Null for the dataset's own.
  private static let test = Notation<TestSet>(
    .either([.choice(testChoice), .number(.above(0, below: 1))]), isOptional: true,
    decode: { json in
      if json.isNull { return .own }
      if json.string == TestSet.noneName { return TestSet.none }
      return json.double.map { .share($0) }
        ?? json.string.flatMap(DatasetName.init(rawValue:)).map { .of($0) }
    },
    encode: {
      switch $0 {
      case .own: .null
      case .of(let name): .string(name.rawValue)
      case .share(let share): JSONValue(share)
      case .none: .string(TestSet.noneName)
      }
    })

  static let classes: Notation<OwnFiles.Classes> = {
    let count = Notation<Int>.integer(2...Labels.mostClasses)
    let names = Notation<[String]>.list(
      of: .text, count: 2...Labels.mostClasses, noun: "names of classes")
    return Notation(
      .either([count.type, names.type]),
      decode: { json in
        if let number = count.decode(json) { return .count(number) }
        return names.decode(json).flatMap { $0.isEmpty ? nil : .names($0) }
      },
      encode: {
        switch $0 {
        case .count(let number): count.encode(number)
        case .names(let list): names.encode(list)
        }
      })
  }()

  static let labelColumn = Notation<LabelColumn>(
    .either([.integer(-100_000_000...100_000_000), .text]),
    decode: { json in json.int.map { .number($0) } ?? json.string.map { .name($0) } },
    encode: {
      switch $0 {
      case .name(let name): .string(name)
      case .number(let number): JSONValue(number)
      case .absent: .null
      }
    })

  static let imageShape = Notation<[Int]>.list(
    of: .integer(1...8192), count: 3...3, noun: "numbers, height, width, channels"
  ).converted(
    { $0.count == 3 ? ImageShape(height: $0[0], width: $0[1], channels: $0[2]) : nil },
    back: { [$0.height, $0.width, $0.channels] })
}

/// A dataset as its section says it, the keys of one's own files each by itself.
private struct DatasetSection: Sendable {
  var spec: DatasetSpec
  var files: FileKeys

  struct FileKeys {
    var path: String?
    var testPath: String?
    var validationPath: String?
    var format: OwnFiles.Format?
    var classes: OwnFiles.Classes?
    var labelColumn: LabelColumn?
    var pixelMax: Double?
    var prepare: FilePreparation?
    var followsOrientation = false
  }

  init(_ spec: DatasetSpec) {
    self.spec = spec
    let own = spec.files
    files = FileKeys(
      path: own?.path, testPath: own?.testPath, validationPath: own?.validationPath,
      format: own?.format, classes: own?.classes, labelColumn: own?.labelColumn,
      pixelMax: own?.pixelMax, prepare: own?.prepare,
      followsOrientation: own?.followsOrientation ?? false)
  }

  /// The dataset with its files.
  var settled: DatasetSpec {
    var settled = spec
    settled.files = ownFiles
    if ownFiles?.validationPath != nil { settled.validation = .own }
    return settled
  }

  /// Nil where the section names none, or leaves out what they need.
  private var ownFiles: OwnFiles? {
    // Another dataset's classes, where only the test images are one's own.
    guard let classes = files.classes ?? spec.name.classNames.map({ .names($0) }),
      let path = files.path ?? files.testPath
    else { return nil }
    var own = OwnFiles(
      path: path, testPath: files.testPath, format: files.format, classes: classes,
      labelColumn: files.labelColumn, pixelMax: files.pixelMax)
    own.validationPath = files.validationPath
    own.followsOrientation = files.followsOrientation
    own.prepare = files.prepare
    return own
  }
}

extension Selection {
  /// Of the two ways to take a part of the images, the first that is said counts.
  fileprivate var perClass: Int? {
    get { if case .perClass(let count)? = subset { count } else { nil } }
    set { subset = subset ?? newValue.map { .perClass($0) } }
  }
  fileprivate var fraction: Double? {
    get { if case .fraction(let fraction)? = subset { fraction } else { nil } }
    set { subset = subset ?? newValue.map { .fraction($0) } }
  }
}
