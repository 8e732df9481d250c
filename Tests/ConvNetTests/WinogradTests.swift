import TestSupport
import Testing

@testable import ConvNet

/// Winograd's minimal filtering against the plain twin in double precision: the transforms and products by
/// themselves, for both filters on any shape; and the rule by which a convolution is computed so.
@Suite struct WinogradTests {
  // MARK: - A line

  private func line<T: LineTransform>(_: T.Type, _ x: [Float]) -> [Float] {
    #expect(x.count == T.inputs)
    let (from, to) = (Buffer(4 * T.inputs), Buffer(4 * T.outputs))
    for (i, value) in x.enumerated() { from.base[4 * i] = value }
    T.apply(
      Line<SIMD4<Float>>(from.base, step: 4, lanes: 1),
      to: Line<SIMD4<Float>>(to.base, step: 4, lanes: 1))
    return (0..<T.outputs).map { to.base[4 * $0] }
  }

  /// A transform's matrix, by its columns.
  private func matrix<T: LineTransform>(_: T.Type) -> [[Float]] {
    (0..<T.inputs).map { column in
      line(T.self, (0..<T.inputs).map { $0 == column ? 1 : 0 })
    }
  }

  private func expectTransposed<T: LineTransform, U: LineTransform>(_: T.Type, _: U.Type) {
    let (t, u) = (matrix(T.self), matrix(U.self))
    for i in 0..<T.inputs {
      for j in 0..<T.outputs {
        #expect(abs(t[i][j] - u[j][i]) <= 1e-6, "\(T.self), row \(j), column \(i)")
      }
    }
  }

  private func checkLine<F: MinimalFilter>(_: F.Type) {
    let (d, g) = (
      randomFloats(F.Input.inputs, seed: 1), randomFloats(F.Kernel.inputs, seed: 2)
    )
    let products = zip(line(F.Input.self, d), line(F.Kernel.self, g)).map { $0 * $1 }
    let expected = (0..<F.Output.outputs).map { i in
      (0..<3).reduce(0.0) { $0 + Double(d[i + $1]) * Double(g[$1]) }
    }
    expectClose(line(F.Output.self, products), expected, within: 5e-6)
    expectTransposed(F.Input.self, F.InputAdjoint.self)
    expectTransposed(F.Output.self, F.OutputAdjoint.self)
    expectTransposed(F.Kernel.self, F.KernelAdjoint.self)
  }

  @Test func lines() {
    checkLine(FilterOfTwo.self)
    checkLine(FilterOfFour.self)
  }

  // MARK: - Tiles and products

  struct Shape {
    let input: Extent
    let channels: Int
    let filters: Int
    var padding = Padding.valid
    /// Rows and columns of the output that nobody reads.
    var dead = Extent(0, 0)
    var samples = 3

    var geometry: WindowGeometry {
      get throws {
        try WindowGeometry(
          input: input, window: Extent(3, 3), stride: Extent(1, 1), padding: padding)
      }
    }
  }

  static let shapes = [
    Shape(input: Extent(12, 12), channels: 32, filters: 64, dead: Extent(0, 0), samples: 5),
    Shape(input: Extent(28, 28), channels: 16, filters: 17, dead: Extent(2, 2), samples: 2),
    Shape(input: Extent(3, 3), channels: 1, filters: 1),
    Shape(input: Extent(7, 9), channels: 1, filters: 3, dead: Extent(1, 0)),
    Shape(input: Extent(9, 8), channels: 3, filters: 16, padding: .same),
    Shape(input: Extent(11, 6), channels: 16, filters: 3, padding: .same, dead: Extent(1, 3)),
    Shape(input: Extent(5, 14), channels: 17, filters: 33, padding: .same),
    Shape(
      input: Extent(6, 5), channels: 64, filters: 20,
      padding: .explicit(top: 3, bottom: 1, left: 0, right: 6)),
    Shape(
      input: Extent(1, 2), channels: 5, filters: 64,
      padding: .explicit(top: 5, bottom: 4, left: 1, right: 2)),
    Shape(input: Extent(66, 64), channels: 24, filters: 40, padding: .same, samples: 2),
  ]

