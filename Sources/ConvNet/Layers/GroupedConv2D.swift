// Letters: K window; C channels and F filters of a group; P positions of a plane.

/// A convolution of narrow groups, with its bias and activation. It is computed without lowering, for a
/// product with so few columns leaves most of a vector empty: a block's channels are laid out as
/// planes, in which im2col(X)ᵀ can be read without being written.
///
///     Yᵀ = Wᵀ·im2col(X)ᵀ     dWᵀ = dYᵀ·im2col(X)     dXᵀ = W′ᵀ·im2col(dY)ᵀ
///
/// for each group, where W′ is W with its channels and filters exchanged, turned about. With a stride,
/// each phase of dX has the taps that reach it.
final class GroupedConv2D: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { activation == .linear ? .inputs : [.inputs, .output] }
  var ways: ProductWays? { ProductWays(forward: "planes", from: input, to: output) }

  private let input: Activations
  private let output: Activations
  private let stride: Extent
  private let activation: Activation
  private let weights: ConvolutionWeights
  private let workspaces: [Workspace]
  private let groups: Int
  /// C and F; and the planes that a group has of each, an even number.
  private let seen: Int
  private let own: Int
  private let seenPlanes: Int
  private let ownPlanes: Int
  /// Groups that are worked on together.
  private let together: Int
  private let grid: PlaneGrid
  /// Where the rows of all correlations read.
  private let offsets: UnsafeMutablePointer<Int>
  /// The rows (C, K·K) of im2col(X)ᵀ.
  private let forwardRows: PlaneCorrelation
  /// Of each phase the rows (F, taps) of im2col(dY)ᵀ, and the taps.
  private let backwardRows: [PlaneCorrelation]
  private let phaseTaps: [[Int]]

  /// Channels whose planes are laid out together.
  private static let channelsTogether = 16

  /// Whether a convolution is one of these.
  static func takes(_ conv: Conv2DDescription, channels: Int) -> Bool {
    let (seen, own) = (channels / conv.groups, conv.filters / conv.groups)
    return conv.groups > 1 && seen <= 8 && own <= 16
      && max(conv.stride.height, conv.stride.width) <= 8
  }

  init(
    _ description: Conv2DDescription, geometry: WindowGeometry, input: Activations,
    output: Activations, weights: ConvolutionWeights, workspaces: [Workspace],
    arena: Arena
  ) {
    self.input = input
    self.output = output
    self.weights = weights
    self.workspaces = workspaces
    stride = geometry.stride
    activation = description.activation.fused
    groups = description.groups
    seen = input.channels / groups
    own = output.channels / groups
    seenPlanes = seen + seen % 2
    ownPlanes = own + own % 2
    together = max(1, min(groups, Self.channelsTogether / max(seen, own)))
    let grid = PlaneGrid(geometry: geometry, input: input.extent, output: output.extent)
    self.grid = grid

    let taps = grid.vertical.taps.flatMap { row in
      grid.horizontal.taps.map { (phase: grid.phase(row, $0), shift: grid.offset(row, $0)) }
    }
    let phaseTaps = (0..<grid.phases).map { phase in
      taps.indices.filter { taps[$0].phase == phase }
    }
    self.phaseTaps = phaseTaps
    let rows = seen * taps.count
    let padded = PlaneCorrelation.padded(rows)
    let base = arena.take(Int.self, padded + own * taps.count)
    offsets = base
    forwardRows = PlaneCorrelation(offsets: base, rows: rows)
    var end = padded
    let filters = own
    backwardRows = phaseTaps.map { reaching in
      defer { end += filters * reaching.count }
      return PlaneCorrelation(offsets: base + end, rows: filters * reaching.count)
    }
    for workspace in workspaces {
      workspace.reserve(
        columns: together * seenPlanes * grid.phases * grid.plane,
        outputs: together * ownPlanes * grid.plane,
        row: together * (turnedSize + ownPlanes * (1 + rows + 16 * padded)) + 64)
    }
    guard arena.holdsMemory else { return }
    var place = 0
    for channel in 0..<seen {
      for tap in taps {
        base[place] =
          (channel * grid.phases + tap.phase) * grid.plane + grid.leadOfInput + tap.shift
        place += 1
      }
    }
    while place < padded {
      base[place] = base[0]
      place += 1
    }
    for reaching in phaseTaps {
      for filter in 0..<own {
        for tap in reaching {
          base[place] = filter * grid.plane + grid.leadOfOutput - taps[tap].shift
          place += 1
        }
      }
    }
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    forEachChunk { chunk in
      pack(chunk, to: workspace.row)
      forEachBlock(tile) { samples in
        packInput(tile, samples, chunk, to: workspace.columns)
        for i in 0..<chunk.count {
          forwardRows.correlate(
            workspace.columns + i * seenPlanes * grid.phases * grid.plane,
            workspace.row + i * (1 + forwardRows.rows) * ownPlanes, filters: ownPlanes,
            to: workspace.outputs + i * ownPlanes * grid.plane, apart: grid.plane,
            positions: samples.count * grid.sample)
        }
        forEachPart(of: chunk, width: own) { part, plane in
          for (n, sample) in samples.enumerated() {
            outputs(of: part).unpack(
              workspace.outputs + (plane * grid.plane + n * grid.sample),
              to: output.values(of: tile) + sample * output.size + part.lowerBound * own)
          }
        }
      }
    }
    let values = output.values(of: tile)
    activation.apply(values, to: values, count: tile.count * output.size)
  }

  func backward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let gradients = output.gradients(of: tile)
    activation.gradientFromOutput(
      output.values(of: tile), gradients, to: gradients, count: tile.count * output.size)
    if let biasGradient = weights.biasGradient(of: tile) {
      biasGradient.update(repeating: 0, count: output.channels)
      addColumnSums(
        of: gradients, rows: tile.count * output.size / output.channels, columns: output.channels,
        to: biasGradient)
    }
    let (x, dy) = (workspace.columns, workspace.outputs)
    forEachChunk { chunk in
      let sums = workspace.row  // (chunk, C·K·K, F, 16)
      let sumsOfGroup = PlaneCorrelation.padded(forwardRows.rows) * ownPlanes * 16
      let turned = sums + together * sumsOfGroup + 64
      sums.update(repeating: 0, count: chunk.count * sumsOfGroup)
      if input.hasGradient { packTurned(chunk, to: turned) }
      forEachBlock(tile) { samples in
        packInput(tile, samples, chunk, to: x)
        dy.update(repeating: 0, count: chunk.count * ownPlanes * grid.plane)
        forEachPart(of: chunk, width: own) { part, plane in
          for (n, sample) in samples.enumerated() {
            outputs(of: part).pack(
              gradients + sample * output.size + part.lowerBound * own,
              to: dy + (plane * grid.plane + grid.leadOfOutput + n * grid.sample))
          }
        }
        let positions = samples.count * grid.sample
        for i in 0..<chunk.count {
          forwardRows.addKernelGradient(
            x + i * seenPlanes * grid.phases * grid.plane,
            dy + (i * ownPlanes * grid.plane + grid.leadOfOutput), filters: ownPlanes,
            apart: grid.plane, positions: positions, to: sums + i * sumsOfGroup)
        }
        if input.hasGradient {
          raise(dy, turned, chunk, positions: positions, through: x)
          forEachImagePart(of: chunk, samples) { part, phase, at, image in
            phased(phase, of: part).unpack(x + at, to: input.gradients(of: tile) + image)
          }
        }
      }
      for (i, group) in chunk.enumerated() {
        addAcross(sums + i * sumsOfGroup, vectors: forwardRows.rows * ownPlanes)
        keep(sums + i * sumsOfGroup, group, to: weights.kernelGradient(of: tile))
      }
    }
  }

  /// dX's planes from dY's.
  private func raise(
    _ dy: UnsafePointer<Float>, _ turned: UnsafePointer<Float>, _ chunk: Range<Int>,
    positions: Int, through dx: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<chunk.count {
      var kernel = turned + i * turnedSize
      for (phase, rows) in backwardRows.enumerated() {
        rows.correlate(
          dy + i * ownPlanes * grid.plane, kernel, filters: seenPlanes,
          to: dx + (i * seenPlanes * grid.phases + phase) * grid.plane,
          apart: grid.phases * grid.plane,
          positions: positions)
        kernel += (1 + rows.rows) * seenPlanes
      }
    }
  }

  // MARK: blocks

  /// The groups in the parts that are worked on together.
  @inline(__always)
  private func forEachChunk(_ body: (Range<Int>) -> Void) {
    for first in Swift.stride(from: 0, to: groups, by: together) {
      body(first..<min(groups, first + together))
    }
  }

  /// A tile's samples likewise.
  @inline(__always)
  private func forEachBlock(_ tile: Tile, _ body: (Range<Int>) -> Void) {
    for first in Swift.stride(from: 0, to: tile.count, by: grid.samples) {
      body(first..<min(tile.count, first + grid.samples))
    }
  }

  // MARK: planes

  private func packInput(
    _ tile: Tile, _ samples: Range<Int>, _ chunk: Range<Int>,
    to planes: UnsafeMutablePointer<Float>
  ) {
    planes.update(repeating: 0, count: chunk.count * seenPlanes * grid.phases * grid.plane)
    forEachImagePart(of: chunk, samples) { part, phase, at, image in
      phased(phase, of: part).pack(
        input.values(of: tile) + image, to: planes + (grid.leadOfInput + at))
    }
  }

  /// The groups whose channels lie together in planes as they do in an image, and the first of these
  /// planes: all of a chunk, or, where planes were added, each by itself.
  @inline(__always)
  private func forEachPart(
    of chunk: Range<Int>, width: Int, _ body: (_ part: Range<Int>, _ plane: Int) -> Void
  ) {
    if width % 2 == 0 { return body(chunk, 0) }
    for (i, group) in chunk.enumerated() { body(group..<group + 1, i * (width + 1)) }
  }

  /// The same for the phases of some samples of x: what is before each in the planes and in a tile.
  @inline(__always)
  private func forEachImagePart(
    of chunk: Range<Int>, _ samples: Range<Int>,
    _ body: (_ part: Range<Int>, _ phase: Int, _ at: Int, _ image: Int) -> Void
  ) {
    forEachPart(of: chunk, width: seen) { part, plane in
      for (n, sample) in samples.enumerated() {
        for phase in 0..<grid.phases {
          body(
            part, phase, (plane * grid.phases + phase) * grid.plane + n * grid.sample,
            sample * input.size + first(phase, part))
        }
      }
    }
  }

  /// One phase of some groups' channels of x.
  private func phased(_ phase: Int, of chunk: Range<Int>) -> PlaneTransposition {
    let (row, column) = phase.quotientAndRemainder(dividingBy: stride.width)
    return PlaneTransposition(
      rows: grid.vertical.counts[row], columns: grid.horizontal.counts[column],
      rowStep: stride.height * input.extent.width * input.channels,
      columnStep: stride.width * input.channels, channels: chunk.count * seen, pitch: grid.pitch,
      apart: grid.phases * grid.plane)
  }

  /// Floats of an image before the first that `phased` takes.
  private func first(_ phase: Int, _ chunk: Range<Int>) -> Int {
    let (row, column) = phase.quotientAndRemainder(dividingBy: stride.width)
    return (row * input.extent.width + column) * input.channels + chunk.lowerBound * seen
  }

  /// Some groups' filters of y.
  private func outputs(of chunk: Range<Int>) -> PlaneTransposition {
    PlaneTransposition(
      rows: output.extent.height, columns: output.extent.width,
      rowStep: output.extent.width * output.channels, columnStep: output.channels,
      channels: chunk.count * own, pitch: grid.pitch, apart: grid.plane)
  }

  // MARK: weights

  /// Floats of a group's turned weights.
  private var turnedSize: Int { (forwardRows.rows / seen * own + grid.phases) * seenPlanes }

  /// Some groups' biases and weights, (groups, [1, C·K·K], F).
  private func pack(_ chunk: Range<Int>, to packed: UnsafeMutablePointer<Float>) {
    let kernel = weights.kernel
    let taps = kernel.rows / seen
    var to = packed
    to.update(repeating: 0, count: chunk.count * (1 + kernel.rows) * ownPlanes)
    for group in chunk {
      if let bias = weights.bias { to.update(from: bias + group * own, count: own) }
      to += ownPlanes
      for channel in 0..<seen {
        for tap in 0..<taps {
          let row = tap * seen + channel
          to.update(from: kernel.base + row * kernel.columns + group * own, count: own)
          to += ownPlanes
        }
      }
    }
  }

  /// The weights by which the gradient of some groups' filters reaches their channels, phase by
  /// phase, with zeros for biases: (groups, phases, [1, F·taps], C).
  private func packTurned(_ chunk: Range<Int>, to packed: UnsafeMutablePointer<Float>) {
    let kernel = weights.kernel
    var to = packed
    to.update(repeating: 0, count: chunk.count * turnedSize)
    for group in chunk {
      for taps in phaseTaps {
        to += seenPlanes
        for filter in group * own..<(group + 1) * own {
          for tap in taps {
            for channel in 0..<seen {
              to[channel] = kernel.base[(tap * seen + channel) * kernel.columns + filter]
            }
            to += seenPlanes
          }
        }
      }
    }
  }

  /// A group's gradient, (C, K·K, F), into that of the whole kernel.
  private func keep(_ gradient: UnsafePointer<Float>, _ group: Int, to target: Matrix) {
    let taps = target.rows / seen
    var from = gradient
    for channel in 0..<seen {
      for tap in 0..<taps {
        let row = tap * seen + channel
        (target.base + row * target.columns + group * own).update(from: from, count: own)
        from += ownPlanes
      }
    }
  }
}
