import ConvNet
import ONNX

/// How a value of an ONNX file lies: what the indices behind that of images run over, where the graph has
/// rows, columns and channels.
struct ONNXValueLayout: Hashable {
  enum Axis: Hashable { case height, width, channels }

  /// Of a vector, height and width are 1, or those of the image that it was flattened from.
  let (height, width, channels): (Int, Int, Int)
  /// Of each index, the axes that it runs over, the outermost first.
  var indices: [[Axis]]

  init(_ height: Int, _ width: Int, _ channels: Int, _ indices: [[Axis]]) {
    (self.height, self.width, self.channels) = (height, width, channels)
    self.indices = indices
  }

  static let nchw: [[Axis]] = [[.channels], [.height], [.width]]
  static let nhwc: [[Axis]] = [[.height], [.width], [.channels]]

  /// What a layer gives, as ONNX's own operators have it.
  init(_ shape: Shape) {
    switch shape {
    case .image(let height, let width, let channels):
      self.init(height, width, channels, Self.nchw)
    case .vector(let count): self.init(1, 1, count, [[.channels]])
    }
  }

  func size(_ axis: Axis) -> Int {
    switch axis {
    case .height: height
    case .width: width
    case .channels: channels
    }
  }

  var sizes: [Int] { indices.map { $0.reduce(1) { $0 * size($1) } } }
  var count: Int { height * width * channels }

  /// Without axes of one place, which may stand anywhere.
  private func plain(_ axes: [Axis]) -> [Axis] { axes.filter { size($0) > 1 } }
  var plain: [[Axis]] { indices.map(plain) }

  func isLike(_ indices: [[Axis]]) -> Bool { plain == indices.map(plain) }

  /// Whether an index runs over these and nothing else.
  func runs(_ index: Int, over axes: [Axis]) -> Bool { plain(indices[index]) == plain(axes) }

  /// Whether its numbers lie as those of the graph do.
  var isInOrder: Bool { plain(Array(indices.joined())) == plain([.height, .width, .channels]) }

  /// The order of its axes: the place of each of height, width and channels among them.
  private var orderOfAxes: (axes: [Axis], order: [Int]) {
    var axes = Array(indices.joined())
    for axis in [Axis.height, .width, .channels] where !axes.contains(axis) { axes.append(axis) }
    return (axes, [Axis.height, .width, .channels].map { axes.firstIndex(of: $0)! })
  }

  /// Numbers that lie as this does, `columns` for each place, as the graph has them.
  func ordered(_ tensor: Tensor, columns: Int = 1) -> Tensor {
    let (axes, order) = orderOfAxes
    return tensor.reshaped(axes.map(size) + [columns]).transposed(order + [3])
      .reshaped([count, columns])
  }

  /// The same numbers with other indices, given by their sizes; nil where an axis would have to be cut.
  func regrouped(_ sizes: [Int]) -> ONNXValueLayout? {
    var rest = plain(Array(indices.joined()))[...]
    var groups: [[Axis]] = []
    for wanted in sizes {
      var (group, size): ([Axis], Int) = ([], 1)
      while size < wanted, let axis = rest.popFirst() {
        group.append(axis)
        size *= self.size(axis)
      }
      guard size == wanted else { return nil }
      groups.append(group)
    }
    return rest.isEmpty ? ONNXValueLayout(height, width, channels, groups) : nil
  }
}

/// A value that is computed from the images.
struct ONNXValue: Hashable {
  /// Whose output it is, or of whose output it is a function.
  var input: LayerInput
  var layout: ONNXValueLayout
  /// The place among the reader's functions of that which is still to be applied.
  var function: Int?
  /// What has been done to the images.
  var preparation: [ONNXPreparation] = []
  /// Its channels in so many groups, (N, groups, …), on their way to be normalised.
  var groups: Int?

  init(_ input: LayerInput, _ layout: ONNXValueLayout) {
    (self.input, self.layout) = (input, layout)
  }

  /// The sizes behind the number of images.
  var sizes: [Int] { groups.map { [$0, layout.count / $0] } ?? layout.sizes }

  /// Whether it is of the same numbers, in the same order, but for a function of each.
  func isOf(_ other: ONNXValue) -> Bool {
    input == other.input && layout.plain == other.layout.plain
      && layout.indices.count == other.layout.indices.count && preparation == other.preparation
      && groups == nil && other.groups == nil
  }
}

/// What is done to the images before the first layer.
enum ONNXPreparation: Hashable {
  /// One number, one for each channel, or one for each number of an image, rows, columns, channels.
  case multiplied([Float])
  case divided([Float])
  case added([Float])
  case subtracted([Float])
  case whitened([Float])
}

/// A function of each number of a value, not yet a layer.
struct ONNXPendingFunction {
  let node: ONNXFile.Node
  /// What it is made of: places among the reader's functions, nil for the value itself.
  let operands: [Int?]
  let apply: ([ONNXCurve]) -> ONNXCurve
  let curve: ONNXCurve
  /// How many operators it is.
  let depth: Int
  let of: ONNXValue
  /// Where its values are, once a layer gives them.
  var settled: LayerInput?
}
