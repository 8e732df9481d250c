import Experiment
import Search

/// Which stages of a sweep can be run now, and what its trials came to.
///
/// Everything here is a function of the spec and of the results that were recorded, whatever the
/// order they were recorded in:
///
/// - Trial i is chosen, and by the median rule judged, by the trials of its cohort
///   (`SweepSpec.cohort(of:)`), once all of them are over.
/// - Those of a bracket who go on after a rung are chosen when the whole bracket has reached it.
///
/// A trial whose configuration an earlier one had, where nothing but its seeds would tell them apart,
/// takes the earlier one's results.
struct Plan {
  struct Stage: Hashable, Sendable {
    let id: StageID
    /// The last epoch of the stage; nil for the end of the training.
    let until: Int?
    let bar: Bar?
    /// The trial whose checkpoint it begins with.
    let parent: Int?
  }

  struct PlannedTrial {
    let number: Int
    let configuration: Configuration
    let bar: Bar?
    let parent: Int?
    /// The earlier trial with the same configuration.
    let twin: Int?
    /// The stage that it is in or came to.
    var stage = 0
    /// By seed, of the latest stage that ended.
    var results: [StageResult?]
    /// Whether nothing more is to be run.
    var isOver = false
  }

  let spec: SweepSpec
  private let sampler: (any Sampler)?
  private let population: PopulationBasedTraining?
  private let brackets: (any BracketRule)?
  private(set) var trials: [PlannedTrial] = []
  /// How many trials, from the first, are over.
  private(set) var settled = 0
  private var ready: [Stage] = []
  private var firstReady = 0
  private var byConfiguration: [Configuration: Int] = [:]
  /// What the journal says of trials that are yet to be proposed.
  private let known: [Int: Configuration]

  /// - Parameter known: configurations of trials that were begun before.
  init(_ spec: SweepSpec, known: [Int: Configuration] = [:]) {
    self.spec = spec
    self.known = known
    sampler = spec.makeSampler()
    population = spec.makePopulation()
    brackets = spec.brackets
  }

  /// A plan that takes the configurations of trials that were begun before from their journal, so
  /// that they need no second proposal.
  init(_ spec: SweepSpec, journal: [StageID: JournalEntry]) {
    self.init(
      spec,
      known: Dictionary(
        journal.values.map { ($0.result.id.trial, $0.configuration) },
        uniquingKeysWith: { a, _ in a }))
  }

  /// What the first trial is, which no result decides.
  static func configurationOfFirst(_ spec: SweepSpec) -> Configuration {
    spec.makePopulation()?.beginning(member: 0)
      ?? spec.makeSampler()!.configuration(trial: 0, observations: [], pending: [])
  }

  var isComplete: Bool { settled == spec.trials }

  /// A stage to run, each one once; nil while there is none, or none left.
  mutating func next() -> Stage? {
    while firstReady == ready.count {
      ready.removeAll(keepingCapacity: true)
      firstReady = 0
      guard trials.count < spec.trials, settled >= spec.cohort(of: trials.count) else { return nil }
      propose()
    }
    firstReady += 1
    return ready[firstReady - 1]
  }

  /// Takes what a stage came to.
  mutating func record(_ result: StageResult) {
    let number = result.id.trial
    guard let place = spec.seeds.firstIndex(of: result.id.seed), number < trials.count,
      !trials[number].isOver
    else { return }
    trials[number].results[place] = result
    advance(number)
  }

  // MARK: - Proposing

  private mutating func propose() {
    let number = trials.count
    let (configuration, parent) = configuration(of: number)
    var twin: Int?
    if spec.termination == nil, parent == nil {
      twin = byConfiguration[configuration]
      if twin == nil { byConfiguration[configuration] = number }
    }
    trials.append(
      PlannedTrial(
        number: number, configuration: configuration, bar: bar(of: number), parent: parent,
        twin: twin, results: Array(repeating: nil, count: spec.seeds.count)))
    if twin == nil {
      enqueue(number)
    } else {
      settle()
    }
  }

  private func configuration(of number: Int) -> (Configuration, parent: Int?) {
    if let population { return member(number, of: population) }
    if let known = known[number] { return (known, nil) }
    let seen = spec.sampler.usesResults ? spec.cohort(of: number) : 0
    return (
      sampler!.configuration(
        trial: number, observations: trials[..<seen].map(observation),
        pending: spec.sampler.usesResults ? trials[seen...].map(\.configuration) : []), nil
    )
  }

  /// The configuration of a member of a generation, and the trial whose checkpoint it goes on with.
  private func member(
    _ number: Int, of rule: PopulationBasedTraining
  ) -> (Configuration, parent: Int?) {
    let (generation, member) = number.quotientAndRemainder(dividingBy: rule.population)
    guard generation > 0 else { return (rule.beginning(member: member), nil) }
    let before = (generation - 1) * rule.population
    let losses = (before..<before + rule.population).map {
      value(of: trials[$0]).flatMap(spec.loss)
    }
    let source = rule.sources(losses: losses, generation: generation)[member]
    let inherited = trials[before + source].configuration
    return (
      source == member
        ? inherited : rule.explored(inherited, generation: generation, member: member),
      before + source
    )
  }

