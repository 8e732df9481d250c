import Experiment
import FoundationEssentials
import Storage
import Testing

@testable import Search
@testable import Sweep

struct RecordedTrialsTests {
  static let sweep = """
    {
      "name": "small",
      "base": {
        "name": "base",
        "dataset": { "name": "synthetic_digits", "train_count": 1000, "validation": 0.2 },
        "model": [ { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
        "optimizer": { "name": "sgd" },
        "training": { "epochs": 2 }
      },
      "parameters": {
        "optimizer.learning_rate": { "range": [0.001, 0.1], "scale": "log" },
        "optimizer.name": { "choice": ["sgd", "adam"] },
        "optimizer.momentum": { "range": [0, 0.9], "when": { "optimizer.name": ["sgd"] } },
        "training.batch_size": { "integers": [16, 64] }
      },
      "sampler": { "name": "random" },
      "metric": "val_accuracy",
      "trials": 5,
      "seeds": [1, 2]
    }
    """

  static let header =
    "trial,status,seed,optimizer.learning_rate,optimizer.name,optimizer.momentum,"
    + "training.batch_size,epochs,best_epoch,best_train_loss,best_train_accuracy,best_val_loss,"
    + "best_val_accuracy,last_train_loss,last_train_accuracy,last_val_loss,last_val_accuracy,"
    + "stop_reason,run\n"

  static func spec() throws -> SweepSpec {
    try SweepSpec.load(bytes: Array(sweep.utf8), name: "s.json").spec
  }

  static func read(_ rows: String) throws -> [RecordedTrial] {
    try RecordedTrials.read(Array((header + rows).utf8), path: "trials.csv", spec: spec())
  }

  static let rows = """
    0,completed,1,0.01,sgd,0.5,32,2,2,0.5,0.8,0.4,0.9,0.5,0.8,0.4,0.9,epochs,trials/0000/seed-1
    0,completed,2,0.01,sgd,0.5,32,2,1,0.5,0.8,0.4,0.8,0.5,0.8,0.4,0.7,epochs,trials/0000/seed-2
    1,stopped,1,0.001,adam,,64,1,1,0.5,0.8,0.4,0.5,0.5,0.8,0.4,0.5,"median, as said",trials/1
    1,diverged,2,0.001,adam,,64,1,,,,,,,,,,loss nan,trials/0001/seed-2
    4,crashed,1,0.1,adam,,16,,,,,,,,,,,"a ""signal"" 11",trials/0004/seed-1

    """

  @Test func readsTheTrialsWithTheirSeeds() throws {
    let trials = try Self.read(Self.rows)
    #expect(trials.map(\.number) == [0, 1, 4])
    #expect(trials.map(\.status) == [.completed, .diverged, .crashed])
    #expect(trials.map(\.epochs) == [2, 1, 0])
    #expect(
      trials[0].configuration
        == Configuration([.number(0.01), .option(0), .number(0.5), .integer(32)]))
    #expect(
      trials[1].configuration == Configuration([.number(0.001), .option(1), nil, .integer(64)]))
    #expect(trials[0].values.map(\.seed) == [1, 2] && trials[0].values.map(\.value) == [0.9, 0.8])
    #expect(abs(try #require(trials[0].value) - 0.85) < 1e-15)
    #expect(trials[1].value == nil && trials[2].value == nil)
  }

  @Test func noTrialsAreNoMistake() throws {
    #expect(try Self.read("").isEmpty)
    #expect(try RecordedTrials.read([], path: "trials.csv", spec: Self.spec()).isEmpty)
  }

  @Test(
    arguments: [
      ("0,completed,1,0.01\n", "trials.csv:2: is not a row of a sweep's trials"),
      (
        "0,done,1,0.01,sgd,0.5,32,2,2,,,,0.9,,,,,,\n",
        "trials.csv:2: is not a row of a sweep's trials"
      ),
      (
        "0,completed,1,0.01,lion,0.5,32,2,2,,,,0.9,,,,,,\n",
        "trials.csv:2: \"lion\" is no value of optimizer.name in resolved.json"
      ),
      (
        "1,completed,1,0.01,sgd,0.5,32,2,2,,,,0.9,,,,,,\n0,completed,1,0.01,sgd,0.5,32,2,2,,,,0.9,,,,,,\n",
        "trials.csv:3: trial 0 is not behind the one before it"
      ),
    ])
  func saysWhatIsWrongAndWhere(rows: String, message: String) throws {
    let error = try #require(throws: RecordError.self) { try Self.read(rows) }
    #expect("\(error)" == message)
  }

  @Test func columnsAreThoseOfTheSweep() throws {
    for header in ["epoch,loss\n", "trial,status,seed,model,epochs,best_val_accuracy\n"] {
      #expect(throws: RecordError.self) {
        try RecordedTrials.read(Array(header.utf8), path: "t", spec: Self.spec())
      }
    }
  }
}
