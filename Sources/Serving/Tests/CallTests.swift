import FoundationEssentials
import Glibc
import InferenceMessages
import Serving
import Synchronization
import Testing

/// gRPC's six calls.
@Suite(.ownThreads) struct CallTests {

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

  @Test func whatThereIs() throws {
    let server = try server()
    let client = try CallClient(server.callPort!)
    let live: Inference_ServerLiveResponse =
      try client.call("ServerLive", Inference_ServerLiveRequest())
    #expect(live.live)
    let ready: Inference_ServerReadyResponse =
      try client.call("ServerReady", Inference_ServerReadyRequest())
    #expect(ready.ready)
    let metadata: Inference_ServerMetadataResponse =
      try client.call("ServerMetadata", Inference_ServerMetadataRequest())
    #expect(metadata.name == "runner")
    #expect(metadata.extensions == ["classification"])
    for (name, isThere) in [("digits", true), ("cats", false)] {
      let ready: Inference_ModelReadyResponse =
        try client.call("ModelReady", Inference_ModelReadyRequest.with { $0.name = name })
      #expect(ready.ready == isThere)
    }
    let model: Inference_ModelMetadataResponse =
      try client.call("ModelMetadata", Inference_ModelMetadataRequest.with { $0.name = "digits" })
    #expect(model.versions == ["1"])
    #expect(model.inputs.map(\.name) == ["images"])
    #expect(model.inputs[0].shape == [-1, 28, 28, 1])
    #expect(model.outputs.map(\.name) == ["probabilities", "scores", "class"])
  }

