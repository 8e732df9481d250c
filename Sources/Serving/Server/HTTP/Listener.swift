import Dispatch
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Synchronization

/// Where clients connect: the socket, its connections and what they may take together.
final class Listener: @unchecked Sendable {  // what varies is set before any client comes
  let limits: Limits
  private let service: Service
  private let token: [UInt8]?
  private let group: MultiThreadedEventLoopGroup
  private var bound: [any Channel] = []
  private var callPort: Int?
  private let calls = Atomic<Int>(0)
  private let open = Atomic<Int>(0)
  private let heldBytes = Atomic<Int>(0)
  private let draining = Atomic<Bool>(false)
  private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
  private let numbers = Atomic<UInt64>(0)
  /// Of this process, before the number of a request.
  private let prefix: String

  /// - Parameter token: what clients have to show, as `Authorization: Bearer`; nil for nothing.
  init(_ service: Service, _ limits: Limits, token: String?, threads: Int) {
    self.service = service
    self.limits = limits
    self.token = token.map { Array($0.utf8) }
    group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    prefix = String(UInt64.random(in: .min ... .max) >> 24, radix: 36)
    service.metrics.watch(
      connections: { [unowned self] in open.load(ordering: .relaxed) },
      bodies: { [unowned self] in heldBytes.load(ordering: .relaxed) })
  }

