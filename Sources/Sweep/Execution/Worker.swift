import ConvNet
import Datasets
import Experiment
import Glibc
import Storage

/// The side of a sweep that trains: a process that takes trial after trial from its standard input
/// and answers on its standard output, each on one thread, until the input ends.
public final class Worker {
  /// The descriptor of the images that all workers share.
  static let sharedImages: Int32 = 3

  private let shared: SharedDataset
  private let dataFolder: String?
  private let environment: Environment
  /// Images by the section of the spec that they are for.
  private var images: [DatasetSpec: RunImages] = [:]

  /// - Parameters:
  ///   - shared: what the shared images are.
  ///   - dataFolder: where other images are looked for.
  public init(
    shared: SharedDataset, dataFolder: String?, environment: Environment
  ) {
    self.shared = shared
    self.dataFolder = dataFolder
    self.environment = environment
  }

  /// Works until the standard input ends.
  public func run() throws {
    // A sweep that is gone leaves nobody to train for.
    try exitWhenClosed(standardInput: 0)
    var input = LineReader(file: 0)
    while let line = try input.next() {
      guard let task = TrialTask(line: line) else {
        throw RecordError("worker", "was given what is no task")
      }
      if task.rehearsal == .trap { fatalError("this trial was told to trap") }
      let answer = answer(task)
      try LineReader.write(answer.line, to: 1)
      if case .interrupted = answer { return }
    }
  }

  private func answer(_ task: TrialTask) -> TrialAnswer {
    if task.rehearsal == .figures { return .result(rehearse(task)) }
    do {
      return try carryOut(task)
    } catch {
      return .result(
        StageResult(id: task.stage, status: .failed, reason: "\(error)", key: task.key))
    }
  }

  private func carryOut(_ task: TrialTask) throws -> TrialAnswer {
    var notices: [String] = []
    let spec = try ExperimentSpec(resolved: task.experiment, name: "trial \(task.stage.trial)")
    let data = try RunData(spec, images: try images(for: spec), threads: 1)
    try data.check(task.metric, watchedBy: "metric")
    var options = RunOptions(
      threads: 1, display: .quiet, command: ["runner", "worker"], environment: environment)
    options.stopAfterEpoch = task.until
    options.bar = task.bar
    let folder = try RunFolder.create(at: task.folder)
    func start() throws -> RunOutcome {
      if let parent = task.parent {
        try TrialRun.inherit(from: RunFolder(opening: parent), to: folder)
      }
      return try Run.start(
        spec, verbatim: nil, in: folder, parent: task.parent, data: data, options: options)
    }
    let outcome: RunOutcome
    switch try TrialRun.state(of: folder, for: task.experiment, notice: { notices.append($0) }) {
    case .fresh: outcome = try start()
    case .begun:
      do {
        outcome = try Run.resume(folder, data: data, options: options)
      } catch let error as RecordError where error.isOfCheckpoint(in: folder) {
        // Whatever it lost, a trial comes to the same from its beginning.
        notices.append("note: \(folder.path) is trained anew: \(error)")
        TrialRun.clear(folder)
        outcome = try start()
      }
    case .over(let ending): return .result(try TrialRun.result(of: folder, ending, task))
    }
    let ending: TrialRun.Ending
    switch outcome {
    case .interrupted(let signal, _) where signal != 0: return .interrupted
    case .interrupted: ending = .open
    case .diverged(let reason): ending = .diverged(reason)
    case .completed(let summary): ending = .completed(summary.stopReason)
    }
    return .result(try TrialRun.result(of: folder, ending, task), notices)
  }

  private func images(for spec: ExperimentSpec) throws -> RunImages {
    if let images = images[spec.dataset] { return images }
    let found: RunImages
    if spec.dataset == shared.section {
      // They are whole once there is a task.
      found = RunImages(
        train: try SharedImages.map(Self.sharedImages), test: nil,
        validationCount: shared.validationCount, classNames: shared.classNames,
        record: shared.record)
    } else {
      found = try RunImages.load(
        spec.dataset, recorded: nil, dataFolder: dataFolder, threads: 1, progress: { _ in },
        notice: { Display.say($0) })
    }
    images[spec.dataset] = found
    return found
  }

  /// Figures that depend on the trial alone, for measuring what a sweep itself costs.
  private func rehearse(_ task: TrialTask) -> StageResult {
    let digest = SHA256.hex(of: Array("\(task.key)\(task.stage.seed)".utf8))
    let value = Double(UInt32(digest.prefix(6), radix: 16) ?? 0) * 0x1p-24
    let row = EpochRow(
      epoch: 1, step: 1, learningRate: 0, trainLoss: value, trainAccuracy: value, valLoss: value,
      valAccuracy: value)
    return StageResult(
      id: task.stage, status: .completed, reason: "epochs", curve: [value], best: row, last: row,
      key: task.key)
  }
}

extension RecordError {
  /// Whether what a run would go on from is damaged.
  fileprivate func isOfCheckpoint(in folder: RunFolder) -> Bool {
    [folder.last, folder.best, folder.metrics].contains { path.hasPrefix($0) }
  }
}
