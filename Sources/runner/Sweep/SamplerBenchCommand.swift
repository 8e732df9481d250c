import ArgumentParser
import ConvNet
import Experiment
import Glibc
import Search
import Storage
import Sweep

/// `runner sampler-bench FUNCTION`: our side of experiments/bench/samplers.py.
struct SamplerBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sampler-bench",
    abstract: "Measure how fast the samplers find the minimum of a function.",
    discussion: """
      A FUNCTION is branin, hartmann6, or a CSV file of recorded results: a column for each \
      parameter, headed NAME:log, NAME:linear or NAME:choice, and a column loss; a trial looks up \
      the nearest row. Prints a CSV: after each trial, how far the best loss so far is above the \
      minimum. experiments/bench/samplers.py compares this with Optuna.
      """,
    shouldDisplay: false)

  @Argument(help: ArgumentHelp("The function.", valueName: "function"))
  var function: String

  @Option(help: "random, sobol, tpe or gp.")
  var sampler = "tpe"

  @Option(help: "How many searches, each with a seed of its own.")
  var seeds = 30

  @Option(help: "The first seed.")
  var firstSeed = 1

  @Option(help: "How many trials a search has.")
  var trials = 100

  @Option(help: "A trial is chosen from the results of the trials that many before it and earlier.")
  var lag = 1

  func validate() throws {
    if ![seeds, firstSeed, trials, lag].allSatisfy((1...1_000_000).contains) {
      throw ValidationError(
        "--seeds, --first-seed, --trials and --lag must be from 1 to 1000000")
    }
  }

  func run() throws {
    BLAS.useOneThread()
    let function = try TestFunction(named: function)
    try Output.print("sampler,function,lag,seed,trial,regret")
    for seed in firstSeed..<firstSeed + seeds {
      let sampler = try makeSampler(function.space, seed: UInt64(seed))
      var configurations: [Configuration] = []
      var observations: [Observation] = []
      var best = Double.infinity
      for trial in 0..<trials {
        let known = max(0, trial - lag + 1)
        let next = sampler.configuration(
          trial: trial, observations: Array(observations.prefix(known)),
          pending: Array(configurations[known...]))
        let loss = function.loss(next)
        configurations.append(next)
        observations.append(
          Observation(trial: trial, configuration: next, loss: loss, budget: 1))
        best = min(best, loss ?? .infinity)
        try Output.print(
          "\(self.sampler),\(function.name),\(lag),\(seed),\(trial + 1),\(best - function.minimum)")
      }
    }
  }

  private func makeSampler(_ space: SearchSpace, seed: UInt64) throws -> any Sampler {
    switch sampler {
    case "random": RandomSampler(space: space, seed: seed)
    case "sobol": SobolSampler(space: space, seed: seed)
    case "tpe": TPESampler(space: space, seed: seed)
    case "gp": GaussianProcessSampler(space: space, seed: seed)
    default: throw UsageError("\(sampler) is not a sampler: random, sobol, tpe and gp are")
    }
  }
}

/// A function to be minimised whose minimum is known.
private struct TestFunction {
  let name: String
  let space: SearchSpace
  let minimum: Double
  /// Nil where a recorded table has no row.
  let loss: @Sendable (Configuration) -> Double?

  init(named name: String) throws {
    switch name {
    case "branin": self = .branin
    case "hartmann6": self = .hartmann6
    default:
      guard Files.exists(name) else {
        throw UsageError(
          "\(name): there is no such file; a function is branin, hartmann6 or a CSV file")
      }
      self = try RecordedTable(path: name).function
    }
  }

  private init(
    _ name: String, _ space: SearchSpace, minimum: Double,
    loss: @escaping @Sendable (Configuration) -> Double?
  ) {
    self.name = name
    self.space = space
    self.minimum = minimum
    self.loss = loss
  }

  /// Branin's function, its three minima of equal depth.
  static let branin = TestFunction(
    "branin",
    SearchSpace([
      Parameter("x1", .range(lower: -5, upper: 10, scale: .linear)),
      Parameter("x2", .range(lower: 0, upper: 15, scale: .linear)),
    ]), minimum: 0.397_887_357_729_738
  ) { configuration in
    let (x, y) = (configuration.number(0), configuration.number(1))
    let pi = Double.pi
    let square = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6
    return square * square + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10
  }

