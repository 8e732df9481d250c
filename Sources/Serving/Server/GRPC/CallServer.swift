import GRPCCore
import GRPCNIOTransportHTTP2TransportServices
import NIOCore
import NIOHTTP2
import NIOPosix
import ServiceLifecycle

/// The port for gRPC: grpc-swift's server, without TLS, in the bounds that HTTP has.
struct CallServer: ServiceLifecycle.Service {
  private let server: GRPCServer<HTTP2ServerTransport.Custom<CallSocket>>

  /// - Parameter bound: is told the port.
  init(_ listener: Listener, host: String, port: Int, _ bound: EventLoopPromise<Int>) {
    var config = HTTP2ServerTransport.Custom<CallSocket>.Config.defaults
    // What is longer than it may be is told so by the call's bounds; grpc-swift would reset the stream when
    // it reads the length.
    config.rpc.maxRequestPayloadSize = Int(UInt32.max)
    config.http2.maxConcurrentStreams = 256
    config.http2.targetWindowSize = 1 << 20
    // As of HTTP's connections; clients that have a call to make connect anew.
    config.connection.maxIdleTime = .nanoseconds(listener.limits.idle.nanoseconds)
    config.connection.keepalive.clientBehavior.allowWithoutCalls = true
    config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(1)
    config.connection.flushCoalescing = nil
    config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
      let isWelcome = listener.connectionOpened(channel, isForCalls: true)
      channel.closeFuture.whenComplete { _ in listener.connectionClosed(channel) }
      return channel.eventLoop.makeCompletedFuture {
        guard isWelcome else { return channel.close(promise: nil) }
        try channel.pipeline.syncOperations.addHandler(
          CallConnection(listener.limits.idle + listener.limits.writing))
      }
    }
    config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { channel in
      channel.eventLoop.makeCompletedFuture {
        let connection = try channel.parent!.pipeline.syncOperations.handler(
          type: CallConnection.self)
        try channel.pipeline.syncOperations.addHandler(
          CallBounds(listener, connection), position: .first)
      }
    }
    let transport = HTTP2ServerTransport.Custom(
      listenerFactory: CallSocket(listener: listener, host: host, port: port, bound: bound),
      config: config)
    server = GRPCServer(
      transport: transport, services: [InferenceCalls(listener)],
      interceptors: [CallAccounting(listener: listener)])
  }

  func run() async throws {
    try await withGracefulShutdownHandler {
      try await server.serve()
    } onGracefulShutdown: {
      server.beginGracefulShutdown()
    }
  }
}

/// The socket of gRPC's port.
struct CallSocket: HTTP2ServerTransport.ListenerFactory {
  let listener: Listener
  let host: String
  let port: Int
  let bound: EventLoopPromise<Int>

  var eventLoopGroup: any EventLoopGroup { listener.group }

  func makeListeningChannel(
    listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
    connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
  ) async throws -> NIOAsyncChannel<
    HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel, Never
  > {
    let socket = try await ServerBootstrap(group: listener.group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .serverChannelInitializer { listenerConfigurator.configure(channel: $0) }
      .bind(host: host, port: port) { channel in
        connectionConfigurator.configure(channel: channel, tls: .none)
      }
    bound.succeed(socket.channel.localAddress?.port ?? port)
    return socket
  }
}

/// Counts calls, asks for the token, and gives what is refused its code.
private struct CallAccounting: ServerInterceptor {
  let listener: Listener
  /// What grpc-swift says of a call that ends without a message.
  private static let noMessage = "Empty stream."

  func intercept<Input: Sendable, Output: Sendable>(
    request: StreamingServerRequest<Input>, context: ServerContext,
    next:
      @Sendable (StreamingServerRequest<Input>, ServerContext) async throws
      -> StreamingServerResponse<Output>
  ) async throws -> StreamingServerResponse<Output> {
    let arrived = NIODeadline.now()
    func count(_ status: Int) {
      let now = NIODeadline.now()
      // What is late was counted by the call's bounds, which have told so.
      guard now < arrived + listener.limits.deadline else { return }
      let seconds = Double((now - arrived).nanoseconds) / 1e9
      let name = context.descriptor.method == "ModelInfer" ? "grpc_infer" : "grpc"
      listener.service.metrics.answered(route: name, status: status, seconds: seconds)
    }
    do {
      let shown = request.metadata[stringValues: "authorization"].first { _ in true }
      if let refusal = listener.token?.refusal(shown: shown) { throw refusal }
      let response = try await next(request, context)
      count(200)
      return response
    } catch let refusal as Refusal {
      count(refusal.status.code)
      throw RPCError(code: refusal.code, message: refusal.message)
    } catch {
      // A client that has gone; a message that is none, or several of them, which grpc-swift calls an error of
      // its own. Else the stream was ended by the call's bounds, which have counted it.
      let told = error as? RPCError
      if context.cancellation.isCancelled {
        count(499)
      } else if told?.code == .invalidArgument
        || told?.code == .internalError && told?.message != Self.noMessage
      {
        count(400)
      }
      throw error
    }
  }
}
