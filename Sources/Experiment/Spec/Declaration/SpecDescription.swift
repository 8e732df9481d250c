import ConvNet
import Datasets
import Storage

/// What a spec may say: each thing that it names is declared once, with its keys, their types, defaults
/// and sentences, and the Swift value that they fill. Checks, messages, defaults, what is read and
/// written, and the JSON Schema all come from here.
package enum SpecDescription {
  package static let root = experiment.type

  static let experiment = Declaration(
    ExperimentSpec(
      name: "", dataset: DatasetSpec(name: .mnist), model: [],
      optimizer: OptimizerDescription(rule: .sgd(SGDDescription()), learningRate: 0),
      training: TrainingSpec(epochs: 1, batchSize: 1))
  ) {
    Key(
      unbound: Field(
        "$schema", .text, .none,
        "Where editors find the JSON Schema; no part of the experiment."))
    Key(
      "name", \.name, .folderName, otherwise: .required,
      "Names the folder of its runs, results/NAME/.")
    Key("description", \.description, .text, "Free text for the reader.")
    Key(
      "seed", \.seed, .seed, aliases: ["random_seed", "random_state"],
      "Decides every random number of the experiment.")
    Key(
      "dataset", \.dataset, dataset, otherwise: .required, aliases: ["data"],
      "What it learns from.")
    Key(
      "model", \.model, items(1...1000), otherwise: .required,
      aliases: ["layers", "network", "architecture"],
      "The layers, from the image to the scores of the classes.")
    Key(
      "initial", \.initial, .object(initial),
      aliases: ["pretrained", "transfer_learning", "load_weights", "init_from"], writesNull: false,
      "What the training begins with instead of fresh weights: the tensors of a model, by their names; "
        + "and which layers keep them. Null for fresh weights.")
    Key(
      "teacher", \.teacher, .object(teacher),
      aliases: ["distillation", "knowledge_distillation", "teachers", "distill"],
      writesNull: false,
      "What it learns from besides the labels: what one model, or several, make of the same images; null "
        + "for the labels alone.")
    Key(
      "quantization", \.quantization, .object(trainingQuantization),
      aliases: ["quantize", "qat", "quantization_aware_training"], writesNull: false,
      "Trains the model that initial names to answer in integers, by TensorFlow Lite's scheme as runner "
        + "quantize makes them: layers compute with rounded kernels and values are rounded, while the "
        + "floats behind them are moved (Jacob et al. 2018). The run leaves both, model.safetensors and "
        + "model.int8.safetensors. Null for floats.")
    Key(
      "pruning", \.pruning, .object(trainingPruning),
      aliases: ["prune", "sparsity", "prune_low_magnitude"], writesNull: false,
      "Makes weights 0 while it trains, those of least magnitude, more and more of them (Zhu and Gupta 2017), "
        + "and keeps them so. The run leaves a model.safetensors in which zeros take a bit each: it saves "
        + "bytes, not time, for the network computes with them as with any number. Null for none.")
    Key(
      "loss", \.loss, loss, aliases: ["criterion"],
      "What is minimised; cross-entropies take the scores as they are, without softmax or sigmoid.")
    Key(
      "optimizer", \.optimizer, .kind(of: optimizers), otherwise: .required,
      "The rule that updates the weights.")
    Key(
      "schedule", \.course, .kind(of: schedules),
      aliases: ["lr_schedule", "learning_rate_schedule", "scheduler"],
      "The learning rate over time, as a factor of the optimizer's own.")
    Key(
      "augmentation", \.augmentation,
      .list(of: .kind(of: augmentations), count: 0...16, noun: "distortions"),
      aliases: ["augment", "transforms"],
      "Random distortions of the training images, drawn anew in each epoch: those that move pixels, in "
        + "one resampling, then those that change them, then what mixes two images.")
    Key(
      "augmentation_fill", \.augmentationFill,
      .choice(
        "a way to fill",
        aliases: [
          "zeros": "constant", "edge": "nearest", "border": "nearest", "mirror": "reflect",
        ]),
      aliases: ["fill_mode", "fill", "padding_mode"],
      "What lies around an image where a distortion moves its pixels, for all of them, by Keras's names; "
        + "of a row a b c d: constant 0 0 | a b c d | 0 0, nearest a a | a b c d | d d, reflect "
        + "b a | a b c d | d c, wrap c d | a b c d | a b.")
    Key(
      "early_stopping", \.earlyStopping, .object(earlyStopping),
      "Ends the training when it no longer gets better; null for never.")
    Key(
      "training", \.training, .object(training), otherwise: .required,
      "How long, and in what steps.")
    Key(
      "checkpoint", \.checkpoint, .object(checkpoint), aliases: ["checkpoints"],
      "When what a run needs to be resumed is saved, besides at the end of each epoch.")
    Key("compute", \.compute, .object(compute), "How it is computed.")
    Key(
      "metrics", \.metrics, classificationMetrics, aliases: ["metric", "measures"], metricsDoc)
    Key(
      "evaluation", \.testTimeAugmentation, .object(evaluation),
      "How the test images are looked at.")
    Key(
      "expect", \.expect, expectations, aliases: ["expected", "expectations"],
      "What a finished run must have reached; a run that has not ends with status 4.")
  }

  // MARK: - Training

  private static let earlyStopping = Declaration(EarlyStoppingSpec(patience: 0)) {
    Key("monitor", \.monitor, monitor, "What is watched.")
    Key(
      "patience", \.patience, .integer(0...1_000_000), otherwise: .required,
      "How many epochs without an improvement are borne.")
    Key(
      "min_delta", \.minDelta, .number(.from(0, to: 1e9)), "What an improvement must exceed.")
    Key(
      "restore_best", \.restoreBest, .boolean, aliases: ["restore_best_weights"],
      "Whether the run ends with the weights of its best epoch.")
  }

  private static let training = Declaration(TrainingSpec(epochs: 1, batchSize: 1)) {
    Key(
      "epochs", \.epochs, .integer(1...1_000_000), otherwise: .required, aliases: ["max_epochs"],
      "How many times every training image is seen.")
    Key(
      "batch_size", \.batchSize, .integer(1...65_536), otherwise: .required, aliases: ["batch"],
      "Images per step; the last batch of an epoch may be smaller.")
  }

  private static let checkpoint = Declaration(CheckpointSpec()) {
    Key(
      "every_steps", \.everySteps, .integer(1...1_000_000_000), aliases: ["every"],
      "Also after every so many steps; null for at the end of each epoch only.")
  }

  private static let compute = Declaration(ComputeSpec()) {
    Key(
      "kernel", \.kernel,
      .string(
        .choice(Choice(noun: "an OpenBLAS kernel", names: ["auto"] + ComputeSpec.kernelNames))),
      aliases: ["coretype"],
      "The OpenBLAS kernel, which decides the last bits of every result; auto takes the fastest "
        + "that the processor runs. Which of them there are depends on the processor, and on the OpenBLAS "
        + "that is installed.")
    Key(
      "numerics", \.numerics, numerics, writesNull: false,
      "The rules by which sums are taken, which decide the last bits too; 1: every product whole; 2: the "
        + "gradients of a convolution that ends in max pooling by the positions that won their window "
        + "alone, where that is faster, and in an evaluation each image apart from the others on every "
        + "kernel. Where nothing is said it is the newest; in the resolved.json of a run, the first."
    )
    Key(
      "convolution", \.convolution, convolution, aliases: ["lowering", "conv_algorithm"],
      writesNull: false,
      "How convolutions become products of matrices; im2col: one product with the patches that windows "
        + "see (for AVX-512, the first convolution of a grey or coloured picture takes the same sums, "
        + "to the same bits, from the picture itself); winograd: those of 3x3 with stride 1 that gain by it with two to four times fewer "
        + "multiplications (Lavin and Gray 2016), whose rounding errors are some times larger; "
        + "validate tells them.")
  }

  /// The first is not written, as those who knew no other did not write it.
  private static let convolution = Notation<ConvolutionLowering>(
    .choice(
      Choice(
        noun: "a way to compute convolutions",
        names: ConvolutionLowering.allCases.map(\.rawValue), aliases: ["gemm": "im2col"])),
    decode: { $0.string.flatMap(ConvolutionLowering.init(rawValue:)) },
    encode: { $0 == .im2col ? .null : .string($0.rawValue) }, brief: { .string($0.rawValue) })

  /// The first is not written, as those who knew no other did not write it.
  private static let numerics = Notation<Numerics>(
    .integer(Numerics.first.rawValue...Numerics.newest.rawValue),
    decode: { $0.int.flatMap(Numerics.init(rawValue:)) },
    encode: { $0 == .first ? .null : JSONValue($0.rawValue) },
    brief: { JSONValue($0.rawValue) })
}

extension ExperimentSpec {
  fileprivate var course: LearningRateCourse {
    get { LearningRateCourse(schedule: schedule, warmup: warmup) }
    set { (schedule, warmup) = (newValue.schedule, newValue.warmup) }
  }
}
