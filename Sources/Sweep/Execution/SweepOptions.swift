import Experiment

/// How a sweep is carried out; nothing here changes what it comes to.
public struct SweepOptions: Sendable {
  /// How many trials run at once.
  public var jobs: Int
  public var dataFolder: String?
  /// Give up when this many trials have failed; nil for never.
  public var maximumFailures: Int?
  /// Run those again that failed or crashed before.
  public var retriesFailed = false
  /// The name of this process among those that share the sweep's folder; nil when it has the folder
  /// for itself.
  public var task: String?
  public var isQuiet = false
  /// The command line, for the record.
  public var command: [String]
  public var environment: Environment
  public var rehearsal = Rehearsal()

  /// For tests.
  public struct Rehearsal: Sendable {
    /// The trial that ends by a trap.
    public var trapTrial: Int?
    /// The seed of the run that confirms the winner and ends by a trap.
    public var trapConfirmation: UInt64?
    /// Ends the process with SIGKILL after so many stages.
    public var killAfter: Int?
    /// Trials train nothing and leave no run.
    public var trainsNothing = false
    public init() {}
  }

  public init(jobs: Int, command: [String], environment: Environment) {
    self.jobs = jobs
    self.command = command
    self.environment = environment
  }
}

/// How a sweep ended, other than by an error.
public enum SweepOutcome: Sendable {
  case completed
  /// By a signal; every trial that was running is at a checkpoint.
  case interrupted(signal: Int32)
  /// The time limit was reached, so many trials being over.
  case timeUp(trials: Int)
  /// As many trials failed as were borne.
  case gaveUp(failures: Int)

  var isCompleted: Bool { if case .completed = self { true } else { false } }
}
