import Testing

@testable import ConvNet

/// What a network takes is known before any of it is taken.
@Suite struct FootprintTests {
  struct Setting: CustomTestStringConvertible {
    let batch: Int
    let workers: Int
    var optimizer: OptimizerDescription
    var mixing: [BatchMixing] = []
    var normalization: NormalizationDescription?
    var classWeights = false

    var testDescription: String {
      "batch \(batch), \(workers) workers, \(optimizer.rule.name)"
        + (normalization.map { ", \($0)" } ?? "")
    }
  }

  private static func optimizer(
    _ rule: OptimizerRule, _ change: (inout OptimizerDescription) -> Void = { _ in }
  ) -> OptimizerDescription {
    var optimizer = OptimizerDescription(rule: rule, learningRate: 1e-3)
    change(&optimizer)
    return optimizer
  }

  /// Every optimizer with a memory of its own kind, batches below, at and above a tile's size.
  static let settings = [
    Setting(batch: 1, workers: 1, optimizer: sgd()),
    Setting(
      batch: 8, workers: 2, optimizer: DeterminismTests.Case.adam, normalization: .perPixel()),
    Setting(
      batch: 21, workers: 3,
      optimizer: optimizer(.adadelta(AdadeltaDescription(rho: 0.95, epsilon: 1e-7))) {
        $0.accumulation = 4
      },
      mixing: [.mixup(.init(alpha: 0.2, p: 1))], normalization: .perChannel(), classWeights: true),
    Setting(
      batch: 64, workers: 5,
      optimizer: optimizer(
        .adam(AdamDescription(beta1: 0.9, beta2: 0.99, epsilon: 1e-7, convention: .keras))
      ) {
        $0.averaging = .exponential(decay: 0.99)
        $0.sharpness = 0.05
      }),
    Setting(
      batch: 130, workers: 2, optimizer: optimizer(.muon(MuonDescription())),
      normalization: .zca()),
    Setting(batch: 20, workers: 2, optimizer: optimizer(.shampoo(ShampooDescription(every: 2)))),
    Setting(batch: 20, workers: 2, optimizer: optimizer(.kfac(KFACDescription(every: 2)))),
  ]

  static let cases = DeterminismTests.cases + GraphTests.determinismCases

  private func check(
    _ input: Shape, _ model: [ModelItem], classes: Int = 10, _ setting: Setting
  ) throws {
    let plan = try NetworkPlan(NetworkDescription(input: input, model: model, classes: classes))
    var loss = LossDescription.softmaxCrossEntropy
    if setting.classWeights { loss.classWeights = Array(repeating: 1.5, count: classes) }
    let evaluated = 137
    let footprint = NetworkFootprint(
      plan, loss: loss, optimizer: setting.optimizer, mixing: setting.mixing,
      batchSize: setting.batch, workers: setting.workers, normalization: setting.normalization,
      evaluated: evaluated)
    let network = try Trainer(
      plan, loss: loss, optimizer: setting.optimizer, mixing: setting.mixing,
      batchSize: setting.batch, seed: 1, team: team(setting.workers))
    let source = GivenSource.random(input, count: evaluated, classes: classes)
    network.normalization = try setting.normalization.map { try Normalization($0, fitting: source) }
    network.trainStep(
      source, samples: Array(0..<min(setting.batch, evaluated)), step: 1, learningRate: 1e-4)
    _ = network.evaluate(source, range: 0..<evaluated)
    #expect(footprint.bytes == network.memory)
    #expect(footprint.saved == network.memorySaved)
    let state = network.updater.state.reduce(network.parameters.count) { $0 + $1.values.count }
    #expect(footprint.checkpoint == 4 * state)
  }

  @Test(arguments: cases) func isWhatIsTaken(_ c: DeterminismTests.Case) throws {
    for setting in Self.settings { try check(c.input, c.model, setting) }
  }

  @Test(arguments: GradientTests.catalogue) func ofEveryLayer(_ c: GradientTests.Case) throws {
    for setting in Self.settings { try check(c.input, c.model, classes: 3, setting) }
  }