  @Test(arguments: shapes, [WinogradFilter.two, .four])
  func tiles(_ shape: Shape, _ filter: WinogradFilter) throws {
    let geometry = try shape.geometry
    let live = Extent(
      geometry.output.height - shape.dead.height, geometry.output.width - shape.dead.width)
    let stored = geometry.inputRead(by: live)
    let (channels, filters, samples) = (shape.channels, shape.filters, shape.samples)
    let tiling = WinogradTiling(
      filter, geometry, live: live, stored: stored, channels: channels, filters: filters,
      poolHeight: 1, isAlone: false)
    let (imageSize, resultSize) = (
      stored.height * stored.width * channels, live.height * live.width * filters
    )
    let x = randomFloats(samples * imageSize, seed: 5)
    let w = randomFloats(9 * channels * filters, seed: 6, scale: 0.3)
    let dy = randomFloats(samples * resultSize, seed: 7)

    let weights = Buffer(w.count)
    _ = weights.all.update(fromContentsOf: w)
    let transposed = Buffer(w.count)
    for k in 0..<9 * channels {
      for f in 0..<filters { transposed.base[f * 9 * channels + k] = w[k * filters + f] }
    }
    let counter = Arena()
    _ = WinogradKernel(filter, channels: channels, filters: filters, goesBack: true, in: counter)
    let kernel = WinogradKernel(
      filter, channels: channels, filters: filters, goesBack: true,
      in: try Arena(bytes: counter.bytes))
    for part in 0..<kernel.parts { kernel.renew(weights.base, transposed: transposed, part: part) }

    let images = Buffer(x.count)
    let (results, gradients, dx) = (Buffer(dy.count), Buffer(dy.count), Buffer(x.count))
    _ = images.all.update(fromContentsOf: x)
    _ = gradients.all.update(fromContentsOf: dy)
    let memory = Buffer(tiling.memory(goesBack: true))
    // What a block leaves behind must not show.
    memory.all.update(repeating: .nan)
    var isFirst = true
    tiling.forEachBlock(of: samples, in: memory.base) { block in
      let at =
        block.samples.lowerBound * resultSize
        + tiling.size(of: 0..<tiling.results(of: block.rows).lowerBound)
      let image = block.samples.lowerBound * imageSize
      tiling.lower(images.base + image, block)
      tiling.multiply(block, by: kernel)
      tiling.raise(block, to: results.base + at)
      tiling.lower(images.base + image, block)
      tiling.lowerGradient(gradients.base + at, block)
      tiling.multiplyBack(
        block, kernel, into: tiling.kernelGradient(memory.base), isFirst: isFirst)
      tiling.raiseGradient(block, addTo: dx.base + image)
      isFirst = false
    }
    let dw = Buffer(w.count)
    kernel.gradient(
      tiling.kernelGradient(memory.base),
      to: Matrix(dw.base, rows: 9 * channels, columns: filters),
      scratch: tiling.scratch(memory.base))

    let plain = PlainConvolution(geometry: geometry, channels: channels, filters: filters)
    var expected = (y: [Double](), dx: [Double](), dw: [Double](repeating: 0, count: w.count))
    for n in 0..<samples {
      let image = Cut(stored, of: shape.input, channels).widened(
        doubles(Array(x[n * imageSize..<(n + 1) * imageSize])))
      let cut = Cut(live, of: geometry.output, filters)
      expected.y += cut.cut(
        plain.forward(
          image, kernel: doubles(w), bias: [Double](repeating: 0, count: filters)))
      let back = plain.backward(
        image, kernel: doubles(w),
        gradient: cut.widened(doubles(Array(dy[n * resultSize..<(n + 1) * resultSize]))))
      expected.dx += Cut(stored, of: shape.input, channels).cut(back.input)
      for i in w.indices { expected.dw[i] += back.kernel[i] }
    }
    // Measured: 5e-7 and 1.3e-6.
    let tolerance = filter == .two ? 2e-6 : 5e-6
    expectClose(Array(results.all), expected.y, within: tolerance, "results")
    expectClose(Array(dx.all), expected.dx, within: tolerance, "input gradient")
    expectClose(Array(dw.all), expected.dw, within: tolerance, "kernel gradient")
  }

  /// The first rows and columns of an image.
  private struct Cut {
    let part: Extent
    let whole: Extent
    let channels: Int

    init(_ part: Extent, of whole: Extent, _ channels: Int) {
      self.part = part
      self.whole = whole
      self.channels = channels
    }

    func cut(_ image: [Double]) -> [Double] {
      (0..<part.height).flatMap { row in
        image[row * whole.width * channels..<(row * whole.width + part.width) * channels]
      }
    }

    /// With zeros where nothing is known.
    func widened(_ image: [Double]) -> [Double] {
      var result = [Double](repeating: 0, count: whole.height * whole.width * channels)
      for row in 0..<part.height {
        for i in 0..<part.width * channels {
          result[row * whole.width * channels + i] = image[row * part.width * channels + i]
        }
      }
      return result
    }
  }

  // MARK: - The rule

  /// By which filter a convolution of 3x3 is computed, or nil.
  private func filter(
    _ input: Extent, _ channels: Int, _ filters: Int, _ padding: Padding = .valid,
    window: Extent = Extent(3, 3), stride: Extent = Extent(1, 1), dilation: Extent = Extent(1, 1),
    groups: Int = 1
  ) throws -> WinogradFilter? {
    let geometry = try WindowGeometry(
      input: input, window: window, stride: stride, padding: padding, dilation: dilation)
    return WinogradFilter.gains(
      geometry, groups: groups, live: geometry.output, channels: channels, filters: filters)
  }

  @Test func rule() throws {
    #expect(try filter(Extent(26, 26), 32, 64) == .four)
    #expect(try filter(Extent(12, 12), 32, 64) == .four)
    #expect(try filter(Extent(4, 4), 64, 64) == .two)
    // One channel gains nothing; nor does one result.
    #expect(try filter(Extent(28, 28), 1, 32) == nil)
    #expect(try filter(Extent(3, 3), 64, 64) == nil)
    // A kernel too large to be read for every block.
    #expect(try filter(Extent(16, 16), 256, 256) == nil)
    #expect(try filter(Extent(26, 26), 32, 64, window: Extent(5, 5)) == nil)
    #expect(try filter(Extent(26, 26), 32, 64, window: Extent(3, 2)) == nil)
    #expect(try filter(Extent(26, 26), 32, 64, stride: Extent(1, 2)) == nil)
    #expect(try filter(Extent(26, 26), 32, 64, dilation: Extent(2, 1)) == nil)
    #expect(try filter(Extent(26, 26), 32, 64, groups: 2) == nil)
  }
}
