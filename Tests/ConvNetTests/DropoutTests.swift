import Testing

@testable import ConvNet

@Suite struct DropoutTests {
  private func mask(
    _ rate: Float, step: Int = 1, seed: UInt64 = 3, layer: Int = 0, size: Int = 1003,
    samples: Int = 11
  ) throws -> [Bool] {
    let shape = Shape.vector(size)
    let input = Activations(extent: shape.extent, channels: size, hasGradient: true)
    let output = Activations(extent: shape.extent, channels: size, hasGradient: true)
    let arena = try Arena(bytes: 1 << 20)
    let dropout = Dropout(
      rate: rate, layer: layer, seed: seed, input: input, output: output, workers: 2,
      arena: arena)
    for tensor in [input, output] {
      tensor.wholeBatch = true
      tensor.prepare(tile: Tile.size, isByTile: true)
      tensor.allocate(samples: samples, in: arena)
    }
    let x = distinctFloats(samples * size)
    for i in x.indices { input.batchValues[i] = x[i] }
    for i in x.indices { output.batchGradients[i] = x[i] }
    for index in 0..<Tile.count(of: samples) {
      let tile = Tile(index: index, size: Tile.size, batch: samples, worker: 1, step: step)
      dropout.forward(tile)
      dropout.backward(tile)
    }
    let kept = x.indices.map { output.batchValues[$0] != 0 }
    let scale = 1 / (1 - (Double(rate) * 65_536).rounded() / 65_536)
    for i in x.indices {
      let expected = kept[i] ? Double(x[i]) * scale : 0
      if abs(Double(output.batchValues[i]) - expected) > 1e-6 * abs(expected) {
        Issue.record("value \(i)")
      }
      if input.batchGradients[i] != output.batchValues[i] { Issue.record("gradient \(i)") }
    }
    return kept
  }

  @Test(arguments: [0, 0.1, 0.25, 0.5, 0.9] as [Float]) func rate(_ rate: Float) throws {
    let kept = try mask(rate)
    let count = Double(kept.count)
    let dropped = Double(kept.count { !$0 })
    let deviation = (count * Double(rate) * Double(1 - rate)).squareRoot()
    #expect(abs(dropped - count * Double(rate)) <= 5 * deviation)
    if rate == 0 { #expect(dropped == 0) }
  }

  /// Masks of half the elements agree in half of them: of other steps, layers and seeds, and of one
  /// sample and the next.
  @Test func masksAreIndependent() throws {
    let first = try mask(0.5)
    #expect(try mask(0.5) == first)
    var pairs = [
      try mask(0.5, step: 2), try mask(0.5, layer: 1), try mask(0.5, seed: 4),
      try mask(0.5, seed: 3 | 1 << 32), try mask(0.5, step: 257), try mask(0.5, layer: 256),
    ].map { (first, $0) }
    pairs.append((Array(first.dropFirst(1003)), Array(first.dropLast(1003))))
    pairs.append((Array(first.dropFirst()), Array(first.dropLast())))
    // The same place in two tiles.
    pairs.append((Array(first.dropFirst(8 * 1003)), Array(first.prefix(3 * 1003))))
    for (a, b) in pairs {
      let equal = Double(zip(a, b).count { $0 == $1 })
      let count = Double(a.count)
      #expect(abs(equal - count / 2) <= 5 * (count / 4).squareRoot())
    }
  }

  /// A sample's mask does not depend on the batch that it is in, nor on the layer's other sizes.
  @Test func masksDoNotShift() throws {
    let whole = try mask(0.5)
    #expect(try mask(0.5, samples: 3) == Array(whole[..<(3 * 1003)]))
  }

  @Test func evaluationKeepsAll() throws {
    let probe = try LayerProbe([.dropout(rate: 0.5)], input: .vector(33), samples: 5)
    let x = randomFloats(5 * 33)
    #expect(probe.infer(x) == x)
    let y = probe.forward(x)
    #expect(zip(x, y).allSatisfy { $1 == 0 || $1 == 2 * $0 })
    #expect(y.contains(0))
  }
}
