import Experiment
import FoundationEssentials
import Storage
import Testing

@testable import Sweep

/// The errors of sweeps, their whole text compared.
struct SweepSpecErrorTests {
  static let base = """
    {
      "name": "s",
      "base": {
        "name": "x",
        "dataset": { "name": "mnist", "validation": 0.2 },
        "model": [
          { "layer": "conv2d", "filters": 4, "kernel": 3 },
          { "layer": "flatten" },
          { "layer": "dropout", "rate": "$rate" },
          { "layer": "dense", "units": 10 }
        ],
        "optimizer": { "name": "adam" },
        "training": { "epochs": 9, "batch_size": 64 }
      },
      "set": { "model[0].l2": 0.001 },
      "parameters": {
        "optimizer.name": { "choice": ["sgd", "adam"] },
        "optimizer.momentum": { "range": [0, 0.99], "when": { "optimizer.name": ["sgd"] } },
        "$rate": { "range": [0.2, 0.5] }
      },
      "sampler": { "name": "random" },
      "trials": 30
    }

    """

  /// The lines that a sweep's errors are told in; empty for a sweep that is fine.
  static func errors(_ text: String, _ overrides: [String] = []) -> [String] {
    do throws(SpecErrors) {
      _ = try SweepSpec.load(bytes: Array(text.utf8), name: "s.json", overrides: overrides)
        .checkTrials()
      return []
    } catch {
      return error.description.split(separator: "\n").map(String.init)
    }
  }

  /// The base with one piece of text replaced.
  static func edited(_ old: String, _ new: String) -> String {
    let parts = base.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
    precondition(parts.count == 2, "\(old) is not in the base")
    return parts[0] + new + parts[1]
  }

