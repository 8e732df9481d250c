import Testing

@testable import ConvNet

/// Tensors share memory only while no one misses it.
@Suite struct MemoryTests {
  static let cases = DeterminismTests.cases + GraphTests.determinismCases

  private func network(
    _ c: DeterminismTests.Case, threads: Int, sharesMemory: Bool
  ) throws -> Trainer {
    try Trainer(
      NetworkPlan(NetworkDescription(input: c.input, model: c.model, classes: 10)),
      optimizer: c.optimizer, batchSize: 21, seed: 7, team: team(threads),
      sharesMemory: sharesMemory)
  }

  @Test(arguments: cases) func noTwoThatAreNeededShareMemory(_ c: DeterminismTests.Case) throws {
    let network = try network(c, threads: 2, sharesMemory: true)
    Self.check(network.tensorMemory.plan)
    #expect(network.memorySaved >= 0)
    // All that is not read as one matrix has its place.
    let tensors = ([network.input] + network.layers.map(\.output)).filter { !$0.wholeBatch }
    #expect(
      network.tensorMemory.contents.count == tensors.reduce(0) { $0 + $1.contents.count })
  }

  private static func check(_ plan: MemoryPlan) {
    func range(_ i: Int) -> Range<Int> { plan.offsets[i]..<plan.offsets[i] + plan.parts[i].size }
    for i in plan.parts.indices {
      #expect(plan.offsets[i] >= 0 && range(i).upperBound <= plan.size)
      for j in 0..<i where plan.parts[i].life.overlaps(plan.parts[j].life) {
        #expect(!range(i).overlaps(range(j)), "\(i) and \(j)")
      }
    }
    #expect(plan.size <= plan.sizeUnshared)
  }

  /// Three steps and an evaluation between them.
  @Test(arguments: cases) func sharingChangesNoBit(_ c: DeterminismTests.Case) throws {
    let source = GivenSource.random(c.input, count: 40, classes: 10)
    func trace(threads: Int, sharesMemory: Bool) throws -> [[UInt32]] {
      let network = try network(c, threads: threads, sharesMemory: sharesMemory)
      return (1...3).map { step in
        network.trainStep(
          source, samples: (0..<(step == 2 ? 13 : 21)).map { ($0 * 3 + step) % 40 }, step: step,
          learningRate: 1e-2)
        let loss = network.evaluate(source, range: 3..<40).lossSum
        return bits(network.parameters) + bits([Float(loss)])
      }
    }
    let apart = try trace(threads: 1, sharesMemory: false)
    #expect(try trace(threads: 1, sharesMemory: true) == apart)
    #expect(try trace(threads: 3, sharesMemory: true) == apart)
  }

  @Test func placesAnythingRandom() {
    var stream = RandomStream(seed: 11, purpose: .probe)
    for count in [0, 1, 2, 5, 40] {
      for _ in 0..<20 {
        let parts = (0..<count).map { _ in
          let first = Int(stream.below(30))
          return MemoryPlan.Part(
            size: 2 * Int(stream.below(20)), life: first...first + Int(stream.below(12)))
        }
        let plan = MemoryPlan(parts)
        Self.check(plan)
        let most = (0..<45).map { moment in
          parts.filter { $0.life.contains(moment) }.reduce(0) { $0 + $1.size }
        }.max()!
        #expect(plan.size >= most)
      }
    }
  }

  /// A row of residual blocks takes hardly more memory for gradients than one of them.
  @Test func gradientsOfBlocksShareMemory() throws {
    func memory(_ blocks: Int) throws -> (shared: Int, unshared: Int) {
      let norm = LayerDescription.batchNorm(BatchNormDescription())
      let layers = GraphTests.chain(GraphTests.conv(8), norm, .activation(.relu))
      let network = try Trainer(
        NetworkDescription(
          input: .image(height: 12, width: 12, channels: 8),
          model: [.repeated(blocks, [.residual(layers)])]
            + GraphTests.chain(.flatten, GraphTests.dense(10)),
          classes: 10), optimizer: sgd(), batchSize: 16, seed: 1, team: team())
      return (network.tensorMemory.plan.size, network.tensorMemory.plan.sizeUnshared)
    }
    let (few, many) = (try memory(4), try memory(12))
    #expect(many.shared - few.shared < (many.unshared - few.unshared) / 2)
  }
}
