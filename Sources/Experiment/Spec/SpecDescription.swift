import ConvNet
import Datasets

/// What a spec may say: every key with its type, its default and its sentence. Checks, messages,
/// defaults and the JSON Schema all come from here.
package enum SpecDescription {
  package static let root = ObjectType(fields: [
    Field(
      "$schema", .text, .none, "Where editors find the JSON Schema; no part of the experiment."),
    Field("name", .folderName, .required, "Names the folder of its runs, results/NAME/."),
    Field("description", .text, .value(""), "Free text for the reader."),
    Field(
      "seed", .seed, .value(1), aliases: ["random_seed", "random_state"],
      "Decides every random number of the experiment."),
    Field("dataset", .object(dataset), .required, aliases: ["data"], "What it learns from."),
    Field(
      "model", items(1...1000), .required,
      aliases: ["layers", "network", "architecture"],
      "The layers, from the image to the scores of the classes."),
    Field(
      "loss", loss, .value("softmax_cross_entropy"), aliases: ["criterion"],
      "What is minimised; cross-entropies take the scores as they are, without softmax or sigmoid."
    ),
    Field("optimizer", .variants(optimizer), .required, "The rule that updates the weights."),
    Field(
      "schedule", .variants(schedule), .value(["name": "constant"]),
      aliases: ["lr_schedule", "learning_rate_schedule", "scheduler"],
      "The learning rate over time, as a factor of the optimizer's own."),
    Field(
      "augmentation", .list(of: .variants(augmentation), count: 0...16, noun: "distortions"),
      .value([]), aliases: ["augment", "transforms"],
      "Random distortions of the training images, drawn anew in each epoch: those that move pixels, in "
        + "one resampling, then those that change them, then what mixes two images."),
    Field(
      "augmentation_fill",
      .choice(
        Choice(
          noun: "a way to fill", names: BorderFill.allCases.map(\.rawValue),
          aliases: [
            "zeros": "constant", "edge": "nearest", "border": "nearest", "mirror": "reflect",
          ])),
      .value("constant"), aliases: ["fill_mode", "fill", "padding_mode"],
      "What lies around an image where a distortion moves its pixels, for all of them, by Keras's names; "
        + "of a row a b c d: constant 0 0 | a b c d | 0 0, nearest a a | a b c d | d d, reflect "
        + "b a | a b c d | d c, wrap c d | a b c d | a b."),
    Field(
      "early_stopping", .object(earlyStopping), .none,
      "Ends the training when it no longer gets better; null for never."),
    Field("training", .object(training), .required, "How long, and in what steps."),
    Field(
      "checkpoint", .object(checkpoint), .value([:]), aliases: ["checkpoints"],
      "When what a run needs to be resumed is saved, besides at the end of each epoch."),
    Field("compute", .object(compute), .value([:]), "How it is computed."),
    Field(
      "metrics", classificationMetrics, .value([]), aliases: ["metric", "measures"],
      metricsDoc),
    Field("evaluation", .object(evaluation), .value([:]), "How the test images are looked at."),
    Field(
      "expect", .object(expect), .value([:]), aliases: ["expected", "expectations"],
      "What a finished run must have reached; a run that has not ends with status 4."),
  ])

  // MARK: - Data

  // MARK: - Training

  static let earlyStopping = ObjectType(fields: [
    Field("monitor", monitor, .value("val_loss"), "What is watched."),
    Field(
      "patience", .integer(0...1_000_000), .required,
      "How many epochs without an improvement are borne."),
    Field(
      "min_delta", .number(.from(0, to: 1e9)), .value(0),
      "What an improvement must exceed."),
    Field(
      "restore_best", .boolean, .value(true), aliases: ["restore_best_weights"],
      "Whether the run ends with the weights of its best epoch."),
  ])

  static let training = ObjectType(fields: [
    Field(
      "epochs", .integer(1...1_000_000), .required, aliases: ["max_epochs"],
      "How many times every training image is seen."),
    Field(
      "batch_size", .integer(1...65_536), .required, aliases: ["batch"],
      "Images per step; the last batch of an epoch may be smaller."),
  ])

  static let checkpoint = ObjectType(fields: [
    Field(
      "every_steps", .integer(1...1_000_000_000), .none, aliases: ["every"],
      "Also after every so many steps; null for at the end of each epoch only.")
  ])

  static let compute = ObjectType(fields: [
    Field(
      "kernel",
      .choice(Choice(noun: "an OpenBLAS kernel", names: ["auto"] + ComputeSpec.kernelNames)),
      .value("auto"), aliases: ["coretype"],
      "The OpenBLAS kernel, which decides the last bits of every result; auto takes the fastest "
        + "that the processor runs.")
  ])
}
