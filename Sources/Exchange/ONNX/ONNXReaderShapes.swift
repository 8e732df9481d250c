import ConvNet
import ONNX

// How values lie: what moves, joins and parts indices computes nothing.
extension ONNXReader {
  mutating func readTranspose(_ node: ONNXFile.Node) throws(ExchangeError) {
    var value = try value(node)
    let count = value.layout.indices.count + 1
    let order = node.ints("perm") ?? Array((0..<count).reversed())
    guard order.sorted() == Array(0..<count), order[0] == 0, value.groups == nil else {
      throw refused(node, "it moves images among each other (perm \(order))")
    }
    value.layout.indices = order.dropFirst().map { value.layout.indices[$0 - 1] }
    try define(node, value)
  }

  mutating func readReshape(_ node: ONNXFile.Node) throws(ExchangeError) {
    var value = try value(node)
    let own = value.sizes
    var sizes: [Int]
    if node.op == "Flatten" {
      let axis = node.int("axis") ?? 1
      guard axis == 1 || axis == -own.count else { throw refused(node, "it is not of axis 1") }
      sizes = [own.reduce(1, *)]
    } else {
      sizes = try shape(node, of: own)
    }
    if value.groups != nil {
      value.groups = nil
      guard sizes == value.layout.sizes else { throw refused(node, "to \(sizes) is not read") }
      return try define(node, value)
    }
    if let layout = value.layout.regrouped(sizes) {
      value.layout = layout
      return try define(node, value)
    }
    // The channels in groups, to be normalised.
    let (shape, groups) = (value.layout, sizes[0])
    let isFirst = shape.isLike(ONNXValueLayout.nchw) || shape.isLike([[.channels]])
    guard sizes.count == 2, isFirst, groups > 0, shape.channels % groups == 0 else {
      throw refused(
        node, "from \(own) to \(sizes) cuts rows, columns or channels, which no layer does")
    }
    value.groups = groups
    try define(node, value)
  }

  /// The sizes that a value gets, but for the number of images, which stays what it is.
  private func shape(_ node: ONNXFile.Node, of own: [Int]) throws(ExchangeError) -> [Int] {
    var wanted = try sizes(node, 1)
    let keepsZero = node.int("allowzero") ?? 0 != 1
    let count = imageCount ?? ONNXArray.anyCount
    guard !wanted.isEmpty, wanted.count <= ONNXArray.mostIndices else {
      throw refused(node, "to \(wanted) is not read")
    }
    if wanted[0] == -1, !wanted.dropFirst().contains(-1) { wanted[0] = count }
    guard wanted[0] == count || wanted[0] == 0 && keepsZero,
      let sizes = ONNXEvaluator.reshape(
        [1] + own, to: [1] + wanted.dropFirst(), keepsZero: keepsZero),
      sizes.count > 1, sizes.allSatisfy({ $0 > 0 })
    else {
      let shown = wanted.map { $0 == ONNXArray.anyCount ? "N" : "\($0)" }.joined(separator: ", ")
      throw refused(node, "from \(own) to [\(shown)] it mixes images, or does not fit")
    }
    return Array(sizes.dropFirst())
  }

  mutating func readSqueeze(_ node: ONNXFile.Node) throws(ExchangeError) {
    var value = try value(node)
    guard value.groups == nil else { throw refused(node, "it reads channels in groups") }
    var indices = value.layout.indices
    let given = [nil] + (node.inputs.count > 1 ? [try constant(node, 1)] : [])
    let added =
      node.op == "Squeeze" ? 0 : (given.last ?? nil)?.count ?? node.ints("axes")?.count ?? 0
    var axes = try evaluator.axes(node, given, indices.count + 1 + added)
    if axes == nil, node.op == "Squeeze", imageCount == nil {
      axes = indices.indices.filter { value.layout.sizes[$0] == 1 }.map { $0 + 1 }
    }
    guard let axes, !axes.contains(0), indices.count + added < ONNXArray.mostIndices else {
      throw refused(node, "its axes are not told, or that of the images is among them")
    }
    for axis in node.op == "Squeeze" ? axes.reversed() : axes {
      if node.op == "Unsqueeze" {
        indices.insert([], at: axis - 1)
      } else {
        guard value.layout.sizes[axis - 1] == 1 else {
          throw refused(node, "index \(axis) is not of one place")
        }
        indices.remove(at: axis - 1)
      }
    }
    value.layout.indices = indices
    try define(node, value)
  }

