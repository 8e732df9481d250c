import GRPCCore
import NIOCore
import NIOHPACK
import NIOHTTP2

/// What one call may take, in front of grpc-swift's handler of its stream: its bytes count among those of all
/// bodies, and it has an answer in time, whatever its client does. A call that takes more is told its status
/// here; grpc-swift would reset the stream without a word.
final class CallBounds: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  /// grpc-swift would call it an error of its own.
  private static let noMessage = Refusal(.badRequest, "the call has no message")
  /// The byte that says whether a message is compressed, and its length.
  private static let prefix = 5

  private let listener: Listener
  private let connection: CallConnection
  private var held = 0
  private var timer: Scheduled<Void>?
  /// Whether the client has sent all that it wants to.
  private var isWhole = false
  private var isAnswered = false
  /// What still comes and goes is thrown away.
  private var isRefused = false

  init(_ listener: Listener, _ connection: CallConnection) {
    self.listener = listener
    self.connection = connection
  }

  func handlerAdded(context: ChannelHandlerContext) {
    listener.callBegan()
    connection.callBegan()
    wait(listener.limits.deadline, context) { bounds, context in
      bounds.refuse(Refusal(.gatewayTimeout, "there was no answer in time"), context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    listener.hold(releasing: held)
    held = 0
    listener.callEnded()
    connection.callEnded()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isRefused else { return }
    switch unwrapInboundIn(data) {
    case .headers(let frame):
      isWhole = frame.endStream
      if isWhole { return refuse(Self.noMessage, context) }
    case .data(let frame):
      isWhole = frame.endStream
      let bytes = frame.data.readableBytes
      guard held + bytes <= listener.limits.body + Self.prefix else {
        return refuse(
          Refusal(
            .contentTooLarge, "a message may have at most \(listener.limits.body) bytes"), context)
      }
      if isWhole, held + bytes == 0 { return refuse(Self.noMessage, context) }
      guard listener.hold(bytes) else {
        return refuse(
          Refusal(
            .serviceUnavailable, "the requests under way take all memory that is given to them"),
          context)
      }
      held += bytes
    default: break
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isRefused else {
      promise?.succeed(())
      return
    }
    if !isAnswered {
      isAnswered = true
      wait(listener.limits.writing, context) { $1.close(promise: nil) }
    }
    context.write(data, promise: promise)
  }

  private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
    isRefused = true
    listener.tellRefused(refusal)
    let headers: HPACKHeaders = [
      ":status": "200", "content-type": "application/grpc",
      "grpc-status": "\(refusal.code.rawValue)", "grpc-message": refusal.message,
    ]
    context.writeAndFlush(
      wrapOutboundOut(.headers(.init(headers: headers, endStream: true))), promise: nil)
    // The client need not send what is left.
    if !isWhole { context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil) }
    context.close(promise: nil)
  }

  private func wait(
    _ time: TimeAmount, _ context: ChannelHandlerContext,
    then body: @escaping (CallBounds, ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    let box = NIOLoopBound((self, context, body), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: time) {
      let (bounds, context, body) = box.value
      body(bounds, context)
    }
  }
}

/// Ends a connection without calls in time: grpc-swift tells the client to go, and waits for as long as the
/// client doesn't say that it has heard so.
final class CallConnection: ChannelInboundHandler {
  typealias InboundIn = NIOAny

  private let time: TimeAmount
  private var calls = 0
  private var timer: Scheduled<Void>?
  private var context: ChannelHandlerContext?

  init(_ time: TimeAmount) { self.time = time }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    wait()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    self.context = nil
  }

  func callBegan() {
    calls += 1
    timer?.cancel()
  }

  func callEnded() {
    calls -= 1
    if calls == 0 { wait() }
  }

  private func wait() {
    guard let context else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
      context.close(promise: nil)
    }
  }
}

extension Refusal {
  /// What gRPC calls it.
  var code: RPCError.Code {
    switch status {
    case .badRequest, .unprocessableContent, .unsupportedMediaType: .invalidArgument
    case .notFound: .notFound
    case .methodNotAllowed, .notImplemented: .unimplemented
    case .tooManyRequests, .contentTooLarge: .resourceExhausted
    case .serviceUnavailable: .unavailable
    case .gatewayTimeout: .deadlineExceeded
    case .unauthorized: .unauthenticated
    default: .internalError
    }
  }
}
