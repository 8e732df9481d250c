import Dispatch
import GRPCCore
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Where clients connect: the sockets, their connections and what these may take together.
///
/// Hummingbird and gRPC run as services of one group (ServiceLifecycle), whose graceful shutdown is the
/// server's.
final class Listener: Sendable {
  let service: Service
  let limits: Limits
  /// What clients have to show; nil for nothing.
  let token: Token?
  let group: MultiThreadedEventLoopGroup
  private let executors: [ObjectIdentifier: LoopExecutor]
  private let tell: @Sendable (String) -> Void
  private let running = Mutex<ServiceGroup?>(nil)
  private let hasEnded = DispatchSemaphore(value: 0)
  private let calls = Atomic<Int>(0)
  private let open = Atomic<Int>(0)
  private let heldBytes = Atomic<Int>(0)
  private let draining = Atomic<Bool>(false)
  /// Of HTTP and of gRPC.
  private let channels = Mutex<[ObjectIdentifier: (channel: any Channel, isForCalls: Bool)]>([:])
  private let numbers = Atomic<UInt64>(0)
  let date = DateText()
  /// Of this process, before the number of a request.
  private let prefix: String

  /// - Parameters:
  ///   - token: what clients have to show, as `Authorization: Bearer`; nil for nothing.
  ///   - tell: takes what goes wrong beside requests.
  init(
    _ service: Service, _ limits: Limits, token: String?, _ group: MultiThreadedEventLoopGroup,
    tell: @escaping @Sendable (String) -> Void
  ) {
    self.service = service
    self.limits = limits
    self.token = token.map { Token($0) }
    self.tell = tell
    self.group = group
    executors = Dictionary(
      uniqueKeysWithValues: group.makeIterator().map { (ObjectIdentifier($0), LoopExecutor($0)) })
    prefix = String(UInt64.random(in: .min ... .max) >> 24, radix: 36)
    service.metrics.watch(
      connections: { [unowned self] in open.load(ordering: .relaxed) },
      bodies: { [unowned self] in heldBytes.load(ordering: .relaxed) })
  }

  func executor(of loop: any EventLoop) -> LoopExecutor { executors[ObjectIdentifier(loop)]! }

  /// Begins to listen; 0 stands for any port that is free.
  /// - Parameter callPort: for gRPC; nil for none.
  /// - Returns: the ports.
  func start(
    host: String, port: Int, callPort: Int?
  ) throws -> (port: Int, callPort: Int?) {
    let logger = Logger(label: "runner-serve") { _ in ToldLog(tell: tell) }
    let bound = group.next().makePromise(of: Int.self)
    let application = Application(
      router: router,
      server: HTTPServerBuilder { ConnectionChannel(responder: $0, listener: self) },
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), backlog: 512,
        // Some more, for these to be told that there are too many.
        availableConnectionsDelegate: MaximumAvailableConnections(
          limits.connections + 64, logger: logger)),
      onServerRunning: { channel in bound.succeed(channel.localAddress?.port ?? port) },
      eventLoopGroupProvider: .shared(group), logger: logger)
    // The last is told first to end: a call's connection that lingers keeps no other waiting.
    var services: [any ServiceLifecycle.Service] = []
    let callsBound = callPort.map { _ in group.next().makePromise(of: Int.self) }
    if let callPort, let callsBound {
      services.append(CallServer(self, host: host, port: callPort, callsBound))
    }
    services.append(application)
    let running = ServiceGroup(
      configuration: ServiceGroupConfiguration(services: services, logger: logger))
    self.running.withLock { $0 = running }
    Task(executorPreference: executor(of: group.next())) { [hasEnded] in
      do { try await running.run() } catch {
        bound.fail(error)
        callsBound?.fail(error)
      }
      hasEnded.signal()
    }
    return (try bound.futureResult.wait(), try callsBound?.futureResult.wait())
  }

  /// Takes no more connections, closes those that wait, and lets what is under way end.
  /// - Returns: whether all has ended in the time there was.
  func drain() -> Bool {
    draining.store(true, ordering: .releasing)
    guard let running = running.withLock({ $0 }) else { return true }
    Task { await running.triggerGracefulShutdown() }
    let end = NIODeadline.now() + limits.drain
    var isWhole = false
    while !isWhole, NIODeadline.now() < end {
      // Connections for calls stay open between these.
      isWhole =
        calls.load(ordering: .acquiring) == 0
        && channels.withLock { $0.values.allSatisfy { $0.isForCalls } }
      if !isWhole { sleepMilliseconds(5) }
    }
    for (channel, _) in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    hasEnded.wait()
    self.running.withLock { $0 = nil }
    return isWhole
  }

  func stop() {
    // On a queue of its own: the global ones may have no thread left, where several of these wait.
    let isDone = DispatchSemaphore(value: 0)
    group.shutdownGracefully(queue: DispatchQueue(label: "shutdown")) { _ in isDone.signal() }
    isDone.wait()
  }

  var isDraining: Bool { draining.load(ordering: .acquiring) }

  // What connections and calls tell.

  func callBegan() { calls.wrappingAdd(1, ordering: .relaxed) }
  func callEnded() { calls.wrappingSubtract(1, ordering: .releasing) }

  /// - Returns: whether there are no more than there may be.
  func connectionOpened(_ channel: any Channel, isForCalls: Bool = false) -> Bool {
    channels.withLock { $0[ObjectIdentifier(channel)] = (channel, isForCalls) }
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

  /// Counts what was refused before it was a request.
  func tellRefused(_ refusal: Refusal) {
    service.metrics.answered(route: "none", status: refusal.status.code, seconds: nil)
  }

  /// What a request is called: as its client says, or by a number of our own.
  func id(shown: String?) -> String {
    if let shown, (1...128).contains(shown.utf8.count),
      shown.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    {
      return shown
    }
    return "\(prefix)-\(numbers.wrappingAdd(1, ordering: .relaxed).newValue)"
  }
}

/// Tells what the libraries below call an error.
private struct ToldLog: LogHandler {
  let tell: @Sendable (String) -> Void
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.error

  init(tell: @escaping @Sendable (String) -> Void) { self.tell = tell }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { tell("WARNING: \(event.message)") }
}
