import ArgumentParser
import Experiment
import Report
import Storage
import TerminalText

extension TableFormat: ExpressibleByArgument {}

/// For every command that prints a table.
struct FormatOption: ParsableArguments {
  @Option(help: "How tables are printed.")
  var format = TableFormat.table

  func print(_ table: TextTable) throws {
    try Output.print(table.text(as: format, columns: Terminal.output.columns), terminator: "")
  }
}

/// For every command that prints several tables.
struct DocumentOptions: ParsableArguments {
  @OptionGroup private var output: FormatOption

  @Option(
    help: ArgumentHelp(
      """
      Print this table alone, in any format. CSV always holds one, the main one if not said; which \
      others there are is told.
      """, valueName: "name"))
  var table: String?

  var format: TableFormat { output.format }

  func print(_ document: TextDocument) throws {
    let names = document.tableNames
    if let table {
      guard let rows = document.table(table) else {
        throw UsageError(
          "--table: \"\(table)\" is not a table here; there is \(names.joined(separator: ", "))")
      }
      return try output.print(rows)
    }
    if format == .csv, let main = document.nameForCSV, names.count > 1 {
      let others = names.filter { $0 != main }.map { "--table \($0)" }.joined(separator: ", ")
      Display.say("note: CSV holds one table, here \(main); for the others: \(others)")
    }
    try Output.print(
      document.text(as: format, columns: Terminal.output.columns), terminator: "")
  }
}
