// A convolution in a network's memory, by the kernels that suit it.

extension NetworkBuilder {
  /// What a convolution writes: its own output, or that of the pooling after it where the two can
  /// be one.
  func convolutionOutput(_ i: Int) -> (Activations, Conv2D.FusedPool?) {
    let layer = plan.layers[i]
    guard case .conv2D(let conv) = layer.description, conv.activation.followsFromOutput,
      i + 1 < plan.layers.count, plan.followsTheLast(i + 1), layer.readers == 1,
      case .maxPool(let pool) = plan.layers[i + 1].description, pool.stride == pool.size,
      kernels(of: conv, channels: layer.input.channels) == .lowered
    else { return (tensor(layer, hasGradient: true), nil) }
    let next = plan.layers[i + 1]
    let geometry = next.geometry!
    guard geometry.top == 0, geometry.left == 0,
      next.live.height * pool.size.height == layer.live.height,
      next.live.width * pool.size.width == layer.live.width
    else { return (tensor(layer, hasGradient: true), nil) }
    let output = tensor(next, hasGradient: true)
    output.hasWinners = true
    return (output, Conv2D.FusedPool(window: pool.size, live: next.live))
  }

  func appendConvolution(
    _ conv: Conv2DDescription, _ i: Int, pool: Conv2D.FusedPool?, from input: Activations,
    to output: Activations
  ) {
    let kernels = kernels(of: conv, channels: input.channels)
    let kernel = index(i, .kernel)!
    let bias = index(i, .bias)
    guard case .partials(let kernelOffset) = parameters[kernel].source else {
      preconditionFailure("a convolution's gradient is a sum of partials")
    }
    var biasOffset: Int?
    if let bias, case .partials(let offset) = parameters[bias].source { biasOffset = offset }
    let matrix = Matrix(
      weights.base + parameters[kernel].offset, rows: parameters[kernel].rows,
      columns: parameters[kernel].columns)
    let weights = ConvolutionWeights(
      kernel: matrix,
      kernelTransposed: input.hasGradient && kernels == .lowered
        ? transposedKernel(kernel) : matrix.transposed,
      bias: bias.map { self.weights.base + parameters[$0].offset }, partials: partials,
      kernelOffset: kernelOffset, biasOffset: biasOffset,
      curvature: conv.groups == 1
        ? curvature(
          kernel, bias, positions: plan.layers[i].live.height * plan.layers[i].live.width,
          dense: nil) : nil)
    var description = conv
    description.activation = conv.activation.fused
    let geometry = plan.layers[i].geometry!
    switch kernels {
    case .byChannel:
      func tiled(_ values: Matrix, _ offset: Int) -> TiledParameter {
        TiledParameter(values: values, transposed: nil, partials: partials, offset: offset)
      }
      let bias = weights.bias.map {
        tiled(Matrix($0, rows: 1, columns: conv.filters), biasOffset!)
      }
      append(
        DepthwiseConv2D(
          geometry, activation: description.activation, input: input, output: output,
          kernel: tiled(matrix, kernelOffset), bias: bias, workspaces: workspaces), i, output)
    case .byPlane:
      append(
        GroupedConv2D(
          description, geometry: geometry, input: input, output: output, weights: weights,
          workspaces: workspaces, arena: arena), i, output)
    case .lowered:
      append(
        Conv2D(
          description, geometry: geometry, live: plan.layers[i].live, pool: pool, input: input,
          output: output, weights: weights, workspaces: workspaces), i, output,
        through: pool == nil ? i : i + 1)
    }
  }

  /// How a convolution is computed.
  private enum ConvolutionKernels { case lowered, byChannel, byPlane }

  private func kernels(of conv: Conv2DDescription, channels: Int) -> ConvolutionKernels {
    if conv.groups > 1 && conv.groups == channels { return .byChannel }
    return GroupedConv2D.takes(conv, channels: channels) ? .byPlane : .lowered
  }
}
