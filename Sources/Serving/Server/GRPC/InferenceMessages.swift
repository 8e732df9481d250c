import NIOCore
import NIOHTTP1

/// The messages of the Open Inference Protocol's gRPC service, `inference.GRPCInferenceService`: those of
/// its fields that are used here, by their published numbers.
enum InferenceMessages {
  /// The name and the version of a model that a request asks about.
  static func model(
    _ message: ArraySlice<UInt8>
  ) throws(ProtobufFields.Broken) -> (name: String, version: String?) {
    var (name, version) = ("", "")
    var fields = ProtobufFields(message)
    while let (number, value) = try fields.next() {
      switch number {
      case 1: name = try value.text()
      case 2: version = try value.text()
      default: break
      }
    }
    return (name, version.isEmpty ? nil : version)
  }

  static func flag(_ value: Bool) -> [UInt8] {
    var message = ProtobufMessage()
    if value { message.add(1, true) }
    return message.bytes
  }

  static var server: [UInt8] {
    var message = ProtobufMessage()
    message.add(1, "runner")
    message.add(2, ServingVersion.number)
    for name in ["classification"] { message.add(3, name) }
    return message.bytes
  }

  static func metadata(_ model: ServedModel, _ versions: [Int]) -> [UInt8] {
    func tensor(_ name: String, _ type: String, _ shape: [Int]) -> ProtobufMessage {
      var message = ProtobufMessage()
      message.add(1, name)
      message.add(2, type)
      message.add(3, shape)
      return message
    }
    var message = ProtobufMessage()
    message.add(1, model.name)
    for version in versions { message.add(2, "\(version)") }
    message.add(3, "runner")
    message.add(4, tensor("images", "FP32", [-1] + model.inputSizes))
    message.add(5, tensor("probabilities", "FP32", [-1, model.classes]))
    message.add(5, tensor("scores", "FP32", [-1, model.classes]))
    message.add(5, tensor("class", "INT64", [-1]))
    return message.bytes
  }

  /// A ModelInferRequest.
  struct Inference {
    var model = ""
    var version: String?
    var id: String?
    var inputs: [Input] = []
    var outputs: [(name: String, classes: Int)] = []
    var raw: [ArraySlice<UInt8>] = []

    struct Input {
      var name = ""
      var type = ""
      var shape: [Int] = []
      var numbers: [Float] = []
      var files: [[UInt8]] = []
    }

    init(_ message: ArraySlice<UInt8>) throws(ProtobufFields.Broken) {
      var fields = ProtobufFields(message)
      while let (number, value) = try fields.next() {
        switch number {
        case 1: model = try value.text()
        case 2:
          let text = try value.text()
          version = text.isEmpty ? nil : text
        case 3: id = try value.text()
        case 5: inputs.append(try Self.input(value.message()))
        case 6: outputs.append(try Self.output(value.message()))
        case 7: raw.append(try value.message())
        default: break
        }
      }
    }

    private static func input(
      _ message: ArraySlice<UInt8>
    ) throws(ProtobufFields.Broken) -> Input {
      var input = Input()
      var fields = ProtobufFields(message)
      while let (number, value) = try fields.next() {
        switch number {
        case 1: input.name = try value.text()
        case 2: input.type = try value.text()
        case 3: input.shape += try value.varints().map { Int(Int64(bitPattern: $0)) }
        case 5:
          var contents = ProtobufFields(try value.message())
          while let (number, value) = try contents.next() {
            switch number {
            case 2, 3: input.numbers += try value.varints().map { Float(Int64(bitPattern: $0)) }
            case 4, 5: input.numbers += try value.varints().map { Float($0) }
            case 6: input.numbers += try value.floats()
            case 7: input.numbers += try value.doubles().map { Float($0) }
            case 8: input.files.append(Array(try value.message()))
            default: break
            }
          }
        default: break
        }
      }
      return input
    }

