import ConvNet

/// Models the loss by a Gaussian process and takes the point of the largest expected improvement
/// (Snoek, Larochelle and Adams, "Practical Bayesian optimization of machine learning algorithms",
/// NIPS 2012).
///
/// - The covariance is Matérn's with ν = 5/2, a length scale for each parameter (`GaussianProcess`),
///   hyperparameters by the largest posterior density (`fitted`).
/// - A pending trial is believed to come to its mean (the kriging believer of Ginsbourger, Le Riche
///   and Carraro 2010): the mean stays, the variance shrinks there, so that proposals made at the
///   same time differ.
/// - A failure counts as the worst of the other losses, and a trial that the sweep stopped with the
///   loss at which it was stopped. Losses far above the median are drawn in (`capped`).
/// - The bits of a proposal depend on the OpenBLAS kernel, as those of training do.
public struct GaussianProcessSampler: Sampler {
  public struct Options: Hashable, Sendable {
    /// How many trials are spread by `SobolSampler` before there is a model.
    public var startup = 10
    /// How many points of the cube the search for the largest expected improvement begins with.
    public var candidates = 1024
    /// How many of them, and of the best trials, are improved by a local search.
    public var starts = 8
    /// The most trials that the process is given: the better half of them those of the lowest
    /// losses, the other half the latest. The work grows with its cube.
    public var maximumObservations = 300

    public init() {}
  }

  public let space: SearchSpace
  public let seed: UInt64
  public let options: Options

  public init(space: SearchSpace, seed: UInt64, options: Options = Options()) {
    self.space = space
    self.seed = seed
    self.options = options
  }

  public func configuration(
    trial: Int, observations: [Observation], pending: [Configuration]
  ) -> Configuration {
    let design = SobolSampler(space: space, seed: seed)
    let given = selected(observations)
    guard trial >= options.startup, given.count >= 2, !space.parameters.isEmpty else {
      return design.configuration(trial: trial)
    }
    let features = GaussianProcessFeatures(space)
    let points = features.points(given.map(\.configuration))
    let losses = Self.standardized(Self.capped(Self.finite(given.map { $0.loss ?? .nan })))
    let process = GaussianProcess.fitted(points, values: losses)
    let model = Self.believing(process, losses, pending: features.points(pending))
    let search = AcquisitionSearch(
      space: space, features: features, model: model, options: options,
      tried: Set(observations.map(\.configuration) + pending),
      starts: zip(given, losses).sorted { $0.1 < $1.1 }.prefix(options.starts).map(
        \.0.configuration))
    var stream = RandomStream.search(.acquisition, seed: seed, trial: trial)
    return search.best(trial: trial, seed: seed, stream: &stream)
      ?? design.configuration(trial: trial)
  }

  /// All observations, or the best and the latest of very many, in the order of their numbers.
  private func selected(_ observations: [Observation]) -> [Observation] {
    guard observations.contains(where: { $0.loss?.isFinite ?? false }) else { return [] }
    guard observations.count > options.maximumObservations else { return observations }
    let best = ranked(observations.map { ($0.trial, $0.loss) })
      .prefix(options.maximumObservations / 2)
    let kept = Set(best)
    let others = observations.filter { !kept.contains($0.trial) }
      .suffix(options.maximumObservations - best.count)
    return (observations.filter { kept.contains($0.trial) } + others)
      .sorted { $0.trial < $1.trial }
  }

  /// Failures become the worst loss.
  static func finite(_ losses: [Double]) -> [Double] {
    let worst = losses.lazy.filter(\.isFinite).max()!
    return losses.map { $0.isFinite ? $0 : worst }
  }

  /// Losses are cut where they are four times as far above the least as the median is: how badly a
  /// training went would hide what the good ones differ by.
  static func capped(_ losses: [Double]) -> [Double] {
    let sorted = losses.sorted()
    let (least, median) = (sorted[0], sorted[sorted.count / 2])
    guard median > least else { return losses }
    return losses.map { min($0, least + 4 * (median - least)) }
  }

