import Datasets
import Foundation
import Storage
import TestSupport
import Testing

@testable import ConvNet
@testable import Experiment

/// What is read back from a checkpoint is what was written, or nothing.
@Suite struct CheckpointTests {
  private static let spec = try! ExperimentSpec.load(
    bytes: Array(
      """
      {
        "name": "small",
        "dataset": {
          "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2,
          "normalize": "per_channel"
        },
        "model": [
          { "layer": "max_pool", "size": 7 }, { "layer": "batch_norm" }, { "layer": "flatten" },
          { "layer": "dense", "units": 10 }
        ],
        "optimizer": { "name": "adam", "averaging": { "name": "ema", "decay": 0.8 } },
        "schedule": { "name": "reduce_on_plateau", "factor": 0.5, "patience": 1 },
        "training": { "epochs": 3, "batch_size": 10 }
      }
      """.utf8), name: "small.json"
  ).spec

  private static let extent = TrainingExtent(spec, images: 48)

  /// Where a run stands after two epochs of five steps and two steps of the third.
  private static let state: TrainingState = {
    var state = TrainingState()
    (state.epoch, state.step, state.stepInEpoch) = (3, 12, 2)
    (state.lossSum, state.correct, state.seen) = (39.5, 5, 20)
    (state.plateau.factor, state.plateau.best) = (0.5, 2.25)
    state.watch = EarlyStopping(monitor: .valLoss, patience: .max)
    (state.watch!.best, state.watch!.bestEpoch, state.watch!.waited) = (2.25, 1, 1)
    (state.metricsLength, state.metricsDigest) = (247, String(repeating: "7", count: 64))
    return state
  }()

