import ConvNet
import Datasets
import Experiment
import Glibc
import Storage

/// A sweep under way: hands stages to workers, keeps the journal, and sums up.
public final class SweepRun {
  public let spec: SweepSpec
  public let folder: SweepFolder
  let options: SweepOptions
  let images: RunImages
  private(set) var plan: Plan
  /// What the winner's runs on fresh seeds came to, by seed.
  private(set) var confirmed: [UInt64: StageResult] = [:]
  private(set) var workers: [WorkerProcess] = []
  let clock = Stopwatch()

  private var known: [StageID: JournalEntry]
  private var journal: Journal
  private var timing: TimingLog
  private var record: SweepRecord
  private var reuse: ReuseIndex
  private let lock: FileLock
  private let format: JournalFormat
  let template: TrialTemplate
  /// Nil when nobody shares the folder.
  private let claims: Claims?
  /// Stages that others are working on.
  private var foreign: [StageID] = []
  private var display: SweepDisplay
  private var confirmations: [Plan.Stage]?
  private var failures = 0
  private var kept = 0
  private var hasToldWorkers = false
  private var synchronizedAt = 0.0
  private var heardAt = 0.0
  private var tableTime = 0.0
  private var isTableCurrent = false

  /// Opens the sweep's folder, or makes it, and takes up what was done there before.
  ///
  /// - Parameter images: the training images that the base experiment asks for.
  /// - Throws: `RecordError` when the folder holds another sweep, or another process has it.
  public init(
    _ loaded: LoadedSweep, under output: String, images: RunImages, options: SweepOptions
  ) throws {
    spec = loaded.spec
    template = TrialTemplate(spec)
    self.images = images
    self.options = options
    folder = SweepFolder("\(output)/\(spec.name)")
    try Files.makeFolders(folder.path)
    lock = try folder.lock(isShared: options.task != nil)
    record = try SweepRecord.open(folder, spec, images: images)
    format = JournalFormat(spec)
    let claimsFolder = folder.claims
    claims = try options.task.map { try Claims(folder: claimsFolder, task: $0) }
    known = try Journal.read(folder: folder.journal, format: format)
    if let last = known.keys.map(\.trial).max(), last >= spec.trials {
      throw RecordError(
        folder.path,
        "has gone as far as trial \(last), and with trials=\(spec.trials) all from trial "
          + "\(spec.trials) on would be lost from trials.csv; give trials=\(last + 1) or more, or this "
          + "sweep a name of its own")
    }
    try record.begin(folder, loaded, options)
    // A winner is confirmed by as many runs as the sweep asks for, whatever kept one of them from its
    // end: those that failed are run again in any case.
    known = known.filter { stage, entry in
      let isAgain =
        options.retriesFailed || stage.stage == StageID.confirmation && options.task == nil
      return !(isAgain && entry.result.status.isWorthRetrying)
    }
    plan = Plan(spec, journal: known)
    journal = try Journal.open(
      folder: folder.journal, writer: options.task ?? "local", format: format)
    timing = try TimingLog.open(folder.timing)
    reuse = ReuseIndex(output: output, except: folder)
    display = SweepDisplay(spec, folder: folder, isQuiet: options.isQuiet)
  }

  /// Runs what is left to run.
  public func run() throws -> SweepOutcome {
    do {
      let outcome = try carryOut()
      workers = []
      try journal.synchronize()
      // Of tasks that share the folder, those that see the end write what it came to, all the same.
      if claims == nil || outcome.isCompleted {
        try writeTable()
        var lacking: String?
        if outcome.isCompleted {
          let summary = try SweepSummary(self)
          try summary.write(to: folder)
          lacking = summary.lacking
        }
        try record.end(outcome, lacking: lacking, folder)
      }
      return outcome
    } catch {
      for worker in workers { worker.send(SIGKILL) }
      workers = []
      record.fail("\(error)", folder)
      throw error
    }
  }

  /// What a completed sweep came to.
  public func summary() throws -> SweepSummary { try SweepSummary(self) }

  /// What to say of the moving statistics of a trial; nil for nothing.
  public func movingStatisticsNote(of trial: ExperimentSpec) throws -> String? {
    let data = try RunData(trial, images: images, threads: 1)
    return trial.movingStatisticsNote(trainingImages: data.train.count)
  }

  // MARK: - The loop

  private func carryOut() throws -> SweepOutcome {
    let sharing = try SharedImages()
    // The first workers start while the images that they share are written.
    var first: [TrialTask] = []
    while mayBegin, first.count < options.jobs, let task = try next() {
      first.append(task)
      workers.append(try startWorker(sharing.file))
    }
    try sharing.write(images.train)
    defer { display.clear() }
    for task in first { try begin(task, sharing: sharing.file) }
    while true {
      while mayBegin, busy < options.jobs, let task = try next() {
        try begin(task, sharing: sharing.file)
      }
      if busy == 0 && (foreign.isEmpty || !mayBegin) { break }
      tellWorkers()
      try listen()
      try hearOthers()
      if clock.seconds > synchronizedAt + 1 {
        try journal.synchronize()
        synchronizedAt = clock.seconds
      }
      display.update(self)
      if claims == nil, clock.seconds > tableTime + 10 { try writeTable() }
    }
    if let signal = Interruption.signal { return .interrupted(signal: signal) }
    if isComplete { return .completed }
    return hasGivenUp ? .gaveUp(failures: failures) : .timeUp(trials: plan.settled)
  }

