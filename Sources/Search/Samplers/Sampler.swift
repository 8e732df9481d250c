/// Chooses what to try.
///
/// A configuration is a pure function of the space, the seed, its trial's number and what the
/// sampler is shown: the observations of a cohort of earlier trials that the sweep's spec fixes.
/// Hence a sweep doesn't depend on how many trials ran at once or in which order they ended.
public protocol Sampler: Sendable {
  /// The configuration of a trial.
  ///
  /// - Parameters:
  ///   - trial: its number, from 0.
  ///   - observations: the trials of its cohort, in the order of their numbers.
  ///   - pending: the configurations of earlier trials that are not in its cohort, in their order.
  func configuration(
    trial: Int, observations: [Observation], pending: [Configuration]
  ) -> Configuration
}

/// What a trial came to.
public struct Observation: Hashable, Sendable {
  public let trial: Int
  public let configuration: Configuration
  /// What is minimised (a metric to be maximised comes with its sign turned); nil when the trial
  /// failed or diverged.
  public let loss: Double?
  /// How many epochs it was given: fewer than the others where the sweep stopped it. A trial that
  /// ended by itself, by early stopping or by diverging, was given all of them.
  public let budget: Int

  public init(trial: Int, configuration: Configuration, loss: Double?, budget: Int) {
    self.trial = trial
    self.configuration = configuration
    self.loss = loss
    self.budget = budget
  }
}
