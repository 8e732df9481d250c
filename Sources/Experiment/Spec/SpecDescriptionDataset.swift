import ConvNet
import Datasets
import Storage

extension SpecDescription {
  static let datasetChoice = Choice(
    noun: "a dataset", names: DatasetName.allCases.map(\.rawValue),
    aliases: [
      "synthetic": "synthetic_digits", "digits": "synthetic_digits", "emnist": "emnist_balanced",
      "fashion": "fashion_mnist", "cifar": "cifar10", "image_folder": "files", "folder": "files",
      "csv": "files", "npz": "files", "custom": "files",
    ])

  static let testChoice = Choice(
    noun: "a dataset", names: datasetChoice.names + [TestSet.noneName],
    aliases: datasetChoice.aliases)

  static let dataset = ObjectType(fields: [
    Field(
      "name", .choice(datasetChoice), .required,
      "The dataset; \"files\" for images of one's own."),
    Field(
      "validation",
      .either([
        .fractionOrCount(10_000_000),
        .choice(
          Choice(
            noun: "the images to validate on", names: [ValidationSplit.ownName],
            aliases: ["files": "own", "x_val": "own", "x_valid": "own"])),
      ]), .value(0), aliases: ["validation_split", "val_split", "val"],
      "Training images held out to validate on: a fraction below 1, or a count. \"own\" for those of "
        + "validation_path, or that an .npz or .npy set holds besides, such as x_val with y_val."),
    Field(
      "stratified", .boolean, .value(false), aliases: ["stratify"],
      "Whether the validation images keep the proportions of the classes."),
    Field(
      "train_count", .integer(1...10_000_000), .none, aliases: ["train", "train_size", "limit"],
      "Only so many training images, validation included: the first, or, where a set may be sorted by "
        + "class, as \"files\" and emnist_letters, some drawn by subset_seed; null for all."),
    Field(
      "test_count", .integer(0...10_000_000), .none, aliases: ["test_size"],
      "Only so many test images, the first or drawn as with train_count; null for all; 0 to test on "
        + "none where test is a share, which is still kept apart."),
    Field(
      "test", .either([.choice(testChoice), .number(.above(0, below: 1))]), .none,
      aliases: ["test_set", "test_dataset", "test_split"],
      "The dataset whose test images are used; null for this one's own, \"none\" to read none. Of "
        + "\"files\" also a share of the images, such as 0.2, kept apart by class, drawn by "
        + "subset_seed."),
    Field(
      "normalize", normalization, .none,
      aliases: ["normalization", "normalisation", "standardize", "whiten"],
      "What is done to the pixels, by what is found of the images that are trained on; null for "
        + "numbers in [0, 1] as they are."),
    Field(
      "synthetic_seed", .seed, .value(1),
      "Decides the images of synthetic_digits, apart from the experiment's seed."),
    Field(
      "when_unavailable",
      .choice(Choice(noun: "a built-in dataset", names: [DatasetName.syntheticDigits.rawValue])),
      .none, aliases: ["fallback", "substitute"],
      "What to use, and say so, when the dataset is neither on disk nor to be downloaded; null to "
        + "fail."),
    Field(
      "path", .form(.path), .none, aliases: ["file", "folder", "root", "dir"],
      "Of \"files\": an archive, a CSV file, or a folder, from --data, $RUNNER_DATA, data/ or the "
        + "current folder."),
    Field(
      "test_path", .form(.path), .none, aliases: ["test_file", "test_folder"],
      "Of \"files\": where the test images are; null where they are in the same archive or folder."),
    Field(
      "validation_path", .form(.path), .none,
      aliases: ["val_path", "validation_folder", "val_folder"],
      "Of \"files\": where images to validate on are; null where validation says which."),
    Field(
      "format", .choice(formatChoice), .none, aliases: ["form", "type"],
      "Of \"files\": what the path holds; null for what its ending says: .npz, .csv, .tsv or .txt "
        + "(also with .gz, .bz2 or .zip), or else a folder of images by class."),
    Field(
      "classes",
      .either([
        .integer(2...Labels.mostClasses),
        .list(of: .text, count: 2...Labels.mostClasses, noun: "names of classes"),
      ]), .none, aliases: ["class_names", "num_classes", "labels"],
      "Of \"files\": how many classes there are, or their names, for images by class those of their "
        + "folders; null for those that the folders, or the labels, are of."),
    Field(
      "label_column",
      .either([.integer(-100_000_000...100_000_000), .text]), .none,
      aliases: ["label", "label_col", "target", "target_column", "y_col", "class_column"],
      "Of \"files\" in CSV: the column of the labels, by its name in the header, or counted from 0, "
        + "-1 for the last; null for the one that certainly holds them: called label, class, target, "
        + "digit, y and the like, or by its values the first or the last."),
    Field(
      "pixel_max", .number(.above(0, to: 1e9)), .none,
      aliases: ["max_value", "white", "rescale", "scale", "max_pixel"],
      "Of \"files\" in CSV, .npz and .npy: the number that is white, of which pixels are parts; null "
        + "for what is certain: 255 for whole numbers, 1 for others up to 1."),
    Field(
      "prepare",
      .choice(
        Choice(
          noun: "a way to prepare images", names: FilePreparation.allCases.map(\.rawValue),
          aliases: ["digits": "digit", "mnist": "digit"])),
      .none, aliases: ["preprocess", "preprocessing", "preparation"],
      "Of \"files\": what is made of each image first; null for nothing. \"digit\" takes photos and "
        + "drawings of one digit of any size, colour and light, and makes of them what MNIST was made "
        + "of, 28 x 28 x 1: light strokes on black, without paper, shadows, ruled lines and specks, "
        + "in a box of 20 x 20 with their aspect kept, grey where a pixel is covered in part, the "
        + "centre of mass in the middle. An image on which it finds nothing cannot be used."),
    Field(
      "shape",
      .list(of: .integer(1...8192), count: 3...3, noun: "numbers, height, width, channels"),
      .none, aliases: ["image_size", "image_shape", "input_shape", "size"],
      "What the network sees, [height, width, 1 or 3]; null for the dataset's own, or of \"files\" for "
        + "that of all images. Colour is turned to grey by ITU-R 601-2, grey repeated for colour."),
    Field(
      "exif_orientation", .boolean, .value(false),
      aliases: ["exif", "exif_transpose", "auto_orient", "orientation"],
      "Of \"files\" in folders of images: whether images are turned upright where their files note how "
        + "the camera was held (EXIF); TIFF's own are in any case."),
    Field(
      "resize",
      .choice(
        Choice(
          noun: "a way to resize", names: ImagePreparation.Resize.allCases.map(\.rawValue),
          aliases: ["box": "area", "linear": "bilinear", "antialias": "bilinear"])),
      .value("none"), aliases: ["interpolation"],
      "How images of another size are made to fit the shape: bilinear, smoothed when it shrinks, or by "
        + "the area's mean; with \"none\" they are an error."),
    Field(
      "keep_aspect", .boolean, .value(false),
      aliases: ["pad_to_aspect_ratio", "keep_aspect_ratio", "preserve_aspect_ratio", "letterbox"],
      "Whether resized images keep the proportion of their sides, in the middle of the shape, with zeros "
        + "on two sides (Pillow's ImageOps.pad), which \"invert\" leaves zeros."),
    Field(
      "invert", .boolean, .value(false), aliases: ["inverts", "negative"],
      "Whether light and dark change places, as for ink on paper."),
    Field(
      "corrupt",
      .choice(
        Choice(
          noun: "what to do", names: CorruptImages.allCases.map(\.rawValue),
          aliases: ["error": "stop", "ignore": "skip"])),
      .value("stop"), aliases: ["on_error", "errors"],
      "What is done about image files that cannot be read: stop, or skip and list them."),
    Field(
      "per_class", .integer(1...10_000_000), .none, aliases: ["samples_per_class", "shots"],
      "Only so many training images of each class, validation included, drawn by subset_seed."),
    Field(
      "fraction", .number(.above(0, below: 1)), .none, aliases: ["subset", "subset_fraction"],
      "Only this part of each class's training images, validation included, drawn by subset_seed."),
    Field(
      "subset_seed", .seed, .value(1),
      "Decides what per_class, fraction, balance, counts and a share to test on draw, apart from the "
        + "experiment's seed."),
    Field(
      "balance",
      .choice(
        Choice(
          noun: "a way to balance classes", names: Selection.Balance.allCases.map(\.rawValue),
          aliases: ["under": "undersample", "over": "oversample"])),
      .value("none"), aliases: ["class_balance", "sampling", "resample"],
      "How the classes are made to come equally often in training: by leaving out images of the "
        + "frequent ones, or by repeating those of the rare."),
  ])

  private static let formatChoice = Choice(
    noun: "a form of files", names: OwnFiles.Format.allCases.map(\.rawValue),
    aliases: [
      "folder": "images", "image_folder": "images", "png": "images", "jpeg": "images",
      "numpy": "npz", "mnist": "idx", "ubyte": "idx",
    ])
}
