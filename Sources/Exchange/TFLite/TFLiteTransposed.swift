import ConvNet
import ONNX

/// A transposed convolution as one that is none. A window over the images, with zeros around them, gives a
/// block of sh by sw positions at each of its places, F filters each; then these are put beside each other:
///
///     z[m, n, (a, b, f)] = β[f] + Σ x[m − d, n − e, c]·k[sh·d + a, sw·e + b, f, c]
///     y[sh·m + a − top, sw·n + b − left, f] = z[m, n, (a, b, f)]
///
/// The interpreters' own operator is told the size of what it gives, of how many images too, and would
/// take no more than one at a time.
struct TFLiteTransposed {
  let kernel, stride: Extent
  let filters: Int

  init(_ conv: Conv2DTransposeDescription) {
    (kernel, stride, filters) = (conv.kernel, conv.stride, conv.filters)
  }

  /// Positions of a block.
  var positions: Int { stride.height * stride.width }

  /// The size of the window.
  var window: Extent {
    Extent(
      (kernel.height + stride.height - 1) / stride.height,
      (kernel.width + stride.width - 1) / stride.width)
  }

  /// Where a run of a kernel's channels lies, (kh, kw, F, C), and where it does in the window's,
  /// (sh·sw·F, window, C), in which what no number of the kernel falls on is 0.
  private func runs(channels: Int, _ body: (_ own: Int, _ there: Int) -> Void) {
    for i in 0..<kernel.height {
      for j in 0..<kernel.width {
        let block = i % stride.height * stride.width + j % stride.width
        // What comes last of the kernel meets what comes first of the images.
        let row = window.height - 1 - i / stride.height
        let column = window.width - 1 - j / stride.width
        for f in 0..<filters {
          let filter = block * filters + f
          body(
            ((i * kernel.width + j) * filters + f) * channels,
            ((filter * window.height + row) * window.width + column) * channels)
        }
      }
    }
  }

  func shape(channels: Int) -> [Int] {
    [positions * filters, window.height, window.width, channels]
  }

  /// (kh, kw, F, C) as (sh·sw·F, window, C).
  func spread(_ kernel: Tensor) -> Tensor {
    let shape = shape(channels: kernel.shape[3])
    var values = [Float](repeating: 0, count: shape.reduce(1, *))
    runs(channels: shape[3]) { own, there in
      values.replaceSubrange(
        there..<there + shape[3], with: kernel.values[own..<own + shape[3]])
    }
    return Tensor(values, shape: shape)
  }

  /// The kernel that was spread, of a shape.
  func gathered(_ window: Tensor, _ shape: [Int]) -> Tensor {
    var values = [Float](repeating: 0, count: shape.reduce(1, *))
    runs(channels: shape[3]) { own, there in
      values.replaceSubrange(
        own..<own + shape[3], with: window.values[there..<there + shape[3]])
    }
    return Tensor(values, shape: shape)
  }
}

extension TFLiteWriter {
  mutating func write(
    _ conv: Conv2DTransposeDescription, _ node: Graph.Node, _ x: Int, _ shape: Shape,
    _ name: String
  ) -> Int {
    let form = TFLiteTransposed(conv)
    let (from, to, window) = (shape.extent, node.output.extent, form.window)
    let (cut, _) = conv.sides(from: from, to: to)
    let around = Sides(
      top: window.height - 1, bottom: window.height - 1, left: window.width - 1,
      right: window.width - 1)
    let places = Extent(from.height + window.height - 1, from.width + window.width - 1)
    let padded =
      around == .none
      ? x
      : pad(
        x, around, "\(name)_padded",
        [1, places.height + window.height - 1, places.width + window.width - 1, shape.channels])
    let weights = constant(form.spread(node.tensors[.kernel]!), "\(node.name)/kernel")
    let count = form.positions * conv.filters
    let values = node.tensors[.bias]?.values ?? Array(repeating: 0, count: conv.filters)
    let offset = constant(
      Tensor((0..<count).map { values[$0 % conv.filters] }),
      node.tensors[.bias] == nil ? unique("\(node.name)/zeros") : "\(node.name)/bias")
    let blocks = add(
      .conv, [padded, weights, offset], "\(name)_y", [1, places.height, places.width, count],
      (1, [0: .byte(WindowPadding.valid.rawValue), 1: .int(1), 2: .int(1)]))
    let whole = Extent(places.height * conv.stride.height, places.width * conv.stride.width)
    precondition(cut.top + to.height <= whole.height && cut.left + to.width <= whole.width)
    var beside = blocks
    if form.positions > 1 {
      // (N·rows, columns, sh, sw·F), then (N·rows, sh, columns, sw·F).
      let row = conv.stride.width * conv.filters
      let apart = reshape(
        blocks, "\(name)_apart", [places.height, places.width, conv.stride.height, row])
      let order = integers([0, 2, 1, 3], "\(name)_order")
      let turned = add(
        .transpose, [apart, order], "\(name)_turned",
        [places.height, conv.stride.height, places.width, row], (26, Self.none))
      beside = reshape(
        turned, "\(name)_beside", [1, whole.height, whole.width, conv.filters])
    }
    return whole == to
      ? beside : slice(beside, cut, "\(name)_cut", batch(node.output))
  }
}
