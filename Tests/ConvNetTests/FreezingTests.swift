import TestSupport
import Testing

@testable import ConvNet

/// Networks of which some layers are frozen: what stays, what learns, and what is kept of images.
@Suite struct FreezingTests {
  static let image = Shape.image(height: 7, width: 6, channels: 2)

  /// Two convolutions with batch norms, two dense layers. A bias before a batch norm would have a gradient of
  /// rounding errors alone.
  static let layers: [ModelItem] = [
    .layer(
      .conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3), bias: false)), name: "first"),
    .layer(.batchNorm(BatchNormDescription()), name: "first_norm"),
    .layer(.activation(.relu)),
    .layer(
      .conv2D(Conv2DDescription(filters: 5, kernel: Extent(2, 2), bias: false)), name: "second"),
    .layer(.batchNorm(BatchNormDescription()), name: "second_norm"),
    .layer(.activation(.relu)),
    .layer(.flatten, name: "flat"),
    .layer(.dense(DenseDescription(units: 6, activation: .tanh)), name: "hidden"),
    .layer(.dense(DenseDescription(units: 3)), name: "scores"),
  ]

  static let base: Set<String> = ["first", "first_norm"]
  static let body: Set<String> = base.union(["second", "second_norm"])

  private func trainer(
    _ freezing: Freezing, _ optimizer: OptimizerDescription = DeterminismTests.Case.adam,
    model: [ModelItem] = layers, batch: Int = 11, threads: Int = 2
  ) throws -> Trainer {
    let trainer = try Trainer(
      NetworkDescription(input: Self.image, model: model, classes: 3), optimizer: optimizer,
      freezing: freezing, batchSize: batch, seed: 3, team: team(threads))
    // Statistics that no fresh network has, and biases and scales besides.
    for tensor in trainer.tensors where tensor.role != .kernel {
      let centre: Float = tensor.role == .scale || tensor.role == .movingVariance ? 1 : 0
      let values = randomFloats(tensor.range.count, seed: UInt64(tensor.range.lowerBound + 1))
      for (i, value) in zip(tensor.range, values) { trainer.parameters[i] = centre + 0.4 * value }
    }
    trainer.weightsChanged()
    return trainer
  }

  // MARK: - Against PyTorch

  struct Fixtures: Decodable {
    struct Case: Decodable {
      let name: String
      let frozen: [String]
      let later: Int?
      let losses: [Double]
      let final: [String: Fixture.Tensor]
    }
    let images: Fixture.Tensor
    let labels: [Int]
    let batches: [[Int]]
    let initial: [String: Fixture.Tensor]
    let cases: [Case]
  }

  @Test func agreesWithPyTorch() throws {
    let fixture = try Fixture.load("freezing", as: Fixtures.self)
    let optimizer = OptimizerDescription(
      rule: .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, convention: .pytorch)),
      learningRate: 0.01, weightDecay: 0.05)
    let source = GivenSource(fixture.images.sample, fixture.images.floats, labels: fixture.labels)
    for c in fixture.cases {
      let frozen = Set(c.frozen)
      var network = try trainer(Freezing(layers: frozen), optimizer, batch: 9)
      for (name, tensor) in fixture.initial { network.set(name, to: tensor.floats) }
      network.weightsChanged()
      let before = network.model
      var losses: [Double] = []
      for (step, batch) in fixture.batches.enumerated() {
        if step == c.later {
          let later = try trainer(Freezing(late: frozen, lateAfter: step), optimizer, batch: 9)
          later.goOn(from: network.taken)
          network = later
        }
        let result = network.trainStep(source, samples: batch, step: step + 1, learningRate: 0.01)
        losses.append(result.lossSum / Double(batch.count))
      }
      expectLosses(losses, c.losses, c.name)
      for (name, tensor) in c.final {
        expectClose(
          Array(network.tensor(name)), tensor.values, within: 2e-5, "\(c.name), \(name)")
      }
      for tensor in network.tensors where c.later == nil && isOf(frozen, tensor) {
        #expect(
          bits(Array(network.parameters[tensor.range])) == bits(Array(before[tensor])), "\(c.name)")
      }
    }
  }

  private func isOf(_ layers: Set<String>, _ tensor: TensorInfo) -> Bool {
    layers.contains { tensor.name.hasPrefix("\($0)/") }
  }

  // MARK: - What learns

  /// Of layers that learn alike, gradients are those of a network in which all do.
  @Test func gradientsAreThoseOfTheWholeNetwork() throws {
    let source = GivenSource.random(Self.image, count: 11, classes: 3)
    // Batch norms stand still in both.
    let norms: Set<String> = ["first_norm", "second_norm"]
    let whole = try trainer(Freezing(layers: norms), sgd())
    whole.trainStep(source, samples: Array(0..<11), step: 1, learningRate: 0)
    for frozen: Set<String> in [
      ["first"], ["second"], ["hidden"], ["first", "hidden"], ["scores"],
    ] {
      let part = try trainer(Freezing(layers: norms.union(frozen)), sgd())
      part.trainStep(source, samples: Array(0..<11), step: 1, learningRate: 0)
      for parameter in part.updater.parameters where !parameter.isFrozen {
        let other = whole.updater.parameters.first { $0.name == parameter.name }!
        #expect(
          bits(Array(part.updater.gradients.all[parameter.slot..<parameter.slot + parameter.count]))
            == bits(Array(whole.updater.gradients.all[other.slot..<other.slot + other.count])),
          "\(frozen.sorted()): \(parameter.name)")
      }
    }
  }

  /// Central differences through a frozen batch norm with a ReLU and frozen layers.
  @Test func gradientsAgreeWithDifferences() throws {
    let source = GivenSource.random(Self.image, count: 11, classes: 3, seed: 21)
    for frozen: Set<String> in [
      ["first_norm", "second_norm"], ["second", "second_norm", "hidden"],
    ] {
      let network = try trainer(Freezing(layers: frozen), sgd())
      func loss() -> Double {
        network.trainStep(source, samples: Array(0..<11), step: 1, learningRate: 0).lossSum / 11
      }
      _ = loss()
      let gradients = Array(network.updater.gradients.all)
      for parameter in network.updater.parameters where !parameter.isFrozen {
        var (error, size) = (0.0, 0.0)
        for i in stride(from: 0, to: parameter.count, by: (parameter.count + 11) / 12) {
          let (at, epsilon) = (parameter.offset + i, Float(1e-4))
          let before = network.parameters[at]
          network.parameters[at] = before + epsilon
          network.weightsChanged()
          let above = loss()
          network.parameters[at] = before - epsilon
          network.weightsChanged()
          let below = loss()
          network.parameters[at] = before
          let difference =
            (above - below) / (Double(before + epsilon) - Double(before - epsilon))
          let off = difference - Double(gradients[parameter.slot + i])
          error += off * off
          size += difference * difference
        }
        network.weightsChanged()
        let floor = 6e-8 / 1e-4 * Double(min(parameter.count, 12)).squareRoot()
        #expect(
          error.squareRoot() <= 1e-3 * size.squareRoot() + floor,
          "\(parameter.name): off by \(error.squareRoot()) of \(size.squareRoot())")
      }
    }
  }

  static let optimizers: [OptimizerDescription] = {
    var averaging = DeterminismTests.Case.adam
    averaging.averaging = .exponential(decay: 0.9)
    averaging.clipping.norm = 0.5
    var accumulating = DeterminismTests.Case.adam
    accumulating.accumulation = 3
    var sharp = sgd(0.01)
    sharp.sharpness = 0.05
    func other(_ rule: OptimizerRule) -> OptimizerDescription {
      OptimizerDescription(rule: rule, learningRate: 0.01)
    }
    return [
      averaging, accumulating, sharp, other(.muon(MuonDescription())),
      other(.shampoo(ShampooDescription(every: 2))), other(.kfac(KFACDescription(every: 2))),
    ]
  }()

  /// Frozen numbers have their bits after any optimizer's steps, and in the average; they have no part in
  /// what it remembers; and threads change nothing.
  @Test(arguments: optimizers.indices) func frozenStays(_ place: Int) throws {
    let optimizer = Self.optimizers[place]
    let source = GivenSource.random(Self.image, count: 40, classes: 3)
    for frozen in [Self.base, Self.body, ["second", "hidden"], ["first_norm", "second_norm"]] {
      func run(threads: Int) throws -> (Trainer, Model) {
        let network = try trainer(Freezing(layers: frozen), optimizer, threads: threads)
        let before = network.model
        for step in 1...3 {
          network.trainStep(
            source, samples: (0..<10).map { ($0 * 7 + step) % 40 }, step: step, learningRate: 0.01)
          if optimizer.averaging != nil { network.average() }
        }
        return (network, before)
      }
      let (network, before) = try run(threads: 2)
      let average = network.withAverage { network.model }
      for tensor in network.tensors {
        let isKept = bits(Array(network.parameters[tensor.range])) == bits(Array(before[tensor]))
        #expect(isKept == isOf(frozen, tensor), "\(tensor.name)")
        if isOf(frozen, tensor) {
          #expect(bits(Array(average[tensor])) == bits(Array(before[tensor])), "\(tensor.name)")
        }
      }
      let (other, _) = try run(threads: 1)
      #expect(bits(other.parameters) == bits(network.parameters))
      for state in network.updater.state where !optimizer.rule.moments.contains(state.name) {
        #expect(!frozen.contains { state.name.contains("/\($0)/") })
      }
    }
  }

  /// A layer that begins to learn later moves as in a network that begins then: K-FAC counts its steps from
  /// there, whenever the others' moments are due.
  @Test func curvatureOfLateLayers() throws {
    let optimizer = OptimizerDescription(
      rule: .kfac(KFACDescription(momentum: 0, trust: 1e9, every: 4, momentsEvery: 3)),
      learningRate: 0.01)
    let source = GivenSource.random(Self.image, count: 40, classes: 3)
    func step(_ network: Trainer, _ step: Int, of batch: Int) {
      network.trainStep(
        source, samples: (0..<10).map { ($0 * 7 + batch) % 40 }, step: step, learningRate: 0.01)
    }
    let (norms, late): (Set<String>, Set<String>) = (
      ["first_norm", "second_norm"], ["second", "hidden"]
    )
    let early = try trainer(Freezing(layers: norms.union(late)), optimizer)
    for number in 1...2 { step(early, number, of: number) }
    let later = try trainer(Freezing(layers: norms, late: late, lateAfter: 2), optimizer)
    later.goOn(from: early.taken)
    let fresh = try trainer(Freezing(layers: norms), optimizer)
    for tensor in fresh.tensors {
      for i in tensor.range { fresh.parameters[i] = later.parameters[i] }
    }
    fresh.weightsChanged()
    step(later, 3, of: 3)
    step(fresh, 1, of: 3)
    for tensor in fresh.tensors where !isOf(norms, tensor) {
      let isAlike =
        bits(Array(fresh.parameters[tensor.range])) == bits(Array(later.parameters[tensor.range]))
      #expect(isAlike == isOf(late, tensor), "\(tensor.name)")
    }
  }

  /// What is below all that learns takes no gradient's memory, and what is counted is what is taken.
  @Test func memory() throws {
    let plan = try NetworkPlan(
      NetworkDescription(input: Self.image, model: Self.layers, classes: 3))
    var sizes: [Int] = []
    for freezing in [
      Freezing(), Freezing(layers: Self.base), Freezing(layers: Self.body),
      Freezing(layers: Self.body, features: "flat"),
    ] {
      let footprint = NetworkFootprint(
        plan, optimizer: DeterminismTests.Case.adam, freezing: freezing, batchSize: 11, workers: 2)
      #expect(try trainer(freezing).memory == footprint.bytes)
      sizes.append(footprint.bytes)
    }
    #expect(sizes == sizes.sorted(by: >) && Set(sizes).count == sizes.count)
    #expect(plan.trainingFLOPs(Freezing()) == plan.trainingFLOPs)
    let flops = [Freezing(layers: Self.body), Freezing(layers: Self.body, features: "flat")]
      .map(plan.trainingFLOPs)
    #expect(plan.trainingFLOPs > flops[0] && flops[0] > flops[1])
  }

  // MARK: - What is kept of images

  struct Kept: CustomTestStringConvertible {
    let model: [ModelItem]
    let frozen: Set<String>
    let features: String
    var testDescription: String { features }
  }

  static let keptCases = [
    Kept(model: layers, frozen: body, features: "flat"),
    Kept(model: layers, frozen: base, features: "first_norm"),
    Kept(model: layers, frozen: base, features: "activation_0"),
    // A pool that the layer before it would do, of which the last row and column are dead; dropout behind.
    Kept(
      model: [
        .layer(.conv2D(Conv2DDescription(filters: 6, kernel: Extent(3, 2), activation: .relu))),
        .layer(.maxPool(MaxPoolDescription(size: Extent(2, 2)))),
        .layer(.dropout(rate: 0.3)), .layer(.flatten),
        .layer(.dense(DenseDescription(units: 3))),
      ], frozen: ["conv2d_0"], features: "conv2d_0"),
    // Two layers read what is kept.
    Kept(
      model: [
        .layer(.conv2D(Conv2DDescription(filters: 4, kernel: Extent(2, 2))), name: "stem"),
        .residual(
          [
            .layer(.conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3), padding: .same))),
            .layer(.batchNorm(BatchNormDescription())),
          ], activation: .relu),
        .layer(.globalPool(GlobalPoolDescription(.average, keepDims: false))),
        .layer(.dense(DenseDescription(units: 3))),
      ], frozen: ["stem"], features: "stem"),
    Kept(
      model: [
        .layer(.flatten), .layer(.dense(DenseDescription(units: 9, activation: .tanh))),
        .layer(.dense(DenseDescription(units: 3))),
      ], frozen: ["dense_0"], features: "dense_0"),
  ]

  /// The same bits as without: weights, moments, losses and answers; and all bits do without threads.
  @Test(arguments: keptCases) func keptFeaturesChangeNothing(_ c: Kept) throws {
    let source = GivenSource.random(Self.image, count: 50, classes: 3)
    func run(_ features: String?, threads: Int) throws -> [[UInt32]] {
      let network = try trainer(
        Freezing(layers: c.frozen, features: features), model: c.model, batch: 13, threads: threads)
      network.normalization = try Normalization(.perPixel(), fitting: source)
      let read = try network.read(source)
      var results: [[UInt32]] = []
      for (step, count) in [13, 13, 8, 5].enumerated() {
        let step = step + 1
        let result = network.trainStep(
          read, samples: (0..<count).map { ($0 * 7 + step * 11) % 50 }, step: step,
          learningRate: 0.01)
        results.append([Float(result.lossSum).bitPattern, UInt32(result.correct)])
      }
      results.append(bits(network.parameters))
      results += network.updater.state.map { bits($0.values) }
      let answers = network.evaluate(read, range: 3..<50)
      results.append([Float(answers.lossSum).bitPattern] + answers.predictions.map(UInt32.init))
      let images = network.evaluate(source, range: 3..<50)
      #expect(images.lossSum == answers.lossSum && images.predictions == answers.predictions)
      return results
    }
    let plan = try NetworkPlan(
      NetworkDescription(input: Self.image, model: c.model, classes: 3))
    #expect(plan.reasonAgainstKeeping(c.features, frozen: c.frozen) == nil)
    let kept = try run(c.features, threads: 2)
    #expect(try run(c.features, threads: 1) == kept)
    #expect(try run(c.features, threads: 3) == kept)
    guard BLASCore.rowsAreApart else { return }
    #expect(try run(nil, threads: 2) == kept)
  }

  @Test func whatCannotBeKept() throws {
    let plan = try NetworkPlan(
      NetworkDescription(input: Self.image, model: Self.layers, classes: 3))
    func reason(_ label: String, _ frozen: Set<String>) -> String? {
      plan.reasonAgainstKeeping(label, frozen: frozen)
    }
    #expect(reason("flat", Self.body) == nil)
    #expect(reason("flat", Self.base) == "reads what second gives, which isn't frozen")
    #expect(reason("first_norm", ["first"]) == "reads what first_norm gives, which isn't frozen")
    #expect(reason("scores", Self.body) == "is the last, so that nothing would be left to train")
    #expect(reason("nowhere", Self.body) == "is none of the model's")
    let drops: [ModelItem] = [
      Self.layers[0], .layer(.dropout(rate: 0.5)), .layer(.flatten, name: "flat"), Self.layers[8],
    ]
    let dropping = try NetworkPlan(
      NetworkDescription(input: Self.image, model: drops, classes: 3))
    #expect(
      dropping.reasonAgainstKeeping("flat", frozen: ["first"])
        == "reads what dropout_0 gives, which is drawn anew for each step")
    let skips: [ModelItem] = [
      .layer(.conv2D(Conv2DDescription(filters: 2, kernel: Extent(1, 1))), name: "stem"),
      .layer(.merge(MergeDescription(.add)), inputs: ["stem", "input"]),
      .layer(.flatten), .layer(.dense(DenseDescription(units: 3))),
    ]
    let skipping = try NetworkPlan(
      NetworkDescription(input: Self.image, model: skips, classes: 3))
    #expect(
      skipping.reasonAgainstKeeping("stem", frozen: ["stem"])
        == "isn't all that is read behind it: add_0 reads the images")
  }

  // MARK: - Unfreezing

  /// What learned goes on with what was remembered of it; what begins to learn has nothing.
  @Test func unfreezingBeginsAnew() throws {
    let source = GivenSource.random(Self.image, count: 40, classes: 3)
    func step(_ network: Trainer, _ step: Int) {
      network.trainStep(
        source, samples: (0..<11).map { ($0 * 5 + step) % 40 }, step: step, learningRate: 0.01)
    }
    let first = try trainer(Freezing(layers: Self.body))
    for i in 1...3 { step(first, i) }
    let second = try trainer(Freezing(late: Self.body, lateAfter: 3))
    second.goOn(from: first.taken)
    #expect(bits(second.parameters) == bits(first.parameters))
    for parameter in second.updater.parameters {
      for (place, moment) in second.updater.state.enumerated() {
        let values = moment.values[parameter.slot..<parameter.slot + parameter.count]
        if Self.body.contains(where: { parameter.name.hasPrefix("\($0)/") }) {
          #expect(values.allSatisfy { $0 == 0 }, "\(parameter.name)")
        } else {
          let other = first.updater.parameters.first { $0.name == parameter.name }!
          #expect(
            bits(Array(values))
              == bits(
                Array(first.updater.state[place].values[other.slot..<other.slot + other.count])))
        }
      }
    }
    let before = second.model
    step(second, 4)
    for tensor in second.tensors {
      #expect(
        bits(Array(second.parameters[tensor.range])) != bits(Array(before[tensor])),
        "\(tensor.name)")
    }
  }
}