  static func standardized(_ values: [Double]) -> [Double] {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    guard variance > 0 else { return values.map { _ in 0 } }
    return values.map { ($0 - mean) / variance.squareRoot() }
  }

  /// The process that has also seen the pending points at their means, and the lowest mean at a
  /// point of either kind.
  private static func believing(
    _ process: GaussianProcess, _ losses: [Double], pending: GaussianProcess.Points
  ) -> (process: GaussianProcess, best: Double) {
    let here = process.posterior(process.points).mean.min()!
    guard pending.count > 0 else { return (process, here) }
    let believed = process.posterior(pending).mean
    var points = process.points
    points.values += pending.values
    var hyperparameters = process.hyperparameters
    while true {
      if let joint = try? GaussianProcess(
        points, values: losses + believed, hyperparameters, scale: process.scale)
      {
        return (joint, min(here, believed.min()!))
      }
      hyperparameters.noise *= 10
    }
  }
}

/// Looks for the configuration of the largest expected improvement.
private struct AcquisitionSearch {
  let space: SearchSpace
  let features: GaussianProcessFeatures
  let model: (process: GaussianProcess, best: Double)
  let options: GaussianProcessSampler.Options
  let tried: Set<Configuration>
  /// The best configurations so far, whose neighbourhoods are searched too.
  let starts: [Configuration]

  /// Nil when everything found was tried already.
  func best(trial: Int, seed: UInt64, stream: inout RandomStream) -> Configuration? {
    let size = space.parameters.count
    var places = (0..<options.candidates).map { _ in (0..<size).map { _ in stream.unit() } }
    places += starts.map { start in
      zip(space.coordinates(of: start), space.parameters).map { u, _ in u ?? stream.unit() }
    }
    var scores = logImprovement(places)
    let order = places.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    let own = places.indices.suffix(starts.count)
    var climbers = (order.prefix(options.starts) + own).map {
      (place: places[$0], score: scores[$0], step: 0.1)
    }
    for _ in 0..<24 {
      var trials: [[Double]] = []
      var owners: [Int] = []
      for (c, climber) in climbers.enumerated() {
        for place in neighbours(climber.place, step: climber.step, &stream) {
          trials.append(place)
          owners.append(c)
        }
      }
      let found = logImprovement(trials)
      var moved = Array(repeating: false, count: climbers.count)
      for (t, owner) in owners.enumerated() where found[t] > climbers[owner].score {
        climbers[owner].place = trials[t]
        climbers[owner].score = found[t]
        moved[owner] = true
      }
      for c in climbers.indices where !moved[c] { climbers[c].step /= 2 }
    }
    places += climbers.map(\.place)
    scores += climbers.map(\.score)
    for place in places.indices.sorted(by: { (scores[$1], $0) < (scores[$0], $1) }) {
      let configuration = space.configuration(at: places[place])
      if !tried.contains(configuration) { return configuration }
    }
    return nil
  }

  /// A step up and down along each coordinate (for a choice, any option), and as many steps in
  /// random directions.
  private func neighbours(
    _ place: [Double], step: Double, _ stream: inout RandomStream
  ) -> [[Double]] {
    var neighbours: [[Double]] = []
    for d in place.indices {
      for sign in [-1.0, 1] {
        var next = place
        switch space.parameters[d].domain {
        case .choice: next[d] = stream.unit()
        case .range: next[d] = min(max(place[d] + sign * step, 0), 1)
        case .integers(let lower, let upper, _):
          let least = 1 / (Double(upper) - Double(lower) + 1)
          next[d] = min(max(place[d] + sign * max(step, least), 0), 1)
        }
        neighbours.append(next)
      }
    }
    for _ in 0..<2 * place.count {
      neighbours.append(
        place.indices.map { d in
          if case .choice = space.parameters[d].domain { return place[d] }
          return min(max(place[d] + step * Double(stream.normal()), 0), 1)
        })
    }
    return neighbours
  }

  private func logImprovement(_ places: [[Double]]) -> [Double] {
    let (mean, variance) = model.process.posterior(features.points(at: places))
    return zip(mean, variance).map {
      ExpectedImprovement.logarithm(mean: $0, variance: $1, best: model.best)
    }
  }
}
