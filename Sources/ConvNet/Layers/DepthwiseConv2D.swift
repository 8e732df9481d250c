// Letters: H', W' live output rows and columns; K window; C channels of the input; M multiplier.

/// A convolution of each channel by itself (Howard et al. 2017; Keras's `DepthwiseConv2D`): channel c
/// gives the M channels c·M ..< (c + 1)·M,
///
///     y[r, q, c·M + m] = a(b[c·M + m] + Σ x[r·S + i·D − P, q·S + j·D − P, c]·w[i, j, c, m])
///
/// (H, W, C) gives (H', W', C·M), H' as for a convolution. The kernel is (K, K, C, M), and its fans are
/// those of that shape. A plan refuses (`NetworkError`) what it refuses of a convolution. Defaults are
/// Keras's.
public struct DepthwiseConv2DDescription: Hashable, Sendable {
  public var kernel: Extent
  public var stride: Extent
  public var padding: Padding
  public var dilation: Extent
  public var depthMultiplier: Int
  public var activation: Activation
  public var bias: Bool
  public var initializer: Initializer
  /// λ of a penalty λ·Σw² on the kernel, added to the objective (Keras's `l2`).
  public var l2: Float
  /// What else holds the kernel in bounds.
  public var regularization: KernelRegularization

  public init(
    kernel: Extent, stride: Extent = Extent(1, 1), padding: Padding = .valid,
    dilation: Extent = Extent(1, 1), depthMultiplier: Int = 1, activation: Activation = .linear,
    bias: Bool = true, initializer: Initializer = .glorotUniform, l2: Float = 0,
    regularization: KernelRegularization = KernelRegularization()
  ) {
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.depthMultiplier = depthMultiplier
    self.activation = activation
    self.bias = bias
    self.initializer = initializer
    self.l2 = l2
    self.regularization = regularization
  }
}

extension DepthwiseConv2DDescription: LayerDefinition {
  var kind: String { "depthwise_conv2d" }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (extent, channels) = try NetworkPlan.image(input, for: kind)
    let geometry = try WindowGeometry(
      input: extent, window: kernel, stride: stride, padding: padding, dilation: dilation)
    let weights = try NetworkPlan.product(
      [kernel.height, kernel.width, channels, depthMultiplier],
      what: "a kernel of \(kernel.height)x\(kernel.width)x\(channels)x\(depthMultiplier)")
    return InferredLayer(
      output: Shape(geometry.output, channels * depthMultiplier),
      flops: try NetworkPlan.work(weights, at: geometry.output), geometry: geometry)
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    geometry!.inputRead(by: live)
  }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    let window = kernel.height * kernel.width
    let channels = input.channels * depthMultiplier
    let weights = ParameterDefinition(
      role: .kernel, shape: [kernel.height, kernel.width, input.channels, depthMultiplier],
      rows: window, columns: channels,
      initial: .drawn(
        initializer, rows: window * input.channels, columns: depthMultiplier,
        fanOut: window * depthMultiplier), l2: l2, regularization: regularization)
    return bias ? [weights, .channels(.bias, channels, initial: 0)] : [weights]
  }

  func make(_ site: LayerSite) -> any Layer { DepthwiseConv2D(self, site) }
}

