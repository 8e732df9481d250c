import ConvNet
import Datasets
import Storage

// A run's weights on images that are not its own.
extension ExperimentSpec {
  /// The dataset section of other images that this experiment's network is to be tested on. They come to
  /// its shape as its own did: resized and inverted so, unless `values` say otherwise.
  ///
  /// - Parameters:
  ///   - other: a dataset's name, or the path of one's own files.
  ///   - classNames: those that the network tells apart; nil where nothing says them.
  ///   - values: `key=value` arguments of the section, as `invert=true` or `dataset.invert=true`.
  /// - Throws: `SpecErrors` for what is wrong with them, or where the network doesn't fit them.
  public func dataset(
    of other: String, classNames: [String]?, values: [String]
  ) throws(SpecErrors) -> DatasetSpec {
    let resolved = resolved()
    var section: JSONValue = ["name": .string(other)]
    for key in ["resize", "keep_aspect", "invert", "corrupt"] {
      section[key] = resolved["dataset"]?[key]
    }
    let shape = dataset.imageShape
    section["shape"] = .array([shape.height, shape.width, shape.channels].map { JSONValue($0) })
    if DatasetCatalog[other] == nil {
      let path = Files.exists(other) ? (try? Files.absolute(other)) ?? other : other
      section["name"] = .string(OwnFiles.name)
      section["path"] = .string(path)
      section["test_path"] = .string(path)
      section["classes"] =
        classNames.map { .array($0.map { .string($0) }) } ?? JSONValue(dataset.classCount)
    }
    // What is left of the experiment is what its images must fit.
    var spec: JSONValue = [
      "name": .string(name), "dataset": section, "training": ["epochs": 1, "batch_size": 1],
    ]
    for key in ["model", "optimizer"] { spec[key] = resolved[key] }
    let overrides = values.map { $0.hasPrefix("dataset.") ? $0 : "dataset.\($0)" }
    return try ExperimentSpec.load(
      bytes: Array(spec.pretty.utf8), name: "--on \(other)", overrides: overrides
    ).spec.dataset
  }
}

extension TestImages {
  /// Reads the test images of a section; its training images matter to nobody.
  ///
  /// - Parameters:
  ///   - classNames: those that a network tells apart, which the images must have; nil where nothing
  ///     says them.
  ///   - name: what the images are to be called.
  ///   - notice: told, as sentences to the user, what they must know of the data.
  /// - Throws: `DatasetError`, also for images of other classes.
  public static func load(
    _ section: DatasetSpec, classNames: [String]?, name: String, dataFolder: String?, threads: Int,
    progress: @escaping (DownloadProgress) -> Void, notice: (String) -> Void
  ) throws -> TestImages {
    var request = section.request()
    request.whenUnavailable = nil
    let set = try DatasetLocator.standard(dataFolder: dataFolder).load(
      request.withoutTraining, threads: threads, progress: progress)
    if let classNames, set.classNames != classNames {
      func shown(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
      }
      throw DatasetError(
        .invalid,
        "the classes of \(name) are \(shown(set.classNames)), not those that the network has learned: "
          + shown(classNames))
    }
    RunImages.tell(notes: set.notes, skipped: set.skipped, "told here only", notice)
    return TestImages(set.test!, classNames: set.classNames, name: name)
  }
}
