import Storage
import Testing

@testable import Experiment

/// The errors of specs, their whole text compared.
struct SpecErrorTests {
  static let base = """
    {
      "name": "x",
      "dataset": { "name": "mnist", "validation": 0.2 },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 3 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam" },
      "training": { "epochs": 3, "batch_size": 64 }
    }

    """

  /// The lines that a spec's errors are told in; empty for a spec that is fine.
  static func errors(_ text: String, _ overrides: [String] = []) -> [String] {
    do throws(SpecErrors) {
      _ = try ExperimentSpec.load(bytes: Array(text.utf8), name: "x.json", overrides: overrides)
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

  /// The kinds of layer, as a message lists them.
  static let layers = SpecDescription.layers.type.choice.names.quotedList

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

  @Test(arguments: [
    // Names that aren't known.
    Case(
      "\"adam\"", "\"adm\"",
      "9:26: optimizer.name: \"adm\" is not an optimizer; did you mean \"adam\"?"),
    Case(
      "\"adam\"", "\"Adam\"",
      "9:26: optimizer.name: \"Adam\" is not an optimizer; did you mean \"adam\"?"),
    Case(
      "\"adam\"", "\"tiger\"",
      "9:26: optimizer.name: \"tiger\" is not an optimizer; it is one of \"sgd\", \"adam\", "
        + "\"adamw\", \"adadelta\", \"rmsprop\", \"adagrad\", \"adamax\", \"nadam\", \"lion\", "
        + "\"muon\", \"shampoo\", \"kfac\""
    ),
    Case(
      "\"mnist\"", "\"minst\"",
      "3:24: dataset.name: \"minst\" is not a dataset; did you mean \"mnist\"?"),
    Case(
      "\"conv2d\"", "\"conv\"",
      "5:16: model[0].layer: \"conv\" is not a layer; did you mean \"conv2d\"?"),
    Case(
      "\"dense\"", "\"Linear\"",
      "7:16: model[2].layer: \"Linear\" is not a layer; did you mean \"dense\"?"),
    Case(
      "\"dense\"", "\"lstm\"",
      "7:16: model[2].layer: \"lstm\" is not a layer; it is one of " + layers),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"activation\": \"rleu\"",
      "5:67: model[0].activation: \"rleu\" is not an activation; did you mean \"relu\"?"),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"activation\": { \"name\": \"leakyrelu\" }",
      "5:77: model[0].activation.name: \"leakyrelu\" is not an activation; did you mean "
        + "\"leaky_relu\"?"),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"initializer\": \"kaiming_normal\"",
      "5:68: model[0].initializer: \"kaiming_normal\" is not an initializer; did you mean "
        + "\"he_normal\"?"),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"padding\": \"full\"",
      "5:64: model[0].padding: \"full\" is not a padding; it is one of \"valid\", \"same\""),
    Case(
      "\"training\"", "\"loss\": \"mse\", \"training\"",
      "10:11: loss: \"mse\" is not a loss; did you mean \"mean_squared_error\"?"),
    Case(
      "\"training\"", "\"compute\": { \"kernel\": \"Haswell\" }, \"training\"",
      "10:26: compute.kernel: \"Haswell\" is not an OpenBLAS kernel; did you mean \"HASWELL\"?"),
    Case(
      "\"validation\": 0.2", "\"when_unavailable\": \"mnist\"",
      "3:53: dataset.when_unavailable: \"mnist\" is not a built-in dataset; it can only be "
        + "\"synthetic_digits\""),
    // Keys that aren't known.
    Case(
      "\"filters\"", "\"filter\"",
      "5:26: model[0].filter: unknown key; did you mean \"filters\"?"),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"kernel_size\": 3",
      "5:53: model[0].kernel_size: unknown key; did you mean \"kernel\"?"),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"colour\": 3",
      "5:53: model[0].colour: unknown key; the keys here are \"layer\", \"filters\", \"kernel\", "
        + "\"stride\", \"padding\", \"groups\", \"dilation\", \"activation\", \"bias\", "
        + "\"initializer\", \"l2\", \"l1\", \"orthogonal\", \"max_norm\", \"name\", \"input\""),
    Case(
      "\"adam\"", "\"adam\", \"lr\": 0.1",
      "9:34: optimizer.lr: unknown key; did you mean \"learning_rate\"?"),
    Case(
      "\"training\"", "\"epochs\": 3, \"training\"",
      "10:3: epochs: unknown key; did you mean \"training.epochs\"?"),
    Case(
      "\"training\"", "\"learning_rate\": 3, \"training\"",
      "10:3: learning_rate: unknown key; did you mean \"optimizer.learning_rate\"?"),
    Case(
      "\"training\"", "\"trainning\": {}, \"training\"",
      "10:3: trainning: unknown key; did you mean \"training\"?"),
    Case(
      "\"training\"", "\"a \\n b\": {}, \"training\"",
      "10:3: \"a \\n b\": unknown key; the keys here are \"$schema\", \"name\", \"description\", "
        + "\"seed\", \"dataset\", \"model\", \"initial\", \"teacher\", \"quantization\", \"pruning\", \"loss\", \"optimizer\", "
        + "\"schedule\", \"augmentation\", \"augmentation_fill\", \"early_stopping\", \"training\", \"checkpoint\", \"compute\", "
        + "\"metrics\", \"evaluation\", \"expect\""),
    // Keys that are missing.
    Case(
      "\"name\": \"x\",", "",
      "1:1: \"name\" is missing; a name of at most 100 letters, digits, \".\", \"_\" and \"-\" that "
        + "begins with a letter or a digit is expected"),
    Case(
      "\"layer\": \"flatten\"", "",
      "6:5: model[1]: \"layer\" is missing; it is one of " + layers),
    Case(
      "\"epochs\": 3, ", "",
      "10:15: training: \"epochs\" is missing; a whole number from 1 to 1000000 is expected"),
    Case(
      "\"training\"", "\"early_stopping\": {}, \"training\"",
      "10:21: early_stopping: \"patience\" is missing; a whole number from 0 to 1000000 is expected"
    ),
    // Values of another type, or out of range.
    Case(
      "\"epochs\": 3", "\"epochs\": \"3\"",
      "10:27: training.epochs: found \"3\", but a whole number from 1 to 1000000 is expected"),
    Case(
      "\"epochs\": 3", "\"epochs\": 2.5",
      "10:27: training.epochs: found 2.5, but a whole number from 1 to 1000000 is expected"),
    Case(
      "\"epochs\": 3", "\"epochs\": 0",
      "10:27: training.epochs: found 0, but a whole number from 1 to 1000000 is expected"),
    Case(
      "\"epochs\": 3", "\"epochs\": null",
      "10:27: training.epochs: found null, but a whole number from 1 to 1000000 is expected"),
    Case(
      "\"epochs\": 3", "\"epochs\": [3]",
      "10:27: training.epochs: found a list of 1, but a whole number from 1 to 1000000 is expected"),
    Case(
      "\"epochs\": 3", "\"epochs\": {}",
      "10:27: training.epochs: found an object, but a whole number from 1 to 1000000 is expected"),
    Case(
      "\"epochs\": 3", "\"epochs\": 1e999999999999",
      "10:27: training.epochs: found 1e999999999999, but a whole number from 1 to 1000000 is "
        + "expected"),
    Case(
      "\"adam\"", "\"adam\", \"learning_rate\": 0",
      "9:51: optimizer.learning_rate: found 0, but a number more than 0 and at most 1000 is expected"
    ),
    Case(
      "\"adam\"", "\"adam\", \"learning_rate\": 1e-60",
      "9:51: optimizer.learning_rate: found 1e-60, but a number more than 0 and at most 1000 is "
        + "expected"),
    Case(
      "\"adam\"", "\"adam\", \"beta_1\": 0.99999999999",
      "9:44: optimizer.beta_1: found 0.99999999999, but a number from 0 to less than 1 is expected"),
    Case(
      "\"adam\"", "\"sgd\", \"nesterov\": 1",
      "9:45: optimizer.nesterov: found 1, but true or false is expected"),
    Case(
      "\"kernel\": 3", "\"kernel\": [3]",
      "5:50: model[0].kernel: found a list of 1, but a list [height, width] is expected"),
    Case(
      "\"kernel\": 3", "\"kernel\": [3, 0]",
      "5:54: model[0].kernel[1]: found 0, but a whole number from 1 to 1024 is expected"),
    Case(
      "\"kernel\": 3", "\"kernel\": true",
      "5:50: model[0].kernel: found true, but a whole number from 1 to 1024, or a list "
        + "[height, width] is expected"),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"padding\": { \"top\": -1, \"bot\": 1 }",
      "5:73: model[0].padding.top: found -1, but a whole number from 0 to 1024 is expected\n"
        + "5:77: model[0].padding.bot: unknown key; did you mean \"bottom\"?"),
    Case(
      "\"kernel\": 3", "\"kernel\": 3, \"padding\": null",
      "5:64: model[0].padding: found null, but one of \"valid\", \"same\", or a whole number from 0 "
        + "to 1024, or an object is expected"),
    Case(
      "\"validation\": 0.2", "\"validation\": 1.5",
      "3:47: dataset.validation: found 1.5, but a fraction from 0 to less than 1, or a whole number "
        + "of images is expected"),
    Case(
      "\"name\": \"x\"", "\"name\": \"../x\"",
      "2:11: name: found \"../x\", but a name of at most 100 letters, digits, \".\", \"_\" and \"-\" "
        + "that begins with a letter or a digit is expected"),
    Case(
      "\"name\": \"x\"", "\"name\": \"x\", \"seed\": 18446744073709551616",
      "2:24: seed: found 18446744073709551616, but a whole number from 0 to 18446744073709551615 is "
        + "expected"),
    Case(
      "\"optimizer\": { \"name\": \"adam\" }", "\"optimizer\": \"adam\"",
      "9:16: optimizer: found \"adam\", but an object with a \"name\" is expected"),
    Case(
      "\"training\"", "\"augmentation\": { \"op\": \"rotate\" }, \"training\"",
      "10:19: augmentation: found an object, but a list of distortions is expected"),
    Case(
      "\"training\"", "\"augmentation\": [{ \"op\": \"zoom\", \"fraction\": 1 }], \"training\"",
      "10:48: augmentation[0].fraction: found 1, but a number from 0 to less than 1 is expected"),
    Case(
      "\"training\"", "\"expect\": { \"test_accuracy\": 0.99 }, \"training\"",
      "10:32: expect.test_accuracy: found 0.99, but an object is expected"),
    Case(
      "\"training\"", "\"expect\": { \"test_accuracy\": {} }, \"training\"",
      "10:32: expect.test_accuracy: found an empty object; give at least one of \"min\", \"max\""),
    Case(
      "\"training\"", "\"expect\": { \"accuracy\": {} }, \"training\"",
      "10:15: expect.accuracy: unknown key; did you mean \"test_accuracy\"?"),
    // What keys say about each other.
    Case(
      "\"validation\": 0.2", "\"validation\": 60000",
      "3:47: dataset.validation: 60000 leaves none of the 60000 images to train on"),
    Case(
      "\"validation\": 0.2", "\"validation\": 0.001, \"train_count\": 100",
      "3:47: dataset.validation: 0.001 of 100 images is not even one to validate on"),
    Case(
      "\"validation\": 0.2", "\"train_count\": 60001",
      "3:48: dataset.train_count: 60001 is more than the 60000 training images of mnist"),
    Case(
      "\"validation\": 0.2", "\"test_count\": 10001",
      "3:47: dataset.test_count: 10001 is more than the 10000 test images of mnist"),
    Case(
      "\"name\": \"mnist\"",
      "\"name\": \"synthetic_digits\", \"when_unavailable\": \"synthetic_digits\"",
      "3:64: dataset.when_unavailable: \"synthetic_digits\" cannot stand in for itself"),
    Case(
      "\"batch_size\": 64", "\"batch_size\": 48001",
      "10:44: training.batch_size: 48001 is more than the 48000 images there are to train on"),
    Case(
      "\"units\": 10", "\"units\": 11",
      "7:34: model[2].units: 11 outputs do not fit the 10 classes of mnist"),
    Case(
      "\"units\": 10", "\"units\": 10, \"activation\": \"softmax\"",
      "7:52: model[2].activation: softmax_cross_entropy applies softmax itself; drop this activation"
    ),
    Case(
      "\"units\": 10 }",
      "\"units\": 10 }, { \"layer\": \"activation\", \"function\": \"softmax\" }",
      "7:77: model[3].function: softmax_cross_entropy applies softmax itself; drop this layer"),
    Case(
      "{ \"layer\": \"flatten\" },", "",
      "7:5: model[1]: dense: needs a vector, not an image of 26x26x4; put a flatten layer before it"
    ),
    Case(
      "\"kernel\": 3", "\"kernel\": 29",
      "5:5: model[0]: conv2d: a window of 29x29 does not fit an input of 28x28"),
    Case(
      "\"training\"",
      "\"schedule\": { \"name\": \"constant\", \"warmup\": { \"epochs\": 4 } }, \"training\"",
      "10:59: schedule.warmup.epochs: a warm-up of 4 epochs is longer than the training of 3"),
    Case(
      "\"training\"",
      "\"schedule\": { \"name\": \"reduce_on_plateau\", \"min_learning_rate\": 0.1 }, \"training\"",
      "10:67: schedule.min_learning_rate: 0.1 is more than the learning rate, 0.001, itself"),
    Case(
      "\"adam\"", "\"sgd\", \"nesterov\": true",
      "9:45: optimizer.nesterov: Nesterov's form needs a \"momentum\" of more than 0"),
    Case(
      ", \"validation\": 0.2 },",
      "}, \"early_stopping\": { \"patience\": 1 }, \"schedule\": { \"name\": \"reduce_on_plateau\", "
        + "\"monitor\": \"val_accuracy\" }, \"expect\": { \"val_loss\": { \"max\": 1 } },",
      "3:52: early_stopping.monitor: val_loss is never measured, since dataset.validation is 0; "
        + "monitor \"train_loss\" or hold images out\n"
        + "3:125: schedule.monitor: val_accuracy is never measured, since dataset.validation is 0; "
        + "monitor \"train_accuracy\" or hold images out\n"
        + "3:167: expect.val_loss: val_loss is never measured, since dataset.validation is 0"),
    Case(
      "\"training\"",
      "\"early_stopping\": { \"monitor\": \"test_loss\", \"patience\": 1 }, \"training\"",
      "10:34: early_stopping.monitor: found \"test_loss\", but one of \"train_loss\", "
        + "\"train_accuracy\", \"val_loss\", \"val_accuracy\", or val_ with what \"metrics\" asks for "
        + "(\"val_f1_macro\") is expected; did you mean \"val_loss\"?"),
    Case(
      "\"training\"", "\"expect\": { \"test_loss\": { \"min\": 0.5, \"max\": 0.4 } }, \"training\"",
      "10:37: expect.test_loss.min: 0.5 is more than the \"max\", 0.4"),
    // Errors of JSON itself.
    Case(
      "\"adam\"", "\"adam\", \"name\": \"sgd\"",
      "9:34: optimizer.name: duplicate key; it is already given on line 9"),
    Case(
      "\"batch_size\": 64 }", "\"batch_size\": 64, }",
      "10:48: training: found \"}\" after a comma; JSON allows no trailing comma"),
  ])
  func tells(_ edit: Case) {
    let expected = edit.message.split(separator: "\n").map { "x.json:" + $0 }
    #expect(Self.errors(Self.edited(edit.old, edit.new)) == expected)
  }

  @Test func tellsAllAtOnce() {
    let text = """
      {
        "name": "a/b",
        "sede": 1,
        "dataset": { "name": "mnist", "validation": 0.2, "validation": 0.1, "train_count": 99999 },
        "model": [
          { "layer": "conv2d", "filters": 0, "kernal": 3 },
          { "layer": "dens", "units": 10 },
          { "units": 10 }
        ],
        "optimizer": { "name": "sgd", "momentum": 2, "epsilon": 1 },
        "schedule": { "name": "step", "evry": 2 },
        "training": { "epochs": -1, "batch_size": 1.5 },
        "expect": { "test_accuracy": { "min": 98.5 } }
      }
      """
    #expect(
      Self.errors(text, ["optimizer.momentum=x", "trainin.epochs=1"]) == [
        "x.json:2:11: name: found \"a/b\", but a name of at most 100 letters, digits, \".\", \"_\" "
          + "and \"-\" that begins with a letter or a digit is expected",
        "x.json:3:3: sede: unknown key; did you mean \"seed\"?",
        "x.json:4:52: dataset.validation: duplicate key; it is already given on line 4",
        "x.json:4:86: dataset.train_count: 99999 is more than the 60000 training images of mnist",
        "x.json:6:37: model[0].filters: found 0, but a whole number from 1 to 65536 is expected",
        "x.json:6:40: model[0].kernal: unknown key; did you mean \"kernel\"?",
        "x.json:7:16: model[1].layer: \"dens\" is not a layer; did you mean \"dense\"?",
        "x.json:8:5: model[2]: \"layer\" is missing; it is one of "
          + Self.layers,
        "x.json:10:48: optimizer.epsilon: unknown key; the keys here are \"name\", "
          + "\"learning_rate\", \"momentum\", \"nesterov\", \"convention\", \"weight_decay\", "
          + "\"clip_value\", \"clip_norm\", \"accumulation\", \"sam\", "
          + "\"learning_rate_factors\", \"averaging\"",
        "x.json:11:33: schedule.evry: unknown key; did you mean \"every\"?",
        "x.json:12:27: training.epochs: found -1, but a whole number from 1 to 1000000 is expected",
        "x.json:12:45: training.batch_size: found 1.5, but a whole number from 1 to 65536 is expected",
        "x.json:13:41: expect.test_accuracy.min: found 98.5, but a number from 0 to 1 is expected",
        "command line: optimizer.momentum: found \"x\", but a number from 0 to less than 1 is expected",
        "command line: trainin: unknown key; did you mean \"training\"?",
      ])
  }

  @Test func tellsOfFiles() {
    func error(_ path: String) -> String {
      do throws(SpecErrors) {
        _ = try ExperimentSpec.load(path: path)
        return ""
      } catch { return error.description }
    }
    let folder = SpecRoundTripTests.experiments
    #expect(error("/no/such/folder/x.json") == "/no/such/folder/x.json: no such file")
    #expect(
      error("\(folder)/lenett.json")
        == "\(folder)/lenett.json: no such file; did you mean \(folder)/lenet.json?")
    #expect(
      error("\(folder)/lenet")
        == "\(folder)/lenet: no such file; did you mean \(folder)/lenet.json?")
    #expect(error(folder) == "\(folder): is a folder; give the spec file in it")
    #expect(
      error("/dev/zero") == "/dev/zero: cannot be read: it is a device, not a file"
    )
  }

  @Test func measuresNearness() {
    #expect(editDistance("", "") == 0)
    #expect(editDistance("", "abc") == 3)
    #expect(editDistance("abc", "") == 3)
    #expect(editDistance("adm", "adam") == 1)
    #expect(editDistance("rleu", "relu") == 1)
    #expect(editDistance("kitten", "sitting") == 3)
    #expect(editDistance("ca", "abc") == 3)
    #expect(nearMiss(to: "", among: ["adam"]) == nil)
    #expect(nearMiss(to: "xyz", among: ["adam", "sgd"]) == nil)
    #expect(nearMiss(to: "MaxPool", among: ["max_pool"]) == "max_pool")
    // Two aliases that differ in case alone: of what they mean, the first of the names.
    for _ in 0..<20 {
      let aliases = ["n": "count", "N": "size", "_n": "width"]
      #expect(nearMiss(to: "n-", among: ["width", "count", "size"], aliases: aliases) == "width")
    }
    #expect(nearMiss(to: String(repeating: "a", count: 1_000_000), among: ["adam"]) == nil)
  }

  /// A sweep that is taken for an experiment is told what it is, and nothing of its keys.
  @Test func aSweepIsNoExperiment() {
    let sweep = #"{ "name": "s", "base": "lenet.json", "parameters": {}, "trials": 3 }"#
    #expect(
      Self.errors(sweep) == [
        "x.json: is a sweep, not an experiment; to search: runner sweep x.json; to check it, and see "
          + "what it will try: runner sweep x.json --dry-run"
      ])
  }
}