  private static func network() throws -> Trainer {
    BLAS.useOneThread()
    let network = try Trainer(spec, team: Team(threads: 1))
    network.normalization = Normalization(mean: [0.25], factor: [3], whitening: [])
    return network
  }

  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = "\(folder.path)/last.safetensors"
    let network = try Self.network()
    for (place, state) in network.updater.state.enumerated() {
      for i in state.values.indices { state.values[i] = Float(place * 1000 + i) / 7 }
    }
    network.updater.averaging?.count = 12
    try Checkpoint.save(Self.state, network, to: path)
  }

  /// The error of reading it back; nil where it was read, and then nothing but the whole is right.
  private func failure(in network: Trainer) throws -> String? {
    var state = TrainingState()
    state.watch = EarlyStopping(monitor: .valLoss, patience: .max)
    let before = state
    do {
      try Checkpoint.load(path, into: network, &state, in: Self.extent, notice: { _ in })
      return nil
    } catch let error as RecordError {
      #expect("\(state)" == "\(before)")
      #expect(error.path == path)
      return error.message
    }
  }

  @Test func comesBackWhole() throws {
    let network = try Self.network()
    var state = TrainingState()
    state.watch = EarlyStopping(monitor: .valLoss, patience: .max)
    try Checkpoint.load(
      path, into: network, &state, in: Self.extent, notice: { Issue.record("\($0)") })
    #expect(state == Self.state)
    let bytes = try Files.read(path)
    try Checkpoint.save(state, network, to: path)
    #expect(try Files.read(path) == bytes)
  }

  /// The digest is that of the file with zeros in its place, as anyone can compute it.
  @Test func theDigestIsOfTheWholeFile() throws {
    let bytes = try Files.read(path)
    let text = String(decoding: bytes, as: Unicode.ASCII.self)
    let digits = try #require(text.firstMatch(of: /"sha256":"([0-9a-f]{64})"/)).output.1
    let first = text.distance(from: text.startIndex, to: digits.startIndex)
    var blank = bytes
    blank.replaceSubrange(first..<first + 64, with: Array(repeating: 48, count: 64))
    #expect(SHA256.hex(of: blank) == digits)
  }

  /// One bit of a file, wherever it is: in the header's length, its metadata, its padding, a weight, a
  /// moment, the average, the normalisation, the digest itself.
  @Test func anyFlippedBitIsRefused() throws {
    let network = try Self.network()
    let best = "\(folder.path)/best.safetensors"
    try Checkpoint.saveWeights(network, epoch: 1, to: best)
    let weights = Array(network.parameters)
    for file in [path, best] {
      let sound = try Files.read(file)
      let header = 8 + Int(sound[0]) + Int(sound[1]) << 8
      let bits =
        Array(stride(from: 0, to: 8 * header, by: 11))
        + stride(from: 8 * header, to: 8 * sound.count, by: 8 * (sound.count - header) / 499)
      for bit in bits {
        var bytes = sound
        bytes[bit / 8] ^= 1 << (bit % 8)
        try Data(bytes).write(to: URL(filePath: file))
        if file == path {
          #expect(try failure(in: network) != nil, "bit \(bit)")
        }
        #expect(throws: RecordError.self, "bit \(bit)") {
          try Checkpoint.model(file, network.plan, epochs: 3, notice: { _ in })
        }
      }
      for length in [0, 7, 8, 100, header, sound.count - 1] {
        try Data(sound[..<length]).write(to: URL(filePath: file))
        #expect(throws: RecordError.self, "\(length) bytes") {
          try Checkpoint.model(file, network.plan, epochs: 3, notice: { _ in })
        }
      }
    }
    #expect(Array(network.parameters) == weights)
  }

  /// Values that no training comes to, under a digest of their own as under none.
  @Test(arguments: [false, true]) func whatCannotBeIsRefused(isOlder: Bool) throws {
    let network = try Self.network()
    let sound = try Safetensors(reading: path)
    let most = "\(Int.max)"
    let cases: [(key: String, values: [String?], message: String)] = [
      ("epoch", ["0", "5", most], "epoch is "),
      ("epoch", ["1", "2", "4"], "step is 12, but "),
      ("epoch", ["-3", "3.0", "", nil, "9223372036854775808"], "it has no count \"epoch\""),
      ("step", ["0", "11", "13", most], "step is "),
      ("step_in_epoch", ["5", most], "step_in_epoch is "),
      ("step_in_epoch", ["0", "1", "4"], "step is 12, but 2 epochs and "),
      ("seen", ["0", "19", "21", most], "seen is "),
      ("correct", ["21", most], "correct is "),
      ("loss_sum", ["nan", "inf", "-inf"], "loss_sum is "),
      ("loss_sum", ["x", nil], "it has no number \"loss_sum\""),
      ("plateau_factor", ["1.5", "-0.5", "nan", "inf"], "plateau_factor is "),
      ("plateau_best", ["inf", "-inf"], "plateau_best is "),
      ("plateau_wait", ["3", most], "plateau_wait is "),
      ("best_epoch", ["0", "3", most], "best_epoch is "),
      ("best_epoch", ["2"], "waited is 1, with the best epoch 2 of 2"),
      ("best_value", ["nan", "inf"], "best_value is "),
      ("best_value", [nil], "best_epoch is 1"),
      ("waited", ["0", "2", most], "waited is "),
      ("averages", ["0", "11", "13", most, nil], "averages is "),
      ("averages", ["-1"], "it has no count \"averages\""),
      ("finish", ["epochs", "early_stopping"], "finish is "),
      ("finish", ["Epochs", ""], "is not known"),
      ("metrics_bytes", ["-1", nil], "it has no count \"metrics_bytes\""),
      ("weights_sha256", ["00", nil], "its weights do not have the digest"),
      ("format", ["runner-checkpoint-9", nil], "is not a checkpoint of this program"),
    ]
    for (key, values, message) in cases {
      for value in values {
        var file = sound
        file.metadata["format"] = isOlder ? "runner-checkpoint-1" : CheckpointFile.format
        file.metadata[Safetensors.digestKey] = nil
        file.metadata[key] = value
        try AtomicFile.write(isOlder ? file.encoded : file.sealed, to: path)
        let failure = try failure(in: network)
        #expect(
          failure?.contains(message) == true,
          "\(key) = \(value ?? "nothing"): \(failure ?? "was read")")
      }
    }
  }

  @Test func tensorsThatDoNotFitAreRefused() throws {
    let network = try Self.network()
    let sound = try Safetensors(reading: path)
    for tensor in sound.tensors {
      for change in ["gone", "of bytes", "longer"] {
        var file = sound
        file.tensors.removeAll { $0.name == tensor.name }
        switch change {
        case "of bytes":
          file.tensors.append(
            StoredTensor(
              name: tensor.name, type: .u8, shape: tensor.shape + [4], bytes: tensor.bytes))
        case "longer":
          file.tensors.append(
            StoredTensor(
              name: tensor.name, type: .f32, shape: tensor.shape + [2],
              bytes: tensor.bytes + tensor.bytes))
        default: break
        }
        try AtomicFile.write(file.sealed, to: path)
        let failure = try failure(in: network)
        // Without a mean there is no normalisation; the digest of the file says that all is well.
        if tensor.name == "normalization/mean", change == "gone" { continue }
        #expect(failure?.contains("does not fit the spec: ") == true, "\(tensor.name) \(change)")
      }
    }
  }

  /// Where the spec averages no weights, there is no memory for an average.
  @Test func anAverageThatTheSpecDoesNotAskForIsRefused() throws {
    var spec = Self.spec
    spec.optimizer.averaging = nil
    let network = try Trainer(spec, team: Team(threads: 1))
    var state = Self.state
    #expect {
      try Checkpoint.load(
        path, into: network, &state, in: TrainingExtent(spec, images: 48), notice: { _ in })
    } throws: {
      "\($0)".hasSuffix("averages is 12, but the spec averages no weights")
    }
    #expect(network.updater.averaging == nil)
  }

  /// A checkpoint of an earlier version is read, and it is told what its digest doesn't protect. One
  /// bit of its header anywhere is refused, or leads to a state that can be.
  @Test func earlierVersionsAreRead() throws {
    let network = try Self.network()
    var file = try Safetensors(reading: path)
    file.metadata["format"] = "runner-checkpoint-1"
    for key in [Safetensors.digestKey, "metrics_sha256"] { file.metadata[key] = nil }
    let sound = file.encoded
    try AtomicFile.write(sound, to: path)
    var state = Self.state
    var notices: [String] = []
    try Checkpoint.load(
      path, into: network, &state, in: Self.extent, notice: { notices.append($0) })
    var expected = Self.state
    expected.metricsDigest = nil
    #expect(state == expected)
    #expect(
      notices == [
        "note: \(path) is of an earlier version: of all that it holds, only the weights are "
          + "protected by a digest"
      ])

    var refused = 0
    let header = 8 + Int(sound[0]) + Int(sound[1]) << 8
    for bit in stride(from: 0, to: 8 * header, by: 7) {
      var bytes = sound
      bytes[bit / 8] ^= 1 << (bit % 8)
      try Data(bytes).write(to: URL(filePath: path))
      var state = Self.state
      do {
        try Checkpoint.load(path, into: network, &state, in: Self.extent, notice: { _ in })
        #expect(state.flaw(in: Self.extent, averages: 12, isInherited: false) == nil)
      } catch is RecordError { refused += 1 }
    }
    // Of the rest most are letters of keys that aren't read, and digits of sums.
    #expect(refused > 8 * header / 7 / 2)

    // Without its digest, a file of this version is not taken for an earlier one.
    file.metadata["format"] = CheckpointFile.format
    try AtomicFile.write(file.encoded, to: path)
    #expect(try failure(in: network) == "is damaged: its digest is missing")
  }

  /// Steps of other sizes may have led to what a population hands on.
  @Test func whatIsInheritedMayBeOfOtherSteps() {
    var state = Self.state
    (state.step, state.stepInEpoch, state.seen, state.correct, state.lossSum) = (6, 0, 0, 0, 0)
    #expect(
      state.flaw(in: Self.extent, averages: 6, isInherited: false)
        == "step is 6, but 2 epochs and 0 steps of the next are 10")
    #expect(state.flaw(in: Self.extent, averages: 6, isInherited: true) == nil)
    #expect(
      state.flaw(in: Self.extent, averages: 7, isInherited: true)
        == "averages is 7, but after 6 steps it is 6")
    state.step = 97
    #expect(state.flaw(in: Self.extent, averages: 6, isInherited: true) != nil)
    state.step = .max
    #expect(state.flaw(in: Self.extent, averages: 6, isInherited: true) != nil)
  }
}

