import ArgumentParser
import ConvNet
import Experiment
import Report
import Sweep
import TerminalText

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Tell what a spec may say: formulas, keys, defaults.",
    discussion: """
      Layers, losses, optimizers, schedules, augmentations, samplers and so on, by their names in a \
      spec, or by those that Keras, PyTorch, torchvision and Optuna have for them; sections of a spec; \
      and single keys. Without a name it lists what there is; `keras`, `pytorch`, `torchvision` and \
      `optuna` list how what is called so there is written here.

        runner explain adam
        runner explain batch_norm dropout
        runner explain patience
        runner explain BatchNormalization CosineAnnealingLR rotation_range
        runner explain keras
        runner explain --all --format markdown > catalogue.md
      """)

  @Argument(help: ArgumentHelp("What to explain.", valueName: "name"))
  var names: [String] = []

  @Flag(help: "Explain everything.")
  var all = false

  @OptionGroup var output: DocumentOptions

  func run() throws {
    let catalogue =
      ExperimentSpec.catalogue() + SweepSpec.catalogue() + QuantizationSpec.catalogue()
      + PruningSpec.catalogue()
    if names.isEmpty && !all {
      try Output.print(Explanation.list(of: catalogue), terminator: "")
      return
    }
    if all {
      if output.format == .markdown { try Output.print(Explanation.title) }
      try Output.print(Explanation.text(of: catalogue, as: output.format), terminator: "")
      return
    }
    var libraries: [ForeignName.Library] = []
    var others: [ForeignName] = []
    var entries: [CatalogueEntry] = []
    for name in names {
      if let library = ForeignName.Library(rawValue: name.lowercased()) {
        libraries.append(library)
        continue
      }
      let (found, foreign) = try find(name, in: catalogue)
      others += foreign
      for entry in found where !entries.contains(entry) { entries.append(entry) }
    }
    let isOneForPrograms =
      output.format == .csv
      ? libraries.count + (entries.isEmpty ? 0 : 1) <= 1 : libraries.isEmpty || entries.isEmpty
    guard output.format == .table || output.format == .markdown || isOneForPrograms else {
      throw UsageError(
        "\(names.joined(separator: " ")): as \(output.format.rawValue), one of them at a time")
    }
    var document = TextDocument()
    for library in libraries {
      document.append(
        Explanation.table(ForeignName.all.filter { $0.library == library }), key: library.rawValue,
        title: "\(library.title), and how it is written in a spec")
    }
    if !libraries.isEmpty { try output.print(document) }
    if output.format == .table {
      for other in others {
        try Output.print("\(other.name) (\(other.library.title))\n  \(other.written)\n")
      }
    }
    if !entries.isEmpty || libraries.isEmpty {
      try Output.print(Explanation.text(of: entries, as: output.format), terminator: "")
    }
  }

  /// The entries of a name, or those that another library's name leads to, or those that have a key of
  /// the name, with that key alone.
  private func find(
    _ name: String, in catalogue: [CatalogueEntry]
  ) throws -> ([CatalogueEntry], [ForeignName]) {
    let exact = catalogue.filter { $0.name == name }
    if !exact.isEmpty { return (exact, []) }
    if let metric = (Metric(rawValue: name)?.name ?? MetricName(name))?.kind {
      return (catalogue.filter { $0.name == metric.name }, [])
    }
    let others = ForeignName.named(name)
    if !others.isEmpty {
      var found: [CatalogueEntry] = []
      for entry in others.compactMap({ $0.entry.flatMap { lookUp(path: $0, in: catalogue) } })
      where !found.contains(entry) { found.append(entry) }
      return (found, others)
    }
    let found = lookUp(name, in: catalogue)
    if !found.isEmpty { return (found, []) }
    let keyed = catalogue.compactMap { $0.with(keysCalled: name) }
    if !keyed.isEmpty { return (keyed, []) }
    // A path, as messages have it, is of the key at its end.
    if let key = name.split(separator: ".").last, key.count < name.count {
      let keyed = catalogue.compactMap { $0.with(keysCalled: String(key)) }
      if !keyed.isEmpty { return (keyed, []) }
    }
    var message = "nothing in a spec is called \"\(name)\";"
    let keys = catalogue.flatMap { $0.keys.map(\.name) }
    if let near = nearMiss(
      to: name, among: catalogue.map(\.name) + keys + ForeignName.all.map(\.name))
    {
      message += " did you mean \"\(near)\"?"
    }
    throw UsageError(message + " \"runner explain\" lists all")
  }
}