  /// Begins to listen; the port, where 0 stands for any that is free.
  func start(host: String, port: Int) throws -> Int {
    let bound = try ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          let wire = Wire()
          let connection = Connection(self, wire)
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(wire)
          var decoding = NIOHTTPDecoderLimitConfiguration()
          decoding.maxHeaderFieldSize = limits.headers
          decoding.maxHeaderListSize = limits.headers
          decoding.maxHeaderFieldCount = 200
          try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: false,
            withOutboundHeaderValidation: true, withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: decoding)
          try pipeline.addHandler(connection)
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .bind(host: host, port: port).wait()
    self.bound.append(bound)
    return bound.localAddress?.port ?? port
  }

  /// Begins to listen for gRPC, HTTP/2 without TLS; the port, where 0 stands for any that is free.
  func startCalls(host: String, port: Int) throws -> Int {
    let settings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: 256),
      HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headers),
      HTTP2Setting(parameter: .initialWindowSize, value: 1 << 20),
    ]
    let bound = try ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { [self] channel in
        guard connectionOpened(channel) else {
          connectionClosed(channel)
          return channel.close()
        }
        channel.closeFuture.whenComplete { [self] _ in connectionClosed(channel) }
        return channel.configureHTTP2Pipeline(
          mode: .server, initialLocalSettings: settings, targetWindowSize: 1 << 20
        ) { [self] stream in
          stream.eventLoop.makeCompletedFuture {
            try stream.pipeline.syncOperations.addHandlers([
              HTTP2FramePayloadToHTTP1ServerCodec(), GRPCCall(self),
            ])
          }
        }.flatMapThrowing { [limits] _ in
          // One that keeps silent, without even a ping.
          try channel.pipeline.syncOperations.addHandler(
            IdleStateHandler(allTimeout: limits.idle * 10), position: .first)
          try channel.pipeline.syncOperations.addHandler(SilenceHandler())
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .bind(host: host, port: port).wait()
    self.bound.append(bound)
    callPort = bound.localAddress?.port
    return callPort ?? port
  }

  func callBegan() { calls.wrappingAdd(1, ordering: .relaxed) }
  func callEnded() { calls.wrappingSubtract(1, ordering: .releasing) }

  func answerCall(
    _ head: HTTPRequestHead, _ body: ByteBuffer, arrived: NIODeadline,
    _ done: @escaping @Sendable (Answer) -> Void
  ) {
    let path = RequestTarget(head.uri)?.path ?? []
    let request = Request(
      id: id(head), method: head.method, path: path, query: [], headers: head.headers, body: body,
      arrived: arrived, deadline: arrived + limits.deadline)
    let name = path.last == "ModelInfer" ? "grpc_infer" : "grpc"
    let finish = finish(name, arrived, done)
    if let refusal = refusal(head, path) { return finish(Answer(refusal)) }
    guard path.first == "inference.GRPCInferenceService" else {
      return finish(
        Answer(Refusal(.notImplemented, "there is only inference.GRPCInferenceService")))
    }
    service.call(request, isDraining: isDraining, finish)
  }

  /// Takes no more connections, closes those that wait, and lets what is under way end.
  /// - Returns: whether all has ended in the time there was.
  func drain() -> Bool {
    draining.store(true, ordering: .releasing)
    for channel in bound { try? channel.close().wait() }
    for channel in channels.withLock({ Array($0.values) }) {
      channel.eventLoop.execute {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
      }
    }
    let end = NIODeadline.now() + limits.drain
    var isWhole = false
    while !isWhole, NIODeadline.now() < end {
      // Connections for calls stay open between these.
      isWhole =
        calls.load(ordering: .acquiring) == 0
        && channels.withLock { $0.values.allSatisfy { $0.isActive && isForCalls($0) } }
      if !isWhole { sleepMilliseconds(5) }
    }
    for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    return isWhole
  }

  private func isForCalls(_ channel: any Channel) -> Bool {
    callPort != nil && channel.localAddress?.port == callPort
  }

  func stop() {
    // On a queue of its own: the global ones may have no thread left, where several of these wait.
    let isDone = DispatchSemaphore(value: 0)
    group.shutdownGracefully(queue: DispatchQueue(label: "shutdown")) { _ in isDone.signal() }
    isDone.wait()
  }

  var isDraining: Bool { draining.load(ordering: .acquiring) }

  // What connections call.

  func connectionOpened(_ channel: any Channel) -> Bool {
    channels.withLock { $0[ObjectIdentifier(channel)] = channel }
    return open.wrappingAdd(1, ordering: .relaxed).newValue <= limits.connections
  }

  func connectionClosed(_ channel: any Channel) {
    channels.withLock { $0[ObjectIdentifier(channel)] = nil }
    open.wrappingSubtract(1, ordering: .releasing)
  }

  /// Whether so many bytes more may be held.
  func hold(_ bytes: Int) -> Bool {
    if heldBytes.wrappingAdd(bytes, ordering: .relaxed).newValue <= limits.bodies { return true }
    hold(releasing: bytes)
    return false
  }

  func hold(releasing bytes: Int) { heldBytes.wrappingSubtract(bytes, ordering: .relaxed) }

  /// Of a request whose body the client would send only upon our word.
  func refusalBeforeBody(_ head: HTTPRequestHead) -> Refusal? {
    guard let target = RequestTarget(head.uri) else { return nil }
    return refusal(head, target.path)
  }

  /// Counts what was refused before it was a request.
  func tellRefused(_ refusal: Refusal) {
    service.metrics.answered(route: "none", status: refusal.status.code, seconds: nil)
  }

  func answer(
    _ head: HTTPRequestHead, _ body: ByteBuffer, arrived: NIODeadline,
    _ done: @escaping @Sendable (Answer) -> Void
  ) {
    guard let target = RequestTarget(head.uri) else {
      return done(Answer(Refusal(.badRequest, "\"\(head.uri)\" is no path with whole escapes")))
    }
    let id = id(head)
    let request = Request(
      id: id, method: head.method == .HEAD ? .GET : head.method, path: target.path,
      query: target.query, headers: head.headers, body: body, arrived: arrived,
      deadline: arrived + limits.deadline)
    let route = Route(request)
    let finish = finish(route.name, arrived) { answer in
      var answer = answer
      answer.headers.append(("x-request-id", id))
      done(answer)
    }
    if let refusal = refusal(head, target.path) { return finish(Answer(refusal)) }
    service.answer(request, route, isDraining: isDraining, finish)
  }

  private func id(_ head: HTTPRequestHead) -> String {
    let own = head.headers.first(name: "x-request-id").flatMap { id in
      (1...128).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        ? id : nil
    }
    return own ?? "\(prefix)-\(numbers.wrappingAdd(1, ordering: .relaxed).newValue)"
  }

  /// Counts an answer on its way.
  private func finish(
    _ route: String, _ arrived: NIODeadline, _ done: @escaping @Sendable (Answer) -> Void
  ) -> @Sendable (Answer) -> Void {
    { [metrics = service.metrics] answer in
      let seconds = Double((NIODeadline.now() - arrived).nanoseconds) / 1e9
      metrics.answered(route: route, status: answer.status.code, seconds: seconds)
      done(answer)
    }
  }

  private func refusal(_ head: HTTPRequestHead, _ path: [String]) -> Refusal? {
    guard let token, !Route.isOpen(path) else { return nil }
    let shown = head.headers.first(name: "authorization").map { Array($0.utf8) } ?? []
    let wanted = Array("Bearer ".utf8) + token
    // As long for any token, so that nobody finds it letter by letter.
    var difference = shown.count ^ wanted.count
    for (i, byte) in wanted.enumerated() {
      difference |= Int(byte ^ (i < shown.count ? shown[i] : 0))
    }
    guard difference != 0 else { return nil }
    var refusal = Refusal(.unauthorized, "show the server's token: Authorization: Bearer …")
    refusal.headers = [("WWW-Authenticate", "Bearer")]
    return refusal
  }
}

/// Closes connections on which nothing has come or gone for long.
private final class SilenceHandler: ChannelInboundHandler {
  typealias InboundIn = Any

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
