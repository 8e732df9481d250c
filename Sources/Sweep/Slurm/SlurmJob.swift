import Datasets
import Experiment
import Glibc

/// A job array of Slurm whose tasks share a sweep's folder, each taking trials until there are none
/// left.
public struct SlurmJob: Sendable {
  /// How many tasks there are.
  public let tasks: Int
  /// Options of sbatch, such as `partition=long` or `time=2:00:00`, in the user's words.
  public let options: [String]
  public let folder: SweepFolder
  /// This program, as the cluster's nodes find it.
  public let program: String
  public let dataFolder: String?

  public init(
    tasks: Int, options: [String], folder: SweepFolder, program: String, dataFolder: String?
  ) {
    self.tasks = tasks
    self.options = options
    self.folder = folder
    self.program = program
    self.dataFolder = dataFolder
  }

  private var place: String { "\(folder.path)/slurm" }
  public var scriptPath: String { "\(place)/job.sh" }

  /// The script that sbatch is given.
  ///
  /// A minute before the time is up Slurm sends SIGUSR1; SIGTERM comes when a job is preempted or its
  /// node drained. Upon either the task's trials are checkpointed and the task is requeued.
  public var script: String {
    var lines = ["#!/bin/sh"]
    func option(_ text: String) { lines.append("#SBATCH --\(text)") }
    option("job-name=\(Files.name(of: folder.path))")
    option("array=0-\(tasks - 1)")
    option("output=\(place)/task-%a.log")
    option("open-mode=append")
    option("requeue")
    option("signal=B:USR1@60")
    // What the user says comes last, and so prevails.
    for text in options { option(text) }
    lines.append("export OPENBLAS_NUM_THREADS=1")
    var command = "exec \(Self.quoted(program)) sweep-task \(Self.quoted(folder.path))"
    if let dataFolder { command += " --data \(Self.quoted(dataFolder))" }
    lines.append(command)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }

  /// Hands the job to sbatch, in the folder that it is called from.
  /// - Returns: the number of the job.
  /// - Throws: `RecordError` when an earlier job is still at work on the sweep, or sbatch refuses.
  public func submit() throws -> String {
    try Files.makeFolders(place)
    let numberPath = "\(place)/job"
    if Files.exists(numberPath) {
      let earlier = try Files.readText(numberPath)
      let queue = try Command.run("squeue", ["--noheader", "--jobs", earlier])
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
    let answer = try Command.run("sbatch", ["--parsable", scriptPath])
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
    let answer = try Command.run("scontrol", ["requeue", "\(job)_\(task)"])
    if answer.status != 0 { throw RecordError("scontrol requeue \(job)_\(task)", answer.output) }
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
