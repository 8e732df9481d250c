import ConvNet
import Experiment
import Search
import Storage

/// A sweep, as its file declares it: every default filled in, checked, the base experiment taken
/// in, and with no trace of how it was written. Trial i is a pure function of this value, i and the
/// results of the trials that `cohort(of: i)` counts.
public struct SweepSpec: Hashable, Sendable {
  /// Names the folder of its results.
  public var name: String
  /// Free text for the reader.
  public var description: String
  /// Decides what the sampler draws; apart from the seeds of the experiments.
  public var seed: UInt64
  /// The experiment that is varied, as written: a default there may depend on what is varied, so
  /// none is filled in.
  public var base: JSONValue
  /// What is changed in the base for every trial, in order.
  public var set: [Assignment]
  public var space: SearchSpace
  public var sampler: SamplerSpec
  /// What a trial is judged by; one that is measured after every epoch.
  public var metric: Metric
  /// What the trials measure besides loss and accuracy.
  public var measured: [MetricName]
  /// Whether more of the metric is better.
  public var maximizes: Bool
  /// How many configurations are tried in all.
  public var trials: Int
  /// Each configuration is run with every one of these: its replicates. Its result is their mean.
  public var seeds: [UInt64]
  /// The rule that ends trials before their last epoch; nil for none.
  public var termination: TerminationSpec?
  /// How far back the results lie that a trial is chosen from; see `cohort(of:)`.
  public var lag: Int
  /// In seconds; no trial is begun after them. Nil for no limit.
  public var timeLimit: Double?
  /// How many fresh seeds the winner is run with again, for the test set; 0 for none.
  public var confirm: Int
  /// The most epochs that a trial is trained.
  public let epochs: Int

  /// A value for a key path of the experiment.
  public struct Assignment: Hashable, Sendable {
    /// Such as `optimizer.learning_rate` or `model[0].filters`.
    public var path: String
    public var value: JSONValue
    public init(path: String, value: JSONValue) {
      self.path = path
      self.value = value
    }
  }

  /// What trials.csv and the journal have of an epoch.
  var figures: [Metric] { SweepSpec.figures(measured) }

  static func figures(_ measured: [MetricName]) -> [Metric] {
    Metric.always.filter(\.isMonitorable) + measured.compactMap { Metric(.validation, $0) }
  }

  /// A trial's result as a loss, which samplers and rules minimise: the metric, its sign turned
  /// where more of it is better. Nil when it isn't finite.
  public func loss(_ metric: Double) -> Double? {
    metric.isFinite ? (maximizes ? -metric : metric) : nil
  }
}

/// A sweep with what it was read from.
public struct LoadedSweep: Sendable {
  public let spec: SweepSpec
  /// The sweep's file as it lies on disk; for an ad-hoc sweep, the experiment's.
  public let verbatim: [UInt8]
  /// The base experiment's path, as one would open it from here; nil when it is given inline.
  public let basePath: String?
  /// The `key=value` arguments that were applied.
  public let overrides: [String]
  /// Makes the experiments of its configurations.
  public let template: TrialTemplate
  /// For messages that point into the files.
  let reading: SpecReading
  /// The sweep with every default and override written out, the base inline.
  public var resolved: JSONValue { spec.resolved() }
}
