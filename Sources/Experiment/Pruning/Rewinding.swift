import ConvNet
import Datasets
import Storage

// The weights that a run had early, which a lottery ticket begins with (Frankle and Carbin 2019; Frankle et al.
// 2020). As a run is a function of its record, they need not have been kept.

extension Verification.Record {
  /// The model that the run had after so many epochs, of which parts are rounded to steps; 0 for that which it
  /// began with. Epochs that are trained again for it must come to what the record says.
  /// - Parameters:
  ///   - seed: draws weights for it to begin with, also where the run began with a model's; nil for its own.
  ///   - options: how it is carried out.
  /// - Throws: `RecordError` where the run ended before, or comes to something else here; `RunInterrupted`.
  public func model(
    after epochs: Double, seed: UInt64? = nil, data: RunData, options: RunOptions
  ) throws -> Model {
    var options = options
    options.initialPlaces += initialPlaces
    options.teacherPlaces += teacherPlaces
    try run.checkData(data.record, of: folder)
    let perEpoch = TrainingExtent(spec, images: data.train.count).stepsPerEpoch
    let step = Int((epochs * Double(perEpoch)).rounded())
    guard step < rows.count * perEpoch else {
      throw RecordError(
        folder.path,
        "rewind: it has trained \(counted(rows.count, "epoch")), and can be taken back to less")
    }
    guard step > 0 else {
      var model = try Trainer(
        spec, trainedOn: data, places: options.initialPlaces, teachers: nil,
        team: Team(threads: options.threads)
      ).model
      if let seed { model.weights = try Model(model.plan, seed: seed).weights }
      return model
    }
    let temporary = try Files.makeTemporaryFolder()
    defer { Files.remove(temporary) }
    options.stopAfterStep = step
    let (again, outcome) = try Run.start(
      spec, verbatim: [], data: data, under: temporary, options: options)
    if case .interrupted(let signal, _) = outcome, signal != 0 {
      throw RunInterrupted(signal: signal)
    }
    let trained = try EpochRow.read(again.metrics)
    let recorded = try EpochRow.read(folder.metrics).prefix(trained.count)
    guard case .interrupted(_, step) = outcome, trained == Array(recorded) else {
      throw RecordError(
        folder.path,
        "comes to something else here than it records, so that it can't be rewound; runner verify tells "
          + "what")
    }
    return try Checkpoint.trainedModel(again.last, NetworkPlan(spec.network))
  }
}
