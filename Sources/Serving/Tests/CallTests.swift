import ConvNet
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import InferenceMessages
import Serving
import Storage
import Testing

/// gRPC, asked by grpc-swift's own client.
@Suite(.ownThreads) struct CallTests {
  private typealias Stub = Inference_GRPCInferenceService.Client<HTTP2ClientTransport.Posix>

  private func ask(
    _ server: TestServer, _ body: @Sendable @escaping (Stub) async throws -> Void
  ) async throws {
    try await withGRPCClient(
      transport: .http2NIOPosix(
        target: .ipv4(address: "127.0.0.1", port: server.callPort!), transportSecurity: .plaintext)
    ) { client in
      try await body(Stub(wrapping: client))
    }
  }

  private func server(
    _ change: (inout ServerOptions) -> Void = { _ in }
  ) throws -> TestServer {
    try TestServer { options, _ in
      options.callPort = 0
      change(&options)
    }
  }

  private static func request(
    _ raw: [UInt8], _ type: String, _ shape: [Int64]
  ) -> Inference_ModelInferRequest {
    .with {
      $0.modelName = "digits"
      $0.id = "a"
      $0.inputs = [
        .with {
          $0.name = "images"
          $0.datatype = type
          $0.shape = shape
        }
      ]
      $0.rawInputContents = [Data(raw)]
    }
  }

  private static func floats(_ data: Data) -> [Float] {
    let bytes = [UInt8](data)
    return bytes.withUnsafeBytes { raw in
      (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  @Test func whatThereIs() async throws {
    try await ask(server()) { stub in
      #expect(try await stub.serverLive(.init()).live)
      #expect(try await stub.serverReady(.init()).ready)
      let server = try await stub.serverMetadata(.init())
      #expect(server.name == "runner")
      #expect(server.extensions == ["classification"])
      #expect(try await stub.modelReady(.with { $0.name = "digits" }).ready)
      #expect(try await !stub.modelReady(.with { $0.name = "cats" }).ready)
      let model = try await stub.modelMetadata(.with { $0.name = "digits" })
      #expect(model.versions == ["1"])
      #expect(model.inputs.map(\.name) == ["images"])
      #expect(model.inputs[0].shape == [-1, 28, 28, 1])
      #expect(model.outputs.map(\.name) == ["probabilities", "scores", "class"])
    }
  }

  @Test func answersHaveTheBitsOfPredict() async throws {
    let server = try server()
    let path = "\(server.folder)/digits.safetensors"
    let expected = try (0..<9).flatMap { try TestModel.predicted(path, TestModel.png($0)) }
    let pixels = (0..<9).flatMap { TestModel.pixels($0) }
    let numbers = pixels.flatMap { withUnsafeBytes(of: Float($0)) { Array($0) } }
    let files = (0..<9).flatMap { number in
      let png = TestModel.png(number)
      return withUnsafeBytes(of: UInt32(png.count).littleEndian) { Array($0) } + png
    }
    try await ask(server) { stub in
      for request in [
        Self.request(pixels, "UINT8", [9, 28, 28, 1]), Self.request(numbers, "FP32", [9, 784]),
        Self.request(files, "BYTES", [9]),
      ] {
        let answer = try await stub.modelInfer(request)
        #expect(answer.id == "a")
        #expect(answer.modelVersion == "1")
        #expect(answer.outputs.map(\.name) == ["probabilities", "scores", "class"])
        #expect(Self.floats(answer.rawOutputContents[0]) == expected)
        #expect(answer.rawOutputContents[2].count == 9 * 8)
      }
      // As typed contents, and the likeliest two classes in words.
      var typed = Self.request([], "FP32", [1, 784])
      typed.rawInputContents = []
      typed.inputs[0].contents.fp32Contents = TestModel.pixels(0).map { Float($0) }
      typed.outputs = [
        .with { $0.name = "probabilities" },
        .with {
          $0.name = "scores"
          $0.parameters["classification"] = .with { $0.int64Param = 2 }
        },
      ]
      let answer = try await stub.modelInfer(typed)
      #expect(Self.floats(answer.rawOutputContents[0]) == Array(expected[..<10]))
      #expect(answer.outputs[1].datatype == "BYTES")
      #expect(answer.outputs[1].shape == [1, 2])
    }
  }

  @Test func mistakesHaveCodes() async throws {
    let server = try server { $0.limits.body = 1 << 20 }
    try await ask(server) { stub in
      func code(_ request: Inference_ModelInferRequest) async -> RPCError.Code? {
        do { _ = try await stub.modelInfer(request) } catch { return (error as? RPCError)?.code }
        return nil
      }
      let pixels = TestModel.pixels(1)
      #expect(await code(Self.request(pixels, "UINT8", [1, 784])) == nil)
      #expect(await code(Self.request(pixels, "UINT8", [1, 3])) == .invalidArgument)
      #expect(await code(Self.request(pixels, "UINT8", [-1, 784])) == .invalidArgument)
      #expect(await code(Self.request(pixels, "UINT8", [2, 784])) == .invalidArgument)
      #expect(await code(Self.request([1, 2, 3], "FP32", [1, 784])) == .invalidArgument)
      #expect(await code(Self.request([9, 0, 0, 0, 1], "BYTES", [1])) == .invalidArgument)
      #expect(await code(.with { $0.modelName = "cats" }) == .notFound)
      let large = [UInt8](repeating: 0, count: 2 << 20)
      #expect(await code(Self.request(large, "UINT8", [1, 784])) == .resourceExhausted)
      #expect(await code(Self.request(pixels, "UINT8", [1, 784])) == nil)
    }
  }

  @Test func theTokenIsWanted() async throws {
    let server = try server { $0.token = "0123456789abcdef" }
    try await ask(server) { stub in
      do {
        _ = try await stub.serverLive(.init())
        Issue.record("it answered without the token")
      } catch { #expect((error as? RPCError)?.code == .unauthenticated) }
      let live = try await stub.serverLive(
        .init(), metadata: ["authorization": "Bearer 0123456789abcdef"])
      #expect(live.live)
    }
  }

  @Test func itStopsWhileAClientIsConnected() async throws {
    let server = try server()
    try await ask(server) { stub in
      #expect(try await stub.serverLive(.init()).live)
      #expect(server.stop())
      var options = CallOptions.defaults
      options.timeout = .seconds(1)
      do {
        _ = try await stub.serverLive(.init(), options: options)
        Issue.record("it answered after it was stopped")
      } catch {}
    }
  }
}