  private func observation(of trial: PlannedTrial) -> Observation {
    Observation(
      trial: trial.number, configuration: trial.configuration,
      loss: value(of: trial).flatMap(spec.loss),
      // What it was given: a training that ended by itself was given all.
      budget: results(of: trial.number).compactMap { result in
        result.map { $0.status == .completed ? spec.epochs : $0.curve.count }
      }.max() ?? 0)
  }

  /// What the median rule asks of a trial, by epoch.
  private func bar(of number: Int) -> Bar? {
    guard case .median(let warmup, let startup) = spec.termination else { return nil }
    let rule = MedianRule(warmupEpochs: warmup, minimumCohort: startup)
    let sign: Double = spec.maximizes ? -1 : 1
    let cohort = trials[..<spec.cohort(of: number)].flatMap { trial in
      trial.results.compactMap { result in
        result.flatMap { $0.status.isSound ? $0.curve.map { sign * $0 } : nil }
      }
    }
    return Bar(
      metric: spec.metric,
      values: (1...spec.epochs).map { epoch in
        rule.threshold(epoch: epoch, cohort: cohort).map { sign * $0 }
      },
      maximizes: spec.maximizes)
  }

  /// The generation of a population that a trial is a member of.
  func generation(of number: Int) -> Int? { population.map { number / $0.population } }

  // MARK: - Going on

  /// The end of a trial's stage, in epochs; nil for the end of its training.
  private func until(_ trial: Int, stage: Int) -> Int? {
    if case .populationBased(let rule) = spec.sampler {
      let end = (trial / rule.population + 1) * rule.interval
      return end < spec.epochs ? end : nil
    }
    guard let rungs = brackets?.bracket(of: trial, total: spec.trials).rungs else { return nil }
    return stage + 1 < rungs.count ? rungs[stage] : nil
  }

  private mutating func enqueue(_ number: Int) {
    let trial = trials[number]
    for (place, seed) in spec.seeds.enumerated() {
      // A training that is over has nothing to add in a later stage.
      if let result = trial.results[place], result.status != .reached { continue }
      ready.append(
        Stage(
          id: StageID(trial: number, seed: seed, stage: trial.stage),
          until: until(number, stage: trial.stage), bar: trial.bar, parent: trial.parent))
    }
  }

  private func hasEnded(_ trial: PlannedTrial) -> Bool {
    trial.results.allSatisfy {
      $0.map { $0.status != .reached || $0.id.stage == trial.stage } ?? false
    }
  }

  private mutating func advance(_ number: Int) {
    guard hasEnded(trials[number]) else { return }
    guard let brackets else {
      trials[number].isOver = true
      return settle()
    }
    let bracket = brackets.bracket(of: number, total: spec.trials)
    let stage = trials[number].stage
    guard trials.count >= bracket.trials.upperBound else { return }
    let contenders = bracket.trials.filter { !trials[$0].isOver && trials[$0].stage == stage }
    guard contenders.allSatisfy({ hasEnded(trials[$0]) }) else { return }
    let going = bracket.promoted(
      of: contenders.map {
        ($0, value(of: trials[$0], epochs: bracket.rungs[stage]).flatMap(spec.loss))
      }, rung: stage)
    for contender in contenders where !going.contains(contender) { trials[contender].isOver = true }
    for contender in going {
      trials[contender].stage += 1
      enqueue(contender)
    }
    // Trainings that have ended by themselves are through the next rung at once.
    if let first = going.first, going.allSatisfy({ hasEnded(trials[$0]) }) { advance(first) }
    settle()
  }

  private mutating func settle() {
    while settled < trials.count {
      let trial = trials[settled]
      if let twin = trial.twin, twin < settled { trials[settled].isOver = true }
      guard trials[settled].isOver else { return }
      settled += 1
    }
  }

  // MARK: - Results

  /// The results of a trial by seed, its twin's where it has one.
  func results(of number: Int) -> [StageResult?] {
    trials[number].twin.map { trials[$0].results } ?? trials[number].results
  }

  /// A trial's mean over its seeds of the metric's best among the first epochs; nil unless all of
  /// them have one.
  func value(of trial: PlannedTrial, epochs: Int? = nil) -> Double? {
    let values = results(of: trial.number).map {
      $0.flatMap { $0.value(epochs: epochs, maximizes: spec.maximizes) }
    }
    guard values.allSatisfy({ $0 != nil }) else { return nil }
    return values.reduce(0) { $0 + $1! } / Double(values.count)
  }

  /// The best trial that was trained to its end; the best of all where none was. Of equals the first.
  var winner: Int? {
    func best(_ candidates: some Sequence<PlannedTrial>) -> Int? {
      var found: (number: Int, loss: Double)?
      for trial in candidates where trial.isOver {
        guard let loss = value(of: trial).flatMap(spec.loss) else { continue }
        if loss < found?.loss ?? .infinity { found = (trial.number, loss) }
      }
      return found?.number
    }
    return best(
      trials.filter { trial in
        results(of: trial.number).allSatisfy { $0?.status == .completed }
      }) ?? best(trials)
  }
}