  /// Hartmann's function of six variables.
  static let hartmann6 = TestFunction(
    "hartmann6",
    SearchSpace((1...6).map { Parameter("x\($0)", .range(lower: 0, upper: 1, scale: .linear)) }),
    minimum: -3.322_368_011_415_515
  ) { configuration in
    let alpha = [1.0, 1.2, 3.0, 3.2]
    let a: [[Double]] = [
      [10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
      [17, 8, 0.05, 10, 0.1, 14],
    ]
    let p: [[Double]] = [
      [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
      [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
      [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
      [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
    return -(0..<4).reduce(0.0) { sum, i in
      let exponent = (0..<6).reduce(0.0) {
        let difference = configuration.number($1) - p[i][$1]
        return $0 + a[i][$1] * difference * difference
      }
      return sum + alpha[i] * Elementary.exp(-exponent)
    }
  }

  fileprivate init(table: RecordedTable) {
    self.init(table.name, table.space, minimum: table.minimum) { table.loss($0) }
  }
}

extension Configuration {
  fileprivate func number(_ place: Int) -> Double {
    if case .number(let x)? = values[place] { x } else { .nan }
  }
}

/// Results of real training over a grid: a function by the nearest row.
private struct RecordedTable {
  let name: String
  let space: SearchSpace
  let minimum: Double
  /// The levels of each parameter, as coordinates in [0, 1] or as options.
  private let levels: [[Double]]
  /// The mean loss of each combination of levels.
  private let losses: [[Int]: Double]

  var function: TestFunction { TestFunction(table: self) }

  init(path: String) throws {
    let lines = CSVDialect.standard.records(of: try Files.read(path)).map(\.fields)
    guard let header = lines.first, let lossColumn = header.firstIndex(of: "loss") else {
      throw UsageError("\(path): a column `loss` is missing")
    }
    let rows = lines.dropFirst()
    var parameters: [Parameter] = []
    var levels: [[Double]] = []
    // The level of each row, parameter after parameter.
    var places: [[Int]] = []
    for (column, head) in header.enumerated() where column != lossColumn {
      let parts = head.split(separator: ":").map(String.init)
      let texts = rows.map { $0[column] }
      guard parts.count == 2 else { continue }
      if parts[1] == "choice" {
        var labels: [String] = []
        for text in texts where !labels.contains(text) { labels.append(text) }
        parameters.append(
          Parameter(
            parts[0], .choice(labels.map { Domain.Option(label: $0, value: .string($0)) })))
        levels.append([])
        places.append(texts.map { labels.firstIndex(of: $0)! })
      } else {
        guard let scale = Domain.Scale(rawValue: parts[1]) else {
          throw UsageError("\(path): \(head): log, linear or choice was expected")
        }
        let numbers = texts.map { Double($0) ?? .nan }
        let distinct = Array(Set(numbers)).sorted()
        let domain = Domain.range(lower: distinct.first!, upper: distinct.last!, scale: scale)
        parameters.append(Parameter(parts[0], domain))
        levels.append(distinct.map { domain.coordinate(of: .number($0)) })
        places.append(numbers.map { distinct.firstIndex(of: $0)! })
      }
    }
    var sums: [[Int]: (Double, Double)] = [:]
    for (i, row) in rows.enumerated() {
      guard let loss = Double(row[lossColumn]), loss.isFinite else { continue }
      let (sum, count) = sums[places.map { $0[i] }] ?? (0, 0)
      sums[places.map { $0[i] }] = (sum + loss, count + 1)
    }
    let file = path.split(separator: "/").last.map(String.init) ?? path
    name = file.hasSuffix(".csv") ? String(file.dropLast(4)) : file
    space = SearchSpace(parameters)
    losses = sums.mapValues { $0.0 / $0.1 }
    minimum = losses.values.min() ?? 0
    self.levels = levels
  }

  func loss(_ configuration: Configuration) -> Double? {
    let key = levels.indices.map { place -> Int in
      let value = configuration.values[place]!
      if case .option(let option) = value { return option }
      let u = space.parameters[place].domain.coordinate(of: value)
      return levels[place].indices.min { abs(levels[place][$0] - u) < abs(levels[place][$1] - u) }!
    }
    return losses[key]
  }
}
