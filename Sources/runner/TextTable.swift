import ArgumentParser
import Report

extension TableFormat: ExpressibleByArgument {}

/// For every command that prints a table.
struct FormatOption: ParsableArguments {
  @Option(help: "How tables are printed.")
  var format = TableFormat.table

  func print(_ table: TextTable) { Swift.print(table.text(as: format), terminator: "") }

  func print(_ document: TextDocument) { Swift.print(document.text(as: format), terminator: "") }
}
