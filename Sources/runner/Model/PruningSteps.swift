import ArgumentParser
import Datasets
import Experiment
import Report
import Storage

/// What each step of a pruning leaves: a model, the spec that trains it further, and that one's run.
struct PruningSteps {
  let spec: PruningSpec
  /// What is pruned, and the experiment that it was trained by; nil where none is known.
  let opened: ModelFile
  let experiment: ExperimentSpec?
  let files: NamedFiles
  /// Where the folders of runs go.
  let results: String
  let compute: ComputeOptions
  /// Whether what is there is written over, and trained anew.
  let force: Bool

  /// What the steps are called; the last one as all of it.
  var titles: [String] {
    (1..<spec.steps).map { "\(files.title)-\($0)" } + [files.title]
  }

  /// What is made, for the reader of a spec; no other pruning says the same.
  private var description: String {
    "\(opened.name) (weights \(opened.weightsDigest.prefix(12))…), pruned: \(spec.json.compact)"
  }

  /// Takes the name for this process, after a look at what is there: nothing of it is written over unless told,
  /// but for what an earlier call of the same command has left that didn't come to its end.
  /// - Throws: `UsageError`.
  func claim(madeOf model: String) throws -> Claim {
    let claim = try Claim(files.path(".\(files.title).lock"), named: files.title)
    let isOver = try !runs(of: files.title).filter {
      try RunRecord(reading: $0.record).status == .completed
    }
    .isEmpty
    if force { noteLeft() }
    let others = try titles.filter { try isOver || !isBegun($0) }
    try files.check(
      others.flatMap { ["\($0).safetensors", "\($0).json"] }, madeOf: model, force: force)
    return claim
  }

  /// Names the steps of another pruning under this name that had more of them.
  private func noteLeft() {
    var left: [String] = []
    while case let title = "\(files.title)-\(spec.steps + left.count)",
      Files.exists(files.path("\(title).json"))
    {
      left.append(title)
    }
    if !left.isEmpty {
      Display.say("note: \(left.joined(separator: ", ")) stay, and are of another pruning")
    }
  }

  /// Whether an earlier call of this very pruning has written a step's spec, to train it.
  private func isBegun(_ title: String) throws -> Bool {
    let path = files.path("\(title).json")
    guard spec.epochs > 0, Files.exists(path) else { return false }
    let text = try? JSONValue(parsing: Files.read(path, limit: Files.documentLimit), name: path)
    return text?["description"]?.string == description
  }

  /// The runs of a step that earlier calls have begun, the newest first.
  private func runs(of title: String) throws -> [RunFolder] {
    let folder = "\(results)/\(title)"
    let ids = (try? FolderNames(of: folder))?.names ?? []
    return ids.sorted(by: >).compactMap { id in
      guard id != "latest", let run = try? RunFolder(opening: "\(folder)/\(id)"),
        let spec = try? run.readResolved(), spec.description == description
      else { return nil }
      return run
    }
  }

  /// Writes what a step has made; and trains it, where it is to be.
  /// - Returns: the run that has trained it.
  func leave(_ pruned: ModelFile, _ title: String, on data: RunData?) throws -> RunFolder? {
    let file = "\(title).safetensors"
    try pruned.write(to: files.path(file))
    guard let experiment, let data else { return nil }
    let further = experiment.fineTuning(
      pruned, at: file, named: title, spec, description: description)
    try AtomicFile.write(further.text, to: files.path("\(title).json"))
    let loaded = try ExperimentSpec.load(
      path: files.path("\(title).json"), locator: compute.locator)
    guard spec.epochs > 0 else { return nil }
    let begun = try force ? nil : runs(of: title).first { try $0.readResolved() == loaded.spec }
    if let begun, try RunRecord(reading: begun.record).status == .completed {
      if !compute.quiet { Display.say("\(title) was trained before: \(begun.path)") }
      return begun
    }
    return try train(loaded, on: data, goingOnWith: begun)
  }

  private func train(
    _ loaded: LoadedSpec, on data: RunData, goingOnWith begun: RunFolder?
  ) throws -> RunFolder {
    let (folder, outcome) = try carryOut(loaded, data, begun)
    guard case .completed = outcome else {
      if case .interrupted = outcome {
        Display.say("stopped; the same command, begun again, goes on")
      }
      try report(outcome, of: folder, spec: loaded.spec, asJSON: false)
      throw ExitCode(ExitStatus.failed)
    }
    try drawMissingCurves(of: folder, title: loaded.spec.name)
    return folder
  }

  private func carryOut(
    _ loaded: LoadedSpec, _ data: RunData, _ begun: RunFolder?
  ) throws -> (RunFolder, RunOutcome) {
    let options = compute.runOptions()
    func introduce(_ folder: RunFolder) throws {
      try compute.introduce(loaded.spec, data, in: folder)
    }
    if let begun {
      let outcome = try Run.resume(begun, isLatest: true, data: data, options: options) {
        try introduce(begun)
      }
      return (begun, outcome)
    }
    return try Run.start(
      loaded.spec, verbatim: loaded.verbatim, data: data, under: results, options: options,
      announce: introduce)
  }
}

extension PruningSteps {
  /// A name that one process has, as long as this lives.
  struct Claim: ~Copyable {
    private let path: String
    private let lock: FileLock

    fileprivate init(_ path: String, named name: String) throws {
      guard let lock = try FileLock.take(path) else {
        throw UsageError(
          "\(name): another process is pruning under this name; give another by --to, or wait until it has "
            + "ended")
      }
      self.path = path
      self.lock = lock
    }

    deinit { Files.remove(path) }
  }
}
