import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import SwiftProtobuf

/// Calls of gRPC with one message to and one from the server, framed as its protocol says over HTTP/2: a byte
/// that is 0 where nothing is compressed, the message's length in four, the message; the status in the
/// trailers. grpc-swift's own client brings all of TLS with it, which takes longer to build than the server.
final class CallClient: @unchecked Sendable {  // nothing of it changes
  /// A status other than 0.
  struct Failure: Error {
    let code: Int
    let message: String
  }

  struct Closed: Error {}

  private let channel: any Channel
  private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

  init(_ port: Int) throws {
    let wanted = MultiThreadedEventLoopGroup.singleton.next().makePromise(
      of: NIOHTTP2Handler.StreamMultiplexer.self)
    channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        let made = channel.configureHTTP2Pipeline(
          mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
        ) { $0.close() }
        made.cascade(to: wanted)
        return made.map { _ in }
      }
      .connect(host: "127.0.0.1", port: port).wait()
    multiplexer = try wanted.futureResult.wait()
  }

  deinit { channel.close(promise: nil) }

  /// - Throws: `Failure`; `Closed` where the stream ends without a status.
  func call<Request: Message, Reply: Message>(
    _ method: String, _ request: Request, headers: [(String, String)] = []
  ) throws -> Reply {
    let message: [UInt8] = try request.serializedBytes()
    let bytes = try call(method, Self.frame(message), headers)
    guard bytes.count >= 5, bytes[0] == 0, bytes.count == 5 + Self.length(bytes[1..<5]) else {
      throw Closed()
    }
    return try Reply(serializedBytes: Array(bytes[5...]))
  }

  /// What is sent and what comes, frames and all.
  func call(
    _ method: String, _ body: [UInt8], _ headers: [(String, String)] = []
  ) throws -> [UInt8] {
    let answer = channel.eventLoop.makePromise(of: [UInt8].self)
    let created = channel.eventLoop.makePromise(of: (any Channel).self)
    multiplexer.createStreamChannel(promise: created) { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandlers([
          HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .http), CallAnswer(answer),
        ])
      }
    }
    created.futureResult.cascadeFailure(to: answer)
    let stream = try created.futureResult.wait()
    var head = HTTPRequestHead(
      version: .http2, method: .POST, uri: "/inference.GRPCInferenceService/\(method)")
    head.headers = [
      "host": "localhost", "content-type": "application/grpc", "te": "trailers",
    ]
    head.headers.add(contentsOf: headers)
    stream.write(HTTPClientRequestPart.head(head), promise: nil)
    stream.write(
      HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
    stream.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    return try answer.futureResult.wait()
  }

  static func frame(_ message: [UInt8]) -> [UInt8] {
    [0] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
  }

  private static func length(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }
}

/// Gathers what comes until there is a status.
private final class CallAnswer: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart

  private let answer: EventLoopPromise<[UInt8]>
  private var bytes: [UInt8] = []
  /// Where nothing but a status comes, it is in the head.
  private var headers = HTTPHeaders()

  init(_ answer: EventLoopPromise<[UInt8]>) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): headers = head.headers
    case .body(let part): bytes += Array(part.readableBytesView)
    case .end(let trailers):
      headers.add(contentsOf: trailers ?? [:])
      guard let code = headers.first(name: "grpc-status").flatMap({ Int($0) }) else {
        return answer.fail(CallClient.Closed())
      }
      guard code == 0 else {
        return answer.fail(
          CallClient.Failure(
            code: code, message: headers.first(name: "grpc-message") ?? ""))
      }
      answer.succeed(bytes)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { answer.fail(CallClient.Closed()) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.fail(error) }
}
