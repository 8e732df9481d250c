import Storage

@testable import Experiment
@testable import Sweep

extension Reader {
  /// The readers of JSON and of the specs in it.
  static let spec: [Reader] = [
    Reader("json") { bytes in
      let value = try JSONValue(parsing: bytes, name: "x.json")
      for text in [value.compact, value.pretty] {
        let again = try! JSONValue(parsing: Array(text.utf8), name: "x.json")
        precondition(again == value)
      }
    },
    Reader("spec") { bytes in
      let spec = try placed(bytes) { () throws(SpecErrors) in
        try ExperimentSpec.load(bytes: bytes, name: "x.json").spec
      }
      // What was accepted is accepted again.
      let again = try! ExperimentSpec(resolved: spec.resolved())
      precondition(again == spec)
    },
    Reader("sweep") { bytes in
      let loaded = try placed(bytes) { () throws(SpecErrors) in
        let loaded = try SweepSpec.load(bytes: bytes, name: "x.json")
        // Of more there are up to thousands to build.
        if loaded.spec.trials <= 16 { _ = try loaded.checkTrials() }
        return loaded
      }
      let again = try! SweepSpec(resolved: loaded.spec.resolved())
      precondition(again == loaded.spec)
    },
  ]

  /// Every error of a spec has its place in the bytes, and they come in order.
  private static func placed<Value>(
    _ bytes: [UInt8], _ read: () throws(SpecErrors) -> Value
  ) throws(SpecErrors) -> Value {
    do throws(SpecErrors) { return try read() } catch {
      precondition(!error.diagnostics.isEmpty)
      let lines = bytes.count { $0 == UInt8(ascii: "\n") } + 1
      var last = (0, 0)
      for diagnostic in error.diagnostics where diagnostic.source == "x.json" {
        guard let line = diagnostic.line, let column = diagnostic.column else {
          precondition(bytes.count > JSONParser.sizeLimit)
          continue
        }
        precondition(line >= 1 && line <= lines && column >= 1 && (line, column) >= last)
        last = (line, column)
      }
      throw error
    }
  }
}
