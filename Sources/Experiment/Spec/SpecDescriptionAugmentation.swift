import Datasets
import Storage

extension SpecDescription {
  static let augmentation = VariantType(
    key: "op", doc: "The kind of distortion.", noun: "a distortion",
    cases: [
      .init(
        name: "rotate", doc: "Turns about the centre (torchvision's RandomRotation).",
        aliases: ["rotation"],
        fields: [
          Field(
            "degrees", .float(.from(0, to: 180)), .required, aliases: ["angle"],
            "The largest angle, to either side.")
        ]),
      .init(
        name: "shift", doc: "Moves along both axes (Keras's RandomTranslation).",
        aliases: ["translate", "translation"],
        fields: [
          Field(
            "fraction", .float(.from(0, below: 1)), .required,
            "The farthest way, as a part of the height and of the width.")
        ]),
      .init(
        name: "zoom", doc: "Scales about the centre (torchvision's RandomAffine).",
        aliases: ["scale"],
        fields: [
          Field(
            "fraction", .float(.from(0, below: 1)), .required,
            "The largest change of size: 0.1 gives factors from 0.9 to 1.1.")
        ]),
      .init(
        name: "shear", doc: "Slants along the rows (torchvision's RandomAffine).",
        fields: [
          Field(
            "degrees", .float(.from(0, to: 80)), .required, aliases: ["angle"],
            "The largest angle, to either side.")
        ]),
      .init(
        name: "elastic",
        doc:
          "Displaces every pixel by random numbers in [−1, 1], smoothed by a Gaussian and multiplied by "
          + "alpha (Simard, Steinkraus and Platt 2003).",
        fields: [
          Field("alpha", .float(.from(0, to: 1000)), .required, "The strength, in pixels."),
          Field(
            "sigma", .float(.above(0, to: 28)), .required,
            "The deviation of the Gaussian that smooths the displacements, in pixels."),
        ]),
      .init(
        name: "flip", doc: "Mirrors (torchvision's RandomHorizontalFlip, RandomVerticalFlip).",
        aliases: ["horizontal_flip", "random_flip", "mirror"],
        fields: [
          Field(
            "axis",
            .choice(
              Choice(
                noun: "an axis", names: AugmentationOp.Axis.allCases.map(\.rawValue),
                aliases: ["h": "horizontal", "v": "vertical"])),
            .value("horizontal"), aliases: ["direction"],
            "Whether left and right are exchanged, or top and bottom."),
          probability(0.5),
        ]),
      .init(
        name: "crop",
        doc: "A crop of the image's own size from the image with a border around it, which "
          + "augmentation_fill fills (torchvision's RandomCrop).",
        aliases: ["random_crop"],
        fields: [
          Field(
            "padding", .integer(0...1024), .required,
            "Rows and columns of border at each side: the farthest that it moves.")
        ]),
      .init(
        name: "perspective",
        doc: "Seen in perspective: the corners go inwards (torchvision's RandomPerspective).",
        aliases: ["random_perspective"],
        fields: [
          Field(
            "distortion", .float(.from(0, to: 0.9)), .value(0.5), aliases: ["distortion_scale"],
            "How far the corners go inwards, as a part of half the height and half the width."),
          probability(0.5),
        ]),
      .init(
        name: "brightness", doc: "Multiplies the pixels by a factor (torchvision's ColorJitter).",
        fields: [factor, probability(1)]),
      .init(
        name: "contrast",
        doc:
          "Multiplies the pixels' distance from the image's mean by a factor (torchvision's "
          + "ColorJitter).",
        fields: [factor, probability(1)]),
      .init(
        name: "gaussian_noise",
        doc: "Adds normal noise to each pixel (torchvision's GaussianNoise).", aliases: ["noise"],
        fields: [
          Field(
            "stddev", .float(.from(0, to: 10)), .required,
            aliases: ["deviation", "std", "sigma"],
            "The standard deviation of the noise; the pixels are in [0, 1], and stay there."),
          probability(1),
        ]),
      .init(
        name: "gaussian_blur", doc: "Smooths by a Gaussian (torchvision's GaussianBlur).",
        aliases: ["blur"],
        fields: [
          Field(
            "kernel", .integer(1...63), .value(3), aliases: ["kernel_size", "size"],
            "How many pixels it takes in along each axis, an odd number."),
          Field(
            "sigma", range(.above(0, to: 1000)), .value([0.1, 2]),
            "The least and the largest deviation, in pixels."),
          probability(1),
        ]),
      .init(
        name: "erase",
        doc: "Fills a random rectangle (Zhong et al. 2017, torchvision's RandomErasing).",
        aliases: ["random_erasing", "erasing"],
        fields: [
          Field(
            "area", range(.above(0, to: 1)), .value([0.02, 0.33]), aliases: ["scale"],
            "The least and the largest part of the image."),
          Field(
            "ratio", range(.above(0, to: 1000)), .value([0.3, 3.3]),
            "The least and the largest height by width."),
          Field("value", .float(.from(0, to: 1)), .value(0), "What the pixels become."),
          probability(0.5),
        ]),
      .init(
        name: "cutout", doc: "Zeros a random square (DeVries and Taylor 2017).",
        fields: [
          Field(
            "size", .integer(1...1024), .required, aliases: ["length"],
            "Its side in pixels; it may lie partly outside the image."),
          probability(1),
        ]),
      .init(
        name: "rand_augment",
        doc: "Some random ops of one strength (Cubuk et al. 2020), torchvision's RandAugment.",
        aliases: ["randaugment"],
        fields: [
          Field(
            "count", .integer(1...8), .value(2), aliases: ["n", "num_ops"],
            "How many are drawn for each image."),
          Field(
            "magnitude", .integer(0...RandAugment.largest), .value(9), aliases: ["m"],
            "How strong they are."),
          Field(
            "ops",
            .list(
              of: .choice(
                Choice(
                  noun: "an op of rand_augment",
                  names: RandAugment.Op.allCases.map(\.rawValue))),
              count: 1...64, noun: "ops"),
            .value(.array(RandAugment.Op.allCases.map { .string($0.rawValue) })),
            "What they are drawn from."),
        ]),
      .init(
        name: "mixup",
        doc:
          "Blends two images of a batch and their classes, λx + (1 − λ)x′ (Zhang et al. 2018).",
        fields: [alpha(0.2), batchProbability]),
      .init(
        name: "cutmix",
        doc: "Puts a rectangle of one image of a batch into another (Yun et al. 2019).",
        fields: [alpha(1), batchProbability]),
    ])