  mutating func readNothing(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    if node.op == "Cast", node.int("to") != 1 {
      throw refused(node, "it makes something else than floats of its input")
    }
    if node.op == "Dropout" {
      if let training = try constant(node, 2), training.integers != [0] {
        throw refused(node, "it is to drop numbers in inference (training_mode)")
      }
      notes.append("\(node.title) is left out, for it does nothing when a model answers")
    }
    try define(node, value)
  }

  mutating func readShape(_ node: ONNXFile.Node) throws(ExchangeError) {
    let sizes = [imageCount ?? ONNXArray.anyCount] + (try value(node)).sizes
    let start = evaluator.clamp(node.int("start") ?? 0, sizes.count)
    let end = evaluator.clamp(node.int("end") ?? sizes.count, sizes.count)
    guard let name = node.outputs.first, !name.isEmpty, values[name] == nil,
      constants.updateValue(.ints(Array(sizes[start..<max(start, end)])), forKey: name) == nil
    else { throw refused(node, "its output has no name, or one that is taken") }
  }

  mutating func readFrame(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    guard value.layout.isLike(ONNXValueLayout.nchw) || value.layout.isLike(ONNXValueLayout.nhwc),
      value.groups == nil
    else { throw refused(node, "it does not read an image") }
    let isLast = !value.layout.isLike(ONNXValueLayout.nchw)
    let input = try image(node, like: isLast ? ONNXValueLayout.nhwc : ONNXValueLayout.nchw)
    let (row, column) = isLast ? (1, 2) : (2, 3)
    var edges: [(before: Int, after: Int)]
    if node.op == "Pad" {
      edges = try pads(node)
    } else {
      let shape = [imageCount ?? ONNXArray.anyCount] + value.layout.sizes
      var inputs: [ONNXArray?] = [nil]
      for place in node.inputs.indices.dropFirst() { inputs.append(try constant(node, place)) }
      let slices = try evaluator.slices(node, shape, inputs)
      guard slices.allSatisfy({ $0.step == 1 && $0.count > 0 }) else {
        throw refused(node, "it leaves out rows, columns or channels between others")
      }
      edges = zip(slices, shape).map { (-$0.start, $0.start + $0.count - $1) }
    }
    for (axis, edge) in edges.enumerated() where edge != (0, 0) {
      guard axis == row || axis == column else {
        throw refused(node, "it changes the number of channels or of images")
      }
    }
    let (rows, columns) = (edges[row], edges[column])
    let all = [rows.before, rows.after, columns.before, columns.after]
    guard all.allSatisfy({ (-65_536...65_536).contains($0) }) else {
      throw refused(node, "its sides are too large")
    }
    var made = input
    // Negative sides cut.
    for change in [FrameDescription.Kind.crop, .zeroPad] {
      let sign = change == .crop ? -1 : 1
      let sides = all.map { max(0, sign * $0) }
      guard
        sides.contains(where: { $0 > 0 }) || change == .zeroPad && made == input && node.op == "Pad"
          || change == .crop && node.op == "Slice"
      else { continue }
      made = try append(
        node,
        .frame(
          FrameDescription(
            change, Sides(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3]))),
        [made])
    }
    var framed = ONNXValue(made, ONNXValueLayout(graph.shape(of: made)))
    if isLast { framed.layout.indices = ONNXValueLayout.nhwc }
    try define(node, framed)
  }

  /// Of each index what is put before and after it.
  private func pads(_ node: ONNXFile.Node) throws(ExchangeError) -> [(before: Int, after: Int)] {
    let given = node.ints("pads") ?? node.ints("paddings")
    let pads: [Int]
    if let given { pads = given } else { pads = try sizes(node, 1) }
    var axes = [0, 1, 2, 3]
    if node.inputs.count > 3, !node.inputs[3].isEmpty { axes = try sizes(node, 3) }
    var value = try float(node, "value", or: 0)
    if given == nil, let array = try constant(node, 2) { value = array.numbers?.first ?? 1 }
    guard node.string("mode") ?? "constant" == "constant", value == 0 else {
      throw refused(node, "it does not put zeros around an image")
    }
    guard pads.count == 2 * axes.count else { throw refused(node, "its pads do not fit its axes") }
    var edges = [(before: Int, after: Int)](repeating: (0, 0), count: 4)
    for (i, axis) in axes.enumerated() {
      guard (-4..<4).contains(axis) else { throw refused(node, "axis \(axis) is none of an image") }
      edges[(axis + 4) % 4] = (pads[i], pads[axes.count + i])
    }
    return edges
  }

  mutating func readResize(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    let isLast = !value.layout.isLike(ONNXValueLayout.nchw)
    let input = try image(node, like: isLast ? ONNXValueLayout.nhwc : ONNXValueLayout.nchw)
    let own = [1] + value.layout.sizes
    let (row, column) = isLast ? (1, 2) : (2, 3)
    var factors = node.attributes["scales"].flatMap { attribute -> [Float]? in
      if case .floats(let values) = attribute { values } else { nil }
    }
    let place = node.op == "Upsample" || evaluator.opset < 11 ? 1 : 2
    if factors == nil, let scales = try constant(node, place)?.numbers, !scales.isEmpty {
      factors = scales
    }
    if factors == nil, node.op == "Resize", node.inputs.count > 3 {
      let sizes = try sizes(node, 3)
      if sizes.count == 4 {
        factors = zip(sizes, own).map { Float($0) / Float($1) }
        factors![0] = 1
      }
    }
    let whole = factors?.map { Int(exactly: $0) ?? 0 } ?? []
    guard whole.count == 4, node.attributes["axes"] == nil,
      whole.indices.allSatisfy({ $0 == row || $0 == column ? whole[$0] > 0 : whole[$0] == 1 })
    else { throw refused(node, "it does not enlarge an image by whole factors") }
    let mode = node.string("mode") ?? "nearest"
    let isOld = node.op == "Upsample" || evaluator.opset < 11
    let from = isOld ? "asymmetric" : node.string("coordinate_transformation_mode") ?? "half_pixel"
    let nearest = isOld ? "floor" : node.string("nearest_mode") ?? "round_prefer_floor"
    let interpolation: UpsampleDescription.Interpolation
    switch (mode, from, nearest) {
    // Each of these gives every new pixel the old one that it lies in.
    case ("nearest", "asymmetric", "floor"), ("nearest", "tf_half_pixel_for_nn", "floor"),
      ("nearest", "half_pixel", "round_prefer_floor"),
      ("nearest", "half_pixel", "round_prefer_ceil"),
      ("nearest", "pytorch_half_pixel", "round_prefer_floor"):
      interpolation = .nearest
    case ("linear", "half_pixel", _), ("linear", "pytorch_half_pixel", _),
      ("bilinear", "half_pixel", _):
      interpolation = .bilinear
    default:
      throw refused(node, "its way of interpolating (\(mode), \(from)) is not the catalogue's")
    }
    guard node.int("antialias") ?? 0 == 0 else { throw refused(node, "it smoothes (antialias)") }
    try add(
      node,
      .upsample(
        UpsampleDescription(
          size: Extent(whole[row], whole[column]), interpolation: interpolation)), [input],
      layout: value.layout.indices)
  }

  mutating func readConcat(_ node: ONNXFile.Node) throws(ExchangeError) {
    var inputs: [LayerInput] = []
    let first = try value(node)
    let count = first.layout.indices.count
    let given = node.int("axis") ?? 1
    let axis = given < 0 ? given + count + 1 : given
    guard (1...count).contains(axis) else { throw refused(node, "it joins images") }
    if node.inputs.count == 1 { return try define(node, first) }
    for place in node.inputs.indices {
      let value = try value(node, place)
      guard value.groups == nil, value.layout.indices.count == count,
        count == 1 ? value.layout.isInOrder : value.layout.runs(axis - 1, over: [.channels]),
        value.layout.plain.indices.allSatisfy({
          $0 == axis - 1 || value.layout.plain[$0] == first.layout.plain[$0]
        })
      else { throw refused(node, "it does not join the channels of images, or vectors") }
      let input = try settle(value)
      inputs.append(count == 1 ? try flat(input, node) : input)
    }
    if inputs.contains(where: { graph.shape(of: $0).isImage }),
      inputs.contains(where: { !graph.shape(of: $0).isImage })
    {
      for i in inputs.indices { inputs[i] = try flat(inputs[i], node) }
    }
    var indices = first.layout.indices
    indices[axis - 1] = [.channels]
    try add(node, .merge(MergeDescription(.concat)), inputs, layout: indices)
  }
}