/// A state is what the rows of metrics.csv lead to.
@Suite struct TrainingReplayTests {
  @Test func theRowsLeadToTheState() throws {
    var spec = try ExperimentSpec.load(
      bytes: Array(
        """
        {
          "name": "small",
          "dataset": { "name": "synthetic_digits", "train_count": 50, "validation": 0.2 },
          "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 10 }],
          "optimizer": { "name": "adam" },
          "schedule": { "name": "reduce_on_plateau", "factor": 0.5, "patience": 1, "cooldown": 1 },
          "early_stopping": { "monitor": "val_loss", "patience": 3 },
          "training": { "epochs": 9, "batch_size": 10 }
        }
        """.utf8), name: "small.json"
    ).spec
    let extent = TrainingExtent(spec, images: 40)
    let rate = LearningRate(
      base: 1, schedule: spec.schedule, warmup: spec.warmup, stepsPerEpoch: extent.stepsPerEpoch)
    var beginning = TrainingState()
    beginning.watch = EarlyStopping(monitor: .valLoss, patience: 3)
    let rows = [3.0, 2, 2.5, 2.5, 2.5].enumerated().map { place, loss in
      EpochRow(
        epoch: place + 1, step: 4 * place + 4, learningRate: 1, trainLoss: 1, trainAccuracy: 0.5,
        valLoss: loss, valAccuracy: 0.5)
    }
    // By hand: half the rate after each epoch from the third on, for a rest of one epoch is over when
    // the next one ends.
    var state = beginning
    (state.epoch, state.step) = (6, 20)
    state.plateau.factor = 0.125
    state.plateau.best = 2
    (state.plateau.wait, state.plateau.cooldown) = (0, 1)
    (state.watch!.best, state.watch!.bestEpoch, state.watch!.waited) = (2, 2, 3)
    state.finish = .earlyStopping
    func flaw(_ state: TrainingState, _ rows: [EpochRow]) -> String? {
      state.flaw(
        after: rows, from: beginning, rate, in: extent, stopsEarly: spec.earlyStopping != nil)
    }
    #expect(flaw(state, rows) == nil)
    func changed(_ change: (inout TrainingState) -> Void) -> String? {
      var other = state
      change(&other)
      return flaw(other, rows)
    }
    #expect(changed { $0.epoch = 5 } == "epoch is 5, but metrics.csv leads to 6")
    #expect(
      changed { $0.plateau.factor = 0.5 } == "plateau_factor is 0.5, but metrics.csv leads to 0.125"
    )
    #expect(
      changed { $0.plateau.cooldown = 0 } == "plateau_cooldown is 0, but metrics.csv leads to 1")
    #expect(
      changed { $0.watch!.best = 2.5 } == "best_value is 2.5, but metrics.csv leads to 2.0")
    #expect(
      changed { $0.finish = nil } == "finish is nothing, but metrics.csv leads to early_stopping")
    var other = rows
    other[1].valLoss = 2.75
    #expect(flaw(state, other) != nil)
    other = rows
    other[4].step = 19
    #expect(flaw(state, other) == "row 5 of metrics.csv is of epoch 5 and step 19")
    #expect(flaw(state, rows + [rows[4]]) == "row 6 of metrics.csv is of epoch 5 and step 20")
    spec.earlyStopping = nil
    #expect(
      flaw(state, rows) == "finish is early_stopping, but metrics.csv leads to nothing")
  }
}

@Suite struct TimingRowTests {
  @Test(arguments: [
    ("1,0.5,0.1,96.0\n2,0.4,0.1,120.0\n3,0.4,0.1,120.0\n", 2),
    ("1,0.5,0.1,96.0\n2,0.4,0.1,120.0\n", 2), ("1,0.5,0.1,96.0\n2,0.4,0.1,120.0", 1),
    ("1,0.5,0.1,96.0\n2,0.4,120.0\n", 1), ("1,0.5,0.1,96.0\n3,0.4,0.1,120.0\n", 1),
    ("1,x,0.1,96.0\n2,0.4,0.1,120.0\n", 0), ("", 0), ("\n\n", 0),
  ])
  func wholeRowsAreKept(rows: String, count: Int) {
    let bytes = Array("\(TimingRow.header)\n\(rows)".utf8)
    let kept = TimingRow.sound(bytes, before: 3)
    #expect(kept.count == count)
    #expect(rows.split(separator: "\n").prefix(count).elementsEqual(kept))
    #expect(TimingRow.sound(Array(bytes.dropFirst()), before: 3).isEmpty)
  }
}
