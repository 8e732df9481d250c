import ConvNet
import Datasets

extension SpecDescription {
  static let augmentations = Kinds<AugmentationOp>(
    key: "op", doc: "The kind of distortion.", noun: "a distortion"
  ) {
    Kind(
      "rotate", .rotate(degrees: 0), as: AugmentationOp.rotate,
      held: { if case .rotate(let degrees) = $0 { degrees } else { nil } }, aliases: ["rotation"],
      "Turns about the centre (torchvision's RandomRotation)."
    ) {
      Key(
        "degrees", \.self, .float(.from(0, to: 180)), otherwise: .required, aliases: ["angle"],
        "The largest angle, to either side.")
    }
    Kind(
      "shift", .shift(fraction: 0), as: AugmentationOp.shift,
      held: { if case .shift(let fraction) = $0 { fraction } else { nil } },
      aliases: ["translate", "translation"], "Moves along both axes (Keras's RandomTranslation)."
    ) {
      Key(
        "fraction", \.self, .float(.from(0, below: 1)), otherwise: .required,
        "The farthest way, as a part of the height and of the width.")
    }
    Kind(
      "zoom", .zoom(fraction: 0), as: AugmentationOp.zoom,
      held: { if case .zoom(let fraction) = $0 { fraction } else { nil } }, aliases: ["scale"],
      "Scales about the centre (torchvision's RandomAffine)."
    ) {
      Key(
        "fraction", \.self, .float(.from(0, below: 1)), otherwise: .required,
        "The largest change of size: 0.1 gives factors from 0.9 to 1.1.")
    }
    Kind(
      "shear", .shear(degrees: 0), as: AugmentationOp.shear,
      held: { if case .shear(let degrees) = $0 { degrees } else { nil } },
      "Slants along the rows (torchvision's RandomAffine)."
    ) {
      Key(
        "degrees", \.self, .float(.from(0, to: 80)), otherwise: .required, aliases: ["angle"],
        "The largest angle, to either side.")
    }
    Kind(
      "elastic", .elastic(.init(alpha: 0, sigma: 1)), as: AugmentationOp.elastic,
      held: { if case .elastic(let elastic) = $0 { elastic } else { nil } },
      "Displaces every pixel by random numbers in [−1, 1], smoothed by a Gaussian and multiplied by "
        + "alpha (Simard, Steinkraus and Platt 2003)."
    ) {
      Key(
        "alpha", \.alpha, .float(.from(0, to: 1000)), otherwise: .required,
        "The strength, in pixels.")
      Key(
        "sigma", \.sigma, .float(.above(0, to: 28)), otherwise: .required,
        "The deviation of the Gaussian that smooths the displacements, in pixels.")
    }
    Kind(
      "flip", .flip(.init()), as: AugmentationOp.flip,
      held: { if case .flip(let flip) = $0 { flip } else { nil } },
      aliases: ["horizontal_flip", "random_flip", "mirror"],
      "Mirrors (torchvision's RandomHorizontalFlip, RandomVerticalFlip)."
    ) {
      Key(
        "axis", \.axis, .choice("an axis", aliases: ["h": "horizontal", "v": "vertical"]),
        aliases: ["direction"],
        "Whether left and right are exchanged, or top and bottom.")
      probability(\.p)
    }
    Kind(
      "crop", .crop(padding: 0), as: AugmentationOp.crop,
      held: { if case .crop(let padding) = $0 { padding } else { nil } }, aliases: ["random_crop"],
      "A crop of the image's own size from the image with a border around it, which "
        + "augmentation_fill fills (torchvision's RandomCrop)."
    ) {
      Key(
        "padding", \.self, .integer(0...1024), otherwise: .required,
        "Rows and columns of border at each side: the farthest that it moves.")
    }
    Kind(
      "perspective", .perspective(.init()), as: AugmentationOp.perspective,
      held: { if case .perspective(let perspective) = $0 { perspective } else { nil } },
      aliases: ["random_perspective"],
      "Seen in perspective: the corners go inwards (torchvision's RandomPerspective)."
    ) {
      Key(
        "distortion", \.distortion, .float(.from(0, to: 0.9)), aliases: ["distortion_scale"],
        "How far the corners go inwards, as a part of half the height and half the width.")
      probability(\.p)
    }
    pixels(
      "brightness", .brightness(fraction: 0), as: PixelOp.brightness,
      held: { if case .brightness(let fraction) = $0 { fraction } else { nil } },
      "Multiplies the pixels by a factor (torchvision's ColorJitter)."
    ) { factor }
    pixels(
      "contrast", .contrast(fraction: 0), as: PixelOp.contrast,
      held: { if case .contrast(let fraction) = $0 { fraction } else { nil } },
      "Multiplies the pixels' distance from the image's mean by a factor (torchvision's "
        + "ColorJitter)."
    ) { factor }
    pixels(
      "gaussian_noise", .noise(deviation: 0), as: PixelOp.noise,
      held: { if case .noise(let deviation) = $0 { deviation } else { nil } }, aliases: ["noise"],
      "Adds normal noise to each pixel (torchvision's GaussianNoise)."
    ) {
      Key(
        "stddev", \.self, .float(.from(0, to: 10)), otherwise: .required,
        aliases: ["deviation", "std", "sigma"],
        "The standard deviation of the noise; the pixels are in [0, 1], and stay there.")
    }
    pixels(
      "gaussian_blur", .blur(.init()), as: PixelOp.blur,
      held: { if case .blur(let blur) = $0 { blur } else { nil } }, aliases: ["blur"],
      "Smooths by a Gaussian (torchvision's GaussianBlur)."
    ) {
      Key(
        "kernel", \.kernel, .integer(1...63), aliases: ["kernel_size", "size"],
        "How many pixels it takes in along each axis, an odd number.")
      Key(
        "sigma", \.sigma, range(.above(0, to: 1000)),
        "The least and the largest deviation, in pixels.")
    }
    pixels(
      "erase", .erase(.init()), p: 0.5, as: PixelOp.erase,
      held: { if case .erase(let erase) = $0 { erase } else { nil } },
      aliases: ["random_erasing", "erasing"],
      "Fills a random rectangle (Zhong et al. 2017, torchvision's RandomErasing)."
    ) {
      Key(
        "area", \.area, range(.above(0, to: 1)), aliases: ["scale"],
        "The least and the largest part of the image.")
      Key(
        "ratio", \.ratio, range(.above(0, to: 1000)),
        "The least and the largest height by width.")
      Key("value", \.value, .float(.from(0, to: 1)), "What the pixels become.")
    }
    pixels(
      "cutout", .cutout(size: 1), as: PixelOp.cutout,
      held: { if case .cutout(let size) = $0 { size } else { nil } },
      "Zeros a random square (DeVries and Taylor 2017)."
    ) {
      Key(
        "size", \.self, .integer(1...1024), otherwise: .required, aliases: ["length"],
        "Its side in pixels; it may lie partly outside the image.")
    }
    Kind(
      "rand_augment", .randAugment(RandAugment()), as: AugmentationOp.randAugment,
      held: { if case .randAugment(let policy) = $0 { policy } else { nil } },
      aliases: ["randaugment"],
      "Some random ops of one strength (Cubuk et al. 2020), torchvision's RandAugment."
    ) {
      Key(
        "count", \.count, .integer(1...8), aliases: ["n", "num_ops"],
        "How many are drawn for each image.")
      Key(
        "magnitude", \.magnitude, .integer(0...RandAugment.largest), aliases: ["m"],
        "How strong they are.")
      Key(
        "ops", \.ops,
        .list(of: .choice("an op of rand_augment"), count: 1...64, noun: "ops"),
        "What they are drawn from.")
    }
    Kind(
      "mixup", .mix(.mixup(.init(alpha: 0.2))),
      as: { (draw: BatchMixing.Draw) in .mix(.mixup(draw)) },
      held: { if case .mix(.mixup(let draw)) = $0 { draw } else { nil } },
      "Blends two images of a batch and their classes, λx + (1 − λ)x′ (Zhang et al. 2018)."
    ) { draw }
    Kind(
      "cutmix", .mix(.cutmix(.init(alpha: 1))),
      as: { (draw: BatchMixing.Draw) in .mix(.cutmix(draw)) },
      held: { if case .mix(.cutmix(let draw)) = $0 { draw } else { nil } },
      "Puts a rectangle of one image of a batch into another (Yun et al. 2019)."
    ) { draw }
  }

