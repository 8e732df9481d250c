import Experiment
import Statistics
import Storage

/// The runs of one configuration: of specs that differ in nothing but the seed.
public struct RunGroup: Sendable {
  /// What tells it apart from the other groups.
  public let label: String
  /// One run for each seed, in the order of the seeds.
  public let runs: [RecordedRun]
  /// Runs of a seed that another of `runs` has: they say nothing new, and don't count.
  public let repeats: [RecordedRun]

  public var configuration: JSONValue { runs[0].configuration }

  /// What the runs measured, by seed; those without the figure are left out.
  public func values(of figure: Figure) -> [SeedValue] {
    runs.compactMap { run in
      run.value(of: figure).flatMap { $0.isFinite ? SeedValue(seed: run.seed, value: $0) : nil }
    }
  }

  /// Sorts runs into configurations, in the order in which these first appear.
  public static func groups(of runs: [RecordedRun]) -> [RunGroup] {
    var places: [JSONValue: Int] = [:]
    var members: [[RecordedRun]] = []
    for run in runs {
      let configuration = run.configuration
      if let place = places[configuration] {
        members[place].append(run)
      } else {
        places[configuration] = members.count
        members.append([run])
      }
    }
    let labels = labels(of: members.map { $0[0] })
    return zip(members, labels).map { runs, label in
      var kept: [RecordedRun] = []
      var repeats: [RecordedRun] = []
      for run in runs {
        if let place = kept.firstIndex(where: { $0.seed == run.seed }) {
          // The complete one of two stands for both.
          if run.isComplete && !kept[place].isComplete {
            repeats.append(kept[place])
            kept[place] = run
          } else {
            repeats.append(run)
          }
        } else {
          kept.append(run)
        }
      }
      return RunGroup(label: label, runs: kept.sorted { $0.seed < $1.seed }, repeats: repeats)
    }
  }

  /// The specs' names where they differ; else what the few keys say in which they differ; else the
  /// name and a number.
  private static func labels(of runs: [RecordedRun]) -> [String] {
    let names = runs.map(\.spec.name)
    if Set(names).count == names.count { return names }
    let rows = SpecDifferences(runs.map(\.configuration)).rows
    let isSimple = rows.allSatisfy { row in
      row.values.allSatisfy { $0.map { $0.object == nil && $0.array == nil } ?? true }
    }
    if Set(names).count == 1, !rows.isEmpty, rows.count <= 2, isSimple {
      return runs.indices.map { place in
        rows.map { row in
          let key = row.path.split(separator: ".").last.map(String.init) ?? row.path
          return "\(key)=\(SpecDifferences.text(row.values[place]))"
        }.joined(separator: " ")
      }
    }
    var numbers: [String: Int] = [:]
    return names.map { name in
      numbers[name, default: 0] += 1
      return names.count { $0 == name } == 1 ? name : "\(name) \(numbers[name]!)"
    }
  }
}
