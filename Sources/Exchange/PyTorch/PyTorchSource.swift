import ConvNet

extension PyTorchModel {
  /// The Python file that builds the network.
  /// - Parameters:
  ///   - name: of the model.
  ///   - weights: the file beside it with the tensors.
  func source(name: String, weights: String) -> String {
    let (height, width, channels) = graph.input.sizes!
    let what = graph.scale == nil ? "as the model has prepared them" : "pixels of 0 to 255"
    var lines = [
      "# The network \(Python.quoted(name)) in PyTorch, written by runner; its weights are in \(weights).",
      "import os", "", "import torch", "from torch import nn",
      "from torch.nn import functional as F",
      "", "", "class Network(nn.Module):", "    def __init__(self):", "        super().__init__()",
    ]
    for (name, tensor) in buffers {
      let shape = Python.tuple(tensor)
      lines.append("        self.register_buffer(\"\(name)\", torch.zeros(\(shape)))")
    }
    for (node, name) in zip(graph.nodes, names) {
      if let module = module(node) { lines.append("        self.\(name) = \(module)") }
    }
    lines += [
      "", "    def forward(self, x):",
      "        # (N, \(channels), \(height), \(width)), \(what)",
    ]
    lines += preparation.map { "        \($0)" }
    lines += forward.map { "        \($0)" }
    lines += [
      "", "",
      "def load(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), \(Python.quoted(weights)))):",
      "    from safetensors.torch import load_file", "", "    network = Network()",
      "    network.load_state_dict(load_file(path), strict=True)", "    return network.eval()",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private var buffers: [(String, [Int])] {
    guard let normalization = graph.normalization else { return [] }
    let (height, width, channels) = graph.input.sizes!
    func shape(_ values: [Float]) -> [Int] {
      values.count == channels ? [1, channels, 1, 1] : [1, channels, height, width]
    }
    let mean = ("mean", shape(normalization.mean))
    guard !normalization.whitening.isEmpty else {
      return [mean, ("factor", shape(normalization.factor))]
    }
    return [mean, ("whitening", [graph.input.count, graph.input.count])]
  }

  private var preparation: [String] {
    var lines: [String] = []
    if let scale = graph.scale { lines.append("x = x * \(scale)") }
    if let normalization = graph.normalization {
      lines.append(
        normalization.whitening.isEmpty
          ? "x = (x - self.mean) * self.factor"
          : "x = ((x - self.mean).flatten(1) @ self.whitening).view_as(x)")
    }
    return lines
  }

  /// The module of a layer with tensors.
  private func module(_ node: Graph.Node) -> String? {
    let channels = graph.shape(of: node.inputs[0]).channels
    func flag(_ value: Bool, _ name: String) -> String { value ? "" : ", \(name)=False" }
    switch node.layer {
    case .conv2D(let conv):
      var text =
        "nn.Conv2d(\(channels), \(conv.filters), \(Python.tuple(conv.kernel))"
      if conv.stride != Extent(1, 1) { text += ", stride=\(Python.tuple(conv.stride))" }
      let sides = node.sides
      if sides != .none, sides.areEven {
        text += ", padding=\(Python.tuple(Extent(sides.top, sides.left)))"
      }
      if conv.dilation != Extent(1, 1) { text += ", dilation=\(Python.tuple(conv.dilation))" }
      if conv.groups > 1 { text += ", groups=\(conv.groups)" }
      return text + flag(conv.bias, "bias") + ")"
    case .conv2DTranspose(let conv):
      let (cut, more) = cutAndMore(conv, node)
      var text =
        "nn.ConvTranspose2d(\(channels), \(conv.filters), \(Python.tuple(conv.kernel)), "
        + "stride=\(Python.tuple(conv.stride))"
      if cut != .none, cut.areEven {
        text += ", padding=\(Python.tuple(Extent(cut.top, cut.left)))"
      }
      if more != Extent(0, 0) { text += ", output_padding=\(Python.tuple(more))" }
      return text + flag(conv.bias, "bias") + ")"
    case .dense(let dense):
      return "nn.Linear(\(channels), \(dense.units)\(flag(dense.bias, "bias")))"
    case .batchNorm(let norm):
      let kind = node.output.isImage ? "BatchNorm2d" : "BatchNorm1d"
      return "nn.\(kind)(\(channels), eps=\(norm.epsilon)"
        + flag(norm.scale || norm.center, "affine") + ")"
    case .layerNorm(let norm):
      return "nn.LayerNorm(\(channels), eps=\(norm.epsilon)"
        + flag(norm.scale || norm.center, "elementwise_affine") + ")"
    case .groupNorm(let norm):
      return "nn.GroupNorm(\(norm.groups), \(channels), eps=\(norm.epsilon)"
        + flag(norm.scale || norm.center, "affine") + ")"
    case .prelu: return "nn.PReLU(\(channels))"
    default: return nil
    }
  }

  private func cutAndMore(
    _ conv: Conv2DTransposeDescription, _ node: Graph.Node
  ) -> (Sides, Extent) {
    conv.sides(from: graph.shape(of: node.inputs[0]).extent, to: node.output.extent)
  }

  /// A statement for each node. A value that only the next node reads is called x.
  private var forward: [String] {
    let readers = graph.readers
    var variables: [String] = []
    func variable(_ input: LayerInput) -> String {
      if case .layer(let place) = input { variables[place] } else { imagesName }
    }
    let readsImagesLater = graph.nodes.dropFirst().contains { $0.inputs.contains(.images) }
    let imagesName = readsImagesLater ? "images" : "x"
    var lines = readsImagesLater ? ["images = x"] : []
    for (place, node) in graph.nodes.enumerated() {
      let next = place + 1
      let isPassing =
        readers[place] == 1
        && (next == graph.nodes.count || graph.nodes[next].inputs == [.layer(place)])
      let result = isPassing ? "x" : "\(names[place])"
      variables.append(result)
      let expression = expression(node, names[place], node.inputs.map(variable))
      lines.append("\(result) = \(expression)")
    }
    return lines + ["return \(variables.last!)"]
  }

  /// What a node makes of its inputs.
  private func expression(_ node: Graph.Node, _ name: String, _ inputs: [String]) -> String {
    let x = inputs[0]
    let shape = graph.shape(of: node.inputs[0])
    switch node.layer {
    case .conv2D:
      return node.sides.areEven
        ? "self.\(name)(\(x))" : "self.\(name)(\(Python.padded(x, node.sides)))"
    case .conv2DTranspose(let conv):
      let (cut, _) = cutAndMore(conv, node)
      return "self.\(name)(\(x))"
        + (cut.areEven ? "" : Python.slice(cut, of: node.output.extent))
    case .dense, .batchNorm, .groupNorm, .prelu: return "self.\(name)(\(x))"
    case .layerNorm:
      return shape.isImage
        ? "self.\(name)(\(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)" : "self.\(name)(\(x))"
    case .flatten: return "\(x).permute(0, 2, 3, 1).flatten(1)"
    case .maxPool(let pool):
      let window = "\(Python.tuple(pool.size)), \(Python.tuple(pool.stride))"
      if node.sides.fits(pool.size) {
        return "F.max_pool2d(\(x), \(window)\(Python.padding(node.sides)))"
      }
      return "F.max_pool2d(\(Python.padded(x, node.sides, "float(\"-inf\")")), \(window))"
    case .averagePool(let pool):
      let window = "\(Python.tuple(pool.size)), \(Python.tuple(pool.stride))"
      if node.sides.fits(pool.size) {
        let counts = node.sides == .none || pool.countIncludePad
        return "F.avg_pool2d(\(x), \(window)\(Python.padding(node.sides))"
          + (counts ? ")" : ", count_include_pad=False)")
      }
      let mean = "F.avg_pool2d(\(Python.padded(x, node.sides)), \(window))"
      if pool.countIncludePad { return mean }
      // The zeros don't count: the part of a window that isn't zeros is the mean of ones.
      let ones = Python.padded("torch.ones_like(\(x)[:1, :1])", node.sides)
      return "\(mean) / F.avg_pool2d(\(ones), \(window))"
    case .globalPool(let pool):
      let function = pool.pooling == .average ? "mean" : "amax"
      return "\(x).\(function)((2, 3)\(pool.keepDims ? ", keepdim=True" : ""))"
    case .frame(let frame):
      if frame.change == .zeroPad { return Python.padded(x, frame.sides) }
      return x + Python.slice(frame.sides, of: node.output.extent)
    case .upsample(let upsample):
      let size = Python.tuple(upsample.size)
      return upsample.interpolation == .nearest
        ? "F.interpolate(\(x), scale_factor=\(size))"
        : "F.interpolate(\(x), scale_factor=\(size), mode=\"bilinear\")"
    case .activation(let activation): return Python.call(activation, x)
    case .merge(let merge):
      switch merge.merge {
      case .add: return inputs.joined(separator: " + ")
      case .concat: return "torch.cat((\(inputs.joined(separator: ", "))), 1)"
      case .multiply:
        return zip(inputs, node.inputs).map { name, input in
          node.output.isImage && !graph.shape(of: input).isImage
            ? "\(name)[:, :, None, None]" : name
        }.joined(separator: " * ")
      }
    case .dropout, .spatialDropout, .gaussianNoise, .depthwiseConv2D, .squeezeExcite, .fakeQuantize:
      preconditionFailure("a graph has no \(node.layer.kind)")
    }
  }
}

