/// What the trials of a sweep came to: all that the pictures of a sweep show.
public struct SweepTable: Hashable, Sendable {
  /// What the sweep optimises.
  public struct Metric: Hashable, Sendable {
    public var name: String
    public var higherIsBetter: Bool
    public var format: AxisFormat

    public init(_ name: String, higherIsBetter: Bool, format: AxisFormat = .number) {
      self.name = name
      self.higherIsBetter = higherIsBetter
      self.format = format
    }
  }

  /// A hyperparameter that the sweep varies.
  public struct Parameter: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
      case number(logarithmic: Bool)
      case whole(logarithmic: Bool)
      /// One of some values without an order, by their labels.
      case choice([String])
    }

    /// Its key path in the experiment, such as `optimizer.learning_rate`.
    public var name: String
    public var kind: Kind
    /// Where the sweep may look. The axis covers it, and whatever the trials have; with nil only
    /// the latter. A choice has none.
    public var bounds: ClosedRange<Double>?

    public init(_ name: String, _ kind: Kind, bounds: ClosedRange<Double>? = nil) {
      self.name = name
      self.kind = kind
      self.bounds = bounds
    }

    /// A value of it, as a hint gives it.
    func text(_ value: Double) -> String {
      guard case .choice(let labels) = kind else {
        return value.isFinite ? DecimalText.significant(value, digits: 3) : ParameterAxis.inactive
      }
      let place = Int(exactly: value) ?? -1
      return labels.indices.contains(place) ? labels[place] : ParameterAxis.inactive
    }
  }

  public struct TrialRow: Hashable, Sendable {
    public enum State: Hashable, Sendable {
      case completed
      /// Ended by the sweep's rule before its last epoch.
      case stoppedEarly
      case failed
    }

    public var number: Int
    /// For each parameter its value, or the place of its option in a choice; nil where it is not
    /// active.
    public var values: [Double?]
    /// Nil, or not finite, where there is none.
    public var metric: Double?
    public var state: State

    public init(number: Int, values: [Double?], metric: Double?, state: State) {
      self.number = number
      self.values = values
      self.metric = metric
      self.state = state
    }
  }

  public let title: String
  public let metric: Metric
  public let parameters: [Parameter]
  /// In the order of their numbers.
  public let trials: [TrialRow]
  /// How much each parameter matters, where that is known: a greater number is drawn before a less.
  public let importance: [Double]?

  /// - Precondition: a trial has as many values as there are parameters, and so has the importance.
  public init(
    title: String, metric: Metric, parameters: [Parameter], trials: [TrialRow],
    importance: [Double]? = nil
  ) {
    precondition(trials.allSatisfy { $0.values.count == parameters.count })
    precondition(importance.map { $0.count == parameters.count } ?? true)
    self.importance = importance
    self.title = title
    self.metric = metric
    self.parameters = parameters
    let isOrdered = zip(trials, trials.dropFirst()).allSatisfy { $0.number <= $1.number }
    self.trials = isOrdered ? trials : trials.sorted { $0.number < $1.number }
  }
}

extension SweepTable {
  /// What a trial is drawn at; nil where it failed, or has nothing that an axis can show.
  static func value(of trial: TrialRow) -> Double? {
    guard trial.state != .failed, let metric = trial.metric, metric.isFinite,
      Axis.shows(metric, logarithmic: false)
    else { return nil }
    return metric
  }

  /// How a trial is drawn: as failed where it has no value.
  static func shownState(of trial: TrialRow) -> TrialRow.State {
    value(of: trial) == nil ? .failed : trial.state
  }

  func isBetter(_ a: Double, than b: Double) -> Bool { metric.higherIsBetter ? a > b : a < b }

  /// The places in `trials` of those that may win, the best first and equal ones in their order:
  /// the completed, or, where none has completed, those that were stopped early.
  func ranking() -> [Int] {
    for state in [TrialRow.State.completed, .stoppedEarly] {
      let candidates = trials.indices.compactMap { i in
        trials[i].state == state ? Self.value(of: trials[i]).map { (place: i, value: $0) } : nil
      }
      guard candidates.isEmpty else {
        return candidates.sorted { a, b in
          a.value == b.value ? a.place < b.place : isBetter(a.value, than: b.value)
        }.map(\.place)
      }
    }
    return []
  }
}

extension SweepTable {
  /// How many parameters a picture draws.
  static let mostParameters = 12
  private static let mostNames = 40

  /// The table with the parameters that matter most, in their order, and a sentence that names the others;
  /// all of it where there are few. Where it isn't known what matters, the first are taken.
  func limited(to most: Int = mostParameters) -> (table: SweepTable, note: String?) {
    guard parameters.count > most else { return (self, nil) }
    func rank(_ place: Int) -> Double {
      importance.map { $0[place].isFinite ? $0[place] : -.infinity } ?? 0
    }
    let kept = parameters.indices.sorted { (rank($1), $0) < (rank($0), $1) }.prefix(most).sorted()
    let others = parameters.indices.filter { !kept.contains($0) }.map { parameters[$0].name }
    let table = SweepTable(
      title: title, metric: metric, parameters: kept.map { parameters[$0] },
      trials: trials.map { trial in
        var trial = trial
        trial.values = kept.map { trial.values[$0] }
        return trial
      }, importance: importance.map { importance in kept.map { importance[$0] } })
    let named = others.prefix(Self.mostNames).joined(separator: ", ")
    let more = others.count > Self.mostNames ? " and \(others.count - Self.mostNames) more" : ""
    let which = importance == nil ? "the first" : "those that matter most"
    let count = DecimalText.grouped(parameters.count)
    return (
      table, "\(most) of \(count) parameters drawn, \(which); not drawn: \(named)\(more)"
    )
  }
}
