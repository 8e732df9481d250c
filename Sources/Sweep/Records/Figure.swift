import Experiment

/// A figure of a finished or running run, by its name: `test_accuracy` and `test_loss`; `val_loss` and
/// the like, of the epoch whose weights were tested; `best_val_loss` and `last_val_loss` and the like,
/// of all epochs in metrics.csv.
public struct Figure: Hashable, Sendable {
  public enum Selection: String, Hashable, Sendable, CaseIterable {
    /// Of the weights that were tested, from summary.json.
    case tested
    /// The best of all epochs.
    case best
    /// Of the last epoch.
    case last
  }

  public let metric: Metric
  public let selection: Selection

  public init(_ metric: Metric, _ selection: Selection = .tested) {
    precondition(selection == .tested || metric.isMonitorable, "a test is done once")
    self.metric = metric
    self.selection = selection
  }

  public static let all: [Figure] =
    Metric.allCases.reversed().map { Figure($0) }
    + [.best, .last].flatMap { selection in
      Metric.allCases.filter(\.isMonitorable).reversed().map { Figure($0, selection) }
    }

  public var name: String {
    selection == .tested ? metric.rawValue : "\(selection.rawValue)_\(metric.rawValue)"
  }

  public init?(name: String) {
    guard let figure = Self.all.first(where: { $0.name == name }) else { return nil }
    self = figure
  }
}
