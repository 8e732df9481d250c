import HTTPTypes
import NIOCore
import Storage

/// The Open Inference Protocol, version 2, as KServe and Triton have it, with Triton's extensions for binary
/// tensors and for classification.
///
/// The input is `images`: pixels of 0 to 255 (N, H, W, C) as FP32, UINT8 or another kind of number, or
/// image files (N) as BYTES, in base64 where they are JSON. The outputs are `probabilities` and `scores`
/// (N, classes), FP32, and `class` (N), INT64.
enum OpenInference {
  static let server: JSONValue = [
    "name": "runner", "version": .string(ServingVersion.number),
    "extensions": ["classification", "binary_tensor_data", "model_repository"],
  ]

  static func index(_ shelf: Shelf) throws(Refusal) -> JSONValue {
    guard let models = shelf.models else {
      throw Refusal(.serviceUnavailable, "models are being loaded", retryAfter: 1)
    }
    return .array(
      models.flatMap { model in
        model.versions.map {
          [
            "name": .string($0.name), "version": .string("\($0.version)"), "state": "READY",
            "reason": "",
          ]
        }
      })
  }

  static func metadata(_ model: ServedModel, _ versions: [Int]) -> JSONValue {
    func tensor(_ name: String, _ type: String, _ shape: [Int]) -> JSONValue {
      [
        "name": .string(name), "datatype": .string(type),
        "shape": .array(shape.map { JSONValue($0) }),
      ]
    }
    return [
      "name": .string(model.name), "versions": .array(versions.map { .string("\($0)") }),
      "platform": "runner",
      "inputs": [tensor("images", "FP32", [-1] + model.inputSizes)],
      "outputs": [
        tensor("probabilities", "FP32", [-1, model.classes]),
        tensor("scores", "FP32", [-1, model.classes]), tensor("class", "INT64", [-1]),
      ],
    ]
  }

  /// What a request wants to have of an output.
  struct Wanted: Sendable {
    let name: String
    let isBinary: Bool
    /// So many classes instead of the numbers; 0 for the numbers.
    let classes: Int
  }

  /// A request as it was read.
  struct Inference: Sendable {
    var id: String?
    /// The tensor, or the files that are to become one.
    var images: Images
    var wanted: [Wanted]

    enum Images: Sendable {
      case inputs(Inputs)
      case files([[UInt8]])

      var count: Int {
        switch self {
        case .inputs(let inputs): inputs.count
        case .files(let files): files.count
        }
      }
    }
  }

  static let outputs = ["probabilities", "scores", "class"]

  static func read(_ request: Request, _ model: ServedModel) throws(Refusal) -> Inference {
    var body = request.body
    var binary = ByteBuffer()
    var json: JSONValue
    if let text = request.headers.inferenceHeaderLength {
      guard let length = Int(text), length >= 0, length <= body.readableBytes else {
        throw Refusal(
          .badRequest,
          "Inference-Header-Content-Length is \(text), and the body has \(body.readableBytes) bytes"
        )
      }
      let head = Array(body.readBytes(length: length)!)
      binary = body
      // A length of 0: the body is the one tensor.
      if length == 0 {
        let count = binary.readableBytes / 4 / model.inputCount
        guard count > 0, count * 4 * model.inputCount == binary.readableBytes else {
          throw Refusal(
            .unprocessableContent,
            "images: \(binary.readableBytes) bytes are no FP32 images of \(4 * model.inputCount)")
        }
        return Inference(
          id: nil, images: .inputs(.numbers(try floats(binary, "FP32"), count: count)),
          wanted: outputs.map { Wanted(name: $0, isBinary: true, classes: 0) })
      }
      do { json = try JSONValue(parsing: head, name: "the body") } catch {
        throw Refusal(.badRequest, "\(error)")
      }
    } else {
      json = try request.json()
    }
    guard let inputs = json["inputs"]?.array, inputs.count == 1 else {
      throw Refusal(.badRequest, "\"inputs\" must hold one tensor, images")
    }
    let images = try images(inputs[0], &binary, model)
    guard binary.readableBytes == 0 else {
      throw Refusal(
        .badRequest, "\(binary.readableBytes) bytes follow the tensors that the header announces")
    }
    let isBinary = json["parameters"]?["binary_data_output"]?.bool ?? false
    var wanted = outputs.map { Wanted(name: $0, isBinary: isBinary, classes: 0) }
    if let named = json["outputs"]?.array, !named.isEmpty {
      wanted = []
      for output in named {
        guard let name = output["name"]?.string, outputs.contains(name) else {
          throw Refusal(
            .badRequest,
            "\"outputs\" may be \(outputs.joined(separator: ", ")), not \((output["name"] ?? .null).minified)"
          )
        }
        let parameters = output["parameters"]
        let classes = parameters?["classification"]?.int ?? 0
        guard classes >= 0, classes == 0 || name != "class" else {
          throw Refusal(.badRequest, "classification is of probabilities or scores")
        }
        wanted.append(
          Wanted(
            name: name, isBinary: parameters?["binary_data"]?.bool ?? isBinary, classes: classes))
      }
    }
    return Inference(id: json["id"]?.string, images: images, wanted: wanted)
  }

