/// What other programs call a thing, and how it is written in a spec.
public struct ForeignName: Hashable, Sendable {
  public enum Library: String, Hashable, Sendable, CaseIterable {
    case keras, pytorch, torchvision, optuna

    /// As its users write it.
    public var title: String {
      switch self {
      case .keras: "Keras"
      case .pytorch: "PyTorch"
      case .torchvision: "torchvision"
      case .optuna: "Optuna"
      }
    }
  }

  public let library: Library
  /// Without the module that it lies in: `Conv2D`, not `keras.layers.Conv2D`.
  public let name: String
  /// The entry of the catalogue that tells of it, with a dot before a key of it; nil where there is
  /// nothing to tell.
  public let entry: String?
  /// Members of a spec, as an example; or a sentence where there is nothing to write.
  public let written: String

  /// Whether `written` is JSON.
  public var isJSON: Bool { written.hasPrefix("\"") }

  /// All that is known, library by library.
  public static let all: [ForeignName] = keras + pytorch + torchvision + optuna

  /// Those that a word means: a name of another library, in any case and with or without its module.
  public static func named(_ word: String) -> [ForeignName] {
    let target = folded(word.split(separator: ".").last.map(String.init) ?? word)
    return byFoldedName[target] ?? []
  }

  private static let byFoldedName = Dictionary(grouping: all) { folded($0.name) }

  fileprivate typealias Row = (name: String, entry: String?, written: String)

  fileprivate static func rows(_ library: Library, _ rows: [Row]) -> [ForeignName] {
    rows.map {
      ForeignName(library: library, name: $0.name, entry: $0.entry, written: $0.written)
    }
  }
}

// What Keras 3 and PyTorch 2 call things. Each example is checked by the tests as part of a spec.

extension ForeignName {
  fileprivate static let keras: [ForeignName] =
    rows(.keras, kerasLayers) + rows(.keras, kerasImages) + rows(.keras, kerasTraining)

