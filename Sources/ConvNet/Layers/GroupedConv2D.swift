// Letters: H'·W' live output positions, K window; C channels and F filters, c and f those of a group.

/// A convolution whose groups are narrower than a vector, with its bias and activation: sixteen filters
/// at a time and without lowering, for a product with so few columns leaves most of a vector empty.
///
///     y[p, l] = b + Σ_k Σ_j x̂[p·s + k·d, j, l]·w[k, j, l]     dw[k, j, l] = Σ_p x̂[…]·dy[p, l]
///
/// where x̂[q, j, l] = x[q, (l / f)·c + j], the j-th channel that filter l sees, with zeros around the
/// image. dx is the same sum with the roles exchanged: over the filters of each channel's group, of dy
/// with its positions s apart, by the kernel turned about.
final class GroupedConv2D: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { activation == .linear ? .inputs : [.inputs, .output] }

  private let input: Activations
  private let output: Activations
  private let geometry: WindowGeometry
  private let activation: Activation
  private let weights: ConvolutionWeights
  private let workspaces: [Workspace]
  private let groups: Int
  /// What the live outputs read of the image, the padding included.
  private let read: Extent
  /// dy with zeros around it and between its positions.
  private let spread: Extent

  /// Whether a convolution is one of these: its groups' channels and filters fill a vector evenly.
  static func takes(_ conv: Conv2DDescription, channels: Int) -> Bool {
    let (seen, own) = (channels / conv.groups, conv.filters / conv.groups)
    return conv.groups > 1 && seen <= 8 && LaneWindow.lanes % seen == 0
      && LaneWindow.lanes % own == 0
  }

  init(
    _ description: Conv2DDescription, geometry: WindowGeometry, input: Activations,
    output: Activations, weights: ConvolutionWeights, workspaces: [Workspace]
  ) {
    self.input = input
    self.output = output
    self.geometry = geometry
    self.weights = weights
    self.workspaces = workspaces
    activation = description.activation.fused
    groups = description.groups
    let span = geometry.span
    read = Extent(
      (output.extent.height - 1) * geometry.stride.height + span.height,
      (output.extent.width - 1) * geometry.stride.width + span.width)
    spread = Extent(
      input.extent.height + span.height - 1, input.extent.width + span.width - 1)
    let (seen, own) = (input.channels / groups, output.channels / groups)
    let framed = max(read.height * read.width * seen, spread.height * spread.width * own)
    let taps = geometry.window.height * geometry.window.width
    for workspace in workspaces {
      workspace.reserve(
        columns: framed * LaneWindow.lanes, outputs: taps * max(seen, own) * LaneWindow.lanes,
        row: 0)
    }
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let x = Lanes(input.channels, groups: groups)
    let y = Lanes(output.channels, groups: groups)
    let window = window(stride: geometry.stride, planes: x.width, over: output.extent, read)
    for chunk in y.chunks {
      pack(to: workspace.outputs, chunk)
      let bias = bias(chunk)
      clear(workspace, read, planes: x.width)
      for sample in 0..<tile.count {
        expand(tile, sample, chunk, y, x, workspace)
        window.correlate(
          workspace.columns, workspace.outputs, bias: bias,
          to: .init(
            base: output.values(of: tile) + sample * output.size + chunk.lowerBound,
            lanes: chunk.count, step: output.channels))
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
    let x = Lanes(input.channels, groups: groups)
    let y = Lanes(output.channels, groups: groups)
    let window = window(stride: geometry.stride, planes: x.width, over: output.extent, read)
    let packed = workspace.outputs
    for chunk in y.chunks {
      packed.update(repeating: 0, count: weights.kernel.rows * LaneWindow.lanes)
      clear(workspace, read, planes: x.width)
      for sample in 0..<tile.count {
        expand(tile, sample, chunk, y, x, workspace)
        window.addKernelGradient(
          workspace.columns, gradients + sample * output.size + chunk.lowerBound,
          step: output.channels, to: packed)
      }
      let target = weights.kernelGradient(of: tile)
      for row in 0..<target.rows {
        for (lane, filter) in chunk.enumerated() {
          target.base[row * target.columns + filter] = packed[row * LaneWindow.lanes + lane]
        }
      }
    }
    if input.hasGradient { raise(tile, x, y, workspace) }
  }

  /// dx from dy.
  private func raise(_ tile: Tile, _ x: Lanes, _ y: Lanes, _ workspace: Workspace) {
    let span = geometry.span
    let window = window(stride: Extent(1, 1), planes: y.width, over: input.extent, spread)
    for chunk in x.chunks {
      packTurned(to: workspace.outputs, chunk, x, y)
      clear(workspace, spread, planes: y.width)
      for sample in 0..<tile.count {
        y.expand(
          output.gradients(of: tile) + sample * output.size, output.extent, for: chunk, of: x,
          top: span.height - 1 - geometry.top, left: span.width - 1 - geometry.left,
          apart: geometry.stride, to: workspace.columns, spread)
        window.correlate(
          workspace.columns, workspace.outputs, bias: Vector(),
          to: .init(
            base: input.gradients(of: tile) + sample * input.size + chunk.lowerBound,
            lanes: chunk.count, step: input.channels))
      }
    }
  }

  private func window(
    stride: Extent, planes: Int, over extent: Extent, _ frame: Extent
  ) -> LaneWindow {
    LaneWindow(
      window: geometry.window, stride: stride, dilation: geometry.dilation, planes: planes,
      sourceWidth: frame.width, output: extent)
  }

  private func clear(_ workspace: Workspace, _ frame: Extent, planes: Int) {
    workspace.columns.update(
      repeating: 0, count: frame.height * frame.width * planes * LaneWindow.lanes)
  }

  private func expand(
    _ tile: Tile, _ sample: Int, _ chunk: Range<Int>, _ y: Lanes, _ x: Lanes,
    _ workspace: Workspace
  ) {
    x.expand(
      input.values(of: tile) + sample * input.size, input.extent, for: chunk, of: y,
      top: geometry.top, left: geometry.left, apart: Extent(1, 1), to: workspace.columns, read)
  }

  private func bias(_ chunk: Range<Int>) -> Vector {
    var vector = Vector()
    guard let bias = weights.bias else { return vector }
    for (lane, filter) in chunk.enumerated() { vector[lane] = bias[filter] }
    return vector
  }

  /// Some filters' weights, (K·K, c, 16).
  private func pack(to packed: UnsafeMutablePointer<Float>, _ chunk: Range<Int>) {
    let kernel = weights.kernel
    for row in 0..<kernel.rows {
      let to = packed + row * LaneWindow.lanes
      for lane in 0..<LaneWindow.lanes {
        to[lane] =
          lane < chunk.count ? kernel.base[row * kernel.columns + chunk.lowerBound + lane] : 0
      }
    }
  }

  /// The weights by which some channels reach their filters, the kernel turned about, (K·K, f, 16).
  private func packTurned(
    to packed: UnsafeMutablePointer<Float>, _ chunk: Range<Int>, _ x: Lanes, _ y: Lanes
  ) {
    let kernel = weights.kernel
    let taps = kernel.rows / x.width
    var to = packed
    for tap in (0..<taps).reversed() {
      for plane in 0..<y.width {
        for lane in 0..<LaneWindow.lanes {
          let channel = chunk.lowerBound + lane
          let row = tap * x.width + channel % x.width
          let filter = channel / x.width * y.width + plane
          to[lane] = lane < chunk.count ? kernel.base[row * kernel.columns + filter] : 0
        }
        to += LaneWindow.lanes
      }
    }
  }
}

/// Channels as lanes of vectors, in groups of `width`.
private struct Lanes {
  let channels: Int
  let width: Int

  init(_ channels: Int, groups: Int) {
    self.channels = channels
    width = channels / groups
  }

  /// Sixteen at a time; of the last there may be fewer.
  var chunks: LazyMapSequence<StrideTo<Int>, Range<Int>> {
    let channels = channels
    return stride(from: 0, to: channels, by: LaneWindow.lanes).lazy.map {
      $0..<min(channels, $0 + LaneWindow.lanes)
    }
  }

  /// For each lane of a chunk of other channels the channels of its group, as planes: (H, W, width, 16)
  /// of a frame, positions `apart` from one another; what else the frame holds stays.
  func expand(
    _ image: UnsafePointer<Float>, _ extent: Extent, for chunk: Range<Int>, of other: Lanes,
    top: Int, left: Int, apart: Extent, to target: UnsafeMutablePointer<Float>, _ frame: Extent
  ) {
    let groups = chunk.lowerBound / other.width..<(chunk.upperBound - 1) / other.width + 1
    switch other.width {
    case 16:
      expand(image, extent, groups, top, left, apart, target, frame, as: Vector.self)
    case 8:
      expand(image, extent, groups, top, left, apart, target, frame, as: SIMD8<Float>.self)
    case 4:
      expand(image, extent, groups, top, left, apart, target, frame, as: SIMD4<Float>.self)
    case 2:
      expand(image, extent, groups, top, left, apart, target, frame, as: SIMD2<Float>.self)
    default: expandSingly(image, extent, groups, top, left, apart, target, frame)
    }
  }

  @inline(__always)
  private func expand<V: SIMD>(
    _ image: UnsafePointer<Float>, _ extent: Extent, _ groups: Range<Int>, _ top: Int, _ left: Int,
    _ apart: Extent, _ target: UnsafeMutablePointer<Float>, _ frame: Extent, as: V.Type
  ) where V.Scalar == Float {
    let width = width
    forEachPosition(image, extent, groups, top, left, apart, target, frame) { from, to in
      for group in 0..<groups.count {
        let source = from + group &* width
        let lanes = to + group &* V.scalarCount
        for plane in 0..<width {
          store(V(repeating: source[plane]), to: lanes + plane &* LaneWindow.lanes)
        }
      }
    }
  }

  /// Groups of one lane each.
  private func expandSingly(
    _ image: UnsafePointer<Float>, _ extent: Extent, _ groups: Range<Int>, _ top: Int, _ left: Int,
    _ apart: Extent, _ target: UnsafeMutablePointer<Float>, _ frame: Extent
  ) {
    let width = width
    forEachPosition(image, extent, groups, top, left, apart, target, frame) { from, to in
      for group in 0..<groups.count {
        for plane in 0..<width {
          to[plane &* LaneWindow.lanes &+ group] = from[group &* width &+ plane]
        }
      }
    }
  }

  /// Every position of the image that lies in the frame: where its groups are, and where they go.
  @inline(__always)
  private func forEachPosition(
    _ image: UnsafePointer<Float>, _ extent: Extent, _ groups: Range<Int>, _ top: Int, _ left: Int,
    _ apart: Extent, _ target: UnsafeMutablePointer<Float>, _ frame: Extent,
    _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let pixel = width &* LaneWindow.lanes
    for row in 0..<extent.height {
      let y = row &* apart.height &+ top
      guard y >= 0, y < frame.height else { continue }
      let line = image + (row &* extent.width &* channels &+ groups.lowerBound &* width)
      for column in 0..<extent.width {
        let x = column &* apart.width &+ left
        guard x >= 0, x < frame.width else { continue }
        body(line + column &* channels, target + (y &* frame.width &+ x) &* pixel)
      }
    }
  }
}