  private static func images(
    _ input: JSONValue, _ binary: inout ByteBuffer, _ model: ServedModel
  ) throws(Refusal) -> Inference.Images {
    guard input["name"]?.string == "images" else {
      throw Refusal(
        .badRequest, "the input is called images, not \((input["name"] ?? .null).minified)")
    }
    guard let shape = input["shape"]?.array?.map(\.int), !shape.contains(nil),
      let type = input["datatype"]?.string
    else { throw Refusal(.badRequest, "images: it needs a \"shape\" and a \"datatype\"") }
    let sizes = shape.map { $0! }
    guard sizes.allSatisfy({ $0 >= 0 && $0 < 1 << 32 }) else {
      throw Refusal(.badRequest, "images: a size is negative or beyond all measure")
    }
    var stored: ByteBuffer?
    if let size = input["parameters"]?["binary_data_size"] {
      guard let count = size.int, count >= 0, let bytes = binary.readSlice(length: count) else {
        throw Refusal(
          .badRequest,
          "images: binary_data_size is \(size.minified), and \(binary.readableBytes) bytes follow the header"
        )
      }
      stored = bytes
    }
    if type == "BYTES" {
      guard sizes.count == 1 || sizes.count == 2 && sizes[1] == 1, sizes[0] > 0 else {
        throw Refusal(.unprocessableContent, "images: files, BYTES, are of shape [N]")
      }
      let files: [[UInt8]]
      if let stored { files = try Self.files(stored) } else { files = try texts(input) }
      guard files.count == sizes[0] else {
        throw Refusal(
          .unprocessableContent, "images: \(files.count) files, and the shape says \(sizes[0])")
      }
      return .files(files)
    }
    let count = try model.images(ofSizes: sizes, name: "images")
    let total = count * model.inputCount
    if let stored {
      if type == "UINT8" {
        guard stored.readableBytes == total else { throw wrong(stored.readableBytes, total) }
        return .inputs(.pixels(Array(stored.readableBytesView), count: count))
      }
      let numbers = try floats(stored, type)
      guard numbers.count == total else { throw wrong(stored.readableBytes, total) }
      return .inputs(.numbers(numbers, count: count))
    }
    guard let data = input["data"] else { throw Refusal(.badRequest, "images: it has no \"data\"") }
    guard sizesOfTypes[type] != nil else { throw unknown(type) }
    let numbers = try NestedNumbers(data, name: "images")
    guard numbers.values.count == total else {
      throw Refusal(
        .unprocessableContent,
        "images: \(numbers.values.count) numbers, and the shape says \(total)")
    }
    return .inputs(.numbers(numbers.values, count: count))
  }

  static func wrong(_ bytes: Int, _ total: Int) -> Refusal {
    Refusal(
      .unprocessableContent, "images: \(bytes) bytes are not the \(total) numbers of its shape")
  }

  private static let sizesOfTypes = [
    "UINT8": 1, "INT8": 1, "UINT16": 2, "INT16": 2, "UINT32": 4, "INT32": 4, "UINT64": 8,
    "INT64": 8, "FP32": 4, "FP64": 8,
  ]

