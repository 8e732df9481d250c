import ConvNet
import Experiment
import Search
import Storage

/// What a sweep may say: every key with its type, its default and its sentence. Checks, messages,
/// defaults and the JSON Schema all come from here.
enum SweepDescription {
  static let root = ObjectType(fields: [
    Field("$schema", .text, .none, "Where editors find the JSON Schema; no part of the sweep."),
    Field("name", .folderName, .required, "Names the folder of its results."),
    Field("description", .text, .value(""), "Free text for the reader."),
    Field(
      "seed", .seed, .value(1), aliases: ["random_seed", "random_state"],
      "Decides what the sampler draws; the experiments' own seeds are in seeds."),
    Field(
      "base", .either([.form(.path), experiment]), .required, aliases: ["experiment", "spec"],
      "The experiment that is varied: the path of its file, from this file's folder, or itself."),
    Field(
      "set", .map(MapType(of: .anything, count: 0...1000, noun: "key paths and values")),
      .value([:]), aliases: ["fixed", "overrides"],
      "What is changed in the base for every trial, by key path."),
    Field(
      "parameters",
      .map(MapType(of: .variants(parameter), count: 0...1000, noun: "parameters")), .value([:]),
      aliases: ["params", "space", "search_space", "hyperparameters"],
      "What is varied: by key path, or by a name such as $rate that stands for a value anywhere in "
        + "the base, in set or in a choice. A path into another parameter's value comes after it."),
    Field(
      "sampler", .variants(sampler), .required, aliases: ["algorithm", "method", "search"],
      "How the values of a trial are chosen."),
    Field(
      "metric", SpecDescription.watched(of: [.validation, .training]).type, .value("val_accuracy"),
      aliases: ["objective", "monitor"],
      "What a trial is judged by: val_ or train_ with loss or accuracy, or val_ with one of the base's "
        + "metrics."),
    Field(
      "direction",
      .choice(
        Choice(
          noun: "a direction", names: ["maximize", "minimize"],
          aliases: ["max": "maximize", "maximise": "maximize", "min": "minimize"])),
      .derived(
        "The default is the metric's own: \(minimised) are minimised, all else is maximised."
      ) {
        let metric = $0.siblings["metric"]?.string.flatMap(Metric.init(rawValue:))
        return metric?.growsBetter ?? true ? "maximize" : "minimize"
      }, aliases: ["mode", "goal"], "Which way is better."),
    Field(
      "trials", .integer(1...SweepSpec.trialLimit), .none,
      aliases: ["n_trials", "num_trials", "budget", "num_samples"],
      "How many configurations are tried in all; null for the whole grid, or all generations of "
        + "pbt."),
    Field(
      "seeds", .either([.list(of: .seed, count: 1...1000, noun: "seeds"), .form(SeedList.form)]),
      .value([1]), aliases: ["replicates", "repeats"],
      "Each configuration is run with every one of these, and judged by the mean."),
    Field(
      "early_termination", .variants(termination), .none,
      aliases: ["scheduler", "pruner", "termination", "early_stopping"],
      "Ends trials that promise little before their last epoch; null for none."),
    Field(
      "lag", .integer(1...1_000_000),
      .derived(
        "The default is 8; with brackets or generations 1: a bracket is chosen from all those "
          + "before it."
      ) {
        let rule = $0.siblings["early_termination"]?["name"]
        let isGrouped =
          rule == "successive_halving" || rule == "hyperband"
          || $0.siblings["sampler"]?["name"] == "pbt"
        return isGrouped ? 1 : 8
      },
      "Trial i is chosen from the results of the trials up to i − lag: decides how many can run at "
        + "once where results are looked at."),
    Field(
      "time_limit", .either([.number(.above(0, to: 1e9)), .form(DurationText.form)]), .none,
      aliases: ["timeout", "time"],
      "In seconds, or such as 2h30m: no trial is begun after it; null for no limit."),
    Field(
      "confirm", .integer(0...1000), .value(3),
      "How many fresh seeds the winner is run with again, to be tested on the test set."),
  ])

