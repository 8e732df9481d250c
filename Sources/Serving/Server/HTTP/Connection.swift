import NIOCore
import NIOHTTP1

/// One client's connection: it collects a request, has it answered and waits for the next.
///
/// Every wait has its end. From a request's first byte to its answer it is `Limits.deadline`, whichever
/// part a slow client draws out: then 408 where the request isn't whole, 504 where the answer isn't there.
/// Between requests it is `Limits.idle`; for a client that doesn't take its answer, `Limits.writing`.
final class Connection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum State {
    /// Between requests; `head` where some of the next one's bytes have come.
    case waiting, head
    case body(HTTPRequestHead, ByteBuffer)
    case answering(keepsAlive: Bool)
    /// The last answer is written; what still comes is thrown away.
    case ending
  }

  private let server: Listener
  private var state = State.waiting
  private var timer: Scheduled<Void>?
  private var arrived = NIODeadline.now()
  /// Bytes of this connection that count among `Limits.bodies`.
  private var held = 0
  /// Of the request that is being answered, so that no answer comes to another.
  private var number = 0
  private var isHead = false
  private var isCounted = false

  private var context: ChannelHandlerContext?
  /// Whether the client has said that it sends no more.
  private var isLast = false

  private let wire: Wire

  init(_ server: Listener, _ wire: Wire) {
    self.server = server
    self.wire = wire
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    wire.connection = self
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    wire.connection = nil
  }

  func channelActive(context: ChannelHandlerContext) {
    isCounted = true
    guard server.connectionOpened(context.channel) else {
      refuseUnasked(
        Refusal(.serviceUnavailable, "there are too many connections", retryAfter: 1), context)
      return
    }
    wait(server.limits.idle, context) { $0.close($1) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    release()
    state = .ending
    if isCounted { server.connectionClosed(context.channel) }
    isCounted = false
  }

  /// Called when bytes came, before they make up any part of a request.
  func bytesArrived() {
    guard case .waiting = state, let context else { return }
    state = .head
    arrived = .now()
    awaitDeadline(context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), state) {
    case (.head(let head), .waiting), (.head(let head), .head):
      if case .waiting = state {
        arrived = .now()
        awaitDeadline(context)
      }
      begin(head, context)
    case (.body(var part), .body(let head, var body)):
      state = .ending  // So that the buffer below is the only one.
      guard body.readableBytes + part.readableBytes <= server.limits.body else {
        return refuse(tooLarge, context)
      }
      guard hold(part.readableBytes) else { return refuse(tooMuch, context) }
      body.writeBuffer(&part)
      state = .body(head, body)
    case (.end, .body(let head, let body)):
      answer(head, body, context)
    default: break
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    isHead = head.method == .HEAD
    var body = ByteBuffer()
    if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }) {
      guard length <= server.limits.body else { return refuse(tooLarge, context) }
      body = context.channel.allocator.buffer(capacity: min(length, 1 << 16))
    }
    if head.headers.contains(name: "expect") {
      guard head.headers.first(name: "expect")?.lowercased() == "100-continue" else {
        return refuse(Refusal(.expectationFailed, "only 100-continue is expected here"), context)
      }
      if let refusal = server.refusalBeforeBody(head) { return refuse(refusal, context) }
      context.writeAndFlush(
        wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))),
        promise: nil)
    }
    state = .body(head, body)
  }

  private var tooLarge: Refusal {
    Refusal(.payloadTooLarge, "the body may have at most \(server.limits.body) bytes")
  }

  private var tooMuch: Refusal {
    Refusal(
      .serviceUnavailable, "the requests under way take all memory that is given to them",
      retryAfter: 1)
  }

  private func hold(_ bytes: Int) -> Bool {
    guard server.hold(bytes) else { return false }
    held += bytes
    return true
  }

  private func release() {
    server.hold(releasing: held)
    held = 0
  }

  private func answer(
    _ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext
  ) {
    number += 1
    state = .answering(keepsAlive: head.isKeepAlive)
    let (own, loop, box) = (
      number, context.eventLoop, NIOLoopBound((self, context), eventLoop: context.eventLoop)
    )
    server.answer(head, body, arrived: arrived) { answer in
      if loop.inEventLoop {
        box.value.0.write(answer, to: own, box.value.1)
      } else {
        loop.execute { box.value.0.write(answer, to: own, box.value.1) }
      }
    }
  }

  private func write(_ answer: Answer, to number: Int, _ context: ChannelHandlerContext) {
    guard case .answering(let keepsAlive) = state, number == self.number else { return }
    release()
    send(answer, keepsAlive: keepsAlive && !isLast && !server.isDraining, context)
  }

  private func send(_ answer: Answer, keepsAlive: Bool, _ context: ChannelHandlerContext) {
    state = .ending
    var head = HTTPResponseHead(version: .http1_1, status: answer.status)
    head.headers.add(name: "content-type", value: answer.type)
    head.headers.add(name: "content-length", value: "\(answer.body.count)")
    for (name, value) in answer.headers { head.headers.add(name: name, value: value) }
    head.headers.add(name: "connection", value: keepsAlive ? "keep-alive" : "close")
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if !isHead, !answer.body.isEmpty {
      let bytes = context.channel.allocator.buffer(bytes: answer.body)
      context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
    }
    wait(server.limits.writing, context) { $0.close($1) }
    if keepsAlive { state = .waiting }
    let written = context.eventLoop.makePromise(of: Void.self)
    let box = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let own = number
    written.futureResult.whenComplete { _ in
      let (connection, context) = box.value
      connection.isWritten(keepsAlive: keepsAlive, own, context)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
  }

  private func isWritten(keepsAlive: Bool, _ number: Int, _ context: ChannelHandlerContext) {
    guard keepsAlive else { return end(context) }
    // The next request may be under way already, with its own end.
    if number == self.number, case .waiting = state {
      wait(server.limits.idle, context) { $0.close($1) }
    }
  }

  /// Answers a request that isn't whole, and reads no more of it.
  private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
    release()
    number += 1
    server.tellRefused(refusal)
    send(Answer(refusal), keepsAlive: false, context)
  }

  /// Answers where there is no request yet, which the parser's handlers wouldn't let pass.
  private func refuseUnasked(_ refusal: Refusal, _ context: ChannelHandlerContext) {
    server.tellRefused(refusal)
    let answer = Answer(refusal)
    let headers =
      [("content-type", answer.type), ("content-length", "\(answer.body.count)")] + answer.headers
      + [("connection", "close")]
    let head =
      "HTTP/1.1 \(answer.status.code) \(answer.status.reasonPhrase)\r\n"
      + headers.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
    wire.write(Array(head.utf8) + answer.body)
    end(context)
  }

  /// Says that nothing follows, and gives the client a moment to read what was said: where a socket is
  /// closed with bytes unread, the system throws away what it has not delivered.
  private func end(_ context: ChannelHandlerContext) {
    state = .ending
    context.close(mode: .output, promise: nil)
    wait(.seconds(2), context) { $0.close($1) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      isLast = true
      switch state {
      case .answering: break  // A client may close its side and wait for the answer.
      default: close(context)
      }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else { return close(context) }
    switch state {
    case .waiting, .head, .body:
      let isLong = "\(error)".lowercased().contains("overflow")
      refuse(
        isLong
          ? Refusal(
            .requestHeaderFieldsTooLarge, "headers may have at most \(server.limits.headers) bytes")
          : Refusal(.badRequest, "this is not HTTP: \(error)"), context)
    default: close(context)
    }
  }

  private func awaitDeadline(_ context: ChannelHandlerContext) {
    wait(server.limits.deadline, context) { connection, context in
      switch connection.state {
      case .answering:
        // Whatever its job gives, it is too late.
        connection.refuse(
          Refusal(.gatewayTimeout, "there was no answer in time"), context)
      case .head:
        connection.refuseUnasked(
          Refusal(.requestTimeout, "the request was not whole in time"), context)
      case .body:
        connection.refuse(
          Refusal(.requestTimeout, "the request was not whole in time"), context)
      case .waiting, .ending: connection.close(context)
      }
    }
  }

  private func wait(
    _ time: TimeAmount, _ context: ChannelHandlerContext,
    then body: @escaping (Connection, ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    let box = NIOLoopBound((self, context, body), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: time) {
      let (connection, context, body) = box.value
      body(connection, context)
    }
  }

  private func close(_ context: ChannelHandlerContext) {
    state = .ending
    context.close(promise: nil)
  }
}

/// The socket's end of a connection: it notes when a request's first byte comes, before the parser has a
/// whole head, and writes where the parser's handlers know of no request.
final class Wire: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  var connection: Connection?
  private var context: ChannelHandlerContext?

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    connection?.bytesArrived()
    context.fireChannelRead(data)
  }

  func write(_ bytes: [UInt8]) {
    guard let context else { return }
    context.writeAndFlush(
      wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
  }
}
