import ConvNet
import Experiment
import ONNX
import Storage

/// What Keras is told to go on learning with: what `model.compile` takes there.
///
/// The optimizer begins anew: its moments are no part of a model.
struct KerasTraining: Hashable, Sendable {
  private let optimizer: Part
  private let loss: Part
  /// What of the experiment Keras's files cannot say, or say otherwise: sentences to the user.
  private(set) var notes: [String] = []

  /// An object of Keras's, as its configuration has it.
  private struct Part: Hashable, Sendable {
    let module: String
    let kind: String
    var config: JSONValue
  }

  /// - Parameter softmax: whether the file gives probabilities.
  /// - Throws: `ExchangeError` naming the optimizer or the loss that Keras has not.
  init(_ spec: ExperimentSpec, _ model: Model, softmax: Bool) throws(ExchangeError) {
    (loss, notes) = try Self.loss(spec.loss, softmax: softmax)
    optimizer = try Self.optimizer(spec.optimizer, &notes)
    if spec.schedule != .constant || spec.warmup != nil {
      notes.append(
        "the learning rate is \(spec.optimizer.learningRate) there throughout: schedule and warmup are "
          + "not in the file")
    }
    noteLayers(of: model)
    if let initial = spec.initial, initial.frozen != .layers([]) {
      notes.append("layers that were frozen learn there, unless layer.trainable is set to False")
    }
  }

  private mutating func noteLayers(of model: Model) {
    var isNoisy = false
    for layer in model.plan.layers {
      switch layer.description {
      case .dropout, .spatialDropout, .gaussianNoise: isNoisy = true
      default: break
      }
    }
    if isNoisy { notes.append("dropout and noise are not in the file, which is of what answers") }
    let penalized = model.plan.layers.contains { layer in
      guard let kernel = layer.description.kernelLayer else { return false }
      return kernel.l2 != 0 || kernel.regularization != KernelRegularization()
    }
    if penalized { notes.append("what bounds kernels (l1, l2 and the like) is not in the file") }
  }

  // MARK: the loss

  private static func loss(
    _ loss: LossDescription, softmax: Bool
  ) throws(ExchangeError) -> (Part, notes: [String]) {
    func part(_ kind: String, _ config: JSONValue) -> Part {
      var config = config
      config["reduction"] = "sum_over_batch_size"
      return Part(module: "keras.losses", kind: kind, config: config)
    }
    func ofScores(_ name: String) throws(ExchangeError) {
      if softmax {
        throw ExchangeError("the loss \(name) is of scores, and --softmax gives probabilities")
      }
    }
    var notes = [
      "its loss takes the classes as one row for each image, as keras.utils.to_categorical gives them"
    ]
    let made: Part
    switch loss.kind {
    case .softmaxCrossEntropy(labelSmoothing: 0):
      notes = []
      made = part("SparseCategoricalCrossentropy", ["from_logits": .bool(!softmax)])
    case .softmaxCrossEntropy(let smoothing):
      made = part(
        "CategoricalCrossentropy",
        ["from_logits": .bool(!softmax), "label_smoothing": JSONValue(smoothing)])
    case .focal(let focal):
      made = part(
        "CategoricalFocalCrossentropy",
        [
          "from_logits": .bool(!softmax), "alpha": JSONValue(focal.alpha),
          "gamma": JSONValue(focal.gamma),
        ])
    case .meanSquaredError:
      try ofScores("mean_squared_error")
      made = part("MeanSquaredError", [:])
    case .huber(let delta):
      try ofScores("huber")
      made = part("Huber", ["delta": JSONValue(delta)])
    case .binaryCrossEntropy(let smoothing):
      try ofScores("binary_cross_entropy")
      made = part(
        "BinaryCrossentropy", ["from_logits": true, "label_smoothing": JSONValue(smoothing)])
    }
    if loss.classWeights != nil || loss.balancesClasses {
      notes.append("weights of classes are not in the file: fit takes them as class_weight")
    }
    return (made, notes)
  }

  // MARK: the optimizer

  private static func optimizer(
    _ optimizer: OptimizerDescription, _ notes: inout [String]
  ) throws(ExchangeError) -> Part {
    var part = try rule(optimizer.rule, &notes)
    part.config["learning_rate"] = JSONValue(optimizer.learningRate)
    if optimizer.weightDecay != 0 {
      part.config["weight_decay"] = JSONValue(optimizer.weightDecay)
      notes.append(
        "weight decay is of kernels alone here; Keras takes it of all that learns, unless "
          + "model.optimizer.exclude_from_weight_decay is told otherwise before the first step")
    }
    // Keras takes one of the two.
    if let norm = optimizer.clipping.norm {
      part.config["global_clipnorm"] = JSONValue(norm)
      if optimizer.clipping.value != nil {
        notes.append("Keras bounds gradients in one way: by the norm, and clip_value is left out")
      }
    } else if let value = optimizer.clipping.value {
      part.config["clipvalue"] = JSONValue(value)
    }
    if optimizer.accumulation > 1 {
      part.config["gradient_accumulation_steps"] = JSONValue(optimizer.accumulation)
    }
    switch optimizer.averaging {
    case .exponential(let decay):
      part.config["use_ema"] = true
      part.config["ema_momentum"] = JSONValue(decay)
    case .stochastic: notes.append("the average over epochs is not in the file")
    case nil: break
    }
    if optimizer.sharpness != nil {
      notes.append("sharpness-aware minimisation is not in the file, for Keras has none")
    }
    if !optimizer.layerFactors.isEmpty {
      notes.append("learning_rate_factors are not in the file: one rate is for all layers there")
    }
    return part
  }

