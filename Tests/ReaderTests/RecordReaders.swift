import ConvNet
import Datasets
import Report
import Storage

@testable import Experiment
@testable import Images
@testable import Sweep
@testable import Watching

extension Reader {
  /// The readers of what runs and sweeps leave behind.
  static let record: [Reader] = [
    Reader("safetensors") { bytes in
      let file = try Safetensors(parsing: bytes, path: "x.safetensors")
      let again = try! Safetensors(parsing: file.encoded, path: "x.safetensors")
      precondition(again == file)
    },
    Reader("checkpoint", repair: repairedCheckpoint) { bytes in
      try withFile(bytes) { path in
        let network = try! Trainer(smallSpec, team: Team(threads: 1))
        var state = TrainingState()
        try Checkpoint.load(
          path, into: network, &state, in: TrainingExtent(smallSpec, images: 10), notice: { _ in })
        precondition(state.epoch >= 0 && state.step >= 0 && state.seen >= 0)
        _ = try Checkpoint.model(
          path, network.plan, epochs: smallSpec.training.epochs, notice: { _ in })
      }
    },
    Reader("model", repair: resealed) { bytes in
      try withFile(bytes) { path in
        let encoded = try ModelFile(reading: path).encoded
        try! withFile(encoded) { path in
          precondition(try! ModelFile(reading: path).encoded == encoded)
        }
      }
    },
    Reader("profile", repair: resealed) { bytes in
      try withFile(bytes) { path in
        let profile = try ValidationProfile(reading: path)
        // What is read is of use: a window is held against it.
        var options = Watch.Options()
        options.permutations = 99
        let figures = ImageFigures(values: [0.1, 0.5, 0.7, 0, 3, 0.5, 0.5])
        let seen = SeenImage(
          prediction: 0, confidence: 0.5, logOdds: 0, energy: 1, distance: 1, figures: figures,
          features: Array(repeating: 0, count: profile.width))
        guard profile.count <= 5000, profile.sample.count <= 100_000,
          (profile.conditions?.conditions.count ?? 0) <= 64
        else { return }
        let look = Watch(profile, options).look(
          at: Array(repeating: seen, count: 20), number: 1)
        precondition(look.tests.allSatisfy { $0.p >= 0 && $0.p <= 1 })
        try! withFile(profile.encoded) { path in
          precondition(try! ValidationProfile(reading: path) == profile)
        }
      }
    },
    Reader("labels") { bytes in
      let labels = try VersionLabels(parsing: bytes, path: "labels.json")
      precondition(
        try! VersionLabels(parsing: Array(labels.text.utf8), path: "labels.json") == labels)
    },
    Reader("metrics") { bytes in
      try withFile(bytes) { path in
        let rows = try EpochRow.read(path)
        for row in rows {
          let again = EpochRow(csv: row.csv, metrics: row.metrics.map(\.name))
          precondition(again.map(\.csv) == row.csv)
        }
      }
      let table = try MetricsTable(parsing: String(decoding: bytes, as: UTF8.self))
      precondition(table.columns.values.allSatisfy { $0.count == table.epochs.count })
    },
    Reader("trials") { bytes in
      let trials = try RecordedTrials.read(bytes, path: "trials.csv", spec: smallSweep)
      precondition(zip(trials, trials.dropFirst()).allSatisfy { $0.number < $1.number })
    },
    Reader("journal", repair: Checksums.journal) { bytes in
      try withFile(bytes) { path in
        let format = JournalFormat(smallSweep.space)
        let (entries, length) = try format.read(path)
        precondition(length <= bytes.count)
        for entry in entries { _ = format.line(entry) }
      }
    },
    Reader("run") { bytes in
      try withFile(bytes) { path in
        let record = try RunRecord(reading: path)
        _ = try! JSONValue(parsing: Array(record.json.pretty.utf8), name: "run.json")
      }
    },
  ]

  /// The smallest network with all that a checkpoint may hold: moments, moving statistics.
  private static let smallSpec = try! ExperimentSpec.load(
    bytes: Array(
      """
      {
        "name": "small",
        "dataset": { "name": "synthetic_digits", "train_count": 10, "test": "none" },
        "model": [
          { "layer": "average_pool", "size": 7 }, { "layer": "batch_norm" },
          { "layer": "flatten" }, { "layer": "dense", "units": 10 }
        ],
        "optimizer": { "name": "adam", "averaging": { "name": "ema" } },
        "schedule": { "name": "reduce_on_plateau", "monitor": "train_loss" },
        "early_stopping": { "monitor": "train_loss", "patience": 2 },
        "training": { "epochs": 2, "batch_size": 2 }
      }
      """.utf8), name: "small.json"
  ).spec

  private static let smallSweep = try! SweepSpec.load(
    bytes: Array(
      """
      {
        "name": "small",
        "base": {
          "name": "base",
          "dataset": { "name": "synthetic_digits", "train_count": 100, "validation": 0.2 },
          "model": [ { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
          "optimizer": { "name": "sgd" },
          "training": { "epochs": 2 }
        },
        "parameters": {
          "optimizer.learning_rate": { "range": [0.001, 0.1], "scale": "log" },
          "optimizer.name": { "choice": ["sgd", "adam"] },
          "training.batch_size": { "integers": [16, 64] }
        },
        "sampler": { "name": "random" },
        "trials": 5
      }
      """.utf8), name: "small.json"
  ).spec

  /// The digest of all of a file that had one.
  private static func resealed(_ bytes: [UInt8]) -> [UInt8] {
    guard let file = try? Safetensors(parsing: bytes, path: "x.safetensors"),
      file.metadata[Safetensors.digestKey] != nil
    else { return bytes }
    return file.sealed
  }

  /// The digests of a checkpoint's weights and, where it had one, of all of it.
  private static func repairedCheckpoint(_ bytes: [UInt8]) -> [UInt8] {
    guard var file = try? Safetensors(parsing: bytes, path: "x.safetensors") else { return bytes }
    let network = try! Trainer(smallSpec, team: Team(threads: 1))
    for tensor in network.tensors {
      guard let stored = file[tensor.name], stored.bytes.count == 4 * tensor.range.count else {
        return bytes
      }
      UnsafeMutableRawBufferPointer(
        UnsafeMutableBufferPointer(rebasing: network.parameters[tensor.range])
      ).copyBytes(from: stored.bytes)
    }
    file.metadata["weights_sha256"] = Checkpoint.digest(of: network)
    return file.metadata[Safetensors.digestKey] == nil ? file.encoded : file.sealed
  }
}
