import ConvNet
import Experiment

/// A figure of a finished or running run, by its name: `test_accuracy`, `test_f1_macro`; `val_loss` and the
/// like, of the epoch whose weights were tested; `best_val_loss` and `last_val_loss` and the like, of all
/// epochs in metrics.csv.
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

  /// Those that every run has.
  public static let always: [Figure] =
    Metric.always.reversed().map { Figure($0) }
    + [.best, .last].flatMap { selection in
      Metric.always.filter(\.isMonitorable).reversed().map { Figure($0, selection) }
    }

  public var name: String {
    selection == .tested ? metric.rawValue : "\(selection.rawValue)_\(metric.rawValue)"
  }

  public init?(name: String) {
    if let metric = Metric(rawValue: name) {
      self.init(metric)
      return
    }
    let parts = name.split(separator: "_", maxSplits: 1).map(String.init)
    guard parts.count == 2, let selection = Selection(rawValue: parts[0]), selection != .tested,
      let metric = Metric(rawValue: parts[1]), metric.isMonitorable
    else { return nil }
    self.init(metric, selection)
  }

  /// What a word that is no name was probably to be; nil where none is near.
  public static func nearMiss(to word: String) -> Figure? {
    let parts = word.split(separator: "_", maxSplits: 1).map(String.init)
    if parts.count == 2, let selection = Selection(rawValue: parts[0]), selection != .tested {
      return Metric.nearMiss(to: parts[1], of: [.validation, .training]).map {
        Figure($0, selection)
      }
    }
    return Metric.nearMiss(to: word, of: Metric.Part.allCases.reversed()).map { Figure($0) }
  }
}