  private static func rule(
    _ rule: OptimizerRule, _ notes: inout [String]
  ) throws(ExchangeError) -> Part {
    func part(_ kind: String, _ config: JSONValue) -> Part {
      Part(module: "keras.optimizers", kind: kind, config: config)
    }
    func noteForm(_ convention: OptimizerConvention) {
      guard convention == .pytorch else { return }
      notes.append(
        "\(rule.name) was trained in PyTorch's form; in Keras's, which the file is of, epsilon stands "
          + "elsewhere")
    }
    switch rule {
    // Both conventions take the same steps while the rate is the same.
    case .sgd(let sgd):
      return part(
        "SGD", ["momentum": JSONValue(sgd.momentum), "nesterov": .bool(sgd.nesterov)])
    case .adam(let adam):
      noteForm(adam.convention)
      return part(
        "Adam",
        [
          "beta_1": JSONValue(adam.beta1), "beta_2": JSONValue(adam.beta2),
          "epsilon": JSONValue(adam.epsilon), "amsgrad": .bool(adam.amsgrad),
        ])
    case .adadelta(let adadelta):
      return part(
        "Adadelta", ["rho": JSONValue(adadelta.rho), "epsilon": JSONValue(adadelta.epsilon)])
    case .rmsprop(let rmsprop):
      noteForm(rmsprop.convention)
      return part(
        "RMSprop",
        [
          "rho": JSONValue(rmsprop.rho), "momentum": JSONValue(rmsprop.momentum),
          "epsilon": JSONValue(rmsprop.epsilon), "centered": .bool(rmsprop.centered),
        ])
    case .adagrad(let adagrad):
      noteForm(adagrad.convention)
      return part(
        "Adagrad",
        [
          "initial_accumulator_value": JSONValue(adagrad.initial),
          "epsilon": JSONValue(adagrad.epsilon),
        ])
    case .adamax(let adamax):
      noteForm(adamax.convention)
      return part(
        "Adamax",
        [
          "beta_1": JSONValue(adamax.beta1), "beta_2": JSONValue(adamax.beta2),
          "epsilon": JSONValue(adamax.epsilon),
        ])
    case .nadam(let nadam):
      if nadam.momentumDecay != 1 {
        notes.append("nadam's momentum_decay is 1 in Keras, not \(nadam.momentumDecay)")
      }
      return part(
        "Nadam",
        [
          "beta_1": JSONValue(nadam.beta1), "beta_2": JSONValue(nadam.beta2),
          "epsilon": JSONValue(nadam.epsilon),
        ])
    case .lion(let lion):
      return part("Lion", ["beta_1": JSONValue(lion.beta1), "beta_2": JSONValue(lion.beta2)])
    case .muon: throw ExchangeError("Keras's muon leaves convolutions out, where this one does not")
    case .shampoo, .kfac: throw ExchangeError("Keras has no optimizer \(rule.name)")
    }
  }

  // MARK: as Keras's files have it

  /// `compile_config` of a `.keras` archive, as `model.get_compile_config()` gives it.
  var compileConfig: JSONValue {
    func serialized(_ part: Part) -> JSONValue {
      [
        "module": .string(part.module), "class_name": .string(part.kind), "config": part.config,
        "registered_name": .null,
      ]
    }
    return [
      "optimizer": serialized(optimizer), "loss": serialized(loss), "loss_weights": .null,
      "metrics": ["accuracy"], "weighted_metrics": .null, "run_eagerly": false,
      "steps_per_execution": 1, "jit_compile": "auto",
    ]
  }

  /// `training_config` of the older form of a whole model.
  var trainingConfig: JSONValue {
    func serialized(_ part: Part) -> JSONValue {
      ["class_name": .string(part.kind), "config": part.config]
    }
    return [
      "optimizer_config": serialized(optimizer), "loss": serialized(loss), "loss_weights": .null,
      "metrics": ["accuracy"], "weighted_metrics": .null,
    ]
  }
}

extension LayerDescription {
  fileprivate var kernelLayer: (any KernelLayer)? {
    switch self {
    case .conv2D(let conv): conv
    case .depthwiseConv2D(let conv): conv
    case .conv2DTranspose(let conv): conv
    case .dense(let dense): dense
    default: nil
    }
  }
}
