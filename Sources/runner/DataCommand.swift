import ArgumentParser
import Datasets
import Experiment
import FoundationEssentials
import Report

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "List, fetch, check and show the datasets.",
    discussion: """
      A dataset is looked for in --data DIR, then in $RUNNER_DATA, then in data/, each holding a \
      folder of the dataset's name. What is nowhere to be found is downloaded into --data DIR, or \
      data/.
      """,
    subcommands: [List.self, Fetch.self, Check.self, Show.self])
}

/// Where the datasets are.
private struct Place: ParsableArguments {
  @Option(
    name: .customLong("data"), help: "A folder that holds a folder per dataset.",
    transform: Arguments.path)
  var folder: String?

  var locator: DatasetLocator { .standard(dataFolder: folder) }
}

/// Which dataset.
private struct Name: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "One of: \(DatasetCatalog.names.joined(separator: ", ")).", valueName: "name"))
  var name: String

  func validate() throws { try Self.check(name) }

  static func check(_ name: String) throws {
    if DatasetCatalog[name] == nil {
      throw ValidationError(
        "\"\(name)\" is not a dataset; there are \(DatasetCatalog.names.joined(separator: ", "))")
    }
  }

  var entry: CatalogEntry { DatasetCatalog[name]! }
}

extension DataCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the datasets, and where they are on this machine.")

    @OptionGroup private var place: Place
    @OptionGroup private var output: FormatOption

    func run() throws {
      guard output.format == .table else {
        try output.print(table)
        return
      }
      for entry in DatasetCatalog.all {
        try Output.print("\(entry.name)  \(entry.summary)")
        try Output.print(
          "  \(entry.trainCount) training and \(entry.testCount) test images of "
            + "\(entry.height)x\(entry.width)x\(entry.channels), \(entry.classNames.count) classes")
        try Output.print("  licence: \(entry.licence)")
        switch entry.source {
        case .builtIn: try Output.print("  built in")
        case .published:
          try Output.print(
            "  " + (place.locator.folder(of: entry).map { "in \($0)" } ?? missing(entry)))
        }
      }
    }

    /// What `run` tells in sentences.
    private var table: TextTable {
      var table = TextTable([
        .init("name"), .init("training_images", title: "training", .right),
        .init("test_images", title: "test", .right), .init("height", .right),
        .init("width", .right), .init("channels", .right), .init("classes", .right),
        .init("licence"), .init("built_in", title: "built in"), .init("folder"),
        .init("summary"),
      ])
      for entry in DatasetCatalog.all {
        table.append([
          .text(entry.name), .integer(entry.trainCount), .integer(entry.testCount),
          .integer(entry.height), .integer(entry.width), .integer(entry.channels),
          .integer(entry.classNames.count), .text(entry.licence), .flag(entry.isBuiltIn),
          place.locator.folder(of: entry).map { .text($0) } ?? .missing(), .text(entry.summary),
        ])
      }
      return table
    }

    private func missing(_ entry: CatalogEntry) -> String {
      "not on this machine; `runner data fetch \(entry.name)` downloads "
        + "\((entry.archiveSize + 500_000) / 1_000_000) MB"
    }
  }

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Download a dataset, unless it is on this machine, and check it.")

    @OptionGroup private var name: Name
    @OptionGroup private var place: Place

    func run() throws {
      let bar = DownloadDisplay(Display.style(quiet: false))
      defer { bar.clear() }
      let dataset = try place.locator.load(DatasetRequest(name.name)) { bar.update($0) }
      bar.clear()
      try Output.print("\(dataset.name): \(dataset.provenance)")
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Read a dataset, check every file against its published digest, and count.",
      discussion: """
        Of an experiment, a JSON file, it reads the data as the experiment would, and lists the \
        images that cannot be used.
        """)

    @Argument(help: ArgumentHelp("A dataset, or an experiment.", valueName: "name"))
    var name: String
    @OptionGroup private var place: Place

    func validate() throws {
      if !name.hasSuffix(".json") { try Name.check(name) }
    }

    func run() throws {
      if let entry = DatasetCatalog[name] {
        let dataset = try place.locator.load(DatasetRequest(name), progress: nil)
        try Output.print("\(dataset.name): \(dataset.provenance)")
        for file in entry.files { try Output.print("  \(file)") }
        try show(dataset.train, dataset.test, digest: dataset.digest)
      } else {
        let spec = try ExperimentSpec.load(path: name, locator: place.locator).spec
        let compute = ComputeOptions(threads: 1, data: place.folder, quiet: true)
        let images = try compute.loadImages(spec.dataset)
        let record = try compute.data(of: spec, images).record
        try Output.print("\(record.name): \(record.source)")
        try show(images.train, images.test, digest: record.digest)
        for note in record.notes { try Output.print("  note      \(note)") }
        for file in record.skipped { try Output.print("  left out  \(file)") }
      }
    }

    private func show(_ train: ImageSet, _ test: ImageSet?, digest: String) throws {
      try Output.print("  training  \(describe(train))")
      if let test { try Output.print("  test      \(describe(test))") }
      try Output.print("  digest    \(digest)")
    }

    private func describe(_ set: ImageSet) -> String {
      "\(set.count) images of \(set.shape), by class "
        + set.classCounts.map(String.init).joined(separator: " ")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a sheet of a dataset's first training images, labelled, as a PNG file.",
      discussion: """
        With --augmented it takes an experiment instead of a dataset, and shows what its network \
        sees: each image beside what --versions epochs from --epoch on make of it. Where images are \
        mixed, both classes are above them.
        """)

    @Argument(
      help: ArgumentHelp(
        "A dataset; with --augmented an experiment, a JSON file.", valueName: "name"))
    var name: String
    @Argument(
      help: ArgumentHelp(
        "With --augmented, values to replace in the experiment.", valueName: "key=value"))
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
    @OptionGroup private var place: Place
    var dataFolder: String? { place.folder }

    func validate() throws {
      if let count, !(1...10_000).contains(count) {
        throw ValidationError("--count takes 1 to 10000, not \(count)")
      }
      guard (1...1_000_000).contains(epoch), (1...100).contains(versions) else {
        throw ValidationError("--epoch takes 1 to 1000000, --versions 1 to 100")
      }
      guard !augmented else { return }
      guard overrides.isEmpty else {
        throw ValidationError("values are replaced in an experiment only, with --augmented")
      }
      try Name.check(name)
    }

    func run() throws {
      if augmented { return try showAugmented() }
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
      // About as wide as high.
      var columns = 1
      while columns * columns < shown { columns += 1 }
      try PNGSheet.write(dataset.train, indices: 0..<shown, columns: columns, to: path)
      try Output.print(path)
      // The sheet has the numbers of the classes.
      if dataset.classNames != dataset.classNames.indices.map(String.init) {
        for (number, name) in dataset.classNames.enumerated() {
          try Output.print("  \(number)  \(name)")
        }
      }
    }
  }
}
