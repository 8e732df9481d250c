import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Serving
import Synchronization
import Testing

/// The six calls of the Open Inference Protocol, by HTTP/2 frames. Clients that are made of the published
/// messages are in Tests/clients.
@Suite struct GRPCTests {
  /// What comes back of a call.
  struct Reply {
    var head: HTTPHeaders = [:]
    var body: [UInt8] = []
    var trailers: HTTPHeaders = [:]

    var status: String? { trailers.first(name: "grpc-status") }
    var told: String? { trailers.first(name: "grpc-message") }
    /// Behind the flag and the length.
    var message: [UInt8] { Array(body.dropFirst(5)) }
  }

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    var reply = Reply()
    let done: EventLoopPromise<Reply>

    init(_ done: EventLoopPromise<Reply>) { self.done = done }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): reply.head = head.headers
      case .body(let part): reply.body += Array(part.readableBytesView)
      case .end(let trailers):
        reply.trailers = trailers ?? [:]
        done.succeed(reply)
      }
    }

    func channelInactive(context: ChannelHandlerContext) {
      done.fail(ChannelError.eof)
    }
  }

  private func call(
    _ port: Int, _ name: String, _ message: [UInt8], headers: HTTPHeaders = [:],
    framing: ([UInt8]) -> [UInt8] = { message in
      [0] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
    }
  ) throws -> Reply {
    let group = MultiThreadedEventLoopGroup.singleton
    let channel = try ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).wait()
    defer { try? channel.close().wait() }
    let done = channel.eventLoop.makePromise(of: Reply.self)
    let stream = try channel.configureHTTP2Pipeline(mode: .client) { stream in
      stream.eventLoop.makeSucceededVoidFuture()
    }.flatMap { multiplexer in
      let opened = channel.eventLoop.makePromise(of: (any Channel).self)
      multiplexer.createStreamChannel(promise: opened) { stream in
        stream.eventLoop.makeCompletedFuture {
          try stream.pipeline.syncOperations.addHandlers([
            HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .http), Collector(done),
          ])
        }
      }
      return opened.futureResult
    }.wait()
    var all: HTTPHeaders = ["content-type": "application/grpc", "te": "trailers", "host": "x"]
    all.add(contentsOf: headers)
    let head = HTTPRequestHead(
      version: .http2, method: .POST, uri: "/inference.GRPCInferenceService/\(name)", headers: all)
    stream.write(HTTPClientRequestPart.head(head), promise: nil)
    stream.write(
      HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: framing(message)))), promise: nil)
    stream.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    return try done.futureResult.wait()
  }

  // Protobuf's wire form, by hand.

  private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    var (length, count) = (bytes.count, [UInt8]())
    while length >= 128 {
      count.append(UInt8(length & 127) | 128)
      length >>= 7
    }
    return [number << 3 | 2] + count + [UInt8(length)] + bytes
  }

  private func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

  private func tensor(_ type: String, _ shape: [UInt8], _ contents: [UInt8] = []) -> [UInt8] {
    field(1, "images") + field(2, type) + field(3, shape)
      + (contents.isEmpty ? [] : field(5, contents))
  }

  @Test func calls() throws {
    let server = try TestServer { options, _ in options.callPort = 0 }
    let port = server.callPort!
    #expect(try call(port, "ServerLive", []).message == [8, 1])
    #expect(try call(port, "ServerReady", []).message == [8, 1])
    #expect(try call(port, "ModelReady", field(1, "digits")).message == [8, 1])
    #expect(try call(port, "ModelReady", field(1, "cats")).message == [])
    #expect(try call(port, "ServerMetadata", []).message.starts(with: field(1, "runner")))
    let metadata = try call(port, "ModelMetadata", field(1, "digits") + field(2, "1"))
    #expect(metadata.status == "0")
    #expect(metadata.message.starts(with: field(1, "digits") + field(2, "1") + field(3, "runner")))
    let missing = try call(port, "ModelMetadata", field(1, "cats"))
    #expect(missing.status == "5")
    #expect(missing.told == "there is no model \"cats\"; there is digits")
    let expected = try TestModel.predicted(
      "\(server.folder)/digits.safetensors", TestModel.png(3))
    let raw = expected.withUnsafeBytes { Array($0) }
    let pixels = TestModel.pixels(3)
    let floats = pixels.flatMap { withUnsafeBytes(of: Float($0)) { Array($0) } }
    let wanted = field(6, field(1, "probabilities"))
    for ask in [
      field(5, tensor("UINT8", [1, 28, 28, 1])) + wanted + field(7, pixels),
      field(5, tensor("FP32", [1, 28, 28, 1])) + wanted + field(7, floats),
      field(5, tensor("FP32", [1, 28, 28, 1], field(6, floats))) + wanted,
      field(5, tensor("BYTES", [1])) + wanted
        + field(
          7,
          withUnsafeBytes(of: UInt32(TestModel.png(3).count).littleEndian) { Array($0) }
            + TestModel.png(3)),
      field(5, tensor("BYTES", [1], field(8, TestModel.png(3)))) + wanted,
    ] {
      let reply = try call(port, "ModelInfer", field(1, "digits") + field(3, "me") + ask)
      #expect(reply.status == "0", "\(reply.told ?? "")")
      let answer =
        field(1, "digits") + field(2, "1") + field(3, "me")
        + field(5, field(1, "probabilities") + field(2, "FP32") + field(3, [1, 10])) + field(6, raw)
      #expect(reply.message == answer)
    }
    let many = (0..<300).flatMap { _ in pixels }
    let large = try call(
      port, "ModelInfer",
      field(1, "digits") + field(5, tensor("UINT8", [0xAC, 2, 28, 28, 1])) + wanted + field(7, many)
    )
    #expect(large.status == "0")
    #expect(large.message.suffix(40) == raw[...])
  }

  @Test func mistakes() throws {
    let server = try TestServer { options, _ in
      options.callPort = 0
      options.limits.body = 10_000
      options.token = "0123456789abcdef"
    }
    let port = server.callPort!
    let shown: HTTPHeaders = ["authorization": "Bearer 0123456789abcdef"]
    #expect(try call(port, "ServerLive", []).status == "16")
    #expect(try call(port, "ServerLive", [], headers: shown).status == "0")
    #expect(try call(port, "Nothing", [], headers: shown).status == "12")
    for broken in [[0xFF], [0x0A, 5, 1], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]] as [[UInt8]] {
      let reply = try call(port, "ModelInfer", broken, headers: shown)
      #expect(reply.status == "3")
    }
    let wrong = field(1, "digits") + field(5, tensor("FP32", [1, 3])) + field(7, [0, 0, 0, 0])
    let reply = try call(port, "ModelInfer", wrong, headers: shown)
    #expect(reply.status == "3")
    #expect(reply.told?.contains("it is 1x3, and digits takes Nx28x28x1") ?? false)
    let compressed = try call(port, "ServerLive", [1], headers: shown) { [1, 0, 0, 0, 1] + $0 }
    #expect(compressed.status == "12")
    let torn = try call(port, "ServerLive", [1], headers: shown) { [0, 0, 0, 9, 1] + $0 }
    #expect(torn.status == "13")
    let much = [UInt8](repeating: 0, count: 20_000)
    #expect(try call(port, "ModelInfer", much, headers: shown).status == "8")
    let late = try call(
      port, "ModelInfer", field(1, "digits"),
      headers: ["authorization": "Bearer 0123456789abcdef", "grpc-timeout": "0n"])
    #expect(late.status == "4" || late.status == "3")
  }
}