extension Sides {
  /// Whether there is as much above as below, and to the left as to the right.
  fileprivate var areEven: Bool { top == bottom && left == right }

  /// Whether PyTorch's poolings take them: even, and of at most half the window.
  fileprivate func fits(_ window: Extent) -> Bool {
    areEven && 2 * top <= window.height && 2 * left <= window.width
  }
}

/// Pieces of Python.
private enum Python {
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case _ where scalar.value < 32 || scalar.value == 127: result += "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  static func tuple(_ extent: Extent) -> String { "(\(extent.height), \(extent.width))" }

  static func tuple(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: ", ") }

  static func padding(_ sides: Sides) -> String {
    sides == .none ? "" : ", \(tuple(Extent(sides.top, sides.left)))"
  }

  /// Left, right, top, bottom.
  static func padded(_ x: String, _ sides: Sides, _ value: String? = nil) -> String {
    "F.pad(\(x), (\(sides.left), \(sides.right), \(sides.top), \(sides.bottom))"
      + (value.map { ", value=\($0)" } ?? "") + ")"
  }

  /// What is left of an image, an extent that lies behind some sides.
  static func slice(_ sides: Sides, of extent: Extent) -> String {
    "[:, :, \(sides.top):\(sides.top + extent.height), \(sides.left):\(sides.left + extent.width)]"
  }

  static func call(_ activation: Activation, _ x: String) -> String {
    switch activation {
    case .linear: x
    case .relu: "F.relu(\(x))"
    case .relu6: "F.relu6(\(x))"
    case .leakyReLU(let slope): "F.leaky_relu(\(x), \(slope))"
    case .elu(let alpha): "F.elu(\(x), \(alpha))"
    case .gelu(let approximate): approximate ? "F.gelu(\(x), approximate=\"tanh\")" : "F.gelu(\(x))"
    case .sigmoid: "torch.sigmoid(\(x))"
    case .hardSigmoid: "F.hardsigmoid(\(x))"
    case .swish: "F.silu(\(x))"
    case .hardSwish: "F.hardswish(\(x))"
    case .mish: "F.mish(\(x))"
    case .tanh: "torch.tanh(\(x))"
    case .softplus: "F.softplus(\(x))"
    case .softmax: "torch.softmax(\(x), 1)"
    }
  }
}
