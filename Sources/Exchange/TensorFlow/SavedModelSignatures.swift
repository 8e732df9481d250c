import ConvNet
import ONNX

extension SavedModelFile {
  /// The SavedModel of a graph, with three signatures:
  ///
  ///     serving_default   images (N, H, W, C), floats -> scores or, at the user's wish, probabilities
  ///     predict           images -> scores, probabilities, class (N), whole numbers
  ///     classify          inputs (N), PNG or JPEG files of the network's size -> the names of all classes,
  ///                       the likeliest first, and their probabilities, as TensorFlow Serving has it
  ///
  /// The last is left out where the graph does not take pixels of 0 to 255.
  ///
  /// - Parameter graph: as `Graph.withPlainBatchNorms` gives it.
  /// - Throws: `ExchangeError` where it is too large.
  init(_ graph: Graph, classNames: [String]) throws(ExchangeError) {
    let (network, answer) = try SavedModelWriter.nodes(graph)
    let (height, width, channels) = graph.input.sizes!
    let size = [height, width, channels]
    let images = Port(name: SavedModelWriter.images, type: .float, shape: [-1] + size)
    add(images.name, "Placeholder", [], ["dtype": .type(.float), "shape": .shape(images.shape)])
    nodes += network
    let answerName = graph.endsInSoftmax ? "probabilities" : "scores"
    let result = (answerName, Port(name: answer, type: .float, shape: [-1, graph.classes]))
    let probabilities = Port(
      name: softmax(answer, "probabilities", graph), type: .float, shape: [-1, graph.classes])
    let predict = "tensorflow/serving/predict"
    signatures = [
      Signature(
        name: "serving_default", method: predict, inputs: [("images", images)],
        outputs: [result]),
      Signature(
        name: "predict", method: predict, inputs: [("images", images)],
        outputs: (graph.endsInSoftmax ? [] : [result])
          + [("probabilities", probabilities), ("class", likeliest(answer))]),
    ]
    // Files can be asked about where pixels are, and of the kinds that there are decoders for.
    guard graph.scale != nil, [1, 3, 4].contains(channels) else { return }
    let files = decodeFiles(of: size)
    call(network, answer, of: "decoded")
    let told = softmax("files_answer", "files_probabilities", graph)
    signatures.append(classification(told, files, classNames))
  }

  private mutating func softmax(_ answer: String, _ name: String, _ graph: Graph) -> String {
    if graph.endsInSoftmax { return answer }
    add(name, "Softmax", [answer], ["T": .type(.float)])
    return name
  }

  /// The network once more, as a function of images and of the constants that there are: `files_answer`.
  private mutating func call(_ network: [Node], _ answer: String, of images: String) {
    var types: [String: DataType] = [:]
    var operators: [String: SavedModelWriter.Operator] = [:]
    for node in network {
      guard let op = SavedModelWriter.Operator(rawValue: node.op) else { continue }
      operators[node.name] = op
      if op == .constant, case .type(let type)? = node.attributes["dtype"] {
        types[node.name] = type
      }
    }
    // Within a function a value is called by its node and by what that calls its output.
    func place(_ name: String) -> String {
      guard let op = operators[name], op != .constant else { return name }
      return "\(name):\(op.output):0"
    }
    let constants = network.filter { types[$0.name] != nil }.map(\.name)
    functions.append(
      Function(
        name: "network",
        inputs: [(SavedModelWriter.images, .float)] + constants.map { ($0, types[$0]!) },
        output: ("answer", .float, of: place(answer)),
        nodes: network.filter { types[$0.name] == nil }.map {
          Node(name: $0.name, op: $0.op, inputs: $0.inputs.map(place), attributes: $0.attributes)
        }))
    add(
      "files_answer", "PartitionedCall", [images] + constants,
      [
        "Tin": .types([.float] + constants.map { types[$0]! }), "Tout": .types([.float]),
        "f": .function("network"),
      ])
  }

  /// Files as numbers, `decoded`.
  private mutating func decodeFiles(of size: [Int]) -> Port {
    let files = Port(name: "files", type: .string, shape: [-1])
    add(files.name, "Placeholder", [], ["dtype": .type(.string), "shape": .shape(files.shape)])
    let channels = size[2]
    functions.append(
      Function(
        name: "decode", inputs: [("file", .string)],
        output: ("pixels", .uint8, of: "sized:output:0"),
        nodes: [
          // As libjpeg does it, and Pillow with it.
          Node(
            name: "decoded", op: channels == 4 ? "DecodePng" : "DecodeJpeg", inputs: ["file"],
            attributes: channels == 4
              ? ["channels": .int(4)]
              : ["channels": .int(channels), "dct_method": .string("INTEGER_ACCURATE")]),
          Node(
            name: "sized", op: "EnsureShape", inputs: ["decoded:image:0"],
            attributes: ["T": .type(.uint8), "shape": .shape(size)]),
        ]))
    add(
      "pixels", "MapDefun", [files.name],
      [
        "Targuments": .types([.string]), "Tcaptured": .types([]), "output_types": .types([.uint8]),
        "output_shapes": .shapes([size]), "f": .function("decode"),
      ])
    add("decoded", "Cast", ["pixels"], ["SrcT": .type(.uint8), "DstT": .type(.float)])
    return files
  }

  private mutating func add(
    _ name: String, _ op: String, _ inputs: [String], _ attributes: [String: Attribute]
  ) {
    nodes.append(Node(name: name, op: op, inputs: inputs, attributes: attributes))
  }

  /// The place of the largest of each row.
  private mutating func likeliest(_ answer: String) -> Port {
    integer("class_axis", 1)
    add(
      "class", "ArgMax", [answer, "class_axis"],
      ["T": .type(.float), "Tidx": .type(.int32), "output_type": .type(.int64)])
    return Port(name: "class", type: .int64, shape: [-1])
  }

  private mutating func classification(
    _ probabilities: String, _ files: Port, _ classNames: [String]
  ) -> Signature {
    let count = classNames.count
    integer("class_count", count)
    integer("names_axis", 0)
    add(
      "ranked", "TopKV2", [probabilities, "class_count"],
      ["T": .type(.float), "sorted": .bool(true)])
    add("names", "Const", [], ["dtype": .type(.string), "value": .strings(classNames)])
    add(
      "ranked_names", "GatherV2", ["names", "ranked:1", "names_axis"],
      [
        "Tparams": .type(.string), "Tindices": .type(.int32), "Taxis": .type(.int32),
      ])
    return Signature(
      name: "classify", method: "tensorflow/serving/classify", inputs: [("inputs", files)],
      outputs: [
        ("classes", Port(name: "ranked_names", type: .string, shape: [-1, count])),
        ("scores", Port(name: "ranked", type: .float, shape: [-1, count])),
      ])
  }

  private mutating func integer(_ name: String, _ value: Int) {
    let bytes = withUnsafeBytes(of: Int32(value).littleEndian) { Array($0) }
    add(
      name, "Const", [],
      ["dtype": .type(.int32), "value": .tensor(.int32, shape: [], bytes: bytes)])
  }
}