/// Entries of the catalogue as text.
private enum Explanation {
  /// What the whole catalogue begins with in Markdown.
  static let title = """
    # What a spec may say

    Each thing's formula, whose definition it follows, its keys and their defaults, as \
    `runner explain --all --format markdown` prints them.

    """
  private static var width: Int { min(88, Terminal.output.columns ?? 88) }

  /// The names of all kinds of things, a paragraph for each.
  static func list(of entries: [CatalogueEntry]) -> String {
    groups(entries).map { group in
      title(of: group[0]) + "\n"
        + wrapped(group.map(\.name).joined(separator: ", "), indentation: 2)
    }.joined(separator: "\n") + "\nrunner explain NAME tells of one.\n"
  }

  static func text(of entries: [CatalogueEntry], as format: TableFormat) -> String {
    switch format {
    case .table: entries.map(paragraphs).joined(separator: "\n")
    case .markdown: markdown(entries)
    case .csv, .json: table(entries).text(as: format)
    }
  }

  /// What another library calls things, a row for each.
  static func table(_ names: [ForeignName]) -> TextTable {
    var table = TextTable([
      .init("name"), .init("entry", isDetail: true), .init("here", title: "in a spec"),
    ])
    for name in names {
      table.append([
        .text(name.name), name.entry.map { .text($0) } ?? .missing(), .text(name.written),
      ])
    }
    return table
  }

  private static func paragraphs(_ entry: CatalogueEntry) -> String {
    var text = "\(entry.name), \(entry.kind)\n  \(entry.usage)\n\n"
    text += wrapped(entry.doc, indentation: 2)
    if !entry.keys.isEmpty { text += "\n" }
    for key in entry.keys {
      text += "  \(key.name)\(value(of: key).map { " = \($0)" } ?? "")"
      text += key.isRequired ? ", required\n" : "\n"
      text += wrapped("\(key.doc) \(sentence(key.allowed))", indentation: 6)
    }
    return text
  }

  private static func markdown(_ entries: [CatalogueEntry]) -> String {
    groups(entries).map { group in
      "## \(title(of: group[0]))\n\n"
        + group.map { entry in
          let head = "### \(entry.name)\n\n`\(entry.usage)`\n\n\(entry.doc)\n"
          return entry.keys.isEmpty ? head : head + "\n" + keys(of: entry).text(as: .markdown)
        }.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private static func keys(of entry: CatalogueEntry) -> TextTable {
    var table = TextTable([.init("key"), .init("default"), .init("what it is"), .init("allowed")])
    for key in entry.keys {
      let fallback = key.isRequired ? "required" : value(of: key).map { "`\($0)`" } ?? ""
      table.append([
        .text("`\(key.name)`"), .text(fallback), .text(key.doc), .text(key.allowed),
      ])
    }
    return table
  }

  private static func table(_ entries: [CatalogueEntry]) -> TextTable {
    var table = TextTable(
      ["kind", "name", "key", "default", "required", "allowed", "description"].map { .init($0) })
    for entry in entries {
      let head: [TextTable.Cell] = [.text(entry.kind), .text(entry.name)]
      table.append(head + [.missing(), .missing(), .missing(), .missing(), .text(entry.doc)])
      for key in entry.keys {
        table.append(
          head + [
            .text(key.name), key.fallback.map { .text($0) } ?? .missing(), .flag(key.isRequired),
            .text(key.allowed), .text(key.doc),
          ])
      }
    }
    return table
  }

  /// A default that can be shown in a few words.
  private static func value(of key: CatalogueEntry.Key) -> String? {
    key.fallback.map { $0.count <= 60 ? $0 : "…" }
  }

  /// Runs of one kind.
  private static func groups(_ entries: [CatalogueEntry]) -> [[CatalogueEntry]] {
    var order: [String] = []
    var groups: [String: [CatalogueEntry]] = [:]
    for entry in entries {
      if groups[entry.kind] == nil { order.append(entry.kind) }
      groups[entry.kind, default: []].append(entry)
    }
    return order.map { groups[$0]! }
  }

  /// `an optimizer` as a title: `Optimizer`.
  private static func title(of entry: CatalogueEntry) -> String {
    let noun = entry.kind.split(separator: " ").dropFirst().joined(separator: " ")
    return noun.prefix(1).uppercased() + noun.dropFirst()
  }

  private static func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst() + "."
  }

  /// Lines of at most so many characters, broken at spaces.
  private static func wrapped(_ text: String, indentation: Int) -> String {
    let margin = String(repeating: " ", count: indentation)
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + word.count < width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(margin + word)
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
