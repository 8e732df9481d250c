import ConvNet
import Datasets
import Images
import Testing

@testable import Experiment

/// What a spec may say of its data, and what it may not.
struct SpecDatasetTests {
  /// A spec with this dataset section and a dense layer of so many outputs.
  static func text(_ dataset: String, units: Int = 10, rest: String = "") -> String {
    """
    { "name": "x", "dataset": { \(dataset) },
      "model": [ { "layer": "flatten" }, { "layer": "dense", "units": \(units) } ],
      "optimizer": { "name": "adam" }, "training": { "epochs": 1, "batch_size": 2 } \(rest) }
    """
  }

  static func load(_ dataset: String, units: Int = 10) throws -> DatasetSpec {
    let spec = try ExperimentSpec.load(
      bytes: Array(text(dataset, units: units).utf8), name: "x.json"
    ).spec
    try SpecRoundTripTests.checkRoundTrip(spec)
    return spec.dataset
  }

  @Test(arguments: DatasetCatalog.all.map(\.name)) func everyDatasetOfTheCatalog(name: String)
    throws
  {
    let entry = try #require(DatasetCatalog[name])
    let spec = try Self.load("\"name\": \"\(name)\"", units: entry.classNames.count)
    #expect(spec.imageShape.height == entry.height && spec.imageShape.channels == entry.channels)
    #expect(spec.classCount == entry.classNames.count && spec.loadedCount == entry.trainCount)
  }

