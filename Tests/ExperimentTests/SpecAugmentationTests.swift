import ConvNet
import Datasets
import Testing

@testable import Experiment

/// What a spec says of augmentation, normalisation, and what holds kernels in bounds.
struct SpecAugmentationTests {
  @Test func everyOp() throws {
    let spec = try SpecRoundTripTests.load(
      rest: """
        , "augmentation": [
          { "op": "flip" }, { "op": "flip", "axis": "vertical", "p": 0.25 },
          { "op": "crop", "padding": 4 }, { "op": "perspective", "distortion": 0.3 },
          { "op": "brightness", "fraction": 0.2 }, { "op": "contrast", "fraction": 0.5, "p": 0.5 },
          { "op": "gaussian_noise", "stddev": 0.1 }, { "op": "gaussian_blur", "kernel": 5 },
          { "op": "erase", "area": [0.1, 0.2] }, { "op": "cutout", "size": 8 },
          { "op": "rand_augment", "count": 3, "ops": ["rotate", "solarize"] },
          { "op": "mixup" }, { "op": "cutmix", "p": 0.5 } ]
        """)
    #expect(
      spec.augmentation == [
        .flip(.init(.horizontal, p: 0.5)), .flip(.init(.vertical, p: 0.25)), .crop(padding: 4),
        .perspective(.init(distortion: 0.3, p: 0.5)), .pixels(.brightness(fraction: 0.2), p: 1),
        .pixels(.contrast(fraction: 0.5), p: 0.5), .pixels(.noise(deviation: 0.1), p: 1),
        .pixels(.blur(.init(kernel: 5, sigma: 0.1...2)), p: 1),
        .pixels(.erase(.init(area: 0.1...0.2, ratio: 0.3...3.3, value: 0)), p: 0.5),
        .pixels(.cutout(size: 8), p: 1),
        .randAugment(RandAugment(count: 3, magnitude: 9, ops: [.rotate, .solarize])),
        .mix(.mixup(.init(alpha: 0.2, p: 1))), .mix(.cutmix(.init(alpha: 1, p: 0.5))),
      ])
    #expect(spec.mixing == [.mixup(.init(alpha: 0.2, p: 1)), .cutmix(.init(alpha: 1, p: 0.5))])
    let random = try SpecRoundTripTests.load(
      rest: #", "augmentation": [ { "op": "rand_augment" } ]"#)
    #expect(random.augmentation == [.randAugment(RandAugment())])
  }

  @Test(
    arguments: [
      ("null", nil), ("\"per_channel\"", .perChannel()),
      (#"{ "name": "per_pixel", "epsilon": 0.01 }"#, .perPixel(epsilon: 0.01)),
      ("\"zca\"", .zca()),
    ] as [(String, NormalizationDescription?)])
  func normalizations(text: String, expected: NormalizationDescription?) throws {
    let base = SpecErrorTests.edited(
      "\"validation\": 0.2", "\"validation\": 0.2, \"normalize\": \(text)")
    let spec = try ExperimentSpec.load(bytes: Array(base.utf8), name: "x.json").spec
    #expect(spec.dataset.normalization == expected)
    try SpecRoundTripTests.checkRoundTrip(spec)
  }

  @Test func views() throws {
    let spec = try SpecRoundTripTests.load(
      rest: """
        , "evaluation": { "test_time_augmentation": { "ops": [ { "op": "shift", "fraction": 0.1 } ] } }
        """)
    #expect(
      spec.testTimeAugmentation == TestTimeAugmentation(count: 8, ops: [.shift(fraction: 0.1)]))
    #expect(spec.testTimeAugmentation?.ops(of: spec) == [.shift(fraction: 0.1)])
  }

  @Test func regularization() throws {
    let said = #""l1": 0.001, "orthogonal": 0.01, "max_norm": 3"#
    let spec = try SpecRoundTripTests.load(
      model: """
        { "layer": "conv2d", "filters": 4, "kernel": 3, \(said) },
        { "layer": "depthwise_conv2d", "kernel": 3, \(said) },
        { "layer": "conv2d_transpose", "filters": 4, "kernel": 3, \(said) },
        { "layer": "separable_conv2d", "filters": 4, "kernel": 3, \(said) },
        { "layer": "flatten" }, { "layer": "dense", "units": 5, \(said) }
        """)
    let expected = KernelRegularization(l1: 0.001, orthogonal: 0.01, maxNorm: 3)
    for item in spec.model {
      switch item.content {
      case .layer(.flatten): break
      case .layer(.dense(let dense)):
        #expect(dense.regularization == (dense.units == 5 ? expected : KernelRegularization()))
      case .layer(.conv2D(let conv)): #expect(conv.regularization == expected)
      case .layer(.depthwiseConv2D(let conv)): #expect(conv.regularization == expected)
      case .layer(.conv2DTranspose(let conv)): #expect(conv.regularization == expected)
      case .separable(let conv): #expect(conv.window.regularization == expected)
      default: Issue.record("\(item)")
      }
    }
  }

  @Test(
    arguments: [
      (
        #""augmentation": [ { "op": "gaussian_blur", "kernel": 4, "sigma": [2, 1] } ]"#,
        [
          "augmentation[0].sigma: the least, 2, is more than the largest, 1",
          "augmentation[0].kernel: 4 is even; a blur needs a pixel in its middle",
        ]
      ),
      (
        #""augmentation": [ { "op": "mixup" } ], "evaluation": { "test_time_augmentation": {} }"#,
        [
          "evaluation.test_time_augmentation: every view would be the same; give it \"ops\" that "
            + "distort one image"
        ]
      ),
      (
        #""augmentation": [ { "op": "random_erasing" } ]"#,
        ["augmentation[0].op: \"random_erasing\" is not a distortion; did you mean \"erase\"?"]
      ),
    ] as [(String, [String])])
  func mistakes(text: String, messages: [String]) {
    let errors = SpecErrorTests.errors(
      SpecErrorTests.edited("\"training\": {", "\(text),\n  \"training\": {"))
    #expect(errors.count == messages.count, "\(errors)")
    for message in messages { #expect(errors.contains { $0.hasSuffix(message) }, "\(errors)") }
  }
}