  /// Weights, gradients, two moments, tensors and each tile's part of the gradients, by hand: a network
  /// of one dense layer of 3 inputs and 2 units, of one worker, for a batch of 8.
  @Test func byHand() throws {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 1, width: 3, channels: 1),
        model: [.layer(.flatten), .layer(.dense(DenseDescription(units: 2)))], classes: 2))
    let footprint = NetworkFootprint(
      plan, optimizer: DeterminismTests.Case.adam, batchSize: 8, workers: 1)
    // A piece is rounded up to 64 bytes after 64 bytes of slack.
    func piece(_ bytes: Int) -> Int { (bytes + 127) / 64 * 64 }
    // The kernel's 6 and the bias's 2 floats are kept apart by 64 bytes.
    let parameters = 4 * piece(4 * 32)
    // Both layers' tensors are read as one matrix: values of the images; values and gradients.
    let tensors = piece(4 * 8 * 3) + 2 * piece(4 * 8 * 2)
    let batch = 3 * piece(4 * 8)
    // Squares of two tiles of parameters; seven pieces that are empty here: what is accumulated, what is
    // displaced, the worker's three, the shared tensors' and the partials'.
    let rest = piece(8 * 2) + 7 * piece(0)
    // What answers: a tile's values, of an even number of floats each; gradients and the worker's three
    // are empty.
    let inference = piece(4 * 8 * (4 + 2)) + 4 * piece(0)
    #expect(footprint.bytes == parameters + tensors + batch + rest + inference)
  }

  /// Sizes that no machine has are counted or refused, and never trap.
  @Test func absurdSizes() throws {
    var random = RandomStream(seed: 4, purpose: .probe)
    func size() -> Int {
      let sizes = [0, 1, 2, 3, 7, 28, 255, 1024, 65_536, 1_000_000, 1 << 31, 1 << 40, .max / 2]
      return sizes[Int(random.uniform(0, Float(sizes.count) - 0.01))]
    }
    func extent() -> Extent { Extent(size(), size()) }
    func activation() -> Activation { size() % 2 == 0 ? .relu : .softmax }
    var (planned, refused, uncounted) = (0, 0, 0)
    for round in 0..<600 {
      var layers: [LayerDescription] = []
      for _ in 0..<1 + round % 3 {
        switch size() % 11 {
        case 0:
          layers.append(
            .conv2D(
              Conv2DDescription(
                filters: size(), kernel: extent(), stride: extent(), padding: .same,
                groups: max(1, size()), dilation: extent(), activation: activation())))
        case 1, 2:
          layers.append(
            .conv2D(Conv2DDescription(filters: size(), kernel: Extent(1, 1 + size() % 3))))
        case 3:
          layers.append(
            .depthwiseConv2D(
              DepthwiseConv2DDescription(
                kernel: extent(), stride: extent(), padding: .same, dilation: extent(),
                depthMultiplier: size(), activation: activation())))
        case 4:
          layers.append(
            .conv2DTranspose(
              Conv2DTransposeDescription(
                filters: size(), kernel: extent(), stride: extent(), padding: .same,
                activation: activation())))
        case 5:
          layers.append(
            .frame(
              FrameDescription(
                .zeroPad, Sides(top: size(), bottom: size(), left: size(), right: size()))))
        case 6:
          layers.append(
            .averagePool(
              AveragePoolDescription(
                size: extent(), stride: extent(), padding: .same, countIncludePad: false)))
        case 7: layers.append(.batchNorm(BatchNormDescription()))
        case 8: layers.append(.groupNorm(GroupNormDescription(groups: size())))
        case 9:
          layers.append(.upsample(UpsampleDescription(size: extent(), interpolation: .bilinear)))
        default: layers.append(.squeezeExcite(SqueezeExciteDescription()))
        }
      }
      layers += [.flatten, .dense(DenseDescription(units: 10))]
      let side = [1, 28, 1024, 32_768][round % 4]
      do throws(NetworkError) {
        let plan = try NetworkPlan(
          NetworkDescription(
            input: .image(height: side, width: side, channels: 1 + round % 3),
            model: layers.map { .layer($0) }, classes: 10))
        #expect(plan.parameters > 0 && plan.forwardFLOPs > 0 && plan.trainingFLOPs > 0)
        let setting = Self.settings[round % Self.settings.count]
        let footprint = NetworkFootprint(
          plan, optimizer: setting.optimizer, mixing: setting.mixing,
          batchSize: 65_536, workers: 64, normalization: setting.normalization,
          evaluated: .max / 2)
        #expect(footprint.bytes > 0)
        planned += 1
        if ByteCount.sum(footprint.bytes, footprint.evaluation) == .max { uncounted += 1 }
      } catch {
        refused += 1
      }
    }
    #expect(planned > 50 && refused > 50 && uncounted > 0, "\(planned) \(refused) \(uncounted)")
  }

  @Test func whatCannotBeHadIsThrown() {
    #expect(throws: OutOfMemory.self) { _ = try Arena(bytes: .max) }
    #expect(throws: OutOfMemory.self) { _ = try Arena(bytes: 1 << 60) }
  }
}
