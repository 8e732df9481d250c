import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Synchronization

/// What Hummingbird is to do with a connection: HTTP/1.1 with a `Connection` in between, all of it on the
/// thread of the connection's event loop, so that a request waits for no other thread but the lane's that
/// answers it.
struct ConnectionChannel: HTTPChannelHandler {
  struct Value: ServerChildChannelValue {
    let parts: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    let arrival: Arrival
    let executor: LoopExecutor
    var channel: any Channel { parts.channel }
  }

  let responder: Responder
  let listener: Listener

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let (arrival, wire) = (Arrival(), Wire())
      let pipeline = channel.pipeline.syncOperations
      try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
      try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 4)
      try pipeline.addHandler(wire)
      var decoding = NIOHTTPDecoderLimitConfiguration()
      decoding.maxHeaderFieldSize = listener.limits.headers
      decoding.maxHeaderListSize = listener.limits.headers
      decoding.maxHeaderFieldCount = 200
      try pipeline.configureHTTPServerPipeline(
        withPipeliningAssistance: true, withErrorHandling: false,
        withOutboundHeaderValidation: false, withEncoderConfiguration: .init(),
        withDecoderLimitConfiguration: decoding)
      try pipeline.addHandler(Connection(listener, arrival, wire))
      try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
      return Value(
        parts: try NIOAsyncChannel(
          wrappingChannelSynchronously: channel,
          configuration: .init(isOutboundHalfClosureEnabled: true)),
        arrival: arrival, executor: listener.executor(of: channel.eventLoop))
    }
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskExecutorPreference(value.executor) {
      await Arrival.$current.withValue(value.arrival) {
        await handleHTTP(asyncChannel: value.parts, logger: logger)
      }
    }
  }
}

/// When the first byte came of the request that a connection answers.
final class Arrival: Sendable {
  @TaskLocal static var current: Arrival?

  private let nanoseconds = Atomic<UInt64>(NIODeadline.now().uptimeNanoseconds)

  var moment: NIODeadline { .uptimeNanoseconds(nanoseconds.load(ordering: .relaxed)) }

  func note() { nanoseconds.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed) }
}

/// Runs tasks on the thread of an event loop.
final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(_ loop: any EventLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