  private static let kerasLayers: [Row] = [
    ("Input", "dataset.shape", "The images' own shape; \"dataset\": { \"shape\": … } for another."),
    ("Conv2D", "conv2d", #""model": [{ "layer": "conv2d", "filters": 32, "kernel": 3 }]"#),
    (
      "DepthwiseConv2D", "depthwise_conv2d",
      #""model": [{ "layer": "depthwise_conv2d", "kernel": 3 }]"#
    ),
    (
      "SeparableConv2D", "separable_conv2d",
      #""model": [{ "layer": "separable_conv2d", "filters": 32, "kernel": 3 }]"#
    ),
    (
      "Conv2DTranspose", "conv2d_transpose",
      #""model": [{ "layer": "conv2d_transpose", "filters": 8, "kernel": 3, "stride": 2 }]"#
    ),
    ("Dense", "dense", #""model": [{ "layer": "dense", "units": 64, "activation": "relu" }]"#),
    ("Flatten", "flatten", #""model": [{ "layer": "flatten" }]"#),
    ("MaxPooling2D", "max_pool", #""model": [{ "layer": "max_pool", "size": 2 }]"#),
    ("MaxPool2D", "max_pool", #""model": [{ "layer": "max_pool", "size": 2 }]"#),
    ("AveragePooling2D", "average_pool", #""model": [{ "layer": "average_pool", "size": 2 }]"#),
    (
      "GlobalAveragePooling2D", "global_average_pool",
      #""model": [{ "layer": "global_average_pool" }]"#
    ),
    ("GlobalMaxPooling2D", "global_max_pool", #""model": [{ "layer": "global_max_pool" }]"#),
    ("ZeroPadding2D", "zero_pad", #""model": [{ "layer": "zero_pad", "padding": 1 }]"#),
    ("Cropping2D", "crop", #""model": [{ "layer": "crop", "cropping": 2 }]"#),
    ("UpSampling2D", "upsample", #""model": [{ "layer": "upsample", "size": 2 }]"#),
    ("BatchNormalization", "batch_norm", #""model": [{ "layer": "batch_norm" }]"#),
    ("LayerNormalization", "layer_norm", #""model": [{ "layer": "layer_norm" }]"#),
    ("GroupNormalization", "group_norm", #""model": [{ "layer": "group_norm", "groups": 1 }]"#),
    ("Dropout", "dropout", #""model": [{ "layer": "dropout", "rate": 0.5 }]"#),
    (
      "SpatialDropout2D", "spatial_dropout",
      #""model": [{ "layer": "spatial_dropout", "rate": 0.2 }]"#
    ),
    (
      "GaussianNoise", "gaussian_noise", #""model": [{ "layer": "gaussian_noise", "stddev": 0.1 }]"#
    ),
    ("Activation", "activation", #""model": [{ "layer": "activation", "function": "relu" }]"#),
    ("ReLU", "relu", #""model": [{ "layer": "activation", "function": "relu" }]"#),
    (
      "LeakyReLU", "leaky_relu",
      #""model": [{ "layer": "activation", "function": { "name": "leaky_relu", "slope": 0.3 } }]"#
    ),
    ("ELU", "elu", #""model": [{ "layer": "activation", "function": "elu" }]"#),
    ("PReLU", "prelu", #""model": [{ "layer": "prelu", "initial": 0 }]"#),
    (
      "Softmax", "softmax",
      "Nothing: the loss softmax_cross_entropy takes the scores as they are, and results are its "
        + "probabilities."
    ),
    (
      "Add", "residual",
      #""model": [{ "layer": "residual", "layers": [{ "layer": "conv2d", "filters": 1, "kernel": 3, "padding": "same" }] }]"#
    ),
    (
      "Concatenate", "branch",
      #""model": [{ "layer": "branch", "branches": [[{ "layer": "max_pool" }], [{ "layer": "average_pool" }]] }]"#
    ),
    (
      "Multiply", "branch",
      #""model": [{ "layer": "branch", "merge": "multiply", "branches": [[{ "layer": "max_pool" }], [{ "layer": "average_pool" }]] }]"#
    ),
    ("Rescaling", nil, "Nothing: pixels are numbers from 0 to 1."),
    ("Normalization", "per_channel", #""dataset": { "normalize": "per_channel" }"#),
    (
      "kernel_size", "conv2d.kernel",
      #""model": [{ "layer": "conv2d", "filters": 32, "kernel": [3, 3] }]"#
    ),
    (
      "strides", "conv2d.stride",
      #""model": [{ "layer": "conv2d", "filters": 32, "kernel": 3, "stride": 2 }]"#
    ),
    ("pool_size", "max_pool.size", #""model": [{ "layer": "max_pool", "size": [2, 2] }]"#),
    (
      "kernel_regularizer", "dense.l2",
      #""model": [{ "layer": "dense", "units": 64, "l2": 0.0001 }]"#
    ),
    (
      "kernel_constraint", "dense.max_norm",
      #""model": [{ "layer": "dense", "units": 64, "max_norm": 3 }]"#
    ),
    (
      "kernel_initializer", "dense.initializer",
      #""model": [{ "layer": "dense", "units": 64, "initializer": "he_normal" }]"#
    ),
    (
      "HeNormal", "dense.initializer",
      #""model": [{ "layer": "dense", "units": 64, "initializer": "he_normal" }]"#
    ),
    (
      "GlorotUniform", "dense.initializer",
      #""model": [{ "layer": "dense", "units": 64, "initializer": "glorot_uniform" }]"#
    ),
    ("use_bias", "dense.bias", #""model": [{ "layer": "dense", "units": 64, "bias": false }]"#),
  ]

  private static let kerasImages: [Row] = [
    (
      "ImageDataGenerator", nil,
      #""augmentation": [{ "op": "rotate", "degrees": 10 }, { "op": "zoom", "fraction": 0.1 }, { "op": "shift", "fraction": 0.1 }]"#
    ),
    ("fill_mode", "experiment.augmentation_fill", #""augmentation_fill": "nearest""#),
    (
      "pad_to_aspect_ratio", "dataset.keep_aspect",
      #""dataset": { "shape": [32, 32, 1], "resize": "bilinear", "keep_aspect": true }"#
    ),
    ("rotation_range", "rotate", #""augmentation": [{ "op": "rotate", "degrees": 10 }]"#),
    ("RandomRotation", "rotate", #""augmentation": [{ "op": "rotate", "degrees": 10 }]"#),
    ("zoom_range", "zoom", #""augmentation": [{ "op": "zoom", "fraction": 0.1 }]"#),
    ("RandomZoom", "zoom", #""augmentation": [{ "op": "zoom", "fraction": 0.1 }]"#),
    ("width_shift_range", "shift", #""augmentation": [{ "op": "shift", "fraction": 0.1 }]"#),
    ("height_shift_range", "shift", #""augmentation": [{ "op": "shift", "fraction": 0.1 }]"#),
    ("RandomTranslation", "shift", #""augmentation": [{ "op": "shift", "fraction": 0.1 }]"#),
    ("shear_range", "shear", #""augmentation": [{ "op": "shear", "degrees": 8 }]"#),
    ("RandomShear", "shear", #""augmentation": [{ "op": "shear", "degrees": 8 }]"#),
    ("horizontal_flip", "flip", #""augmentation": [{ "op": "flip" }]"#),
    ("vertical_flip", "flip", #""augmentation": [{ "op": "flip", "axis": "vertical" }]"#),
    ("RandomFlip", "flip", #""augmentation": [{ "op": "flip", "axis": "horizontal" }]"#),
    (
      "brightness_range", "brightness",
      #""augmentation": [{ "op": "brightness", "fraction": 0.2 }]"#
    ),
    (
      "RandomBrightness", "brightness",
      #""augmentation": [{ "op": "brightness", "fraction": 0.2 }]"#
    ),
    ("RandomContrast", "contrast", #""augmentation": [{ "op": "contrast", "fraction": 0.2 }]"#),
    ("RandomErasing", "erase", #""augmentation": [{ "op": "erase" }]"#),
    ("RandAugment", "rand_augment", #""augmentation": [{ "op": "rand_augment" }]"#),
    ("MixUp", "mixup", #""augmentation": [{ "op": "mixup", "alpha": 0.2 }]"#),
    ("CutMix", "cutmix", #""augmentation": [{ "op": "cutmix" }]"#),
    ("rescale", nil, "Nothing: pixels are numbers from 0 to 1."),
    (
      "flow_from_directory", "dataset.path",
      #""dataset": { "name": "files", "path": "photos/train", "test_path": "photos/test", "classes": 10, "shape": [28, 28, 1] }"#
    ),
    (
      "image_dataset_from_directory", "dataset.path",
      #""dataset": { "name": "files", "path": "photos/train", "test_path": "photos/test", "classes": 10, "shape": [28, 28, 1] }"#
    ),
    ("featurewise_center", "per_channel", #""dataset": { "normalize": "per_channel" }"#),
    ("zca_whitening", "zca", #""dataset": { "normalize": "zca" }"#),
  ]

  private static let kerasTraining: [Row] = [
    ("validation_split", "dataset.validation", #""dataset": { "validation": 0.2 }"#),
    ("compile", nil, "The keys \"optimizer\", \"loss\" and \"metrics\" of the spec."),
    ("fit", "training", #""training": { "epochs": 10, "batch_size": 64 }"#),
    (
      "class_weight", "softmax_cross_entropy.class_weights",
      #""loss": { "name": "softmax_cross_entropy", "class_weights": [1, 1, 1, 1, 1, 1, 1, 2, 1, 1] }"#
    ),
    ("SGD", "sgd", #""optimizer": { "name": "sgd", "learning_rate": 0.01, "momentum": 0.9 }"#),
    ("Adam", "adam", #""optimizer": { "name": "adam", "learning_rate": 0.001 }"#),
    ("AdamW", "adamw", #""optimizer": { "name": "adamw", "learning_rate": 0.001 }"#),
    ("Adadelta", "adadelta", #""optimizer": { "name": "adadelta", "learning_rate": 1 }"#),
    ("Adagrad", "adagrad", #""optimizer": { "name": "adagrad" }"#),
    ("Adamax", "adamax", #""optimizer": { "name": "adamax" }"#),
    ("Nadam", "nadam", #""optimizer": { "name": "nadam" }"#),
    ("RMSprop", "rmsprop", #""optimizer": { "name": "rmsprop" }"#),
    ("Lion", "lion", #""optimizer": { "name": "lion" }"#),
    ("lr", "adam.learning_rate", #""optimizer": { "name": "adam", "learning_rate": 0.001 }"#),
    ("clipnorm", "adam.clip_norm", #""optimizer": { "name": "adam", "clip_norm": 1 }"#),
    ("global_clipnorm", "adam.clip_norm", #""optimizer": { "name": "adam", "clip_norm": 1 }"#),
    ("clipvalue", "adam.clip_value", #""optimizer": { "name": "adam", "clip_value": 0.5 }"#),
    (
      "use_ema", "ema",
      #""optimizer": { "name": "adam", "averaging": { "name": "ema", "decay": 0.99 } }"#
    ),
    (
      "ExponentialDecay", "exponential",
      #""schedule": { "name": "exponential", "decay": 0.96, "staircase": true }"#
    ),
    (
      "PiecewiseConstantDecay", "piecewise",
      #""schedule": { "name": "piecewise", "boundaries": [5], "factors": [1, 0.1] }"#
    ),
    ("PolynomialDecay", "polynomial", #""schedule": { "name": "polynomial", "final": 0.1 }"#),
    ("CosineDecay", "cosine", #""schedule": { "name": "cosine" }"#),
    (
      "CosineDecayRestarts", "cosine_restarts",
      #""schedule": { "name": "cosine_restarts", "epochs": 2, "growth": 2 }"#
    ),
    (
      "ReduceLROnPlateau", "reduce_on_plateau",
      #""schedule": { "name": "reduce_on_plateau", "factor": 0.5, "patience": 3 }"#
    ),
    (
      "min_lr", "reduce_on_plateau.min_learning_rate",
      #""schedule": { "name": "reduce_on_plateau", "min_learning_rate": 0.00001 }"#
    ),
    (
      "LearningRateScheduler", nil,
      "A \"schedule\" by its name: step, piecewise, exponential, polynomial, cosine …"
    ),
    (
      "EarlyStopping", "early_stopping",
      #""early_stopping": { "monitor": "val_loss", "patience": 5, "restore_best": true }"#
    ),
    ("prune_low_magnitude", "pruning", #""pruning": { "sparsity": 0.9 }"#),
    (
      "ModelCheckpoint", "checkpoint",
      "Nothing: every run keeps checkpoints/best.safetensors and last.safetensors."
    ),
    (
      "trainable", "initial.frozen",
      #"Layers are frozen by "initial": { "model": "results/lenet/latest", "frozen": ["conv2d_*"] }."#
    ),
    (
      "load_weights", "initial.model",
      #"A training begins with a model by "initial": { "model": "results/lenet/latest" }."#
    ),
    ("CSVLogger", nil, "Nothing: every run writes metrics.csv."),
    ("TensorBoard", nil, "Nothing: every run writes metrics.csv and plots/curves.svg."),
    (
      "BackupAndRestore", nil, "Nothing: runner resume RUN goes on with a run that was interrupted."
    ),
    ("SparseCategoricalCrossentropy", "softmax_cross_entropy", #""loss": "softmax_cross_entropy""#),
    ("CategoricalCrossentropy", "softmax_cross_entropy", #""loss": "softmax_cross_entropy""#),
    ("BinaryCrossentropy", "binary_cross_entropy", #""loss": "binary_cross_entropy""#),
    ("MeanSquaredError", "mean_squared_error", #""loss": "mean_squared_error""#),
    ("Huber", "huber", #""loss": { "name": "huber", "delta": 1 }"#),
    ("CategoricalFocalCrossentropy", "focal", #""loss": { "name": "focal", "gamma": 2 }"#),
    ("from_logits", nil, "Nothing: the losses take the scores as they are."),
    ("SparseTopKCategoricalAccuracy", "top_k_accuracy", #""metrics": ["top_3_accuracy"]"#),
    ("F1Score", "f1", #""metrics": ["f1_macro"]"#),
    ("Precision", "precision", #""metrics": ["precision_macro"]"#),
    ("Recall", "recall", #""metrics": ["recall_macro"]"#),
    ("AUC", "roc_auc", #""metrics": ["roc_auc_macro"]"#),
    ("set_random_seed", "experiment.seed", #""seed": 7"#),
  ]

  fileprivate static let pytorch: [ForeignName] =
    rows(.pytorch, pytorchLayers) + rows(.pytorch, pytorchTraining)

  private static let pytorchLayers: [Row] = [
    ("Conv2d", "conv2d", #""model": [{ "layer": "conv2d", "filters": 32, "kernel": 3 }]"#),
    (
      "ConvTranspose2d", "conv2d_transpose",
      #""model": [{ "layer": "conv2d_transpose", "filters": 8, "kernel": 3, "stride": 2 }]"#
    ),
    ("Linear", "dense", #""model": [{ "layer": "dense", "units": 64 }]"#),
    ("MaxPool2d", "max_pool", #""model": [{ "layer": "max_pool", "size": 2 }]"#),
    (
      "AvgPool2d", "average_pool",
      #""model": [{ "layer": "average_pool", "size": 2, "count_include_pad": true }]"#
    ),
    (
      "AdaptiveAvgPool2d", "global_average_pool",
      #""model": [{ "layer": "global_average_pool" }]"#
    ),
    ("AdaptiveMaxPool2d", "global_max_pool", #""model": [{ "layer": "global_max_pool" }]"#),
    ("ZeroPad2d", "zero_pad", #""model": [{ "layer": "zero_pad", "padding": 1 }]"#),
    ("Upsample", "upsample", #""model": [{ "layer": "upsample", "size": 2 }]"#),
    (
      "BatchNorm2d", "batch_norm",
      #""model": [{ "layer": "batch_norm", "momentum": 0.9, "epsilon": 0.00001 }]"#
    ),
    ("LayerNorm", "layer_norm", #""model": [{ "layer": "layer_norm", "epsilon": 0.00001 }]"#),
    (
      "GroupNorm", "group_norm",
      #""model": [{ "layer": "group_norm", "groups": 1, "epsilon": 0.00001 }]"#
    ),
    ("Dropout2d", "spatial_dropout", #""model": [{ "layer": "spatial_dropout", "rate": 0.2 }]"#),
    ("SiLU", "swish", #""model": [{ "layer": "activation", "function": "swish" }]"#),
    ("Hardswish", "hard_swish", #""model": [{ "layer": "activation", "function": "hard_swish" }]"#),
    (
      "Hardsigmoid", "hard_sigmoid",
      #""model": [{ "layer": "activation", "function": "hard_sigmoid" }]"#
    ),
    ("ReLU6", "relu6", #""model": [{ "layer": "activation", "function": "relu6" }]"#),
    ("GELU", "gelu", #""model": [{ "layer": "activation", "function": "gelu" }]"#),
    ("Mish", "mish", #""model": [{ "layer": "activation", "function": "mish" }]"#),
    ("Sigmoid", "sigmoid", #""model": [{ "layer": "activation", "function": "sigmoid" }]"#),
    ("Tanh", "tanh", #""model": [{ "layer": "activation", "function": "tanh" }]"#),
    ("Softplus", "softplus", #""model": [{ "layer": "activation", "function": "softplus" }]"#),
    (
      "LogSoftmax", "softmax_cross_entropy",
      "Nothing: the loss softmax_cross_entropy takes the scores as they are."
    ),
    (
      "in_channels", nil, "Nothing: what comes in follows from the layer before."
    ),
    ("in_features", nil, "Nothing: what comes in follows from the layer before."),
    (
      "out_channels", "conv2d.filters",
      #""model": [{ "layer": "conv2d", "filters": 32, "kernel": 3 }]"#
    ),
    ("out_features", "dense.units", #""model": [{ "layer": "dense", "units": 64 }]"#),
    (
      "kaiming_normal_", "dense.initializer",
      #""model": [{ "layer": "dense", "units": 64, "initializer": "he_normal" }]"#
    ),
    (
      "kaiming_uniform_", "dense.initializer",
      #""model": [{ "layer": "dense", "units": 64, "initializer": "he_uniform" }]"#
    ),
    (
      "xavier_uniform_", "dense.initializer",
      #""model": [{ "layer": "dense", "units": 64, "initializer": "glorot_uniform" }]"#
    ),
    (
      "orthogonal_", "dense.initializer",
      #""model": [{ "layer": "dense", "units": 64, "initializer": "orthogonal" }]"#
    ),
  ]

  private static let pytorchTraining: [Row] = [
    ("CrossEntropyLoss", "softmax_cross_entropy", #""loss": "softmax_cross_entropy""#),
    ("NLLLoss", "softmax_cross_entropy", #""loss": "softmax_cross_entropy""#),
    ("BCEWithLogitsLoss", "binary_cross_entropy", #""loss": "binary_cross_entropy""#),
    ("MSELoss", "mean_squared_error", #""loss": "mean_squared_error""#),
    ("HuberLoss", "huber", #""loss": "huber""#),
    ("SmoothL1Loss", "huber", #""loss": { "name": "huber", "delta": 1 }"#),
    (
      "betas", "adam.beta_1",
      #""optimizer": { "name": "adam", "beta_1": 0.9, "beta_2": 0.999 }"#
    ),
    (
      "eps", "adam.epsilon",
      #""optimizer": { "name": "adam", "convention": "pytorch", "epsilon": 0.00000001 }"#
    ),
    (
      "weight_decay", "adamw.weight_decay",
      #""optimizer": { "name": "adamw", "weight_decay": 0.01 }"#
    ),
    ("Muon", "muon", #""optimizer": { "name": "muon" }"#),
    ("clip_grad_norm_", "adam.clip_norm", #""optimizer": { "name": "adam", "clip_norm": 1 }"#),
    ("clip_grad_value_", "adam.clip_value", #""optimizer": { "name": "adam", "clip_value": 0.5 }"#),
    ("AveragedModel", "swa", #""optimizer": { "name": "adam", "averaging": { "name": "swa" } }"#),
    (
      "requires_grad_", "adam.learning_rate_factors",
      #""optimizer": { "name": "adam", "learning_rate_factors": { "dense_0": 0 } }"#
    ),
    (
      "load_state_dict", "initial.model",
      #"A training begins with a model by "initial": { "model": "results/lenet/latest" }."#
    ),
    (
      "requires_grad", "initial.frozen",
      #"Layers are frozen by "initial": { "model": "results/lenet/latest", "frozen": ["conv2d_*"] }."#
    ),
    (
      "l1_unstructured", "pruning", #""pruning": { "sparsity": 0.9, "scope": "layer" }"#
    ),
    (
      "global_unstructured", "pruning", #""pruning": { "sparsity": 0.9, "scope": "global" }"#
    ),
    ("StepLR", "step", #""schedule": { "name": "step", "every": 3, "factor": 0.1 }"#),
    (
      "MultiStepLR", "piecewise",
      #""schedule": { "name": "piecewise", "boundaries": [5, 8], "factors": [1, 0.1, 0.01] }"#
    ),
    ("ExponentialLR", "exponential", #""schedule": { "name": "exponential", "decay": 0.9 }"#),
    ("CosineAnnealingLR", "cosine", #""schedule": { "name": "cosine", "epochs": 10 }"#),
    ("T_max", "cosine.epochs", #""schedule": { "name": "cosine", "epochs": 10 }"#),
    (
      "CosineAnnealingWarmRestarts", "cosine_restarts",
      #""schedule": { "name": "cosine_restarts", "epochs": 2 }"#
    ),
    ("OneCycleLR", "one_cycle", #""schedule": { "name": "one_cycle" }"#),
    ("PolynomialLR", "polynomial", #""schedule": { "name": "polynomial" }"#),
    (
      "LinearLR", "constant.warmup",
      #""schedule": { "name": "constant", "warmup": { "epochs": 1, "from": 0.33 } }"#
    ),
    (
      "LambdaLR", nil,
      "A \"schedule\" by its name: step, piecewise, exponential, polynomial, cosine …"
    ),
    ("step_size", "step.every", #""schedule": { "name": "step", "every": 3 }"#),
    (
      "milestones", "piecewise.boundaries",
      #""schedule": { "name": "piecewise", "boundaries": [5, 8], "factors": [1, 0.1, 0.01] }"#
    ),
    (
      "ImageFolder", "dataset.path",
      #""dataset": { "name": "files", "path": "photos/train", "test_path": "photos/test", "classes": 10, "shape": [28, 28, 1] }"#
    ),
    ("DataLoader", "training", #""training": { "epochs": 10, "batch_size": 64 }"#),
    ("random_split", "dataset.validation", #""dataset": { "validation": 5000 }"#),
    (
      "WeightedRandomSampler", "dataset.balance", #""dataset": { "balance": "oversample" }"#
    ),
    ("num_workers", nil, "The option --threads, which changes no bit of a result."),
    ("set_num_threads", nil, "The option --threads, which changes no bit of a result."),
    ("manual_seed", "experiment.seed", #""seed": 7"#),
    (
      "use_deterministic_algorithms", nil,
      "Nothing: every run gives the same bits; runner verify RUN shows it."
    ),
    ("state_dict", nil, "Nothing: checkpoints/*.safetensors hold the weights by name."),
  ]

  fileprivate static let torchvision: [ForeignName] = rows(
    .torchvision,
    [
      (
        "RandomAffine", "rotate",
        #""augmentation": [{ "op": "rotate", "degrees": 10 }, { "op": "shear", "degrees": 8 }, { "op": "zoom", "fraction": 0.1 }, { "op": "shift", "fraction": 0.1 }]"#
      ),
      ("RandomHorizontalFlip", "flip", #""augmentation": [{ "op": "flip" }]"#),
      ("RandomVerticalFlip", "flip", #""augmentation": [{ "op": "flip", "axis": "vertical" }]"#),
      ("padding_mode", "experiment.augmentation_fill", #""augmentation_fill": "reflect""#),
      ("RandomCrop", "crop", #""augmentation": [{ "op": "crop", "padding": 2 }]"#),
      ("RandomPerspective", "perspective", #""augmentation": [{ "op": "perspective" }]"#),
      (
        "ElasticTransform", "elastic",
        #""augmentation": [{ "op": "elastic", "alpha": 8, "sigma": 4 }]"#
      ),
      (
        "ColorJitter", "brightness",
        #""augmentation": [{ "op": "brightness", "fraction": 0.2 }, { "op": "contrast", "fraction": 0.2 }]"#
      ),
      (
        "GaussianBlur", "gaussian_blur",
        #""augmentation": [{ "op": "gaussian_blur", "kernel": 3 }]"#
      ),
      ("ToTensor", nil, "Nothing: pixels are numbers from 0 to 1."),
      ("Normalize", "per_channel", #""dataset": { "normalize": "per_channel" }"#),
      ("Resize", "dataset.resize", #""dataset": { "shape": [32, 32, 1], "resize": "bilinear" }"#),
      ("Grayscale", "dataset.shape", #""dataset": { "shape": [28, 28, 1] }"#),
    ])

  fileprivate static let optuna: [ForeignName] = rows(
    .optuna,
    [
      ("TPESampler", "tpe", #""sampler": { "name": "tpe" }"#),
      ("RandomSampler", "random", #""sampler": { "name": "random" }"#),
      ("GridSampler", "grid", #""sampler": { "name": "grid" }"#),
      ("GPSampler", "gp", #""sampler": { "name": "gp" }"#),
      ("QMCSampler", "sobol", #""sampler": { "name": "sobol" }"#),
      ("MedianPruner", "median", #""early_termination": { "name": "median" }"#),
      (
        "SuccessiveHalvingPruner", "successive_halving",
        #""early_termination": { "name": "successive_halving" }"#
      ),
      ("HyperbandPruner", "hyperband", #""early_termination": { "name": "hyperband" }"#),
      (
        "suggest_float", "range",
        #""parameters": { "optimizer.learning_rate": { "range": [0.0001, 0.01], "scale": "log" } }"#
      ),
      (
        "suggest_int", "integers",
        #""parameters": { "model[0].filters": { "integers": [8, 64] } }"#
      ),
      (
        "suggest_categorical", "choice",
        #""parameters": { "optimizer.name": { "choice": ["sgd", "adam"] } }"#
      ),
      ("create_study", "sweep", #""sampler": { "name": "tpe" }, "metric": "val_accuracy""#),
      ("n_trials", "sweep.trials", #""trials": 20"#),
      ("n_jobs", nil, "The option -j of runner sweep."),
    ])
}
