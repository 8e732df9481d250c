import ConvNet
import ONNX

/// What writes ONNX, float by float or of int8: operators, names, constants, and what is done to images first.
protocol ONNXWriting {
  var file: ONNXFile { get set }
  /// Of constants that have no name of their own.
  var constantNames: [ONNXArray: String] { get set }
  /// All names.
  var taken: Set<String> { get set }
}

extension ONNXWriting {
  static var inputName: String { "images" }

  mutating func unique(_ name: String) -> String {
    var (candidate, number) = (name, 2)
    while !taken.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  @discardableResult
  mutating func add(
    _ op: String, _ inputs: [String], _ name: String,
    _ attributes: [String: ONNXFile.Attribute] = [:], to output: String? = nil
  ) -> String {
    let output = output ?? unique(name)
    file.nodes.append(
      ONNXFile.Node(
        op: op, name: "\(op)_\(file.nodes.count)", inputs: inputs, outputs: [output],
        attributes: attributes))
    return output
  }

  /// A constant by its name; equal ones without a name of their own are one.
  mutating func constant(_ value: ONNXArray, _ name: String) -> String {
    if let known = constantNames[value] { return known }
    let name = unique(name)
    constantNames[value] = name
    file.constants.append((name, value))
    return name
  }

  mutating func constant(_ tensor: Tensor, _ name: String) -> String {
    let name = unique(name)
    file.constants.append((name, .floats(tensor)))
    return name
  }

  mutating func scalar(_ value: Float) -> String {
    constant(.floats(Tensor([value], shape: [])), "constant_\(constantNames.count)")
  }

  mutating func sizes(_ values: [Int]) -> String {
    constant(.ints(values), "sizes_\(constantNames.count)")
  }

  /// The port of the images and what comes before the first layer: x·scale, then the normalisation.
  /// - Returns: what the first layer reads, (N, C, H, W).
  mutating func prepare(
    _ input: Shape, scale: Float?, _ normalization: Normalization?, _ layout: ONNXLayout
  ) throws(ExchangeError) -> String {
    guard let (height, width, channels) = input.sizes else {
      throw ExchangeError("the model takes vectors, not images")
    }
    var images = Self.inputName
    let sizes = layout == .nchw ? [channels, height, width] : [height, width, channels]
    file.inputs = [
      ONNXFile.Port(
        name: images, sizes: [.free("N")] + sizes.map { ONNXFile.Port.Size.fixed($0) })
    ]
    if let scale { images = add("Mul", [images, scalar(scale)], "scaled") }
    if let normalization { images = normalize(images, input, normalization, layout, sizes) }
    if layout == .nhwc {
      images = add("Transpose", [images], "images_nchw", ["perm": .ints([0, 3, 1, 2])])
    }
    return images
  }

  private mutating func normalize(
    _ images: String, _ input: Shape, _ normalization: Normalization, _ layout: ONNXLayout,
    _ sizes: [Int]
  ) -> String {
    let (height, width, channels) = input.sizes!
    /// Of each channel, or of each number, in the order of the input.
    func placed(_ values: [Float]) -> Tensor {
      let isWhole = values.count != channels || height * width == 1
      let tensor = Tensor(
        values, shape: isWhole ? [1, height, width, channels] : [1, 1, 1, channels])
      return layout == .nchw ? tensor.transposed([0, 3, 1, 2]) : tensor
    }
    let centred = add("Sub", [images, constant(placed(normalization.mean), "mean")], "centred")
    guard !normalization.whitening.isEmpty else {
      let factor = constant(placed(normalization.factor), "factor")
      return add("Mul", [centred, factor], "normalized")
    }
    let count = input.count
    var matrix = Tensor(
      normalization.whitening, shape: [height, width, channels, height, width, channels])
    if layout == .nchw { matrix = matrix.transposed([2, 0, 1, 5, 3, 4]) }
    let flat = add("Flatten", [centred], "flat_images", ["axis": .int(1)])
    let white = add(
      "MatMul", [flat, constant(matrix.reshaped([count, count]), "whitening")], "white")
    return add("Reshape", [white, self.sizes([0] + sizes)], "normalized")
  }
}
