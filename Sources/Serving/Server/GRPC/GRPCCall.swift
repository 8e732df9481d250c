import NIOCore
import NIOHTTP1

/// One call of gRPC: a stream of HTTP/2 with one message to and one from the server.
final class GRPCCall: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let server: Listener
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var isAnswered = false
  private var held = 0
  private var timer: Scheduled<Void>?
  private let arrived = NIODeadline.now()
  private var isCounted = false

  init(_ server: Listener) { self.server = server }

  func channelActive(context: ChannelHandlerContext) { begin(context) }

  private func begin(_ context: ChannelHandlerContext) {
    guard !isCounted else { return }
    isCounted = true
    server.callBegan()
    wait(server.limits.deadline, context)
  }

  private func wait(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    timer?.cancel()
    let box = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: time) {
      let (call, context) = box.value
      if call.isAnswered {
        context.close(promise: nil)
      } else {
        call.fail(.deadlineExceeded, "there was no answer in time", context)
      }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    isAnswered = true
    server.hold(releasing: held)
    held = 0
    if isCounted { server.callEnded() }
    isCounted = false
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    begin(context)
    guard !isAnswered else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      guard head.headers.first(name: "content-type")?.hasPrefix("application/grpc") ?? false else {
        isAnswered = true
        context.write(
          wrapOutboundOut(.head(HTTPResponseHead(version: .http2, status: .unsupportedMediaType))),
          promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        return
      }
      if let own = head.headers.first(name: "grpc-timeout").flatMap(Self.timeout) {
        wait(min(own, server.limits.deadline), context)
      }
    case .body(var part):
      guard body.readableBytes + part.readableBytes <= server.limits.body + 5 else {
        return fail(
          .resourceExhausted, "a message may have at most \(server.limits.body) bytes", context)
      }
      let bytes = part.readableBytes
      guard server.hold(bytes) else {
        return fail(
          .unavailable, "the requests under way take all memory that is given to them", context)
      }
      held += bytes
      body.writeBuffer(&part)
    case .end: answer(context)
    }
  }

  /// `100m`: so many milliseconds.
  private static func timeout(_ text: String) -> TimeAmount? {
    guard let unit = text.last, let value = Int64(text.dropLast()), (0...99_999_999).contains(value)
    else { return nil }
    switch unit {
    case "H": return .hours(value)
    case "M": return .minutes(value)
    case "S": return .seconds(value)
    case "m": return .milliseconds(value)
    case "u": return .microseconds(value)
    case "n": return .nanoseconds(value)
    default: return nil
    }
  }

  private func answer(_ context: ChannelHandlerContext) {
    guard let head else { return context.close(promise: nil) }
    guard let flag: UInt8 = body.readInteger(), let length: UInt32 = body.readInteger(),
      Int(length) == body.readableBytes
    else { return fail(.internalError, "the message isn't whole", context) }
    guard flag == 0 else {
      return fail(.unimplemented, "messages are read as they are, not compressed", context)
    }
    let (loop, box) = (
      context.eventLoop, NIOLoopBound((self, context), eventLoop: context.eventLoop)
    )
    server.answerCall(head, body, arrived: arrived) { answer in
      let write = { @Sendable in
        let (call, context) = box.value
        if let refusal = answer.refusal {
          call.fail(GRPCStatus(refusal.status), refusal.message, context)
        } else {
          call.write(answer.body, context)
        }
      }
      if loop.inEventLoop { write() } else { loop.execute(write) }
    }
  }

  private func write(_ message: [UInt8], _ context: ChannelHandlerContext) {
    guard !isAnswered else { return }
    isAnswered = true
    wait(server.limits.writing, context)
    let head = HTTPResponseHead(
      version: .http2, status: .ok, headers: ["content-type": "application/grpc"])
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    var buffer = context.channel.allocator.buffer(capacity: message.count + 5)
    buffer.writeInteger(UInt8(0))
    buffer.writeInteger(UInt32(message.count))
    buffer.writeBytes(message)
    context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(["grpc-status": "0"])), promise: nil)
  }

  private func fail(_ status: GRPCStatus, _ message: String, _ context: ChannelHandlerContext) {
    guard !isAnswered else { return }
    isAnswered = true
    wait(server.limits.writing, context)
    let escaped = message.utf8.map { byte in
      (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%")
        ? String(UnicodeScalar(byte))
        : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
    let head = HTTPResponseHead(
      version: .http2, status: .ok, headers: ["content-type": "application/grpc"])
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    let trailers: HTTPHeaders = ["grpc-status": "\(status.rawValue)", "grpc-message": escaped]
    context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: nil)
  }
}

