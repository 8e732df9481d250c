import FoundationEssentials
import GRPCCore
import GRPCProtobuf
import InferenceMessages
import NIOCore

/// The six calls of the Open Inference Protocol.
struct InferenceCalls: Inference_GRPCInferenceService.ServiceProtocol {
  private let listener: Listener
  private var service: Service { listener.service }
  private var shelf: Shelf { listener.service.shelf }

  init(_ listener: Listener) { self.listener = listener }

  func serverLive(
    request: ServerRequest<Inference_ServerLiveRequest>, context: ServerContext
  ) async throws -> ServerResponse<Inference_ServerLiveResponse> {
    ServerResponse(message: .with { $0.live = true })
  }

  func serverReady(
    request: ServerRequest<Inference_ServerReadyRequest>, context: ServerContext
  ) async throws -> ServerResponse<Inference_ServerReadyResponse> {
    let isReady =
      shelf.isLoaded && !listener.isDraining && !(shelf.models ?? []).isEmpty
    return ServerResponse(message: .with { $0.ready = isReady })
  }

  /// A model that is not there is not ready.
  func modelReady(
    request: ServerRequest<Inference_ModelReadyRequest>, context: ServerContext
  ) async throws -> ServerResponse<Inference_ModelReadyResponse> {
    let isReady = (try? model(request.message.name, request.message.version)) != nil
    return ServerResponse(message: .with { $0.ready = isReady })
  }

  func serverMetadata(
    request: ServerRequest<Inference_ServerMetadataRequest>, context: ServerContext
  ) async throws -> ServerResponse<Inference_ServerMetadataResponse> {
    ServerResponse(
      message: .with {
        $0.name = "runner"
        $0.version = ServingVersion.number
        $0.extensions = ["classification"]
      })
  }

  func modelMetadata(
    request: ServerRequest<Inference_ModelMetadataRequest>, context: ServerContext
  ) async throws -> ServerResponse<Inference_ModelMetadataResponse> {
    let model = try model(request.message.name, request.message.version)
    let versions = try shelf.named(request.message.name).versions.map { "\($0.version)" }
    func tensor(
      _ name: String, _ type: String, _ shape: [Int]
    ) -> Inference_ModelMetadataResponse.TensorMetadata {
      .with {
        $0.name = name
        $0.datatype = type
        $0.shape = shape.map { Int64($0) }
      }
    }
    return ServerResponse(
      message: .with {
        $0.name = model.name
        $0.versions = versions
        $0.platform = "runner"
        $0.inputs = [tensor("images", "FP32", [-1] + model.inputSizes)]
        $0.outputs = [
          tensor("probabilities", "FP32", [-1, model.classes]),
          tensor("scores", "FP32", [-1, model.classes]), tensor("class", "INT64", [-1]),
        ]
      })
  }

  func modelInfer(
    request: ServerRequest<Inference_ModelInferRequest>, context: ServerContext
  ) async throws -> ServerResponse<Inference_ModelInferResponse> {
    if listener.isDraining {
      throw Refusal(.serviceUnavailable, "the server is being stopped", retryAfter: 5)
    }
    let message = request.message
    let model = try model(message.modelName, message.modelVersion)
    let arrived = NIODeadline.now()
    let asked = Request(
      id: listener.id(
        shown: request.metadata[stringValues: "x-request-id"].first { _ in true }),
      path: ["inference.GRPCInferenceService", "ModelInfer"], query: [], headers: Request.Headers(),
      body: ByteBuffer(), arrived: arrived, deadline: arrived + listener.limits.deadline)
    let size = message.rawInputContents.reduce(0) { $0 + $1.count } / (4 * model.inputCount)
    let kept = Kept<OpenInference.Inference>()
    let result: Result<Inference_ModelInferResponse, Refusal> = await withCheckedContinuation {
      answered in
      do throws(Refusal) {
        try service.ask(model, asked, size: max(1, size)) {
          answered.resume(returning: $0)
        } read: { model throws(Refusal) in
          let inference = try message.read(model)
          kept.value = inference
          return inference.images
        } answer: { outputs in
          Inference_ModelInferResponse(outputs, kept.value!, model)
        }
      } catch { answered.resume(returning: .failure(error)) }
    }
    return ServerResponse(message: try result.get())
  }

  private func model(_ name: String, _ version: String) throws(Refusal) -> ServedModel {
    try shelf.model(name, version: version.isEmpty ? nil : version)
  }
}