  @Test func baseIsFine() { #expect(Self.errors(Self.base) == []) }

  struct Case: Sendable, CustomTestStringConvertible {
    let old: String
    let new: String
    let message: String
    init(_ old: String, _ new: String, _ message: String) {
      self.old = old
      self.new = new
      self.message = message
    }
    var testDescription: String { new }
  }

  static let cases = [
    // Keys and names that aren't known.
    Case(
      "\"trials\": 30",
      "\"trails\": 30",
      "22:3: trails: unknown key; did you mean \"trials\"?"),
    Case(
      "\"sampler\"",
      "\"smapler\"",
      "21:3: smapler: unknown key; did you mean \"sampler\"?"),
    Case(
      "\"random\"",
      "\"bayesian\"",
      "21:24: sampler.name: \"bayesian\" is not a sampler; did you mean \"gp\"?"),
    Case(
      "\"random\"",
      "\"tpe\", \"n_startup_trials\": 5",
      "21:31: sampler.n_startup_trials: unknown key; did you mean \"startup\"?"),
    Case(
      "\"random\"",
      "\"random\", \"startup\": 5",
      "21:34: sampler.startup: unknown key; the keys here are \"name\""),
    Case(
      "\"name\": \"s\"",
      "\"name\": \"s/t\"",
      "2:11: name: found \"s/t\", but a name of at most 100 letters, digits, \".\", \"_\" "
        + "and \"-\" that begins with a letter or a digit is expected"),
    Case(
      "\"trials\"",
      "\"metric\": \"accuracy\", \"trials\"",
      "22:13: metric: found \"accuracy\", but one of \"train_loss\", \"train_accuracy\", "
        + "\"val_loss\", \"val_accuracy\", or val_ with what \"metrics\" asks for "
        + "(\"val_f1_macro\") is expected; did you mean \"val_accuracy\"?"),
    Case(
      "\"trials\"",
      "\"metric\": \"test_accuracy\", \"trials\"",
      "22:13: metric: found \"test_accuracy\", but one of \"train_loss\", \"train_accuracy\", "
        + "\"val_loss\", \"val_accuracy\", or val_ with what \"metrics\" asks for "
        + "(\"val_f1_macro\") is expected; did you mean \"val_accuracy\"?"),
    Case(
      "\"trials\"",
      "\"direction\": \"max\", \"trials\"",
      "22:16: direction: \"max\" is not a direction; did you mean \"maximize\"?"),
    Case(
      "\"trials\"",
      "\"early_termination\": { \"name\": \"asha\" }, \"trials\"",
      "22:34: early_termination.name: \"asha\" is not a rule of early termination; did you "
        + "mean \"successive_halving\"?"),
    Case(
      "\"trials\"",
      "\"lag\": 0, \"trials\"",
      "22:10: lag: found 0, but a whole number from 1 to 1000000 is expected"),
    Case(
      "\"trials\": 30",
      "\"trials\": 0",
      "22:13: trials: found 0, but a whole number from 1 to 1000000 is expected"),
    Case(
      ",\n  \"trials\": 30",
      "",
      "1:1: \"trials\" is missing; only a grid and pbt have a number of their own"),
    Case(
      "\"trials\"",
      "\"time_limit\": \"2 hours\", \"trials\"",
      "22:17: time_limit: found \"2 hours\", but a time such as \"2h30m\" or \"90s\" is "
        + "expected"),
    Case(
      "\"trials\"",
      "\"time_limit\": \"0h\", \"trials\"",
      "22:17: time_limit: no time is no limit; null is"),
    Case(
      "\"trials\"",
      "\"seeds\": \"1..3\", \"trials\"",
      "22:12: seeds: found \"1..3\", but a list such as \"1-3\" or \"1,4\" is expected"),
    Case(
      "\"trials\"",
      "\"seeds\": \"3-1\", \"trials\"",
      "22:12: seeds: \"3-1\" is no list of at most 1000 seeds, each range from the lesser "
        + "to the greater"),
    Case(
      "\"trials\"",
      "\"seeds\": [1, 2, 1], \"trials\"",
      "22:19: seeds[2]: the seed 1 is given twice; it would run the same again"),
    Case(
      "\"trials\"",
      "\"seeds\": [], \"trials\"",
      "22:12: seeds: found a list of 0, but a list of at least 1 seeds is expected"),
    // Parameters.
    Case(
      "\"optimizer.name\": {",
      "\"optimizer.nam\": {",
      "17:5: optimizer.nam: unknown key; did you mean \"name\"?\n"
        + "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.name\": is none of the "
        + "parameters before this one; did you mean optimizer.nam?"),
    Case(
      "\"optimizer.name\": {",
      "\"optimizer.name.x\": {",
      "17:5: optimizer.name.x: optimizer.name is \"adam\", which has no keys\n"
        + "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.name\": is none of the "
        + "parameters before this one; did you mean optimizer.name.x?"),
    Case(
      "\"optimizer.name\": {",
      "\"model[7].units\": {",
      "17:5: model[7]: model ends with [3]\n"
        + "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.name\": is none of the "
        + "parameters before this one"),
    Case(
      "\"optimizer.name\": {",
      "\"model[x]\": {",
      "17:5: parameters.\"model[x]\": is not a key; write it as optimizer.learning_rate or "
        + "model[0].filters, or as a name such as $rate\n"
        + "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.name\": is none of the "
        + "parameters before this one"),
    Case(
      "\"optimizer.name\": {",
      "\"seed\": {",
      "17:5: parameters.seed: a seed is no parameter but a replicate; list them in "
        + "\"seeds\"\n"
        + "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.name\": is none of the "
        + "parameters before this one"),
    Case(
      "\"optimizer.name\": {",
      "\"name\": {",
      "17:5: parameters.name: changes nothing of what is learned\n"
        + "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.name\": is none of the "
        + "parameters before this one"),
    Case(
      "{ \"choice\": [\"sgd\", \"adam\"] }",
      "[\"sgd\", \"adam\"]",
      "17:23: parameters.\"optimizer.name\": found a list of 2, but an object with one of "
        + "\"choice\", \"range\", \"integers\" is expected"),
    Case(
      "{ \"choice\": [\"sgd\", \"adam\"] }",
      "{ \"values\": [\"sgd\", \"adam\"] }",
      "17:25: parameters.\"optimizer.name\".values: unknown key; did you mean \"choice\"?"),
    Case(
      "{ \"choice\": [\"sgd\", \"adam\"] }",
      "{ \"scale\": \"log\" }",
      "17:23: parameters.\"optimizer.name\": one of \"choice\", \"range\", \"integers\" is "
        + "missing"),
    Case(
      "{ \"choice\": [\"sgd\", \"adam\"] }",
      "{ \"choice\": [\"sgd\"], \"range\": [0, 1] }",
      "17:23: parameters.\"optimizer.name\": \"choice\", \"range\" exclude each other; "
        + "give one of \"choice\", \"range\", \"integers\""),
    Case(
      "[\"sgd\", \"adam\"]",
      "[\"sgd\", \"adm\"]",
      "17:43: optimizer.name: \"adm\" is not an optimizer; did you mean \"adam\"?"),
    Case(
      "[\"sgd\", \"adam\"]",
      "[]",
      "17:35: parameters.\"optimizer.name\".choice: found a list of 0, but a list of at "
        + "least 1 options is expected"),
    Case(
      "[\"sgd\", \"adam\"]",
      "{}",
      "17:35: parameters.\"optimizer.name\".choice: found an empty object, but an object of "
        + "at least 1 labelled options is expected"),
    Case(
      "[\"sgd\", \"adam\"]",
      "[\"sgd\", \"adam\", \"sgd\"]",
      "17:51: parameters.\"optimizer.name\".choice[2]: \"sgd\" is given twice"),
    Case(
      "\"$rate\": { \"range\": [0.2, 0.5] }",
      "\"$rate\": { \"choice\": [0.5, 5e-1] }",
      "19:32: parameters.$rate.choice[1]: 5e-1 is given twice"),
    Case(
      "[\"sgd\", \"adam\"]",
      "{ \"a\": \"sgd\", \"b\": \"sgd\" }",
      "17:54: parameters.\"optimizer.name\".choice.b: is the same as \"a\""),
    Case(
      "\"$rate\": {",
      "\"training.epochs\": { \"choice\": [1, \"1\"] }, \"$rate\": {",
      "19:40: parameters.\"training.epochs\".choice[1]: two options would be called 1 in "
        + "tables; label them, as in { \"choice\": { \"a\": …, \"b\": … } }"),
    Case(
      "[0.2, 0.5]",
      "[0.5, 0.2]",
      "19:25: parameters.$rate.range: the lower bound, 0.5, is not less than the upper, 0.2"),
    Case(
      "[0.2, 0.5]",
      "[0.5, 0.5]",
      "19:25: parameters.$rate.range: the lower bound, 0.5, is not less than the upper, 0.5"),
    Case(
      "[0.2, 0.5]",
      "[0, 0.5], \"scale\": \"log\"",
      "19:26: parameters.$rate.range[0]: a log scale begins above 0, not at 0"),
    Case(
      "[0.2, 0.5]",
      "[0.2, 0.5], \"scale\": \"logarithmic\"",
      "19:46: parameters.$rate.scale: \"logarithmic\" is not a scale; did you mean \"log\"?"),
    Case(
      "[0.2, 0.5]",
      "[0.2, 1]",
      "19:25: model[2].rate: found 1.0, but a number from 0 to less than 1 is expected"),
    Case(
      "[0.2, 0.5]",
      "[-1, 0.5]",
      "19:25: model[2].rate: found -1.0, but a number from 0 to less than 1 is expected"),
    Case(
      "[0.2, 0.5]",
      "[0.2]",
      "19:25: parameters.$rate.range: found a list of 1, but a list [lower, upper] is "
        + "expected"),
    Case(
      "[0.2, 0.5]",
      "[0.2, 0.5], \"step\": 0.1",
      "19:37: parameters.$rate.step: unknown key; the keys here are \"range\", \"scale\", "
        + "\"points\", \"when\""),
    Case(
      "\"$rate\": {",
      "\"training.batch_size\": { \"range\": [32, 512] }, \"$rate\": {",
      "19:39: training.batch_size: found 215.36, but a whole number from 1 to 65536 is "
        + "expected; write \"integers\" for \"range\" if it is to be whole"),
    Case(
      "\"$rate\": {",
      "\"training.batch_size\": { \"integers\": [32, 1e6] }, \"$rate\": {",
      "19:42: training.batch_size: found 1000000, but a whole number from 1 to 65536 is "
        + "expected"),
    Case(
      "\"$rate\": {",
      "\"training.batch_size\": { \"integers\": [32.5, 64] }, \"$rate\": {",
      "19:43: parameters.\"training.batch_size\".integers[0]: found 32.5, but a whole "
        + "number from -281474976710656 to 281474976710656 is expected"),
    // Paths that meet.
    Case(
      "\"optimizer.name\": {",
      "\"optimizer.beta_1\": { \"range\": [0, 0.9] }, \"optimizer\": { \"choice\": [] }, "
        + "\"optimizer.name\": {",
      "17:5: optimizer.beta_1: unknown key; the keys here are \"name\", \"learning_rate\", "
        + "\"momentum\", \"nesterov\", \"convention\", \"weight_decay\", \"clip_value\", "
        + "\"clip_norm\", \"accumulation\", \"sam\", \"learning_rate_factors\", \"averaging\" "
        + "(with optimizer.name = \"sgd\")\n"
        + "17:48: parameters.optimizer: replaces what optimizer.beta_1 has set; move it before "
        + "that one\n"
        + "17:73: parameters.optimizer.choice: found a list of 0, but a list of at least 1 "
        + "options is expected"),
    Case(
      "\"$rate\": {",
      "\"optimizer\": { \"choice\": [{ \"name\": \"sgd\" }] }, \"$rate\": {",
      "19:5: parameters.optimizer: replaces what optimizer.name has set; move it before "
        + "that one"),
    Case(
      "\"$rate\": {",
      "\"model[0]\": { \"choice\": [{ \"layer\": \"flatten\" }] }, \"$rate\": {",
      "15:12: set.\"model[0].l2\": sets what the parameter model[0] replaces; leave it out"),
    Case(
      "\"model[0].l2\"",
      "\"optimizer.momentum\"",
      "15:12: set.\"optimizer.momentum\": sets what the parameter optimizer.momentum "
        + "replaces; leave it out"),
    Case(
      "\"model[0].l2\"",
      "\"model[0].l3\"",
      "15:12: model[0].l3: unknown key; did you mean \"l2\"?"),
    Case(
      "\"model[0].l2\": 0.001",
      "\"model[0].l2\": -1",
      "15:27: model[0].l2: found -1, but a number from 0 to 1000 is expected"),
    Case(
      "\"model[0].l2\": 0.001",
      "\"seed\": 1",
      "15:12: set.seed: an experiment's seed is one of the sweep's; give \"seeds\" instead"),
    Case(
      "\"model[0].l2\": 0.001",
      "\"a b\": 1",
      "15:12: set.\"a b\": is not a key; write it as optimizer.learning_rate or "
        + "model[0].filters"),
    // Conditions.
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"optimizer.nmae\": [\"sgd\"] }",
      "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.nmae\": is none of the "
        + "parameters before this one; did you mean optimizer.name?"),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"$rate\": [0.2] }",
      "18:59: parameters.\"optimizer.momentum\".when.$rate: a condition looks at a "
        + "parameter before its own; move $rate before it"),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"optimizer.momentum\": [0.2] }",
      "18:59: parameters.\"optimizer.momentum\".when.\"optimizer.momentum\": a condition "
        + "looks at a parameter before its own; move optimizer.momentum before it"),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"optimizer.name\": [\"sdg\"] }",
      "18:78: parameters.\"optimizer.momentum\".when.\"optimizer.name\"[0]: \"sdg\" is no "
        + "option of optimizer.name; did you mean \"sgd\"?"),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"optimizer.name\": [1] }",
      "18:78: parameters.\"optimizer.momentum\".when.\"optimizer.name\"[0]: 1 is no option "
        + "of optimizer.name; they are \"sgd\", \"adam\""),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"optimizer.name\": [\"sgd\", \"sgd\"] }",
      "18:85: parameters.\"optimizer.momentum\".when.\"optimizer.name\"[1]: \"sgd\" is "
        + "given twice"),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"optimizer.name\": \"sgd\" }",
      "18:77: parameters.\"optimizer.momentum\".when.\"optimizer.name\": found \"sgd\", "
        + "but a list of options is expected"),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{}",
      "18:57: parameters.\"optimizer.momentum\".when: found an empty object, but an object "
        + "of exactly 1 parameter is expected"),
    Case(
      "{ \"optimizer.name\": [\"sgd\"] }",
      "{ \"optimizer.name\": [\"adam\"] }",
      "18:5: optimizer.momentum: unknown key; the keys here are \"name\", "
        + "\"learning_rate\", \"convention\", \"beta_1\", \"beta_2\", \"epsilon\", "
        + "\"amsgrad\", \"weight_decay\", \"clip_value\", \"clip_norm\", \"accumulation\", \"sam\", "
        + "\"learning_rate_factors\", \"averaging\" (with optimizer.name = \"adam\")"),
    Case(
      "\"$rate\": {",
      "\"$x\": { \"range\": [0, 1], \"when\": { \"$rate\": [1] } }, \"$rate\": {",
      "19:40: parameters.$x.when.$rate: a condition looks at a parameter before its own; "
        + "move $rate before it"),
    // Variables.
    Case(
      "\"$rate\" }",
      "0.5 }",
      "19:5: parameters.$rate: stands nowhere; write \"$rate\" as a value in the base, in "
        + "set or in a choice"),
    Case(
      "\"$rate\" }",
      "\"$rat\" }",
      "9:37: model[2].rate: $rat is none of the sweep's parameters; did you mean $rate?\n"
        + "19:5: parameters.$rate: stands nowhere; write \"$rate\" as a value in the base, in "
        + "set or in a choice"),
    Case(
      "\"model[0].l2\": 0.001",
      "\"model[0].l2\": \"$weight\"",
      "15:27: model[0].l2: $weight is none of the sweep's parameters"),
    Case(
      "\"$rate\": {",
      "\"$a\": { \"choice\": [\"$b\", \"$a\"] }, \"$b\": { \"choice\": [1] }, \"$rate\": {",
      "19:24: parameters.$a.choice[0]: $b stands here before its own parameter; move that "
        + "one before this\n"
        + "19:30: parameters.$a.choice[1]: $a stands here before its own parameter; move that "
        + "one before this"),
    Case(
      "[0.2, 0.5]",
      "[0.2, 0.5], \"when\": { \"optimizer.name\": [\"sgd\"] }",
      "9:37: model[2].rate: $rate has no value here, since what its \"when\" says doesn't "
        + "hold (with optimizer.name = \"adam\")"),
    // What the base is.
    Case(
      "\"epochs\": 9",
      "\"epoch\": 9",
      "13:19: training.epoch: unknown key; did you mean \"epochs\"?"),
    Case(
      "\"kernel\": 3",
      "\"kernel\": 30",
      "7:7: model[0]: conv2d: a window of 30x30 does not fit an input of 28x28"),
    Case(
      "\"validation\": 0.2",
      "\"validation\": 0",
      "1:1: metric: val_accuracy is never measured, since the base's dataset.validation is "
        + "0; hold images out, or judge by \"train_accuracy\""),
    Case(
      "\"$rate\": {",
      "\"model[0].kernel\": { \"choice\": [3, 29] }, \"$rate\": {",
      "7:7: model[0]: conv2d: a window of 29x29 does not fit an input of 28x28 (with "
        + "model[0].kernel = 29)"),
    Case(
      "\"$rate\": {",
      "\"model[0].stride\": { \"choice\": [1, 2] }, \"model[1]\": { \"choice\": { "
        + "\"flat\": { \"layer\": \"flatten\" }, \"pool\": { \"layer\": \"max_pool\" } } }, "
        + "\"$rate\": {",
      "10:7: model[3]: dense: needs a vector, not an image of 13x13x4; put a flatten layer "
        + "before it (with model[1] = \"pool\")"),
    // Grids.
    Case(
      "\"random\"",
      "\"grid\"",
      "18:5: parameters.\"optimizer.momentum\": \"points\" is missing; a grid takes so "
        + "many values of a range\n"
        + "19:5: parameters.$rate: \"points\" is missing; a grid takes so many values of a "
        + "range"),
    // Early termination.
    Case(
      "\"trials\"",
      "\"early_termination\": { \"name\": \"successive_halving\", \"min_epochs\": 4 }, \"trials\"",
      "22:70: early_termination.min_epochs: the second rung would be at 12 epochs, but the "
        + "training has 9"),
    Case(
      "\"trials\"",
      "\"early_termination\": { \"name\": \"hyperband\", \"eta\": 1 }, \"trials\"",
      "22:54: early_termination.eta: found 1, but a whole number from 2 to 1000 is expected"),
    Case(
      "\"trials\"",
      "\"early_termination\": { \"name\": \"median\", \"warmup_epochs\": 8 }, \"trials\"",
      "22:61: early_termination.warmup_epochs: after 9 epochs there is nothing left to "
        + "end: the training has 9"),
    // Population-based training.
    Case(
      "\"random\" },\n  \"trials\": 30",
      "\"pbt\", \"population\": 4 }",
      "17:5: parameters.\"optimizer.name\": changes the optimizer's kind, but pbt hands "
        + "weights from one trial to another\n"
        + "18:5: parameters.\"optimizer.momentum\": changes the optimizer's kind, but pbt hands "
        + "weights from one trial to another"),
  ]

  /// A sweep of two convolutions that fit or not by what is chosen together.
  static func pair(_ parameters: String, _ rest: String) -> String {
    """
    {
      "name": "s",
      "base": {
        "name": "x", "dataset": { "name": "mnist", "validation": 0.2 },
        "model": [
          { "layer": "conv2d", "filters": 4, "kernel": 3 },
          { "layer": "conv2d", "filters": 4, "kernel": 3 },
          { "layer": "flatten" }, { "layer": "dense", "units": 10 }
        ],
        "optimizer": { "name": "adam" }, "training": { "epochs": 9, "batch_size": 64 }
      },
      "parameters": { \(parameters) }, \(rest)
    }
    """
  }

  @Test(arguments: ["tpe", "gp", "random", "sobol", "grid"]) func combinations(sampler: String) {
    let text = Self.pair(
      """
      "optimizer.learning_rate": { "range": [1e-4, 1e-2], "points": 2 },
      "model[0].kernel": { "choice": [3, 15] }, "model[1].kernel": { "choice": [5, 16] }
      """,
      "\"sampler\": { \"name\": \"\(sampler)\" }"
        + (sampler == "grid" ? "" : ", \"trials\": 40"))
    #expect(
      Self.errors(text) == [
        "s.json:7:7: model[1]: conv2d: a window of 16x16 does not fit an input of 14x14 (with "
          + "model[0].kernel = 15, model[1].kernel = 16)"
      ])
  }

  @Test func gridsAreNotExpanded() {
    let epochs = "\"training.epochs\": { \"integers\": [1, 1000000] }"
    let rate = "\"optimizer.beta_1\": { \"range\": [0, 0.9], \"points\": 10 }"
    let grid = "\"sampler\": { \"name\": \"grid\" }"
    #expect(Self.errors(Self.pair(epochs, grid + ", \"confirm\": 0")) == [])
    #expect(
      Self.errors(Self.pair(epochs + ", " + rate, grid)) == [
        "s.json:12:17: parameters: the grid has 10000000 configurations; at most 1000000 are allowed"
      ])
    let many =
      (0..<4).map {
        "\"$x\($0)\": { \"integers\": [1, 60000] }, \"model[\($0 % 2)].filters\": "
          + "{ \"choice\": [\"$x\($0)\"] }"
      }.prefix(2) + ["\"optimizer.epsilon\": { \"range\": [1e-8, 1], \"points\": 10000 }", epochs]
    #expect(
      Self.errors(Self.pair(many.joined(separator: ", "), grid)) == [
        "s.json:12:17: parameters: the grid has more than 3.6e+19 configurations; at most 1000000 "
          + "are allowed"
      ])
    #expect(
      Self.errors(Self.pair(rate, grid + ", \"trials\": 11")) == [
        "s.json:12:119: trials: 11 is more than the 10 configurations of the grid"
      ])
  }

  @Test(arguments: [
    (
      "\"population\": 4", "\"lag\": 8",
      "lag: pbt always looks at the generation before; leave it out"
    ),
    (
      "\"population\": 4", "\"trials\": 9",
      "trials: 4 members in 9 generations are 36 trials, not 9; leave it out"
    ),
    (
      "\"interval\": 2", "\"confirm\": 1",
      "sampler.interval: generations of 2 epochs do not make up the 9 of the training in two or more"
    ),
    (
      "\"interval\": 9", "\"confirm\": 1",
      "sampler.interval: generations of 9 epochs do not make up the 9 of the training in two or more"
    ),
    (
      "\"population\": 4", "\"early_termination\": { \"name\": \"hyperband\" }",
      "early_termination: pbt ends no trial early; leave it out"
    ),
  ])
  func populations(option: String, rest: String, message: String) {
    let text = Self.pair(
      "\"optimizer.learning_rate\": { \"range\": [1e-4, 1e-2] }",
      "\"sampler\": { \"name\": \"pbt\", \(option) }, \(rest)")
    let errors = Self.errors(text)
    #expect(errors.count == 1)
    #expect(errors.first?.hasSuffix(": " + message) == true, "\(errors)")
  }

  @Test func populationsKeepTheNetwork() {
    #expect(
      Self.errors(
        Self.pair(
          """
          "optimizer.learning_rate": { "range": [1e-4, 1e-2] },
          "model[0].filters": { "choice": [4, 8] }, "training.batch_size": { "choice": [32, 64] },
          "dataset.validation": { "range": [0.1, 0.2] }
          """, "\"sampler\": { \"name\": \"pbt\" }")) == [
          "s.json:13:1: parameters.\"model[0].filters\": changes the network's shape, but pbt hands "
            + "weights from one trial to another",
          "s.json:14:1: parameters.\"dataset.validation\": changes the data, but pbt hands weights "
            + "from one trial to another",
        ])
  }

  @Test func lengthsOfTrialsMayNotDifferInBrackets() {
    let errors = Self.errors(
      Self.pair(
        "\"training.epochs\": { \"integers\": [3, 9] }",
        "\"sampler\": { \"name\": \"random\" }, \"trials\": 9, "
          + "\"early_termination\": { \"name\": \"successive_halving\" }"))
    #expect(
      errors == [
        "s.json:12:131: early_termination: successive_halving needs the same training.epochs in all "
          + "trials; here they are from 3 to 9"
      ])
  }

  // MARK: - The base's own file

  @Test func basesHaveTheirOwnLines() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sweep-\(UUID())")
    try FileManager.default.createDirectory(
      at: folder.appending(path: "sweeps"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let base = SweepSpecAdHocTests.experiment.replacing("\"kernel\": 3", with: "\"kernal\": 3")
    try Data(base.utf8).write(to: folder.appending(path: "base.json"))
    func found(_ path: String) -> [String] {
      let sweep = """
        {
          "name": "s",
          "base": "\(path)",
          "parameters": { "optimizer.learning_rat": { "range": [0.1, 1] } },
          "sampler": { "name": "random" }, "trials": 1
        }
        """
      let file = folder.appending(path: "sweeps/s.json").path
      try! Data(sweep.utf8).write(to: URL(filePath: file))
      do throws(SpecErrors) {
        _ = try SweepSpec.load(path: file)
        return []
      } catch {
        return error.diagnostics.map { $0.description.replacing(folder.path + "/", with: "") }
      }
    }
    #expect(
      found("../base.json") == [
        "sweeps/s.json:4:19: optimizer.learning_rat: unknown key; did you mean \"learning_rate\"?",
        "base.json:5:40: model[0].kernal: unknown key; did you mean \"kernel\"?",
      ])
    #expect(
      found("base.jsn") == ["sweeps/s.json:3:11: base: \"sweeps/base.jsn\": no such file"])
    #expect(
      found("..") == [
        "sweeps/s.json:3:11: base: \"sweeps/..\": is a folder; give the spec file in it"
      ])
    try Data("{".utf8).write(to: folder.appending(path: "base.json"))
    #expect(
      found("../base.json") == [
        "base.json:1:2: the file ends within the object begun at 1:1"
      ])
    try Data("[]".utf8).write(to: folder.appending(path: "base.json"))
    #expect(
      found("../base.json") == [
        "base.json:1:1: found an empty list, but an experiment, an object, is expected"
      ])
  }

  @Test(arguments: cases) func error(_ test: Case) {
    #expect(
      Self.errors(Self.edited(test.old, test.new))
        == test.message.split(separator: "\n").map { "s.json:" + $0 })
  }
}