  @Test func answersHaveTheBitsOfPredict() throws {
    let server = try server()
    let client = try CallClient(server.callPort!)
    let path = "\(server.folder)/digits.safetensors"
    let expected = try (0..<9).flatMap { try TestModel.predicted(path, TestModel.png($0)) }
    let pixels = (0..<9).flatMap { TestModel.pixels($0) }
    let numbers = pixels.flatMap { withUnsafeBytes(of: Float($0)) { Array($0) } }
    let files = (0..<9).flatMap { number in
      let png = TestModel.png(number)
      return withUnsafeBytes(of: UInt32(png.count).littleEndian) { Array($0) } + png
    }
    for request in [
      Self.request(pixels, "UINT8", [9, 28, 28, 1]), Self.request(numbers, "FP32", [9, 784]),
      Self.request(files, "BYTES", [9]),
    ] {
      let answer = try infer(client, request)
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
    let answer = try infer(client, typed)
    #expect(Self.floats(answer.rawOutputContents[0]) == Array(expected[..<10]))
    #expect(answer.outputs[1].datatype == "BYTES")
    #expect(answer.outputs[1].shape == [1, 2])
  }

  @Test func mistakesHaveCodes() throws {
    let server = try server { $0.limits.body = 1 << 20 }
    let client = try CallClient(server.callPort!)
    let pixels = TestModel.pixels(1)
    func code(_ request: Inference_ModelInferRequest) throws -> Int {
      try Self.code { _ = try infer(client, request) }
    }
    #expect(try code(Self.request(pixels, "UINT8", [1, 784])) == 0)
    #expect(try code(Self.request(pixels, "UINT8", [1, 3])) == Code.invalidArgument)
    #expect(try code(Self.request(pixels, "UINT8", [-1, 784])) == Code.invalidArgument)
    #expect(try code(Self.request(pixels, "UINT8", [2, 784])) == Code.invalidArgument)
    #expect(try code(Self.request([1, 2, 3], "FP32", [1, 784])) == Code.invalidArgument)
    #expect(try code(Self.request([9, 0, 0, 0, 1], "BYTES", [1])) == Code.invalidArgument)
    #expect(try code(.with { $0.modelName = "cats" }) == Code.notFound)
    let large = [UInt8](repeating: 0, count: 2 << 20)
    #expect(try code(Self.request(large, "UINT8", [1, 784])) == Code.resourceExhausted)
    #expect(
      try Self.code {
        let _: Inference_ModelInferResponse =
          try client.call("ModelDream", Inference_ModelInferRequest())
      } == Code.unimplemented)
    // A message that is no message.
    #expect(
      try Self.code {
        _ = try client.call("ModelInfer", CallClient.frame([0xFF, 0xFF, 0xFF]))
      } != 0)
    #expect(try code(Self.request(pixels, "UINT8", [1, 784])) == 0)
    let metrics = try server.client().request("GET", "/metrics").text
    #expect(metrics.contains("runner_requests_total{route=\"grpc_infer\",status=\"200\"} 2"))
  }

  @Test func theTokenIsWanted() throws {
    let server = try server { $0.token = "0123456789abcdef" }
    let client = try CallClient(server.callPort!)
    func live(_ headers: [(String, String)]) throws -> Int {
      try Self.code {
        let answer: Inference_ServerLiveResponse = try client.call(
          "ServerLive", Inference_ServerLiveRequest(), headers: headers)
        #expect(answer.live)
      }
    }
    #expect(try live([]) == Code.unauthenticated)
    #expect(try live([("authorization", "Bearer 0123456789abcdeg")]) == Code.unauthenticated)
    #expect(try live([("authorization", "Bearer 0123456789abcdef")]) == 0)
  }

  @Test func aFullQueueSaysComeAgain() throws {
    let server = try server {
      $0.threads = 1
      $0.limits.queue = 2
    }
    // A picture that takes a while to be read keeps the one lane busy.
    let png = TestModel.png(1, side: 3000)
    let file = withUnsafeBytes(of: UInt32(png.count).littleEndian) { Array($0) } + png
    let request = Self.request(file, "BYTES", [1])
    let codes = Mutex<[Int]>([])
    DispatchGroupOfThreads.run(24) { _ in
      guard let client = try? CallClient(server.callPort!),
        let code = try? Self.code({ _ = try infer(client, request) })
      else { return }
      codes.withLock { $0.append(code) }
    }
    let all = codes.withLock { $0 }
    #expect(all.count == 24)
    #expect(Set(all) == [0, Code.resourceExhausted])
  }

  @Test func anAnswerThatIsLateIsNone() throws {
    let server = try server {
      $0.threads = 1
      $0.limits.deadline = .milliseconds(500)
    }
    let png = TestModel.png(1, side: 3500)
    let file = withUnsafeBytes(of: UInt32(png.count).littleEndian) { Array($0) } + png
    let request = Self.request(file, "BYTES", [1])
    let codes = Mutex<[Int]>([])
    DispatchGroupOfThreads.run(24) { _ in
      guard let client = try? CallClient(server.callPort!),
        let code = try? Self.code({ _ = try infer(client, request) })
      else { return }
      codes.withLock { $0.append(code) }
    }
    let all = codes.withLock { $0 }
    #expect(all.contains(Code.deadlineExceeded))
    #expect(all.allSatisfy { $0 == 0 || $0 == Code.deadlineExceeded })
    let client = try CallClient(server.callPort!)
    let quick = Self.request(TestModel.pixels(1), "UINT8", [1, 784])
    #expect(try Self.code { _ = try infer(client, quick) } == 0)
  }

  @Test func silentClientsAreCutOff() throws {
    let server = try server {
      $0.limits.idle = .milliseconds(200)
      $0.limits.deadline = .milliseconds(400)
      $0.limits.writing = .milliseconds(400)
    }
    // One that says nothing at all, and one that never says that it was told to go.
    for beginning in ["", Self.preface + "\0\0\0\u{4}\0\0\0\0\0"] {
      let client = try HTTPClient(server.callPort!)
      try client.send(beginning)
      let start = ContinuousClock.now
      while !client.isClosedByServer() {}
      #expect(ContinuousClock.now - start < .seconds(15))
    }
    let metrics = try server.client().request("GET", "/metrics").text
    #expect(metrics.contains("runner_connections 1\n"))
  }

  @Test func aTornCallIsItsClientsOwn() throws {
    let server = try server()
    var client: HTTPClient? = try HTTPClient(server.callPort!)
    try client!.send(Self.preface)
    try client!.send(Self.frame(4, 0, 0, []) + Self.frame(1, 4, 1, Self.headers))
    // The beginning of a message of 64 KB.
    let beginning: [UInt8] = [0, 0, 1, 0, 0] + [UInt8](repeating: 0, count: 1000)
    try client!.send(Self.frame(0, 0, 1, beginning))
    usleep(300_000)
    client = nil
    var metrics = ""
    for _ in 0..<100 where !metrics.contains("route=\"grpc_infer\"") {
      usleep(50_000)
      metrics = try server.client().request("GET", "/metrics").text
    }
    #expect(metrics.contains("runner_requests_total{route=\"grpc_infer\",status=\"499\"} 1"))
    #expect(metrics.contains("runner_body_bytes 0\n"))
  }

  @Test func aCallWithoutAMessageIsItsClientsMistake() throws {
    let server = try server()
    let client = try CallClient(server.callPort!)
    for method in ["ServerLive", "ModelInfer"] {
      #expect(try Self.code { _ = try client.call(method, []) } == Code.invalidArgument)
    }
    // One whose headers say already that nothing follows.
    let other = try HTTPClient(server.callPort!)
    try other.send(Self.preface)
    try other.send(Self.frame(4, 0, 0, []) + Self.frame(1, 5, 1, Self.headers))
    let wanted = "runner_requests_total{route=\"none\",status=\"400\"} 3\n"
    var metrics = ""
    for _ in 0..<100 where !metrics.contains(wanted) {
      usleep(50_000)
      metrics = try server.client().request("GET", "/metrics").text
    }
    #expect(metrics.contains(wanted))
    #expect(!metrics.contains("status=\"500\""))
    let live: Inference_ServerLiveResponse =
      try client.call("ServerLive", Inference_ServerLiveRequest())
    #expect(live.live)
  }

  @Test func itStopsWhileAClientIsConnected() throws {
    let server = try server()
    let client = try CallClient(server.callPort!)
    let request = Self.request(TestModel.pixels(1), "UINT8", [1, 784])
    #expect(try infer(client, request).outputs.count == 3)
    #expect(server.stop())
    #expect(throws: (any Error).self) { try infer(client, request) }
  }

  private static let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

  /// A frame of HTTP/2.
  private static func frame(
    _ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]
  ) -> [UInt8] {
    let length = UInt16(payload.count)
    let head: [UInt8] = [
      0, UInt8(length >> 8), UInt8(length & 255), type, flags, 0, 0, 0, stream,
    ]
    return head + payload
  }

  /// Those of a call of ModelInfer, in HPACK's plainest form.
  private static let headers: [UInt8] = [
    (":method", "POST"), (":scheme", "http"), (":authority", "x"),
    (":path", "/inference.GRPCInferenceService/ModelInfer"),
    ("content-type", "application/grpc"), ("te", "trailers"),
  ].flatMap { name, value in
    [0] + [name, value].flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
  }

  /// gRPC's numbers.
  private enum Code {
    static let invalidArgument = 3
    static let deadlineExceeded = 4
    static let notFound = 5
    static let resourceExhausted = 8
    static let unimplemented = 12
    static let unauthenticated = 16
  }

  private static func code(_ body: () throws -> Void) throws -> Int {
    do { try body() } catch let failure as CallClient.Failure { return failure.code }
    return 0
  }

  private func infer(
    _ client: CallClient, _ request: Inference_ModelInferRequest
  ) throws -> Inference_ModelInferResponse {
    try client.call("ModelInfer", request)
  }
}