  private static func unknown(_ type: String) -> Refusal {
    Refusal(
      .unprocessableContent,
      "images: the datatype may be \(sizesOfTypes.keys.sorted().joined(separator: ", ")) or BYTES, not \(type)"
    )
  }

  /// Little-endian numbers of a type.
  static func floats(_ bytes: ByteBuffer, _ type: String) throws(Refusal) -> [Float] {
    guard let size = sizesOfTypes[type] else { throw unknown(type) }
    guard bytes.readableBytes % size == 0 else {
      throw Refusal(
        .unprocessableContent, "images: \(bytes.readableBytes) bytes are no whole \(type)")
    }
    let values = bytes.withUnsafeReadableBytes { raw in
      let count = raw.count / size
      func whole<T: FixedWidthInteger>(_: T.Type) -> [Float] {
        (0..<count).map {
          Float(T(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * size, as: T.self)))
        }
      }
      switch type {
      case "UINT8": return whole(UInt8.self)
      case "INT8": return whole(Int8.self)
      case "UINT16": return whole(UInt16.self)
      case "INT16": return whole(Int16.self)
      case "UINT32": return whole(UInt32.self)
      case "INT32": return whole(Int32.self)
      case "UINT64": return whole(UInt64.self)
      case "INT64": return whole(Int64.self)
      case "FP64":
        return (0..<count).map {
          Float(raw.loadUnaligned(fromByteOffset: $0 * size, as: Double.self))
        }
      default:
        return (0..<count).map { raw.loadUnaligned(fromByteOffset: $0 * size, as: Float.self) }
      }
    }
    guard values.allSatisfy(\.isFinite) else {
      throw Refusal(.unprocessableContent, "images: a pixel is no finite number")
    }
    return values
  }

  /// Elements with their lengths, four bytes, before them.
  static func files(_ bytes: ByteBuffer) throws(Refusal) -> [[UInt8]] {
    var bytes = bytes
    var files: [[UInt8]] = []
    while bytes.readableBytes > 0 {
      guard let length = bytes.readInteger(endianness: .little, as: UInt32.self),
        let file = bytes.readBytes(length: Int(length))
      else { throw Refusal(.unprocessableContent, "images: a BYTES element isn't whole") }
      files.append(file)
    }
    return files
  }

  /// Files in base64.
  private static func texts(_ input: JSONValue) throws(Refusal) -> [[UInt8]] {
    guard let data = input["data"]?.array else {
      throw Refusal(.badRequest, "images: \"data\" must be a list of files in base64")
    }
    var files: [[UInt8]] = []
    for item in data {
      guard let text = item.string ?? item[0]?.string, let file = Base64.decode(lenient: text)
      else {
        throw Refusal(.unprocessableContent, "images: BYTES in JSON are files in base64")
      }
      files.append(file)
    }
    return files
  }

  /// An output as it is sent: as JSON or as bytes.
  struct Tensor {
    let name: String
    let type: String
    let shape: [Int]
    let json: () -> JSONValue
    let bytes: () -> [UInt8]
  }

  static func tensor(_ outputs: Outputs, _ wanted: Wanted, _ model: ServedModel) -> Tensor {
    let values = wanted.name == "scores" ? outputs.scores : outputs.probabilities
    if wanted.classes > 0 {
      let count = min(wanted.classes, outputs.classes)
      let texts = (0..<outputs.count).flatMap { image in
        ranked(values, image, outputs.classes).prefix(count).map { label in
          "\(values[image * outputs.classes + label]):\(label):\(model.classNames[label])"
        }
      }
      return Tensor(name: wanted.name, type: "BYTES", shape: [outputs.count, count]) {
        .array(texts.map { .string($0) })
      } bytes: {
        texts.flatMap { littleEndian(UInt32($0.utf8.count)) + Array($0.utf8) }
      }
    }
    if wanted.name == "class" {
      let classes = (0..<outputs.count).map(outputs.prediction)
      return Tensor(name: wanted.name, type: "INT64", shape: [outputs.count]) {
        .array(classes.map { JSONValue($0) })
      } bytes: {
        classes.flatMap { littleEndian(Int64($0)) }
      }
    }
    return Tensor(name: wanted.name, type: "FP32", shape: [outputs.count, outputs.classes]) {
      .array(values.map { JSONValue($0) })
    } bytes: {
      values.withUnsafeBytes { Array($0) }
    }
  }

  /// The answer: JSON, and behind it what is wanted as bytes.
  static func answer(
    _ outputs: Outputs, _ wanted: [Wanted], _ model: ServedModel, id: String?
  ) -> Answer {
    var (tensors, binary): ([JSONValue], [UInt8]) = ([], [])
    for wanted in wanted {
      let tensor = tensor(outputs, wanted, model)
      var json: JSONValue = [
        "name": .string(tensor.name), "datatype": .string(tensor.type),
        "shape": .array(tensor.shape.map { JSONValue($0) }),
      ]
      if wanted.isBinary {
        let own = tensor.bytes()
        json["parameters"] = ["binary_data_size": JSONValue(own.count)]
        binary += own
      } else {
        json["data"] = tensor.json()
      }
      tensors.append(json)
    }
    var json: JSONValue = [
      "model_name": .string(model.name), "model_version": .string("\(model.version)"),
    ]
    if let id { json["id"] = .string(id) }
    json["outputs"] = .array(tensors)
    guard wanted.contains(where: \.isBinary) else { return Answer(.ok, json) }
    let head = Array(json.minified.utf8)
    var answer = Answer(.ok, type: "application/octet-stream", head + binary)
    answer.headers = [("Inference-Header-Content-Length", "\(head.count)")]
    return answer
  }

  private static func ranked(_ values: [Float], _ image: Int, _ classes: Int) -> [Int] {
    let first = image * classes
    return (0..<classes).sorted {
      let (a, b) = (values[first + $0], values[first + $1])
      return a != b ? a > b : $0 < $1
    }
  }

  private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}

