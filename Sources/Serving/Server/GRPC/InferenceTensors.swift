import FoundationEssentials
import InferenceMessages
import NIOCore

extension Inference_ModelInferRequest {
  /// The images and what is wanted of them.
  func read(_ model: ServedModel) throws(Refusal) -> OpenInference.Inference {
    guard inputs.count == 1, inputs[0].name == "images" else {
      throw Refusal(.badRequest, "\"inputs\" must hold one tensor, images")
    }
    guard rawInputContents.count <= 1 else {
      throw Refusal(
        .badRequest,
        "raw_input_contents has \(rawInputContents.count) tensors, and there is one")
    }
    return OpenInference.Inference(
      id: id.isEmpty ? nil : id,
      images: try images(inputs[0], rawInputContents.first.map { [UInt8]($0) }, model),
      wanted: try wanted())
  }

  private func images(
    _ input: InferInputTensor, _ raw: [UInt8]?, _ model: ServedModel
  ) throws(Refusal) -> OpenInference.Inference.Images {
    guard input.shape.allSatisfy({ $0 >= 0 && $0 < 1 << 32 }) else {
      throw Refusal(.badRequest, "images: a size is negative or beyond all measure")
    }
    let shape = input.shape.map { Int($0) }
    if input.datatype == "BYTES" {
      let files =
        if let raw { try OpenInference.files(ByteBuffer(bytes: raw)) } else {
          input.contents.bytesContents.map { [UInt8]($0) }
        }
      guard
        files.count == shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }),
        !files.isEmpty
      else {
        let sizes = shape.map(String.init).joined(separator: "x")
        throw Refusal(
          .unprocessableContent, "images: \(files.count) files, and the shape says \(sizes)")
      }
      return .files(files)
    }
    let count = try model.images(ofSizes: shape, name: "images")
    let total = count * model.inputCount
    if let raw, input.datatype == "UINT8" {
      guard raw.count == total else { throw OpenInference.wrong(raw.count, total) }
      return .inputs(.pixels(raw, count: count))
    }
    let numbers =
      if let raw { try OpenInference.floats(ByteBuffer(bytes: raw), input.datatype) } else {
        input.contents.numbers
      }
    guard numbers.count == total else {
      throw Refusal(
        .unprocessableContent, "images: \(numbers.count) numbers, and the shape says \(total)")
    }
    guard numbers.allSatisfy(\.isFinite) else {
      throw Refusal(.unprocessableContent, "images: a pixel is no finite number")
    }
    return .inputs(.numbers(numbers, count: count))
  }

  private func wanted() throws(Refusal) -> [OpenInference.Wanted] {
    guard !outputs.isEmpty else {
      return OpenInference.outputs.map { .init(name: $0, isBinary: true, classes: 0) }
    }
    var wanted: [OpenInference.Wanted] = []
    for output in outputs {
      guard OpenInference.outputs.contains(output.name) else {
        throw Refusal(
          .badRequest,
          "\"outputs\" may be \(OpenInference.outputs.joined(separator: ", ")), not \(output.name)")
      }
      let classes = Int(clamping: output.parameters["classification"]?.int64Param ?? 0)
      guard classes >= 0, classes == 0 || output.name != "class" else {
        throw Refusal(.badRequest, "classification is of probabilities or scores")
      }
      wanted.append(.init(name: output.name, isBinary: true, classes: classes))
    }
    return wanted
  }
}

extension Inference_InferTensorContents {
  /// Of whichever type they are.
  fileprivate var numbers: [Float] {
    intContents.map { Float($0) } + int64Contents.map { Float($0) } + uintContents.map { Float($0) }
      + uint64Contents.map { Float($0) } + fp32Contents + fp64Contents.map { Float($0) }
  }
}

extension Inference_ModelInferResponse {
  init(_ outputs: Outputs, _ inference: OpenInference.Inference, _ model: ServedModel) {
    self.init()
    modelName = model.name
    modelVersion = "\(model.version)"
    id = inference.id ?? ""
    let tensors = inference.wanted.map { OpenInference.tensor(outputs, $0, model) }
    self.outputs = tensors.map { tensor in
      .with {
        $0.name = tensor.name
        $0.datatype = tensor.type
        $0.shape = tensor.shape.map { Int64($0) }
      }
    }
    rawOutputContents = tensors.map { Data($0.bytes()) }
  }
}
