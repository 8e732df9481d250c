import ArgumentParser
import Experiment
import Sweep

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print the JSON Schema of experiment files, or of sweeps.",
    discussion: """
      Editors complete and check a spec that names it: "$schema": "experiment.schema.json". The \
      schema knows each key by itself; "runner validate" also checks what keys say about each other.
      """)

  @Flag(help: "Print that of sweeps.")
  var sweep = false

  func run() throws {
    try Output.print((sweep ? SweepSpec.schema() : ExperimentSpec.schema()).pretty, terminator: "")
  }
}