/// The codes of gRPC that occur here.
enum GRPCStatus: Int {
  case invalidArgument = 3
  case deadlineExceeded = 4
  case notFound = 5
  case resourceExhausted = 8
  case unimplemented = 12
  case internalError = 13
  case unavailable = 14
  case unauthenticated = 16

  init(_ status: HTTPResponseStatus) {
    switch status {
    case .badRequest, .unprocessableEntity, .unsupportedMediaType: self = .invalidArgument
    case .notFound: self = .notFound
    case .methodNotAllowed, .notImplemented: self = .unimplemented
    case .tooManyRequests, .payloadTooLarge: self = .resourceExhausted
    case .serviceUnavailable: self = .unavailable
    case .gatewayTimeout: self = .deadlineExceeded
    case .unauthorized: self = .unauthenticated
    default: self = .internalError
    }
  }
}

extension Service {
  /// The six calls of `inference.GRPCInferenceService`.
  func call(
    _ request: Request, isDraining: Bool, _ done: @escaping @Sendable (Answer) -> Void
  ) {
    let message = request.body.readableBytesView
    let bytes = ArraySlice(message)
    func answer(_ bytes: [UInt8]) { done(Answer(.ok, type: "application/grpc", bytes)) }
    do throws(Refusal) {
      switch request.path.last {
      case "ServerLive": answer(InferenceMessages.flag(true))
      case "ServerReady":
        answer(
          InferenceMessages.flag(shelf.isLoaded && !isDraining && !(shelf.models ?? []).isEmpty))
      case "ServerMetadata": answer(InferenceMessages.server)
      case "ModelReady":
        let (name, version) = try parsed { () throws(ProtobufFields.Broken) in
          try InferenceMessages.model(bytes)
        }
        // A model that is not there is not ready.
        let isReady = (try? shelf.model(name, version: version)) != nil
        answer(InferenceMessages.flag(isReady))
      case "ModelMetadata":
        let (name, version) = try parsed { () throws(ProtobufFields.Broken) in
          try InferenceMessages.model(bytes)
        }
        let model = try shelf.model(name, version: version)
        answer(
          InferenceMessages.metadata(model, try shelf.named(name).versions.map(\.version)))
      case "ModelInfer":
        if isDraining {
          throw Refusal(.serviceUnavailable, "the server is being stopped", retryAfter: 5)
        }
        let asked = try parsed { () throws(ProtobufFields.Broken) in
          try InferenceMessages.model(bytes)
        }
        let model = try shelf.model(asked.name, version: asked.version)
        let kept = Kept<OpenInference.Inference>()
        try ask(model, request, done) { [self] model throws(Refusal) in
          let inference = try parsed { () throws(ProtobufFields.Broken) in
            try InferenceMessages.Inference(bytes)
          }.read(model)
          kept.value = inference
          return inference.images
        } answer: { outputs in
          Answer(
            .ok, type: "application/grpc",
            InferenceMessages.answer(outputs, kept.value!, model))
        }
      default:
        throw Refusal(
          .notImplemented,
          "there is no call /\(request.path.joined(separator: "/")); there are the six of "
            + "inference.GRPCInferenceService")
      }
    } catch {
      done(Answer(error))
    }
  }

  private func parsed<T>(
    _ body: () throws(ProtobufFields.Broken) -> T
  ) throws(Refusal) -> T {
    do { return try body() } catch {
      throw Refusal(.badRequest, "the message is no such message of protobuf's")
    }
  }
}