  /// Whether every trial is over, and every run that is to confirm the winner.
  private var isComplete: Bool {
    plan.isComplete && Confirmation.stages(of: plan).allSatisfy { confirmed[$0.id.seed] != nil }
  }

  private var busy: Int { workers.count { $0.task != nil } }
  private var mayBegin: Bool { Interruption.signal == nil && !isTimeUp && !hasGivenUp }
  private var isTimeUp: Bool { spec.timeLimit.map { clock.seconds >= $0 } ?? false }
  private var hasGivenUp: Bool { options.maximumFailures.map { failures >= $0 } ?? false }

  /// The next stage that neither the journal nor a run that was made before tells of.
  private func next() throws -> TrialTask? {
    while let stage = nextStage() {
      if let entry = known[stage.id] {
        take(entry.result)
      } else if try !claim(stage.id) {
        foreign.append(stage.id)
      } else if let task = try task(for: stage) {
        let found = try reuse.result(for: task, images: images.record) { display.say($0) }
        guard let result = found else { return task }
        try keep(result, seconds: 0, isReused: true)
      }
    }
    return nil
  }

  /// The plan's next stage; after its last, those that confirm the winner.
  private func nextStage() -> Plan.Stage? {
    if confirmations == nil {
      if let stage = plan.next() { return stage }
      guard plan.isComplete else { return nil }
      confirmations = Confirmation.stages(of: plan)
    }
    return confirmations!.popFirst()
  }

  /// What a worker is to do for a stage; nil, and the stage has failed, when its experiment isn't
  /// sound.
  private func task(for stage: Plan.Stage) throws -> TrialTask? {
    do {
      return try makeTask(stage)
    } catch let error as SpecErrors {
      let reason = error.diagnostics.map(\.description).joined(separator: "; ")
      try keep(StageResult(id: stage.id, status: .failed, reason: reason), seconds: 0)
      return nil
    }
  }

  private func claim(_ stage: StageID) throws -> Bool { try claims?.take(stage) ?? true }

  /// Takes what other tasks have come to, once a second at most.
  private func hearOthers() throws {
    guard !foreign.isEmpty, clock.seconds > heardAt + 1 else { return }
    heardAt = clock.seconds
    known = try Journal.read(folder: folder.journal, format: format)
    foreign.removeAll { stage in
      guard let entry = known[stage] else { return false }
      take(entry.result)
      return true
    }
  }

  private func begin(_ task: TrialTask, sharing images: Int32) throws {
    while true {
      let worker: WorkerProcess
      if let idle = workers.first(where: { $0.task == nil }) {
        worker = idle
      } else {
        worker = try startWorker(images)
        workers.append(worker)
      }
      if worker.give(task, at: clock.seconds) { return }
      // It died while it was idle; another one takes the task.
      workers.removeAll { $0 === worker }
    }
  }

  private func startWorker(_ images: Int32) throws -> WorkerProcess {
    try WorkerProcess(
      arguments: ["worker", try SharedDataset(spec, self.images).line]
        + (options.dataFolder.map { ["--data", $0] } ?? []),
      images: images, log: folder.log)
  }

  /// Passes a signal on, once.
  private func tellWorkers() {
    guard let signal = Interruption.signal, !hasToldWorkers else { return }
    hasToldWorkers = true
    for worker in workers where worker.task != nil { worker.send(signal) }
  }

  /// Waits for an answer, 200 ms at most, and takes what came.
  private func listen() throws {
    var watched = workers.filter { $0.task != nil }.map {
      pollfd(fd: $0.file, events: Int16(POLLIN), revents: 0)
    }
    // With nobody to wait for, this is a pause.
    guard poll(&watched, nfds_t(watched.count), 200) > 0 else { return }
    for file in watched where file.revents != 0 {
      guard let worker = workers.first(where: { $0.file == file.fd }), let task = worker.task else {
        continue
      }
      let seconds = clock.seconds - worker.started
      do {
        guard let answer = try worker.answer() else { continue }
        worker.task = nil
        if case .result(let result, let notices) = answer {
          for notice in notices { display.say(notice) }
          try keep(result, seconds: seconds)
        }
      } catch is WorkerProcess.Gone {
        workers.removeAll { $0 === worker }
        let how = worker.end()
        if Interruption.signal != nil { continue }
        try keep(
          StageResult(
            id: task.stage, status: .crashed,
            reason: "its process ended by \(how); see \(folder.log)", key: task.key),
          seconds: seconds)
      }
    }
  }

  // MARK: - Results

  /// Records what a stage came to.
  private func keep(_ result: StageResult, seconds: Double, isReused: Bool = false) throws {
    try journal.append(
      JournalEntry(
        result: result, configuration: plan.trials[result.id.trial].configuration))
    try timing.append(result.id, seconds: seconds, isReused: isReused)
    take(result)
    display.tell(result, of: self, seconds: seconds, isReused: isReused)
    kept += 1
    if kept == options.rehearsal.killAfter { kill(getpid(), SIGKILL) }
  }

  private func take(_ result: StageResult) {
    isTableCurrent = false
    if result.status.isWorthRetrying { failures += 1 }
    if result.id.stage == StageID.confirmation {
      confirmed[result.id.seed] = result
    } else {
      plan.record(result)
    }
  }

  private func writeTable() throws {
    tableTime = clock.seconds
    if isTableCurrent { return }
    try AtomicFile.write(TrialsTable(plan, folder: folder).csv, to: folder.trials)
    isTableCurrent = true
  }
}

extension [Plan.Stage] {
  fileprivate mutating func popFirst() -> Plan.Stage? { isEmpty ? nil : removeFirst() }
}