  static let evaluation = ObjectType(fields: [
    Field(
      "test_time_augmentation",
      .object(
        ObjectType(fields: [
          Field(
            "count", .integer(2...1000), .value(8), aliases: ["views"],
            "How often each image is looked at, once as it is."),
          Field(
            "ops", .list(of: .variants(augmentation), count: 1...16, noun: "distortions"), .none,
            aliases: ["augmentation"],
            "What the other views are distorted by; null for what the training images are."),
        ])), .none, aliases: ["tta"],
      "A second result beside the plain one, by the mean of the probabilities over several views of "
        + "each test image; null for none.")
  ])

  private static func probability(_ value: JSONValue) -> Field {
    Field(
      "p", .float(.from(0, to: 1)), .value(value), aliases: ["probability"],
      "How likely it is for an image.")
  }

  private static let batchProbability = Field(
    "p", .float(.from(0, to: 1)), .value(1), aliases: ["probability"],
    "How likely it is for a batch; of several mixings one is drawn for each.")

  private static func alpha(_ value: JSONValue) -> Field {
    Field(
      "alpha", .float(.from(0.01, to: 100)), .value(value),
      "Both parameters of the Beta distribution that an image's own part is drawn from.")
  }

  private static let factor = Field(
    "fraction", .float(.from(0, to: 10)), .required, aliases: ["factor"],
    "The largest change: 0.2 gives factors from 0.8 to 1.2; none is below 0.")

  /// `[least, largest]`
  private static func range(_ bounds: Bounds) -> FieldType {
    .pair(.float(bounds), names: "[least, largest]")
  }
}
