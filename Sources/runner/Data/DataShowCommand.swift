import ArgumentParser
import Datasets
import Experiment
import Images

extension DataCommand {
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a sheet of labelled training images as a PNG file.",
      discussion: """
        Of a dataset, the first images, each under the number of its class. Of an experiment, a JSON \
        file, the images that it would train and validate on, with the names of their classes: the \
        first of each class, then the second of each, and so on.

        With --augmented it shows what an experiment's network sees: each image beside what --versions \
        epochs from --epoch on make of it. Where images are mixed, both classes are above them.
        """)

    @Argument(
      help: ArgumentHelp("A dataset, or an experiment, a JSON file.", valueName: "name"))
    var name: String
    @Argument(
      help: ArgumentHelp("Values to replace in the experiment.", valueName: "key=value"))
    var overrides: [String] = []
    @Option(help: "How many images. (default: 100; 12 with --augmented)")
    var count: Int?
    @Option(help: "The file to write; NAME.png when it isn't given.", transform: Arguments.path)
    var output: String?
    @Option(help: "The seed of synthetic_digits.")
    var seed: UInt64 = 1
    @Flag(help: "Show what an experiment's network sees.")
    var augmented = false
    @Option(help: "With --augmented, the first epoch that is shown.")
    var epoch = 1
    @Option(help: "With --augmented, how many epochs are shown.")
    var versions = 9
    @OptionGroup private var place: DataPlace
    var dataFolder: String? { place.folder }

    private var isOfExperiment: Bool { augmented || name.hasSuffix(".json") }

    func validate() throws {
      if let count, !(1...10_000).contains(count) {
        throw ValidationError("--count takes 1 to 10000, not \(count)")
      }
      guard (1...1_000_000).contains(epoch), (1...100).contains(versions) else {
        throw ValidationError("--epoch takes 1 to 1000000, --versions 1 to 100")
      }
      guard !isOfExperiment else { return }
      guard overrides.isEmpty else {
        throw ValidationError("values are replaced in an experiment only, a JSON file")
      }
      try DatasetArgument.check(name)
    }

    func run() throws {
      if augmented { return try showAugmented() }
      if isOfExperiment { return try showExperiment() }
      let bar = DownloadDisplay(Display.style(quiet: false))
      defer { bar.clear() }
      let count = count ?? 100
      let isBuiltIn = DatasetCatalog[name]!.isBuiltIn
      let request = DatasetRequest(
        name, trainCount: isBuiltIn ? count : nil, testCount: isBuiltIn ? 1 : nil,
        syntheticSeed: seed)
      let dataset = try place.locator.load(request) { bar.update($0) }
      bar.clear()
      let path = output ?? "\(name).png"
      let shown = min(count, dataset.train.count)
      try PNGSheet.write(
        dataset.train, indices: 0..<shown, columns: Self.columns(of: shown), to: path)
      try Output.print(path)
      // The sheet has the numbers of the classes.
      if dataset.classNames != dataset.classNames.indices.map(String.init) {
        for (number, name) in dataset.classNames.enumerated() {
          try Output.print("  \(number)  \(name)")
        }
      }
    }

    /// The images of an experiment with the names of their classes, class by class in turn, so that all of
    /// them are there however the files were sorted.
    private func showExperiment() throws {
      let spec = try ExperimentSpec.load(path: name, overrides: overrides).spec
      let images = try ComputeOptions(threads: 1, data: dataFolder, quiet: false)
        .loadImages(spec.dataset)
      let set = images.train
      var turns = Array(repeating: 0, count: set.classes)
      let places = set.labels.indices.map { image in
        let label = set.labels[image]
        defer { turns[label] += 1 }
        return (turn: turns[label], label: label, image: image)
      }
      let shown = places.sorted { ($0.turn, $0.label) < ($1.turn, $1.label) }.prefix(count ?? 100)
      let cells = shown.map { place in
        PNGSheet.Cell(
          below: [SheetText.name(ofClass: place.label, images.classNames)],
          pixels: set.image(place.image))
      }
      let path = output ?? "\(spec.name).png"
      try PNGSheet.write(cells, of: set.shape, columns: Self.columns(of: cells.count), to: path)
      try Output.print(path)
      let areMany = images.classNames.count > ClassDetail.mostClasses
      let onSheet = Set(shown.map(\.label))
      for (label, name) in images.classNames.enumerated() where !areMany || onSheet.contains(label)
      {
        let shown = SheetText.name(ofClass: label, images.classNames)
        try Output.print(
          "  \(shown == name ? name : "\(shown) is \(name)"): \(turns[label]) images")
      }
      if areMany, onSheet.count < images.classNames.count {
        try Output.print(
          "  and \(grouped(images.classNames.count - onSheet.count)) classes that the sheet doesn't show"
        )
      }
    }

    /// As many as make a sheet about as wide as high.
    private static func columns(of count: Int) -> Int {
      var columns = 1
      while columns * columns < count { columns += 1 }
      return columns
    }
  }
}

/// What a sheet can write.
enum SheetText {
  /// The name of a class, or its number where the sheet's letters don't have it.
  static func name(ofClass label: Int, _ names: [String]) -> String {
    BitmapFont.canWrite(names[label]) ? names[label] : "class \(label)"
  }
}
