import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Glibc
import Storage
import Sweep
import TerminalText

/// This program.
enum Program {
  static let version = Environment.programVersion
}

/// What all commands that compute are told.
struct ComputeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How many threads compute; changes no bit of a result. (default: one per core)",
      valueName: "n"))
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Where datasets lie, before $RUNNER_DATA and data/; downloads are kept here.",
      valueName: "folder"), transform: Arguments.path)
  var data: String?

  @Flag(help: "No progress on stderr.")
  var quiet = false

  init() {}

  /// As though the command line said so.
  init(threads: Int, data: String?, quiet: Bool) {
    self.threads = threads
    self.data = data
    self.quiet = quiet
  }

  func validate() throws {
    if let threads, !(1...Team.most).contains(threads) {
      throw ValidationError("--threads must be from 1 to \(Team.most), not \(threads)")
    }
  }

  var threadCount: Int { threads ?? Team.cores }

  var locator: DatasetLocator { .standard(dataFolder: data) }

  /// Makes this process compute with a kernel, if need be by starting itself anew, and checks it.
  /// Comes before any other work.
  func useCore(_ name: String) throws {
    try BLASCore.ensure(try BLASCore.resolve(name)) { Display.say("note: \($0)") }
    BLAS.useOneThread()
    try Self.claimAddresses()
    try BLASCore.check()
  }

  /// Takes what OpenBLAS needs for this thread's products.
  /// - Throws: `MemoryShortage` where it would wait for it for ever.
  static func claimAddresses() throws {
    guard let (bound, needed) = AvailableMemory().broken(by: 0, untouched: BLAS.bytesPerThread)
    else {
      return BLAS.mapMemory()
    }
    throw MemoryShortage(
      MemoryShortage.sentence("each thread of OpenBLAS's maps", needed, bound) + "; raise it")
  }

  /// Reads the data of a spec; those that a run recorded, where it is one that has begun.
  func load(_ spec: ExperimentSpec, recorded: RunRecord.Data? = nil) throws -> RunData {
    try spec.checkMemory(threads: threadCount)
    return try data(of: spec, try loadImages(spec.dataset, recorded: recorded))
  }

  /// What a spec makes of its images, with a warning of what they lack.
  func data(of spec: ExperimentSpec, _ images: RunImages) throws -> RunData {
    let data = try RunData(spec, images: images, threads: threadCount)
    for warning in data.warnings { Display.say("WARNING: \(warning)") }
    return data
  }

  /// Reads the images that a spec's section stands for.
  func loadImages(_ section: DatasetSpec, recorded: RunRecord.Data? = nil) throws -> RunImages {
    let bar = DownloadDisplay(Display.style(quiet: quiet))
    defer { bar.clear() }
    return try RunImages.load(
      section, recorded: recorded, dataFolder: data, threads: threadCount,
      progress: { bar.update($0) }, notice: { Display.say($0) })
  }

  /// Tells what a run is to train.
  func introduce(_ spec: ExperimentSpec, _ data: RunData, in folder: RunFolder) throws {
    guard !quiet else { return }
    Display.introduce(
      try RunHeading(spec, data: data, folder: folder, threads: threadCount).lines)
  }

  func runOptions() -> RunOptions {
    RunOptions(
      threads: threadCount, display: Display.style(quiet: quiet),
      command: ["runner"] + CommandLine.arguments.dropFirst(),
      environment: Environment(
        program: "runner \(Program.version)", tree: WorkingTree(), toolchain: Environment.toolchain,
        openBLAS: BLAS.version, kernel: BLASCore.current, cpu: Environment.cpu,
        system: Environment.system, threads: threadCount))
  }
}

/// How far a download is: a bar on a terminal, a line per file elsewhere.
final class DownloadDisplay {
  private let style: Display.Style
  private var file = ""
  private var live = LiveLines(on: .errors)

  init(_ style: Display.Style) { self.style = style }

  func update(_ progress: DownloadProgress) {
    switch style {
    case .quiet: return
    case .lines:
      if progress.file != file { Display.say("downloading \(progress.mirror)\(progress.file)") }
    case .bar:
      let part = min(1, Double(progress.receivedInAll) / Double(max(1, progress.expectedInAll)))
      let columns = Terminal.errors.columns.map { $0 - 1 }
      Display.write(live.redrawing([Self.line(progress, part: part).text(columns: columns)]))
    }
    file = progress.file
  }

  private static func line(_ progress: DownloadProgress, part: Double) -> FittedLine {
    let full = Int(part * 24)
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: 24 - full)
    return FittedLine([
      .init("downloading", worth: 3), .init(bar, worth: 2), .init("\(Int(part * 100)) %"),
      .init([("\(progress.mirror)\(progress.file)", 1)], then: progress.file),
    ])
  }

  func clear() { Display.write(live.erasing()) }
}

/// The folder of a run, as the user names it.
func openRun(_ path: String) throws -> RunFolder {
  do {
    return try RunFolder(opening: path)
  } catch {
    throw UsageError("\(error)")
  }
}

/// The folder of a sweep, as the user names it.
func openSweep(_ path: String) throws -> SweepFolder {
  guard Files.exists(path) else { throw UsageError("\(path): there is no such sweep") }
  let folder = SweepFolder(path)
  guard Files.isFolder(path), Files.exists(folder.resolved), folder.isSweep else {
    throw UsageError(
      Files.isFolder(path)
        ? "\(path): is not the folder of a sweep: it has no resolved.json with trials.csv or "
          + "sweep.json" : "\(path): is a file, not the folder of a sweep")
  }
  return folder
}

/// A clock that never goes back, in nanoseconds, for what measures speed.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