  /// Of what less is better.
  private static let minimised = MetricKind.all.filter { $0.better == .lower }.map(\.name)
    .joined(separator: " and ")

  private static let experiment = FieldType.map(
    MapType(of: .anything, count: 1...1000, noun: "an experiment's keys"))

  // MARK: - Parameters

  static let parameter = VariantType(
    key: nil, doc: "", noun: "a kind of parameter",
    cases: [
      .init(
        name: "choice", doc: "One of some values.",
        aliases: ["choices", "values", "categorical", "options"],
        fields: [
          Field(
            "choice",
            .either([
              .list(of: .anything, count: 1...10_000, noun: "options"),
              .map(MapType(of: .anything, count: 1...10_000, noun: "labelled options")),
            ]), .required,
            "The values; with labels where they are written as an object.")
        ]),
      .init(
        name: "range", doc: "A number of an interval.",
        aliases: ["uniform", "float", "loguniform", "log_uniform"],
        fields: [
          Field(
            "range", .pair(.number(.from(-1e300, to: 1e300)), names: "[lower, upper]"), .required,
            "The bounds."),
          scale, points,
        ]),
      .init(
        name: "integers", doc: "A whole number of an interval, both ends included.",
        aliases: ["int", "integer", "randint", "int_range"],
        fields: [
          Field(
            "integers",
            .pair(
              .integer(-SearchSpace.maximumInteger...SearchSpace.maximumInteger),
              names: "[lower, upper]"),
            .required, "The bounds."),
          scale, points,
        ]),
    ],
    common: [
      Field(
        "when",
        .map(
          MapType(
            of: .list(of: .anything, count: 1...10_000, noun: "options"), count: 1...1,
            noun: "parameter")),
        .none, aliases: ["if", "condition"],
        "Matters only where a choice before it is one of some options, as in "
          + "{ \"optimizer.name\": [\"sgd\"] }; null for always.")
    ])

  private static let scale = Field(
    "scale",
    .choice(
      Choice(
        noun: "a scale", names: Domain.Scale.allCases.map(\.rawValue),
        aliases: ["logarithmic": "log", "log10": "log", "uniform": "linear"])),
    .value("linear"), "What is uniform: the value, or its logarithm.")

  private static let points = Field(
    "points", .integer(1...SearchSpace.maximumPoints), .none, aliases: ["steps", "count", "num"],
    "How many values a grid takes, at equal distances; null for all whole numbers.")

  // MARK: - Samplers

