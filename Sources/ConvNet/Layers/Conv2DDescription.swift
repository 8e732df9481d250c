// What a convolution is, its tensors, and which of three ways of computing it suits it.

/// A convolution as networks have it, a cross-correlation (LeCun et al. 1998; Keras's `Conv2D`,
/// PyTorch's with its kernel as (K, K, C / groups, F)). With the padding's top and left P, stride S and
/// dilation D,
///
///     y[r, q, f] = a(b[f] + Σ x[r·S + i·D − P, q·S + j·D − P, c]·w[i, j, c, f])
///
/// the sum over the window's i, j and the channels c of f's group. (H, W, C) gives (H', W', F), H' =
/// ⌊(H + padding − (K − 1)·D − 1)/S⌋ + 1. A plan refuses (`NetworkError`) vectors, windows larger than
/// the padded image, groups that do not divide C and F, sizes outside 1...65536, and kernels of more
/// than 2³¹ numbers. Defaults are Keras's.
public struct Conv2DDescription: Hashable, Sendable {
  public var filters: Int
  public var kernel: Extent
  public var stride: Extent
  public var padding: Padding
  public var activation: Activation
  public var bias: Bool
  public var initializer: Initializer
  /// λ of a penalty λ·Σw² on the kernel, added to the objective (Keras's `l2`).
  public var l2: Float
  /// What else holds the kernel in bounds.
  public var regularization: KernelRegularization
  /// Parts that the channels and filters are cut into; a filter sees the channels of its part
  /// (Krizhevsky, Sutskever and Hinton 2012).
  public var groups: Int
  /// From one row or column that the kernel sees to the next (Yu and Koltun 2016).
  public var dilation: Extent

  public init(
    filters: Int, kernel: Extent, stride: Extent = Extent(1, 1), padding: Padding = .valid,
    groups: Int = 1, dilation: Extent = Extent(1, 1),
    activation: Activation = .linear, bias: Bool = true,
    initializer: Initializer = .glorotUniform, l2: Float = 0,
    regularization: KernelRegularization = KernelRegularization()
  ) {
    self.filters = filters
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.activation = activation
    self.bias = bias
    self.initializer = initializer
    self.l2 = l2
    self.regularization = regularization
    self.groups = groups
    self.dilation = dilation
  }
}

extension Conv2DDescription: LayerDefinition {
  var kind: String { "conv2d" }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (extent, channels) = try NetworkPlan.image(input, for: kind)
    let geometry = try WindowGeometry(
      input: extent, window: kernel, stride: stride, padding: padding, dilation: dilation)
    guard groups > 0, channels % groups == 0, filters % groups == 0 else {
      throw NetworkError(
        "\(channels) channels and \(filters) filters cannot be cut into \(groups) groups")
    }
    let (height, width, seen) = (kernel.height, kernel.width, channels / groups)
    let weights = try NetworkPlan.product(
      [height, width, seen, filters], what: "a kernel of \(height)x\(width)x\(seen)x\(filters)")
    return InferredLayer(
      output: Shape(geometry.output, filters),
      flops: try NetworkPlan.work(weights, at: geometry.output), geometry: geometry)
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    geometry!.inputRead(by: live)
  }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    let seen = input.channels / groups
    let patch = kernel.height * kernel.width * seen
    let weights = ParameterDefinition(
      role: .kernel, shape: [kernel.height, kernel.width, seen, filters], rows: patch,
      columns: filters,
      initial: .drawn(
        initializer, rows: patch, columns: filters,
        fanOut: kernel.height * kernel.width * filters), l2: l2, regularization: regularization)
    return bias ? [weights, .channels(.bias, filters, initial: 0)] : [weights]
  }

  /// Max pooling over windows that do not overlap, all of whose positions are computed.
  func fuses(_ layer: NetworkPlan.Layer, with next: NetworkPlan.Layer) -> Bool {
    guard activation.followsFromOutput, case .maxPool(let pool) = next.description,
      pool.stride == pool.size, algorithm(channels: layer.input.channels) == .lowered,
      let geometry = next.geometry
    else { return false }
    return geometry.top == 0 && geometry.left == 0
      && next.live.height * pool.size.height == layer.live.height
      && next.live.width * pool.size.width == layer.live.width
  }

  /// How a convolution is computed.
  private enum Algorithm { case lowered, byChannel, byPlane }

  private func algorithm(channels: Int) -> Algorithm {
    if groups > 1 && groups == channels { return .byChannel }
    return GroupedConv2D.takes(self, channels: channels) ? .byPlane : .lowered
  }

  func make(_ site: LayerSite) -> any Layer {
    var description = self
    description.activation = activation.fused
    let (kernel, bias) = (site.parameters[.kernel]!, site.parameters[.bias])
    let algorithm = algorithm(channels: site.input.channels)
    if algorithm == .byChannel {
      return DepthwiseConv2D(
        site.geometry, activation: description.activation, input: site.input,
        output: site.output, kernel: kernel, bias: bias, workspaces: site.workspaces)
    }
    let live = site.layer.live
    let weights = ConvolutionWeights(
      kernel: kernel.values,
      kernelTransposed: site.input.hasGradient && algorithm == .lowered
        ? site.transposed(.kernel) : kernel.values.transposed,
      bias: bias?.values.base, partials: kernel.partials, kernelOffset: kernel.offset,
      biasOffset: bias?.offset,
      curvature: groups == 1 ? site.curvature(positions: live.height * live.width) : nil)
    if algorithm == .byPlane {
      return GroupedConv2D(
        description, geometry: site.geometry, input: site.input, output: site.output,
        weights: weights, workspaces: site.workspaces, arena: site.arena)
    }
    var pool: FusedPool?
    if let next = site.fused, case .maxPool(let description) = next.description {
      pool = FusedPool(window: description.size, live: next.live)
      site.output.hasWinners = true
    }
    let end = ConvolutionEnd(
      site.output, live: live, filters: filters, activation: description.activation, pool: pool,
      bias: weights.bias)
    var winners: WinnerGradients?
    if let pool, site.trains, site.numerics.usesWinners, groups == 1, weights.curvature == nil {
      winners = WinnerGradients(
        site.geometry, live: live, pool: pool, stored: site.input.extent,
        channels: site.input.channels, filters: filters)
    }
    // K-FAC asks for the patches that windows see.
    if site.convolution == .winograd, weights.curvature == nil,
      let filter = WinogradFilter.gains(
        site.geometry, groups: groups, live: live, channels: site.input.channels, filters: filters)
    {
      return WinogradConv2D(filter, site, end: end, winners: winners, weights: weights)
    }
    if !site.input.hasGradient, winners == nil, weights.curvature == nil,
      let direct = DirectConvolution(
        site.geometry, groups: groups, live: live, stored: site.input.extent,
        channels: site.input.channels, filters: filters)
    {
      return DirectConv2D(direct, site, end: end, weights: weights)
    }
    return Conv2D(description, site, end: end, winners: winners, weights: weights)
  }
}
