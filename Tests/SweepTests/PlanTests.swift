import ConvNet
import Experiment
import Testing

@testable import Sweep

/// In whatever order results come, a plan proposes the same trials and ends with the same winner.
@Suite struct PlanTests {
  static func spec(_ sampler: String, _ rest: String) throws -> SweepSpec {
    let text = """
      {
        "name": "plan",
        "base": {
          "name": "base",
          "dataset": { "name": "synthetic_digits", "train_count": 100, "validation": 0.2 },
          "model": [ { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
          "optimizer": { "name": "adam" },
          "training": { "epochs": 9, "batch_size": 10 }
        },
        "parameters": { "optimizer.learning_rate": { "range": [1e-4, 1], "scale": "log" } },
        "seeds": [1, 2], \(rest)
        "sampler": \(sampler)
      }
      """
    return try SweepSpec.load(bytes: Array(text.utf8), name: "plan.json").spec
  }

  static let specs: [(String, String)] = [
    (#"{ "name": "random" }"#, #""trials": 20,"#),
    (#"{ "name": "tpe", "startup": 4 }"#, #""trials": 20, "lag": 4,"#),
    (
      #"{ "name": "tpe", "startup": 4 }"#,
      #""trials": 20, "early_termination": { "name": "successive_halving", "eta": 3, "bracket": 6 },"#
    ),
    (
      #"{ "name": "sobol" }"#,
      #""trials": 20, "early_termination": { "name": "hyperband", "eta": 3 },"#
    ),
    (
      #"{ "name": "random" }"#,
      #""trials": 20, "lag": 5, "early_termination": { "name": "median", "startup_trials": 3 },"#
    ),
  ]

  /// A trial's training as a function of its learning rate, the seed and the epoch.
  private func result(of stage: Plan.Stage, _ plan: Plan) -> StageResult {
    guard case .number(let rate)? = plan.trials[stage.id.trial].configuration.values[0] else {
      preconditionFailure()
    }
    let target = 0.9 - abs(rate - 0.03) - 0.001 * Double(stage.id.seed)
    var rows = (1...(stage.until ?? 9)).map { epoch in
      EpochRow(
        epoch: epoch, step: epoch, learningRate: Float(rate), trainLoss: 1, trainAccuracy: 0.5,
        valLoss: 1, valAccuracy: target * (1 - 1 / Double(epoch + 1)))
    }
    var status: StageResult.Status = stage.until == nil ? .completed : .reached
    if let bar = stage.bar, let missed = (1..<9).first(where: { bar.isMissed(by: rows.prefix($0)) })
    {
      rows = Array(rows[..<missed])
      status = .stopped
    }
    // Some can't be trained.
    if stage.id.trial % 7 == 5 { return StageResult(id: stage.id, status: .diverged, reason: "") }
    return StageResult(
      id: stage.id, status: status, reason: "", curve: rows.map { $0.valAccuracy! },
      best: rows.last,
      last: rows.last)
  }

  /// Runs `jobs` stages at once, of which the one that `seed` draws ends first.
  private func table(_ spec: SweepSpec, jobs: Int, seed: UInt64) -> String {
    var plan = Plan(spec)
    var running: [Plan.Stage] = []
    var begun: Set<StageID> = []
    var stream = RandomStream(seed: seed, purpose: .probe)
    while true {
      while running.count < jobs, let stage = plan.next() {
        #expect(begun.insert(stage.id).inserted, "\(stage.id) was begun twice")
        running.append(stage)
      }
      if running.isEmpty { break }
      let stage = running.remove(at: Int(stream.below(UInt32(running.count))))
      plan.record(result(of: stage, plan))
    }
    #expect(plan.isComplete)
    return TrialsTable(plan, folder: SweepFolder("s")).csv + "\(plan.winner ?? -1)"
  }

  @Test(arguments: specs.indices) func theOrderOfResultsChangesNothing(_ place: Int) throws {
    let (sampler, rest) = Self.specs[place]
    let spec = try Self.spec(sampler, rest)
    let one = table(spec, jobs: 1, seed: 0)
    #expect(one.split(separator: "\n").count == 42)
    for (jobs, seed) in [(2, 1), (3, 2), (8, 3), (40, 4), (40, 5)] {
      #expect(table(spec, jobs: jobs, seed: UInt64(seed)) == one)
    }
  }

  /// Of 6 trials the best two go on after the first rung, and none after the second fails to end.
  @Test func halvingKeepsTheBest() throws {
    let (sampler, rest) = (Self.specs[2].0, Self.specs[2].1)
    let spec = try Self.spec(sampler, rest.replacing(#""trials": 20"#, with: #""trials": 6"#))
    let rows = table(spec, jobs: 2, seed: 1).split(separator: "\n").dropFirst().dropLast()
    let statuses = rows.map { $0.split(separator: ",")[1] }
    #expect(statuses.count { $0 == "completed" } == 2)
    #expect(statuses.count { $0 == "diverged" } == 2)
    #expect(statuses.count { $0 == "stopped" } == 8)
  }
}