  static let sampler = VariantType(
    key: "name", doc: "The way of choosing.", noun: "a sampler",
    cases: [
      .init(
        name: "grid", doc: "Every combination, the last parameter varying fastest.",
        aliases: ["grid_search"]),
      .init(
        name: "random", doc: "Independent draws (Bergstra and Bengio 2012).",
        aliases: ["random_search", "uniform"]),
      .init(
        name: "sobol", doc: "A scrambled Sobol sequence, spread evenly (Joe and Kuo 2008).",
        aliases: ["qmc", "quasi_random", "halton"]),
      .init(
        name: "tpe",
        doc: "Tree-structured Parzen estimators (Bergstra et al. 2011, Falkner et al. 2018).",
        aliases: ["bohb", "hyperopt", "parzen"],
        fields: [
          startup(parzen.startup),
          Field(
            "candidates", .integer(1...10_000), .value(JSONValue(parzen.candidates)),
            aliases: ["n_ei_candidates", "num_samples"],
            "How many points are drawn near the good trials, of which the best is taken."),
          Field(
            "good_fraction", .number(.above(0, to: 0.5)), .value(JSONValue(parzen.goodFraction)),
            aliases: ["gamma", "top_n_percent"], "The share of trials that are good."),
          Field(
            "max_good", .integer(1...1000), .value(JSONValue(parzen.maximumGood)),
            "The most trials that are good."),
          Field(
            "prior_weight", .number(.above(0, to: 100)), .value(JSONValue(parzen.priorWeight)),
            "The weight of the whole space beside the trials', which is 1 each."),
          Field(
            "bandwidth", .number(.above(0, to: 100)), .value(JSONValue(parzen.bandwidth)),
            aliases: ["bandwidth_factor"], "How wide the density is around a trial, as a factor."),
        ]),
      .init(
        name: "gp", doc: "A Gaussian process, by expected improvement (Jones et al. 1998).",
        aliases: ["gaussian_process", "bayes", "bayesian", "bo"],
        fields: [
          startup(process.startup),
          Field(
            "candidates", .integer(1...100_000), .value(JSONValue(process.candidates)),
            "How many points the search for the largest expected improvement begins with."),
          Field(
            "starts", .integer(1...1000), .value(JSONValue(process.starts)),
            "How many of them, and of the best trials, are improved from there."),
          Field(
            "max_observations", .integer(2...2000),
            .value(JSONValue(process.maximumObservations)),
            "The most trials that are modelled, half of them the best, half the latest."),
        ]),
      .init(
        name: "pbt",
        doc: "Population-based training (Jaderberg et al. 2017): after each generation the worst "
          + "go on from the weights of the best. Trial g·population + m is member m in generation "
          + "g.",
        aliases: ["population_based", "population_based_training", "population"],
        fields: [
          Field(
            "population", .integer(2...10_000), .value(8), aliases: ["members", "size"],
            "How many are trained side by side."),
          Field(
            "interval", .integer(1...1_000_000), .value(1), aliases: ["epochs", "every"],
            "The epochs of a generation."),
          Field(
            "truncation", .number(.above(0, to: 0.5)), .value(0.2),
            aliases: ["quantile", "fraction"],
            "The share of the members that are replaced, and of those that they are replaced by."),
          Field(
            "resampling", .number(.from(0, to: 1)), .value(0.25),
            aliases: ["resample", "resample_probability"],
            "How likely a value is drawn anew instead of being perturbed."),
        ]),
    ])

  private static let parzen = TPESampler.Options()
  private static let process = GaussianProcessSampler.Options()

  private static func startup(_ count: Int) -> Field {
    Field(
      "startup", .integer(1...1_000_000), .value(JSONValue(count)),
      aliases: ["n_startup_trials", "initial", "warmup"],
      "How many trials are drawn without a look at results.")
  }

  // MARK: - Early termination

  static let termination = VariantType(
    key: "name", doc: "The rule.", noun: "a rule of early termination",
    cases: [
      .init(
        name: "successive_halving",
        doc: "Of a bracket's trials the best 1/eta go on from each rung (Jamieson and Talwalkar "
          + "2016); the rungs are min_epochs, min_epochs·eta and so on up to training.epochs.",
        aliases: ["halving", "sha", "asha"],
        fields: [
          minEpochs, eta,
          Field(
            "bracket", .integer(2...1_000_000), .none, aliases: ["bracket_size", "n"],
            "How many trials compete; null for as many as leave one for the last rung."),
        ]),
      .init(
        name: "hyperband",
        doc: "Brackets of halving with ever fewer trials and ever more first epochs, in turn (Li "
          + "et al. 2018).",
        fields: [minEpochs, eta]),
      .init(
        name: "median",
        doc: "Ends a trial whose best is worse than the median of the running means of those "
          + "before it (Golovin et al. 2017).",
        aliases: ["median_stopping", "median_rule"],
        fields: [
          Field(
            "warmup_epochs", .integer(0...1_000_000), .value(1),
            aliases: ["warmup", "grace_period"],
            "No trial ends before more epochs than these."),
          Field(
            "startup_trials", .integer(1...1_000_000), .value(5),
            aliases: ["startup", "n_startup_trials", "min_samples"],
            "How many trials it must be compared with at least."),
        ]),
    ])

  private static let minEpochs = Field(
    "min_epochs", .integer(1...1_000_000), .value(1),
    aliases: ["min", "min_resource", "grace_period", "r"], "The first rung.")

  private static let eta = Field(
    "eta", .integer(2...1000), .value(3), aliases: ["reduction_factor", "factor"],
    "One of so many goes on.")
}
