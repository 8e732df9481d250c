import ArgumentParser
import Experiment

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print the JSON Schema of experiment files.",
    discussion: """
      Editors complete and check a spec that names it: "$schema": "experiment.schema.json". The \
      schema knows each key by itself; "runner validate" also checks what keys say about each other.
      """)

  func run() {
    print(ExperimentSpec.schema().pretty, terminator: "")
  }
}
