import Datasets
import Experiment
import Glibc
import Storage

/// A job array of Slurm whose tasks share a sweep's folder, each taking trials until there are none
/// left.
public struct SlurmJob: Sendable {
  /// How many tasks there are.
  public let tasks: Int
  public let options: [Option]
  public let folder: SweepFolder
  /// This program, as the cluster's nodes find it.
  public let program: String
  public let dataFolder: String?

  /// An option of sbatch, such as `partition=long`, `time=2:00:00` or `exclusive`.
  public struct Option: Hashable, Sendable {
    public let key: String
    public let value: String?

    /// Nil for what isn't `key=value` or `key`, all of it in one line.
    public init?(_ text: String) {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let isKey = parts[0].utf8.allSatisfy {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
          || $0 == UInt8(ascii: "-")
      }
      guard isKey, !parts[0].isEmpty, !parts[0].hasPrefix("-"), !SlurmJob.holdsControls(text) else {
        return nil
      }
      key = String(parts[0])
      value = parts.count > 1 ? String(parts[1]) : nil
    }
  }

  public init(
    tasks: Int, options: [Option], folder: SweepFolder, program: String, dataFolder: String?
  ) {
    self.tasks = tasks
    self.options = options
    self.folder = folder
    self.program = program
    self.dataFolder = dataFolder
  }

  public var scriptPath: String { "\(folder.slurm)/job.sh" }

  /// The script that sbatch is given.
  ///
  /// A minute before the time is up Slurm sends SIGUSR1; SIGTERM comes when a job is preempted or its
  /// node drained. Upon either the task's trials are checkpointed and the task is requeued.
  ///
  /// - Throws: `RecordError` for a path that a script or Slurm cannot be told.
  public var script: String {
    get throws(RecordError) {
      for path in [folder.path, program, dataFolder ?? ""] where Self.holdsControls(path) {
        throw RecordError(
          path.debugDescription,
          "a path with a line's end or another control character cannot be "
            + "handed to Slurm; rename what has it")
      }
      guard !folder.path.contains("\\") else {
        throw RecordError(
          folder.path,
          "Slurm cannot be told a path with a backslash; rename what has it, or give "
            + "another --output")
      }
      var lines = ["#!/bin/sh"]
      func option(_ key: String, _ value: String? = nil) {
        lines.append("#SBATCH --\(key)" + (value.map { "=\(Self.escaped($0))" } ?? ""))
      }
      option("job-name", Files.name(of: folder.path))
      option("array", "0-\(tasks - 1)")
      // A percent sign stands for itself when it is doubled.
      option("output", folder.slurm.replacing("%", with: "%%") + "/task-%a.log")
      option("open-mode", "append")
      option("requeue")
      option("signal", "B:USR1@60")
      // What the user says comes last, and so prevails.
      for given in options { option(given.key, given.value) }
      lines.append("export OPENBLAS_NUM_THREADS=1")
      var command = "exec \(Self.quoted(program)) sweep-task \(Self.quoted(folder.path))"
      if let dataFolder { command += " --data \(Self.quoted(dataFolder))" }
      lines.append(command)
      return lines.joined(separator: "\n") + "\n"
    }
  }

  /// For the shell.
  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "'\\''") + "'"
  }

  /// For sbatch, which reads its options at words, knows quotes and takes `#` for a comment: each such
  /// character behind a backslash.
  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { escaped, character in
      if " \t'\"\\#".contains(character) { escaped += "\\" }
      escaped.append(character)
    }
  }

  private static func holdsControls(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.properties.generalCategory == .control }
  }

  /// Hands the job to sbatch, in the folder that it is called from.
  /// - Returns: the number of the job.
  /// - Throws: `RecordError` when an earlier job is still at work on the sweep, or sbatch refuses.
  public func submit() throws -> String {
    let script = try script
    try Files.makeFolders(folder.slurm)
    let numberPath = "\(folder.slurm)/job"
    if Files.exists(numberPath) {
      let earlier = try Files.readText(numberPath)
      let queue = try Self.run("squeue", ["--noheader", "--jobs", earlier])
      if queue.status == 0, !queue.output.isEmpty {
        throw RecordError(
          folder.path,
          "the job \(earlier) is still at work on this sweep; see squeue, or scancel "
            + "\(earlier)")
      }
    }
    // Nobody holds a stage that no task has.
    Files.remove(folder.claims)
    try AtomicFile.write(script, to: scriptPath)
    let answer = try Self.run("sbatch", ["--parsable", scriptPath])
    guard answer.status == 0 else {
      throw RecordError("sbatch", answer.output.isEmpty ? "failed" : answer.output)
    }
    let number = String(
      answer.output.split(whereSeparator: { $0 == ";" || $0 == "\n" }).first ?? "")
    try AtomicFile.write(number, to: numberPath)
    return number
  }

  /// The name of the task that this process is, when Slurm started it.
  public static var currentTask: String? {
    environment("SLURM_ARRAY_TASK_ID").map { "task-\($0)" }
  }

  /// How many trials the task may run at once.
  public static var currentJobs: Int {
    environment("SLURM_CPUS_PER_TASK").flatMap { Int($0) } ?? 1
  }

  /// Puts the task that this process is back into the queue.
  public static func requeue() throws {
    guard let job = environment("SLURM_ARRAY_JOB_ID"), let task = environment("SLURM_ARRAY_TASK_ID")
    else { return }
    let answer = try Self.run("scontrol", ["requeue", "\(job)_\(task)"])
    if answer.status != 0 { throw RecordError("scontrol requeue \(job)_\(task)", answer.output) }
  }

  private static func run(
    _ program: String, _ arguments: [String]
  ) throws -> (status: Int32, output: String) {
    do throws(FileError) {
      return try Subprocess.output(of: program, arguments)
    } catch {
      guard error.code == ENOENT else { throw error }
      throw RecordError(program, "is not on this machine")
    }
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
