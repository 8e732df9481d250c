import ArgumentParser
import Report
import TerminalText

extension TableFormat: ExpressibleByArgument {}

/// For every command that prints a table.
struct FormatOption: ParsableArguments {
  @Option(help: "How tables are printed.")
  var format = TableFormat.table

  func print(_ table: TextTable) throws {
    try Output.print(table.text(as: format, columns: Terminal.output.columns), terminator: "")
  }

  func print(_ document: TextDocument) throws {
    try Output.print(document.text(as: format, columns: Terminal.output.columns), terminator: "")
  }
}