  static let evaluation = Declaration<TestTimeAugmentation?>(nil) {
    Key(
      "test_time_augmentation", \.self, .object(testTimeAugmentation),
      aliases: ["tta"],
      "A second result beside the plain one, by the mean of the probabilities over several views of "
        + "each test image; null for none.")
  }

  private static let testTimeAugmentation = Declaration(TestTimeAugmentation()) {
    Key(
      "count", \.count, .integer(2...1000), aliases: ["views"],
      "How often each image is looked at, once as it is.")
    Key(
      "ops", \.ops, .list(of: .kind(of: augmentations), count: 1...16, noun: "distortions"),
      aliases: ["augmentation"],
      "What the other views are distorted by; null for what the training images are.")
  }

  /// A change of pixels by a case of the enum, as `Kind` has it, with its probability last.
  @_semantics("optimize.sil.specialize.generic.never")
  private static func pixels<Content>(
    _ name: String, _ change: PixelOp, p: Float = 1,
    as embed: @escaping @Sendable (Content) -> PixelOp,
    held: @escaping @Sendable (PixelOp) -> Content?, aliases: [String] = [], _ doc: String,
    @ListBuilder<Key<Content>> keys: () -> [Key<Content>]
  ) -> Kind<AugmentationOp> {
    let own = keys().map { key in
      key.within(
        get: { held($0.pixelOp.change) },
        set: { (content, op: inout AugmentationOp) in op.pixelOp.change = embed(content) })
    }
    return Kind(
      name, .pixels(change, p: p),
      includes: { if case .pixels(let op, _) = $0 { held(op) != nil } else { false } },
      aliases: aliases, doc, keys: own + [probability(\.pixelOp.p)])
  }

