import NIOCore
import NIOHTTP1

/// One client's connection, between the parser of HTTP and Hummingbird. A request that is whole, the one
/// before it answered, goes to a model where one is asked, else to Hummingbird.
///
/// Every wait has its end. From a request's first byte to its answer it is `Limits.deadline`, whichever
/// part a slow client draws out: then 408 where the request isn't whole, 504 where the answer isn't there.
/// Between requests it is `Limits.idle`; for a client that doesn't take its answer, `Limits.writing`.
final class Connection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
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
  private let arrival: Arrival
  private let wire: Wire
  private var state = State.waiting
  /// What becomes of the connection where what it waits for doesn't come, and when.
  private var end: (moment: NIODeadline, isOfAnswer: Bool)?
  /// Set for no later than that: most waits are over long before, and cost no timer.
  private var timer: (scheduled: Scheduled<Void>, moment: NIODeadline)?
  /// Bytes of this connection that count among `Limits.bodies`.
  private var held = 0
  /// Of the request that is being answered.
  private var number = 0
  private var isHead = false
  private var isCounted = false
  private var context: ChannelHandlerContext?
  /// Whether the client has said that it sends no more.
  private var isLast = false

  init(_ server: Listener, _ arrival: Arrival, _ wire: Wire) {
    self.server = server
    self.arrival = arrival
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
    if server.connectionOpened(context.channel) {
      wait(server.limits.idle, context)
    } else {
      refuseUnasked(
        Refusal(.serviceUnavailable, "there are too many connections", retryAfter: 1), context)
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.scheduled.cancel()
    timer = nil
    release()
    state = .ending
    if isCounted { server.connectionClosed(context.channel) }
    isCounted = false
    context.fireChannelInactive()
  }

  /// Called when bytes came, before they make up any part of a request.
  func bytesArrived() {
    guard case .waiting = state, let context else { return }
    state = .head
    awaitDeadline(context)
  }

  var isAnswering: Bool { if case .answering = state { true } else { false } }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), state) {
    case (.head(let head), .waiting), (.head(let head), .head):
      if case .waiting = state { awaitDeadline(context) }
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
      number += 1
      state = .answering(keepsAlive: head.isKeepAlive)
      if askModel(head, body, context) { return }
      context.fireChannelRead(wrapInboundOut(.head(head)))
      if body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(body))) }
      context.fireChannelRead(wrapInboundOut(.end(nil)))
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
      if let refusal = server.token?.refusal(
        of: head.uri, shown: head.headers.first(name: "authorization"))
      {
        return refuse(refusal, context)
      }
      context.writeAndFlush(
        wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))),
        promise: nil)
    }
    state = .body(head, body)
  }

  private var tooLarge: Refusal {
    Refusal(.contentTooLarge, "the body may have at most \(server.limits.body) bytes")
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

  // MARK: - What a model says

  /// - Returns: false where none is asked.
  private func askModel(
    _ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext
  ) -> Bool {
    let (loop, own) = (context.eventLoop, number)
    let box = NIOLoopBound(self, eventLoop: loop)
    // Not even a refusal is given from here: many requests at once would become as many frames of the stack.
    return server.ask(head, body, arrived: arrival.moment) { answer, id in
      loop.execute { box.value.give(answer, id, to: own) }
    }
  }

  private func give(_ answer: Answer, _ id: String, to request: Int) {
    // What comes too late is thrown away: the client has its answer.
    guard request == number, case .answering(let keepsAlive) = state, let context else { return }
    release()
    let isLast = !keepsAlive || isLast || server.isDraining
    var head = head(of: answer, isLast: isLast)
    head.headers.add(name: "x-request-id", value: id)
    head.headers.add(name: "date", value: server.date.text)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    let body = context.channel.allocator.buffer(bytes: answer.body)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    finish(keepsAlive: !isLast, context.eventLoop.makePromise(), context)
    context.flush()
  }

  private func head(of answer: Answer, isLast: Bool) -> HTTPResponseHead {
    var headers = HTTPHeaders()
    headers.reserveCapacity(5 + answer.headers.count)
    headers.add(name: "content-type", value: answer.type)
    headers.add(name: "content-length", value: "\(answer.body.count)")
    for (name, value) in answer.headers { headers.add(name: name, value: value) }
    headers.add(name: "connection", value: isLast ? "close" : "keep-alive")
    return HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status.code),
      headers: headers)
  }

  // MARK: - What Hummingbird says

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    // What comes too late is thrown away: the client has its answer.
    guard case .answering(let keepsAlive) = state else {
      promise?.succeed(())
      return
    }
    switch unwrapOutboundIn(data) {
    case .head(var head):
      release()
      let keepsAlive = keepsAlive && !isLast && !server.isDraining
      state = .answering(keepsAlive: keepsAlive)
      head.headers.replaceOrAdd(name: "connection", value: keepsAlive ? "keep-alive" : "close")
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body: context.write(data, promise: promise)
    case .end:
      let written = context.eventLoop.makePromise(of: Void.self)
      if let promise { written.futureResult.cascade(to: promise) }
      finish(keepsAlive: keepsAlive, written, context)
    }
  }

  /// Hummingbird has nothing more to say; when the connection ends is known here.
  func close(
    context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
  ) {
    guard mode == .output else { return context.close(mode: mode, promise: promise) }
    promise?.succeed(())
  }

  /// Ends an answer.
  private func finish(
    keepsAlive: Bool, _ written: EventLoopPromise<Void>, _ context: ChannelHandlerContext
  ) {
    wait(server.limits.writing, context)
    // With the end of the answer the next request may come at once.
    state = keepsAlive ? .waiting : .ending
    let box = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let own = number
    written.futureResult.whenComplete { _ in
      let (connection, context) = box.value
      connection.isWritten(keepsAlive: keepsAlive, own, context)
    }
    context.write(wrapOutboundOut(.end(nil)), promise: written)
  }

  private func isWritten(keepsAlive: Bool, _ number: Int, _ context: ChannelHandlerContext) {
    guard keepsAlive else { return end(context) }
    // The next request may be under way already, with its own end.
    if number == self.number, case .waiting = state {
      wait(server.limits.idle, context)
    }
  }

  // MARK: - What is said without asking Hummingbird

  /// Answers a request that isn't whole or is too late, and reads no more of it.
  private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
    release()
    number += 1
    server.tellRefused(refusal)
    let answer = Answer(refusal)
    context.write(wrapOutboundOut(.head(head(of: answer, isLast: true))), promise: nil)
    if !isHead {
      let bytes = context.channel.allocator.buffer(bytes: answer.body)
      context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
    }
    finish(keepsAlive: false, context.eventLoop.makePromise(), context)
    context.flush()
  }

  /// Answers where there is no request yet, which the parser's handlers wouldn't let pass.
  private func refuseUnasked(_ refusal: Refusal, _ context: ChannelHandlerContext) {
    server.tellRefused(refusal)
    let answer = Answer(refusal)
    let head = head(of: answer, isLast: true)
    var text = "HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n"
    for (name, value) in head.headers { text += "\(name): \(value)\r\n" }
    text += "\r\n"
    wire.write(Array(text.utf8) + answer.body)
    end(context)
  }

  /// Says that nothing follows, and gives the client a moment to read what was said: where a socket is
  /// closed with bytes unread, the system throws away what it has not delivered.
  private func end(_ context: ChannelHandlerContext) {
    state = .ending
    context.close(mode: .output, promise: nil)
    wait(.seconds(2), context)
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

  /// Notes when a request's first byte came.
  private func awaitDeadline(_ context: ChannelHandlerContext) {
    arrival.note()
    wait(until: arrival.moment + server.limits.deadline, isOfAnswer: true, context)
  }

  private func deadlinePassed(_ context: ChannelHandlerContext) {
    switch state {
    case .answering:
      // Whatever its job gives, it is too late.
      refuse(Refusal(.gatewayTimeout, "there was no answer in time"), context)
    case .head:
      refuseUnasked(Refusal(.requestTimeout, "the request was not whole in time"), context)
    case .body: refuse(Refusal(.requestTimeout, "the request was not whole in time"), context)
    case .waiting, .ending: close(context)
    }
  }

  /// Closes the connection then, unless something comes before.
  private func wait(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    wait(until: .now() + time, isOfAnswer: false, context)
  }

  private func wait(
    until moment: NIODeadline, isOfAnswer: Bool, _ context: ChannelHandlerContext
  ) {
    end = (moment, isOfAnswer)
    if let timer, timer.moment <= moment { return }
    timer?.scheduled.cancel()
    setTimer(context)
  }

  private func setTimer(_ context: ChannelHandlerContext) {
    guard let end else { return }
    let box = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let scheduled = context.eventLoop.scheduleTask(deadline: end.moment) {
      let (connection, context) = box.value
      connection.timeIsUp(context)
    }
    timer = (scheduled, end.moment)
  }

  private func timeIsUp(_ context: ChannelHandlerContext) {
    timer = nil
    guard let end, end.moment <= .now() else { return setTimer(context) }
    self.end = nil
    if end.isOfAnswer { deadlinePassed(context) } else { close(context) }
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
  /// Whether bytes came that the next request may be made of.
  private var isAhead = false

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isAhead = connection?.isAnswering ?? false
    connection?.bytesArrived()
    context.fireChannelRead(data)
  }

  /// Goes on reading while a request is answered, for what comes once: the parser's handlers would not, and
  /// not to read and to read again are two system calls a request.
  func channelReadComplete(context: ChannelHandlerContext) {
    context.fireChannelReadComplete()
    if !isAhead, connection?.isAnswering ?? false { context.read() }
  }

  func write(_ bytes: [UInt8]) {
    guard let context else { return }
    context.writeAndFlush(
      wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
  }
}
