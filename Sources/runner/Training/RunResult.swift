import Experiment
import Storage

extension RunFolder {
  /// What the run has come to, for programs: how it ended and where it is, then what its summary.json
  /// says, where it has come to one.
  func result(curves: String?) throws -> JSONValue {
    let record = try RunRecord(reading: record)
    var result: JSONValue = [
      "status": .string(record.status.rawValue), "ending": JSONValue(record.ending),
      "run": .string(path), "name": .string(record.name), "seed": JSONValue(record.seed),
    ]
    if record.status == .completed, case .object(let summary) = try readSummary() {
      for member in summary.members { result[member.key] = member.value }
      let isBest = summary["tested_weights"]?.string == Summary.Weights.best.rawValue
      result["checkpoint"] = .string(isBest ? best : last)
    } else {
      result["checkpoint"] = Files.exists(last) ? .string(last) : .null
    }
    result["metrics"] = .string(metrics)
    result["curves"] = JSONValue(curves)
    return result
  }
}