  private static func probability<Value>(_ place: Key<Value>.Place<Float>) -> Key<Value> {
    Key(
      "p", place, .float(.from(0, to: 1)), aliases: ["probability"],
      "How likely it is for an image.")
  }

  @ListBuilder<Key<BatchMixing.Draw>> private static var draw: [Key<BatchMixing.Draw>] {
    Key(
      "alpha", \.alpha, .float(.from(0.01, to: 100)),
      "Both parameters of the Beta distribution that an image's own part is drawn from.")
    Key(
      "p", \.p, .float(.from(0, to: 1)), aliases: ["probability"],
      "How likely it is for a batch; of several mixings one is drawn for each.")
  }

  private static let factor = Key<Float>(
    "fraction", \.self, .float(.from(0, to: 10)), otherwise: .required, aliases: ["factor"],
    "The largest change: 0.2 gives factors from 0.8 to 1.2; none is below 0.")

  /// `[least, largest]`
  private static func range(_ bounds: Bounds) -> Notation<ClosedRange<Float>> {
    Notation.float(bounds).pair(names: "[least, largest]").converted(
      { $0 <= $1 ? $0...$1 : nil }, back: { ($0.lowerBound, $0.upperBound) })
  }
}

extension AugmentationOp {
  /// The change of an op that changes pixels, and how likely it is.
  fileprivate var pixelOp: (change: PixelOp, p: Float) {
    get {
      guard case .pixels(let change, let p) = self else {
        preconditionFailure("\(self) changes no pixels")
      }
      return (change, p)
    }
    set { self = .pixels(newValue.change, p: newValue.p) }
  }
}

extension ExperimentSpec {
  /// How its batches are mixed.
  public var mixing: [BatchMixing] {
    augmentation.compactMap { if case .mix(let mixing) = $0 { mixing } else { nil } }
  }
}
