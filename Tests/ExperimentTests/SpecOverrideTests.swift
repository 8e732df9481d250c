import ConvNet
import Testing

@testable import Experiment

/// `key.path=value` on the command line.
struct SpecOverrideTests {
  static func load(_ overrides: String...) throws -> ExperimentSpec {
    try ExperimentSpec.load(
      bytes: Array(SpecErrorTests.base.utf8), name: "x.json", overrides: overrides
    ).spec
  }

  @Test func setsValues() throws {
    #expect(try Self.load("seed=18446744073709551615").seed == .max)
    #expect(try Self.load("optimizer.learning_rate=3e-4").optimizer.learningRate == 3e-4)
    #expect(try Self.load("name=lenet-2").name == "lenet-2")
    #expect(try Self.load("name=\"7\"").name == "7")
    #expect(try Self.load("description=a=b c").description == "a=b c")
    #expect(try Self.load("description=").description == "")
    #expect(try Self.load("compute.kernel=SKYLAKEX").compute.kernel == "SKYLAKEX")
    #expect(try Self.load("compute.convolution=winograd").compute.convolution == .winograd)
    #expect(try Self.load("dataset.stratified=true").dataset.stratified)
    #expect(
      try Self.load("model[0].filters=16", "model[0].kernel=[5, 3]").model[0]
        == .layer(.conv2D(Conv2DDescription(filters: 16, kernel: Extent(5, 3)))))
    #expect(
      try Self.load("model[1]={\"layer\": \"flatten\"}").model[1] == .layer(.flatten))
    #expect(
      try Self.load("early_stopping.patience=3").earlyStopping == EarlyStoppingSpec(patience: 3))
    #expect(
      try Self.load("early_stopping={\"patience\": 3}", "early_stopping.monitor=train_loss")
        .earlyStopping == EarlyStoppingSpec(monitor: .trainLoss, patience: 3))
    #expect(try Self.load("early_stopping=null").earlyStopping == nil)
    #expect(
      try Self.load("schedule.name=cosine", "schedule.warmup.epochs=1").schedule
        == .cosine(CosineDescription(epochs: 2, final: 0)))
    #expect(
      try Self.load("expect.test_accuracy.min=0.9").expect == [Expectation(.testAccuracy, min: 0.9)]
    )
  }

  @Test(arguments: [
    (
      ["optimizer.learning_rat=1"],
      "command line: optimizer.learning_rat: unknown key; did you mean \"learning_rate\"?"
    ),
    (
      ["optimizer.name=adm"],
      "command line: optimizer.name: \"adm\" is not an optimizer; did you mean \"adam\"?"
    ),
    (
      ["compute.convolution=winogard"],
      "command line: compute.convolution: \"winogard\" is not a way to compute convolutions; did you "
        + "mean \"winograd\"?"
    ),
    (["epochs=3"], "command line: epochs: unknown key; did you mean \"training.epochs\"?"),
    (["lr=3"], "command line: lr: unknown key; did you mean \"optimizer.learning_rate\"?"),
    (
      ["training.epochs=ten"],
      "command line: training.epochs: found \"ten\", but a whole number from 1 to 1000000 is expected"
    ),
    (
      ["training.epochs="],
      "command line: training.epochs: found \"\", but a whole number from 1 to 1000000 is expected"
    ),
    (
      ["training.batch_size=48001"],
      "command line: training.batch_size: 48001 is more than the 48000 images there are to train on"
    ),
    (
      ["model[2].units=9"],
      "command line: model[2].units: 9 outputs do not fit the 10 classes of mnist"
    ),
    (["model[3].units=9"], "command line: model[3]: model ends with [2]"),
    (
      ["seed.x=9"],
      "command line: seed: found an object, but a whole number from 0 to 18446744073709551615 is "
        + "expected"
    ),
    (["name.x=9"], "command line: name.x: name is \"x\", which has no keys"),
    (["name[0]=9"], "command line: name[0]: name is \"x\", which is no list"),
    (["model.filters=9"], "command line: model.filters: model is a list of 3, which has no keys"),
    (["seed"], "command line: \"seed\" sets nothing; write key=value, such as seed=7"),
    (["=7"], "command line: \"=7\" sets nothing; write key=value, such as seed=7"),
    (
      ["a..b=7"],
      "command line: \"a..b\" is not a key; write it as optimizer.learning_rate or model[0].filters"
    ),
    (
      ["model[x].filters=7"],
      "command line: \"model[x].filters\" is not a key; write it as optimizer.learning_rate or "
        + "model[0].filters"
    ),
    (["seed=1", "seed=2"], "command line: seed: is given twice"),
    (
      ["model[0]={\"layer\": \"conv2d\", }"],
      "command line: model[0]: the value is not JSON at its character 21: found \"}\" after a comma; "
        + "JSON allows no trailing comma"
    ),
    (
      ["optimizer={\"name\": \"sgd\", \"name\": \"sgd\"}"],
      "command line: optimizer: the value is not JSON at its character 17: name: duplicate key; it is "
        + "already given on line 1"
    ),
    (
      ["optimizer={\"name\": \"sgd\", \"lr\": 1}"],
      "command line: optimizer.lr: unknown key; did you mean \"learning_rate\"?"
    ),
    (
      ["optimizer.name=sgd", "seed=-1", "dataset.valdation=0.1"],
      "command line: seed: found -1, but a whole number from 0 to 18446744073709551615 is expected\n"
        + "command line: dataset.valdation: unknown key; did you mean \"validation\"?"
    ),
    (
      ["dataset.validation=0", "early_stopping.patience=2"],
      "command line: early_stopping.monitor: val_loss is never measured, since dataset.validation is "
        + "0; monitor \"train_loss\" or hold images out"
    ),
  ])
  func tells(_ overrides: [String], _ message: String) {
    #expect(
      SpecErrorTests.errors(SpecErrorTests.base, overrides).joined(separator: "\n") == message)
  }
}
