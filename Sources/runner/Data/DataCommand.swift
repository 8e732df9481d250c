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
struct DataPlace: ParsableArguments {
  @Option(
    name: .customLong("data"), help: "A folder that holds a folder per dataset.",
    transform: Arguments.path)
  var folder: String?

  var locator: DatasetLocator { .standard(dataFolder: folder) }
}

/// Which dataset.
struct DatasetArgument: ParsableArguments {
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

    @OptionGroup private var place: DataPlace
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

    @OptionGroup private var name: DatasetArgument
    @OptionGroup private var place: DataPlace

    func run() throws {
      let bar = DownloadDisplay(Display.style(quiet: false))
      defer { bar.clear() }
      let dataset = try place.locator.load(DatasetRequest(name.name)) { bar.update($0) }
      bar.clear()
      try Output.print("\(dataset.name): \(dataset.provenance)")
    }
  }
}
