import ConvNet
import Datasets
import Storage

// What a run does otherwise where layers are frozen.
extension Run {
  /// The epoch, from 1, that the folder's last checkpoint is of: its last step's, since layers that begin to
  /// learn with the next do so after it was written.
  func trainedEpoch() throws -> Int {
    guard spec.initial?.unfreezeAt != nil else { return 1 }
    let file = try CheckpointFile(reading: folder.last)
    let epoch = try file.count("epoch")
    return try file.count("step_in_epoch") > 0 ? epoch : max(1, epoch - 1)
  }

  /// The images to train and to validate on as a trainer reads them: themselves, or what is kept of them.
  /// - Throws: `MemoryShortage` where there isn't as much memory; `OutOfMemory`.
  func read(
    by trainer: Trainer
  ) throws -> (train: any SampleSource, validation: (any SampleSource)?) {
    guard trainer.freezing.features != nil else { return (data.train, data.validation) }
    let count = data.train.count + (data.validation?.count ?? 0)
    try spec.checkFeatureMemory(count, trainer.sampleShape)
    if options.display != .quiet {
      Display.say(
        "working out what \(spec.initial!.features!) gives of \(grouped(count)) images: "
          + "\(trainer.sampleShape) numbers each")
    }
    return (try trainer.read(data.train), try data.validation.map(trainer.read))
  }

  /// What begins to learn, as a sentence.
  static func unfrozen(_ freezing: Freezing) -> String {
    InitialTensors.shown(freezing.late.sorted()) + (freezing.late.count == 1 ? " learns" : " learn")
      + " from now on"
  }
}