extension Request {
  /// About how many images it has, of numbers that take two bytes at least.
  func images(of model: ServedModel) -> Int {
    max(1, body.readableBytes / (2 * model.inputCount))
  }
}

extension Service {
  func infer(
    _ request: Request, _ model: ServedModel, _ done: @escaping @Sendable (Answer) -> Void
  ) throws(Refusal) {
    if let encoding = request.headers.contentEncoding,
      encoding.lowercased() != "identity"
    {
      throw Refusal(.unsupportedMediaType, "bodies are read as they are, not as \(encoding)")
    }
    let kept = Kept<OpenInference.Inference>()
    try ask(model, request, size: request.images(of: model)) {
      done(Answer($0))
    } read: { model throws(Refusal) in
      let inference = try OpenInference.read(request, model)
      kept.value = inference
      return inference.images
    } answer: { outputs in
      OpenInference.answer(outputs, kept.value!.wanted, model, id: kept.value!.id)
    }
  }

  /// Has a model answer about a tensor or about files.
  /// - Parameters:
  ///   - size: images to be expected.
  ///   - read: finds them in the request, on the thread that answers.
  func ask<Reply: Sendable>(
    _ model: ServedModel, _ request: Request, size: Int,
    _ done: @escaping @Sendable (Result<Reply, Refusal>) -> Void,
    read: @escaping @Sendable (ServedModel) throws(Refusal) -> OpenInference.Inference.Images,
    answer: @escaping @Sendable (Outputs) throws(Refusal) -> Reply
  ) throws(Refusal) {
    try ask(model, request, size: size, done) { [limits] model throws(Refusal) in
      let images = try read(model)
      guard images.count <= limits.images else {
        throw Refusal(
          .contentTooLarge, "\(images.count) images; a request may have \(limits.images)")
      }
      switch images {
      case .inputs(let inputs): return inputs
      case .files(let files):
        let asked = try model.images(
          files.enumerated().map { ("images[\($0)]", $1) }, ImageWishes(), limits)
        guard asked.problems.isEmpty, asked.count == files.count else {
          throw Refusal(
            .unprocessableContent,
            asked.problems.isEmpty
              ? "images: an array of several images stands where one image should"
              : ImageWishes.asQuery(asked.problems.joined(separator: "; ")))
        }
        return .pixels(asked.pixels, count: asked.count)
      }
    } answer: { outputs throws(Refusal) in
      try answer(outputs)
    }
  }
}