/// A depthwise convolution with its bias and activation, image by image and without lowering:
///
///     y[p] = f(b + Σ_k x[p·s + k·d]·w[k])     dw[k] += Σ_p x[p·s + k·d]·dy[p]
///     dx[p·s + k·d] += dy[p]·w[k]
///
/// each for all channels at once. W is stored (K·K, C·M).
final class DepthwiseConv2D: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { activation == .linear ? .inputs : [.inputs, .output] }
  var ways: ProductWays? { ProductWays(forward: "direct", from: input, to: output) }

  private let input: Activations
  private let output: Activations
  private let geometry: WindowGeometry
  private let activation: Activation
  private let kernel: TiledParameter
  private let bias: TiledParameter?
  private let workspaces: [Workspace]
  private let multiplier: Int
  /// What the live outputs read of the image, the padding included.
  private let read: Extent
  /// The image's size, where the convolution is one that needs no frame around it.
  private let same: SameWindow?

  convenience init(_ description: DepthwiseConv2DDescription, _ site: LayerSite) {
    self.init(
      site.geometry, activation: description.activation.fused, input: site.input,
      output: site.output, kernel: site.parameters[.kernel]!, bias: site.parameters[.bias],
      workspaces: site.workspaces)
  }

  init(
    _ geometry: WindowGeometry, activation: Activation, input: Activations, output: Activations,
    kernel: TiledParameter, bias: TiledParameter?, workspaces: [Workspace]
  ) {
    self.input = input
    self.output = output
    self.geometry = geometry
    self.activation = activation
    self.kernel = kernel
    self.bias = bias
    self.workspaces = workspaces
    multiplier = output.channels / input.channels
    let live = output.extent
    same = SameWindow(geometry, channels: input.channels, multiplier: multiplier, live: live)
    let span = geometry.span
    read = Extent(
      (live.height - 1) * geometry.stride.height + span.height,
      (live.width - 1) * geometry.stride.width + span.width)
    // The framed image, or, for the input gradient, the framed gradient; the expanded image.
    let framed = max(
      read.height * read.width,
      (input.extent.height + span.height - 1) * (input.extent.width + span.width - 1))
    let expanded = input.size * multiplier
    for workspace in workspaces {
      workspace.reserve(
        columns: framed * output.channels, outputs: multiplier > 1 ? expanded : 0, row: 0)
    }
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let values = output.values(of: tile)
    if let same { same.clear(workspace.columns) }
    for sample in 0..<tile.count {
      let y = values + sample * output.size
      if let same {
        same.correlate(
          input.values(of: tile) + sample * input.size, kernel.values.base,
          step: output.channels, bias: bias?.values.base, to: y, zeros: workspace.columns)
        continue
      }
      let (image, width) = framed(tile, sample, workspace)
      window(over: output.extent, sourceWidth: width).correlate(
        image, kernel.values.base, step: output.channels, bias: bias?.values.base, to: y)
    }
    activation.apply(values, to: values, count: tile.count * output.size)
  }

  func backward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let kernelGradient = kernel.clearedGradient(of: tile)
    let biasGradient = bias?.clearedGradient(of: tile)
    let gradients = output.gradients(of: tile)
    activation.gradientFromOutput(
      output.values(of: tile), gradients, to: gradients, count: tile.count * output.size)
    if let biasGradient {
      addColumnSums(
        of: gradients, rows: tile.count * output.size / output.channels, columns: output.channels,
        to: biasGradient)
    }
    if let same { same.clear(workspace.columns) }
    for sample in 0..<tile.count {
      let dy = gradients + sample * output.size  // (H', W', C·M)
      if let same {
        same.addKernelGradient(
          input.values(of: tile) + sample * input.size, dy, to: kernelGradient,
          zeros: workspace.columns)
      } else {
        let (image, width) = framed(tile, sample, workspace)
        window(over: output.extent, sourceWidth: width).addKernelGradient(
          image, dy, to: kernelGradient)
      }
      if input.hasGradient {
        raise(dy, to: input.gradients(of: tile) + sample * input.size, workspace)
      }
    }
  }

  private func window(over extent: Extent, sourceWidth: Int) -> ChannelWindow {
    ChannelWindow(
      window: geometry.window, stride: geometry.stride, dilation: geometry.dilation,
      channels: output.channels, sourceWidth: sourceWidth, output: extent)
  }

  /// A sample's image with each channel M times and zeros around it, and its width; the image itself
  /// where it needs neither.
  private func framed(
    _ tile: Tile, _ sample: Int, _ workspace: Workspace
  ) -> (UnsafeMutablePointer<Float>, width: Int) {
    var image = input.values(of: tile) + sample * input.size
    if multiplier > 1 {
      for i in 0..<input.size {
        (workspace.outputs + i * multiplier).update(repeating: image[i], count: multiplier)
      }
      image = workspace.outputs
    }
    let isInside =
      geometry.top == 0 && geometry.left == 0 && read.height <= input.extent.height
      && read.width <= input.extent.width
    if isInside { return (image, input.extent.width) }
    copyFrame(
      image, input.extent, top: geometry.top, left: geometry.left, channels: output.channels,
      to: workspace.columns, read)
    return (workspace.columns, read.width)
  }

  /// dx of one sample from dy, (H', W', C·M). With a stride of 1 it is a correlation with the kernel
  /// turned about, of dy with zeros around it.
  private func raise(
    _ dy: UnsafeMutablePointer<Float>, to dx: UnsafeMutablePointer<Float>, _ workspace: Workspace
  ) {
    let channels = output.channels
    let turned = kernel.values.base + (kernel.values.rows - 1) * channels
    if let same {
      return same.correlate(
        dy, turned, step: -channels, bias: nil, to: dx, zeros: workspace.columns)
    }
    let span = geometry.span
    let target = multiplier == 1 ? dx : workspace.outputs  // (H, W, C·M)
    if geometry.stride == Extent(1, 1) {
      let extent = Extent(
        input.extent.height + span.height - 1, input.extent.width + span.width - 1)
      copyFrame(
        dy, output.extent, top: span.height - 1 - geometry.top,
        left: span.width - 1 - geometry.left, channels: channels, to: workspace.columns, extent)
      window(over: input.extent, sourceWidth: extent.width).correlate(
        workspace.columns, turned, step: -channels, bias: nil, to: target)
    } else {
      workspace.columns.update(repeating: 0, count: read.height * read.width * channels)
      window(over: output.extent, sourceWidth: read.width).scatter(
        dy, kernel.values.base, to: workspace.columns)
      copyFrame(
        workspace.columns, read, top: -geometry.top, left: -geometry.left, channels: channels,
        to: target, input.extent)
    }
    guard multiplier > 1 else { return }
    for i in 0..<input.size {
      var sum: Float = 0
      for m in 0..<multiplier { sum += target[i &* multiplier &+ m] }
      dx[i] = sum
    }
  }
}