    private static func output(
      _ message: ArraySlice<UInt8>
    ) throws(ProtobufFields.Broken) -> (name: String, classes: Int) {
      var (name, classes) = ("", 0)
      var fields = ProtobufFields(message)
      while let (number, value) = try fields.next() {
        switch number {
        case 1: name = try value.text()
        case 2:
          // A pair of a map: the key, and a parameter of which one field is set.
          var (key, count) = ("", 0)
          var pair = ProtobufFields(try value.message())
          while let (number, value) = try pair.next() {
            if number == 1 { key = try value.text() }
            guard number == 2 else { continue }
            var parameter = ProtobufFields(try value.message())
            while let (number, value) = try parameter.next() {
              guard number == 2 else { continue }
              count = try value.varints().last.map { Int(truncatingIfNeeded: $0) } ?? 0
            }
          }
          if key == "classification" { classes = count }
        default: break
        }
      }
      return (name, classes)
    }

    /// The images and what is wanted of them.
    func read(_ model: ServedModel) throws(Refusal) -> OpenInference.Inference {
      guard inputs.count == 1, inputs[0].name == "images" else {
        throw Refusal(.badRequest, "\"inputs\" must hold one tensor, images")
      }
      let input = inputs[0]
      guard raw.count <= 1 else {
        throw Refusal(.badRequest, "raw_input_contents has \(raw.count) tensors, and there is one")
      }
      guard input.shape.allSatisfy({ $0 >= 0 && $0 < 1 << 32 }) else {
        throw Refusal(.badRequest, "images: a size is negative or beyond all measure")
      }
      var wanted = OpenInference.outputs.map {
        OpenInference.Wanted(name: $0, isBinary: true, classes: 0)
      }
      if !outputs.isEmpty {
        wanted = []
        for output in outputs {
          guard OpenInference.outputs.contains(output.name) else {
            throw Refusal(
              .badRequest,
              "\"outputs\" may be \(OpenInference.outputs.joined(separator: ", ")), not \(output.name)"
            )
          }
          guard output.classes >= 0, output.classes == 0 || output.name != "class" else {
            throw Refusal(.badRequest, "classification is of probabilities or scores")
          }
          wanted.append(.init(name: output.name, isBinary: true, classes: output.classes))
        }
      }
      let images: OpenInference.Inference.Images
      if input.type == "BYTES" {
        var files = input.files
        if let first = raw.first {
          files = try OpenInference.files(ByteBuffer(bytes: first))
        }
        guard
          files.count
            == input.shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }),
          !files.isEmpty
        else {
          throw Refusal(
            .unprocessableEntity,
            "images: \(files.count) files, and the shape says \(input.shape.map(String.init).joined(separator: "x"))"
          )
        }
        images = .files(files)
      } else {
        let count = try model.images(ofSizes: input.shape, name: "images")
        let total = count * model.inputCount
        if let first = raw.first, input.type == "UINT8" {
          guard first.count == total else { throw OpenInference.wrong(first.count, total) }
          images = .inputs(.pixels(Array(first), count: count))
        } else {
          let numbers =
            try raw.first.map { (bytes) throws(Refusal) in
              try OpenInference.floats(ByteBuffer(bytes: bytes), input.type)
            } ?? input.numbers
          guard numbers.count == total else {
            throw Refusal(
              .unprocessableEntity,
              "images: \(numbers.count) numbers, and the shape says \(total)")
          }
          guard numbers.allSatisfy(\.isFinite) else {
            throw Refusal(.unprocessableEntity, "images: a pixel is no finite number")
          }
          images = .inputs(.numbers(numbers, count: count))
        }
      }
      return OpenInference.Inference(id: id, images: images, wanted: wanted)
    }
  }

  /// A ModelInferResponse.
  static func answer(
    _ outputs: Outputs, _ inference: OpenInference.Inference, _ model: ServedModel
  ) -> [UInt8] {
    var message = ProtobufMessage()
    message.add(1, model.name)
    message.add(2, "\(model.version)")
    if let id = inference.id, !id.isEmpty { message.add(3, id) }
    let tensors = inference.wanted.map { OpenInference.tensor(outputs, $0, model) }
    for tensor in tensors {
      var own = ProtobufMessage()
      own.add(1, tensor.name)
      own.add(2, tensor.type)
      own.add(3, tensor.shape)
      message.add(5, own)
    }
    for tensor in tensors { message.add(6, tensor.bytes()) }
    return message.bytes
  }
}
