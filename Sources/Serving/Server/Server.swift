import ConvNet
import Experiment
import NIOCore
import NIOPosix
import Storage
import Synchronization

/// What this server calls itself.
enum ServingVersion {
  static let number = Environment.programVersion
}

public struct ServerOptions: Sendable {
  /// Files, runs and folders of models, as `ModelPlaces` reads them.
  public var models: [String]
  public var host = "127.0.0.1"
  /// 0 for any that is free.
  public var port = 8000
  /// For gRPC; 0 for any that is free, nil for none.
  public var callPort: Int?
  /// Threads that compute.
  public var threads = Team.cores
  public var limits = Limits()
  /// Of labels, the part of the requests that ask for no version; together at most 1.
  public var shares: [String: Double] = [:]
  /// What clients have to show; nil for nothing.
  public var token: String?
  /// The file of the log; nil for none.
  public var log: String?
  public var logSize = 64 << 20
  public var logFiles = 8
  public var logKeepsPixels = false
  /// Where images that were labelled are kept; nil for nowhere.
  public var feedbackFolder: String?

  public init(models: [String]) { self.models = models }
}

/// A server of models: it listens, loads, answers until it is told to stop.
public final class Server: Sendable {
  private let service: Service
  private let listener: Listener
  private let options: ServerOptions
  private let outcome = Mutex<Bool?>(nil)

  /// - Parameter tell: takes what happens, a line each.
  /// - Throws: `FileError` where the log cannot be written, `ThreadRefused`.
  public init(_ options: ServerOptions, tell: @escaping @Sendable (String) -> Void) throws {
    self.options = options
    let log = try options.log.map {
      try LogWriter(
        .init(
          path: $0, size: options.logSize, files: options.logFiles,
          keepsPixels: options.logKeepsPixels), tell: tell)
    }
    let loops = min(options.threads, 4)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
    let shelf = Shelf(
      ModelPlaces(paths: options.models), lanes: options.threads, loops: loops,
      shares: options.shares, keepsFeatures: log != nil, tell: tell)
    service = try Service(
      shelf, options.limits, lanes: options.threads, group, log: log,
      feedbackFolder: options.feedbackFolder)
    listener = Listener(service, options.limits, token: options.token, group, tell: tell)
  }

  /// Begins to listen, and says 503 until there are models.
  /// - Returns: the ports; nil for gRPC where none is wanted.
  public func start() throws -> (port: Int, callPort: Int?) {
    try listener.start(host: options.host, port: options.port, callPort: options.callPort)
  }

  /// Loads what is new or has changed.
  /// - Parameter known: models that are read already, by their paths.
  /// - Returns: whether nothing was wrong.
  @discardableResult
  public func refresh(known: [String: AnsweringModel] = [:]) -> Bool {
    service.shelf.refresh(known: known)
  }

  public var hasModels: Bool { !(service.shelf.models ?? []).isEmpty }

  /// Lets what is under way end, and takes nothing new.
  /// - Returns: whether all has ended in the time that there was.
  public func stop() -> Bool {
    outcome.withLock { outcome in
      if let outcome { return outcome }
      let isWhole = listener.drain()
      service.stop()
      listener.stop()
      outcome = isWhole
      return isWhole
    }
  }
}

/// The first model that the command line names, by whose kernel this process computes.
public func firstModel(_ paths: [String]) throws -> (path: String, file: AnsweringModel) {
  let found = ModelPlaces(paths: paths).find()
  guard let place = found.places.first else {
    throw RecordError(
      paths.first ?? "", found.problems.first.map { "\($0)" } ?? "there is no model")
  }
  return (place.path, try ModelPlaces.read(place.path))
}
