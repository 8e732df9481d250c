import Testing

@testable import ConvNet

@Suite struct InitializationTests {
  private func fill(
    _ initializer: Initializer, rows: Int, columns: Int, fanOut: Int? = nil, seed: UInt64 = 1,
    layer: Int = 0
  ) throws -> [Float] {
    BLAS.useOneThread()
    let values = Buffer(rows * columns)
    try initializer.fill(
      values.base, rows: rows, columns: columns, fanOut: fanOut ?? columns, seed: seed,
      layer: layer)
    return Array(values.all)
  }

  /// Fan-in 288, fan-out 576: what a 3x3 convolution from 32 channels to 64 filters has.
  static let variances: [Initializer: Double] = [
    .glorotUniform: 2.0 / 864, .heUniform: 2.0 / 288, .lecunUniform: 1.0 / 288,
    .glorotNormal: 2.0 / 864, .heNormal: 2.0 / 288, .lecunNormal: 1.0 / 288,
  ]

  @Test(arguments: [Initializer.glorotUniform, .heUniform, .lecunUniform])
  func uniform(_ initializer: Initializer) throws {
    let variance = Self.variances[initializer]!
    let values = try fill(initializer, rows: 288, columns: 64, fanOut: 576)
    let limit = (3 * variance).squareRoot()
    #expect(values.allSatisfy { abs(Double($0)) <= limit * (1 + 1e-6) })
    #expect(Double(values.max()!) > 0.99 * limit && Double(values.min()!) < -0.99 * limit)
    checkMoments(values, variance: variance)
  }

  @Test(arguments: [Initializer.glorotNormal, .heNormal, .lecunNormal])
  func truncatedNormal(_ initializer: Initializer) throws {
    let variance = Self.variances[initializer]!
    let values = try fill(initializer, rows: 288, columns: 64, fanOut: 576)
    let limit = 2 * variance.squareRoot() / 0.879_625_66
    #expect(values.allSatisfy { abs(Double($0)) <= limit * (1 + 1e-6) })
    #expect(Double(values.max()!) > 0.95 * limit)
    checkMoments(values, variance: variance)
  }

  private func checkMoments(_ values: [Float], variance: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / count
    #expect(abs(mean) < 5 * (variance / count).squareRoot())
    #expect(abs(square / variance - 1) < 5 * (2 / count).squareRoot())
  }

  @Test func zeros() throws {
    #expect(try fill(.zeros, rows: 3, columns: 5).allSatisfy { $0 == 0 })
  }

  /// QᵀQ = I, of a tall matrix's columns and of a wide one's rows.
  @Test(arguments: [(40, 7), (7, 40), (16, 16), (1, 9), (9, 1), (288, 64)])
  func orthogonal(rows: Int, columns: Int) throws {
    let q = try fill(.orthogonal, rows: rows, columns: columns).map(Double.init)
    let thin = min(rows, columns)
    for i in 0..<thin {
      for j in 0...i {
        var inner = 0.0
        for k in 0..<max(rows, columns) {
          inner +=
            rows >= columns
            ? q[k * columns + i] * q[k * columns + j] : q[i * columns + k] * q[j * columns + k]
        }
        #expect(abs(inner - (i == j ? 1 : 0)) < 5e-6, "\(i), \(j)")
      }
    }
  }

  /// The signs follow R's diagonal, so that no direction is preferred: without that, LAPACK's Q has
  /// entries of one sign on its diagonal.
  @Test func orthogonalSigns() throws {
    var positive = 0
    for seed in 1...200 {
      let q = try fill(.orthogonal, rows: 6, columns: 6, seed: UInt64(seed))
      if q[0] > 0 { positive += 1 }
    }
    #expect(abs(positive - 100) < 36)
  }

  /// A layer's weights depend on the seed and on its place, never on another layer's size.
  @Test(arguments: Initializer.allCases) func keyedBySeedAndLayer(
    _ initializer: Initializer
  ) throws {
    guard initializer != .zeros else { return }
    let first = try fill(initializer, rows: 9, columns: 8)
    #expect(try fill(initializer, rows: 9, columns: 8) == first)
    #expect(try fill(initializer, rows: 9, columns: 8, seed: 2) != first)
    #expect(try fill(initializer, rows: 9, columns: 8, layer: 1) != first)

    func weights(_ filters: Int, seed: UInt64 = 5) throws -> [Float] {
      let plan = try NetworkPlan(
        NetworkDescription(
          input: .image(height: 5, width: 5, channels: 1),
          layers: [
            .conv2D(Conv2DDescription(filters: filters, kernel: Extent(3, 3))),
            .maxPool(MaxPoolDescription(size: Extent(3, 3))), .flatten,
            .dense(DenseDescription(units: 6, initializer: initializer)),
            .dense(DenseDescription(units: 4, initializer: initializer)),
          ], classes: 4))
      let model = try Model(plan, seed: seed)
      return Array(model[try #require(model.tensors.first { $0.name == "dense_1/kernel" })])
    }
    #expect(try weights(2) == weights(7))
    #expect(try weights(2) != weights(2, seed: 6))
  }

  @Test func tensorsOfANetwork() throws {
    let network = try Trainer(
      NetworkDescription(
        input: .image(height: 5, width: 5, channels: 2),
        layers: [
          .conv2D(Conv2DDescription(filters: 3, kernel: Extent(3, 2), bias: false)),
          .batchNorm(BatchNormDescription()), .activation(.relu), .flatten,
          .dense(DenseDescription(units: 4)),
        ], classes: 4),
      optimizer: OptimizerDescription(
        rule: .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
        learningRate: 1e-3), batchSize: 4, seed: 1, team: team())
    #expect(
      network.tensors.map { "\($0.name) \($0.shape) \($0.role.rawValue)" } == [
        "conv2d_0/kernel [3, 2, 2, 3] kernel", "batch_norm_0/scale [3] scale",
        "batch_norm_0/offset [3] offset", "dense_0/kernel [36, 4] kernel",
        "dense_0/bias [4] bias", "batch_norm_0/moving_mean [3] moving_mean",
        "batch_norm_0/moving_variance [3] moving_variance",
      ])
    for tensor in network.tensors { #expect(tensor.range.count == tensor.shape.reduce(1, *)) }
    for (a, b) in zip(network.tensors, network.tensors.dropFirst()) {
      #expect(a.range.upperBound <= b.range.lowerBound)
    }
    #expect(network.plan.parameters == 36 + 6 + 148)
    #expect(network.updater.state.map(\.name) == ["adam/m", "adam/v"])
    for (name, value) in [
      ("batch_norm_0/scale", 1), ("batch_norm_0/offset", 0), ("batch_norm_0/moving_mean", 0),
      ("batch_norm_0/moving_variance", 1), ("dense_0/bias", 0),
    ] as [(String, Float)] {
      #expect(network.tensor(name).allSatisfy { $0 == value }, "\(name)")
    }
  }
}