  @Test func ownFiles() throws {
    let csv = try Self.load(
      """
      "name": "files", "path": "train.csv", "test_path": "test.csv", "classes": ["a", "b", "c"],
      "shape": [8, 6, 1], "validation": 0.25
      """, units: 3)
    #expect(
      csv.files
        == OwnFiles(
          path: "train.csv", testPath: "test.csv", format: .csv, classes: .names(["a", "b", "c"])))
    #expect(csv.sampleShape == .image(height: 8, width: 6, channels: 1) && csv.classCount == 3)
    #expect(csv.loadedCount == nil && csv.split == nil)
    let npz = try Self.load(
      "\"name\": \"files\", \"path\": \"m.npz\", \"classes\": 10, \"shape\": [28, 28, 1]")
    #expect(npz.files?.format == .npz && npz.preparation.resize == .none)
    let photos = try Self.load(
      """
      "name": "files", "path": "photos", "test": "none", "classes": 4, "shape": [32, 32, 3],
      "resize": "area", "invert": true, "corrupt": "skip", "per_class": 10, "train_count": 500
      """, units: 4)
    #expect(photos.files?.format == .images && photos.corrupt == .skip)
    #expect(
      photos.preparation
        == ImagePreparation(
          shape: ImageShape(height: 32, width: 32, channels: 3), resize: .area, inverts: true))
    #expect(photos.loadedCount == 40)
    let table = try Self.load(
      """
      "name": "files", "path": "T.TSV", "test": "none", "classes": 10, "shape": [28, 28, 1],
      "label_column": -1, "pixel_max": 16
      """)
    #expect(table.files?.format == .csv && table.files?.labelColumn == .number(-1))
    #expect(table.files?.pixelMax == 16)
    let named = try Self.load(
      """
      "name": "files", "path": "a.csv", "test": "none", "classes": 10, "shape": [28, 28, 1],
      "label_column": "784"
      """)
    #expect(named.files?.labelColumn == .name("784"))
    let own = try Self.load(
      """
      "name": "files", "path": "m.npz", "classes": 10, "shape": [28, 28, 1], "validation": "own",
      "train_count": 500
      """)
    #expect(own.validation == .own && own.loadedCount == 500 && own.split == nil)
    #expect(own.request().readsValidation)
    // One's own test images of another dataset's classes.
    let mixed = try Self.load(
      "\"name\": \"mnist\", \"test\": \"files\", \"test_path\": \"mine\", \"resize\": \"bilinear\"")
    #expect(mixed.files?.testPath == "mine" && mixed.files?.classes.count == 10)
  }

  @Test func selections() throws {
    let few = try Self.load("\"name\": \"mnist\", \"per_class\": 100, \"balance\": \"oversample\"")
    #expect(few.selection == Selection(subset: .perClass(100), balance: .oversample))
    #expect(few.loadedCount == 1000)
    let part = try Self.load("\"name\": \"mnist\", \"fraction\": 0.1, \"subset_seed\": 5")
    #expect(part.selection == Selection(subset: .fraction(0.1), seed: 5))
    #expect(part.loadedCount == 6000)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let dataset: String
    let units: Int
    let message: String
    init(_ dataset: String, _ message: String, units: Int = 10) {
      self.dataset = dataset
      self.units = units
      self.message = message
    }
    var testDescription: String { dataset }
  }

  @Test(arguments: [
    Case(
      "\"name\": \"cifar100\"",
      "model[1].units: 10 outputs do not fit the 100 classes of cifar100"),
    Case(
      "\"name\": \"fashon_mnist\"",
      "dataset.name: \"fashon_mnist\" is not a dataset; did you mean \"fashion_mnist\"?"),
    Case(
      "\"name\": \"files\", \"path\": \"a\"",
      "dataset.path: a is not on this machine; looked in "),
    Case(
      "\"name\": \"files\", \"shape\": [8, 8, 1]",
      "dataset.name: \"files\" needs \"path\", \"classes\" too; nothing is known of them beforehand"
    ),
    Case(
      "\"name\": \"files\", \"path\": \"a\", \"shape\": [8, 8, 1], \"test\": \"none\", "
        + "\"classes\": [\"cat\", \"\u{C4}\", \"A\u{308}\"]",
      "dataset.classes[2]: \"A\u{308}\" is listed twice; each class has a name of its own", units: 3
    ),
    Case(
      "\"name\": \"files\", \"path\": \"a\", \"shape\": [8, 8, 1], \"classes\": 10, \"test\": 0.2, "
        + "\"test_path\": \"b\"",
      "dataset.test_path: \"test\" is a share of the images already; give one of the two"),
    Case(
      "\"name\": \"mnist\", \"test\": 0.2",
      "dataset.test: a share of the images is for \"files\"; mnist has test images of its own"),
    Case(
      "\"name\": \"mnist\", \"test_count\": 0",
      "dataset.test_count: is 0, which is for a share of the images as \"test\"; give \"test\" "
        + "\"none\""),
    Case(
      "\"name\": \"files\", \"path\": \"a\", \"shape\": [8, 8, 1], \"classes\": 10, \"test\": 0.2, "
        + "\"validation\": 0.1, \"validation_path\": \"b\"",
      "dataset.validation: images are held out of the training images, and \"validation_path\" has "
        + "others; give one of the two"),
    Case(
      "\"name\": \"mnist\", \"validation_path\": \"b\"",
      "dataset.validation_path: is of the dataset \"files\" only, not of mnist"),
    Case(
      "\"name\": \"files\", \"path\": \"a.csv\", \"shape\": [8, 8, 1], \"classes\": 10, "
        + "\"test\": 0.2, \"exif_orientation\": true",
      "dataset.exif_orientation: is of the format \"images\", not of \"csv\""),
    Case(
      "\"name\": \"files\", \"path\": \"a\", \"classes\": 10, \"shape\": [8, 8, 1]",
      "dataset.path: its test images are not said; give \"test_path\", a share of the images, as "
        + "\"test\": 0.2, or \"test\" \"none\""),
    Case(
      "\"name\": \"mnist\", \"path\": \"a\"",
      "dataset.path: is of the dataset \"files\" only, not of mnist"),
    Case(
      "\"name\": \"mnist\", \"label_column\": 0",
      "dataset.label_column: is of the dataset \"files\" only, not of mnist"),
    Case(
      "\"name\": \"mnist\", \"validation\": \"own\"",
      "dataset.validation: \"own\" is of the dataset \"files\", with a \"validation_path\" or in"),
    Case(
      "\"name\": \"mnist\", \"validation\": \"x_val\"",
      "dataset.validation: \"x_val\" is not the images to validate on; did you mean \"own\"?"),
    Case(
      """
      "name": "files", "path": "a.npz", "classes": 10, "shape": [8, 8, 1], "label_column": "y"
      """, "dataset.label_column: is of the format \"csv\", not of \"npz\""),
    Case(
      """
      "name": "files", "path": "a", "test": "none", "classes": 10, "shape": [8, 8, 1],
      "pixel_max": 1
      """, "dataset.pixel_max: is of the format \"csv\", \"npz\", \"npy\", not of \"images\""),
    Case(
      """
      "name": "files", "path": "a.npz", "classes": 10, "shape": [8, 8, 1], "validation": "own",
      "stratified": true
      """,
      "dataset.stratified: is of images that are held out of the training images; \"validation\" is"
    ),
    Case(
      "\"name\": \"mnist\", \"test\": \"files\"", "dataset.test: \"files\" needs \"test_path\" too"),
    Case(
      "\"name\": \"mnist\", \"shape\": [32, 32, 1]",
      "dataset.shape: the images of mnist are 28x28, not 32x32; give \"resize\" \"bilinear\" or "
        + "\"area\""),
    Case(
      "\"name\": \"mnist\", \"shape\": [28, 28, 2]",
      "dataset.shape[2]: 2 channels are neither grey, 1, nor colour, 3"),
    Case(
      "\"name\": \"mnist\", \"shape\": [28, 28]",
      "dataset.shape: found a list of 2, but a list of at least 3 numbers, height, width, channels is "
        + "expected"),
    Case(
      "\"name\": \"mnist\", \"test\": \"usps\"",
      "dataset.test: the images of usps are 16x16, not 28x28; give \"resize\" \"bilinear\" or \"area\""
    ),
    Case(
      "\"name\": \"mnist\", \"test\": \"cifar100\", \"resize\": \"area\"",
      "dataset.test: cifar100 has 100 classes, which cannot be the test for the 10 of mnist"),
    Case(
      "\"name\": \"emnist_letters\", \"when_unavailable\": \"synthetic_digits\"",
      "dataset.when_unavailable: the classes of synthetic_digits are 0, 1, 2, …, those of "
        + "emnist_letters A, B, C, …; it can stand in for \"mnist\", ", units: 26),
    Case(
      "\"name\": \"fashion_mnist\", \"when_unavailable\": \"synthetic_digits\"",
      "dataset.when_unavailable: the classes of synthetic_digits are 0, 1, 2, …, those of "
        + "fashion_mnist T-shirt/top, Trouser, Pullover, …; it can stand in for \"mnist\", "),
    Case(
      "\"name\": \"files\", \"path\": \"a\", \"test\": \"none\", \"classes\": 10, "
        + "\"shape\": [8, 8, 1], \"when_unavailable\": \"synthetic_digits\"",
      "dataset.when_unavailable: nothing stands in for one's own files; remove it"),
    Case(
      "\"name\": \"mnist\", \"per_class\": 10, \"fraction\": 0.5",
      "dataset.fraction: \"per_class\" and \"fraction\" exclude each other"),
    Case(
      "\"name\": \"mnist\", \"per_class\": 10000",
      "dataset.per_class: 10000 of each of 10 classes are more than the 60000 training images"),
    Case(
      "\"name\": \"mnist\", \"per_class\": 5, \"validation\": 50",
      "dataset.validation: 50 leaves none of the 50 images to train on"),
  ])
  func mistakes(_ c: Case) {
    let errors = SpecErrorTests.errors(Self.text(c.dataset, units: c.units))
    #expect(errors.count >= 1)
    #expect(errors.first?.contains(c.message) == true, "\(errors)")
  }
}
