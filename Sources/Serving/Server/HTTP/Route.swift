import HTTPTypes
import Hummingbird

/// What a request asks for.
enum Route: Sendable {
  case page(String)
  case health, live, ready, metrics, description
  case predict, feedback, models
  /// Open Inference Protocol.
  case server, index
  case model(name: String, version: String?, ModelTask)
  /// TensorFlow Serving's.
  case tensorflow(name: String, version: String?, label: String?, TensorFlowTask)

  enum ModelTask: Sendable { case metadata, ready, infer }
  enum TensorFlowTask: String, Sendable { case status, metadata, predict, classify }

  /// Paths that need no token: those that a load balancer asks, and the page, which asks for it.
  static func isOpen(_ path: [String]) -> Bool {
    path == ["health"] || path == ["v2", "health", "live"] || path == ["v2", "health", "ready"]
      || path.isEmpty || path.count == 1 && Page.files[path[0]] != nil
  }

  /// What metrics call it.
  var name: String {
    switch self {
    case .page: "page"
    case .health, .live, .ready: "health"
    case .metrics: "metrics"
    case .description: "openapi"
    case .predict: "predict"
    case .feedback: "feedback"
    case .models, .index: "models"
    case .server: "v2"
    case .model(_, _, let task): task == .infer ? "v2_infer" : "v2"
    case .tensorflow(_, _, _, let task):
      switch task {
      case .predict: "v1_predict"
      case .classify: "v1_classify"
      case .status, .metadata: "v1"
      }
    }
  }
}

/// A path that there is, a method that it takes, and what is asked by both.
struct Path: Sendable {
  let path: String
  let method: HTTPRequest.Method
  private let parts: [Substring]
  /// - Parameter: the path's parts, without the escapes of URLs.
  let route: @Sendable ([String]) throws(Refusal) -> Route

  init(
    _ method: HTTPRequest.Method, _ path: String,
    _ route: @escaping @Sendable ([String]) throws(Refusal) -> Route
  ) {
    self.path = path
    self.method = method
    self.route = route
    parts = path.split(separator: "/")
  }

  static let all: [Path] = fixed + pages + openInference + tensorFlow

  /// Those that only a model answers: its connection asks it, and Hummingbird has the others.
  private static let asking = all.filter(\.asksModel)
  static let others = all.filter { !$0.asksModel }

  private var asksModel: Bool {
    method == .post && (path == "/predict" || path.hasSuffix("/infer") || path.hasPrefix("/v1/"))
  }

  /// What is asked of a model by a POST; nil where that asks none.
  static func asked(at path: [String]) -> Route? {
    for own in asking where own.matches(path) { return try? own.route(path) }
    return nil
  }

  /// Of a path that isn't asked by a method that it takes: whatever HTTP's methods will be.
  static func refusal(at path: [String]) -> Refusal {
    let taken = all.filter { $0.matches(path) && (try? $0.route(path)) != nil }.map(\.method)
    let allowed =
      (taken.contains(.get) ? ["GET, HEAD"] : []) + (taken.contains(.post) ? ["POST"] : [])
    return allowed.isEmpty ? .nothing(at: path) : .method(allowed: allowed.joined(separator: ", "))
  }

  private func matches(_ asked: [String]) -> Bool {
    parts.count == asked.count
      && zip(parts, asked).allSatisfy { $0.utf8.first == UInt8(ascii: ":") || $0 == $1 }
  }

  private static let fixed: [Path] =
    ([
      (.get, "/health", .health), (.get, "/metrics", .metrics),
      (.get, "/openapi.json", .description), (.post, "/predict", .predict),
      (.post, "/feedback", .feedback), (.get, "/models", .models), (.get, "/v2", .server),
      (.get, "/v2/health/live", .live), (.get, "/v2/health/ready", .ready),
      (.post, "/v2/repository/index", .index),
    ] as [(HTTPRequest.Method, String, Route)]).map { method, path, route in
      Path(method, path) { (_) throws(Refusal) in route }
    }

  private static let pages: [Path] =
    Page.files.keys.sorted().flatMap { file in
      (file == "page.html" ? ["/", "/page.html"] : ["/\(file)"]).map { path in
        Path(.get, path) { (_) throws(Refusal) in .page(file) }
      }
    }

  /// Open Inference Protocol: `/v2/models/NAME[/versions/N][/ready|/infer]`.
  private static let openInference: [Path] =
    ["/v2/models/:name", "/v2/models/:name/versions/:version"].flatMap { prefix in
      ([
        (.get, "", .metadata), (.get, "/ready", .ready), (.post, "/infer", .infer),
      ] as [(HTTPRequest.Method, String, Route.ModelTask)]).map { method, suffix, task in
        Path(method, prefix + suffix) { (path) throws(Refusal) in
          guard path.count > 2 else { throw Refusal.nothing(at: path) }
          return .model(
            name: path[2], version: path.count > 4 && path[3] == "versions" ? path[4] : nil, task)
        }
      }
    }

  /// TensorFlow Serving's: `/v1/models/NAME[/versions/N|/labels/L]`, with `/metadata`, or with `:predict`
  /// or `:classify` behind the last part.
  private static let tensorFlow: [Path] =
    [
      "/v1/models/:name", "/v1/models/:name/versions/:version", "/v1/models/:name/labels/:label",
    ].flatMap { prefix in
      [
        Path(.get, prefix) { (path) throws(Refusal) in
          try tensorFlow(path, .status, of: .get)
        },
        Path(.post, prefix) { (path) throws(Refusal) in
          try tensorFlow(path, .predict, of: .post)
        },
        Path(.get, prefix + "/metadata") { (path) throws(Refusal) in
          try tensorFlow(path.dropLast(), .metadata, of: .get)
        },
      ]
    }

  private static func tensorFlow(
    _ path: [String], _ task: Route.TensorFlowTask, of method: HTTPRequest.Method
  ) throws(Refusal) -> Route {
    guard path.count > 2 else { throw Refusal.nothing(at: path) }
    var (path, task) = (path, task)
    var verb: Route.TensorFlowTask?
    if let colon = path.last!.lastIndex(of: ":") {
      verb = Route.TensorFlowTask(rawValue: String(path.last![colon...].dropFirst()))
      guard verb == .predict || verb == .classify else { throw Refusal.nothing(at: path) }
      path[path.count - 1] = String(path.last![..<colon])
    }
    guard (verb != nil) == (method == .post) else {
      throw Refusal.method(allowed: verb == nil ? "GET, HEAD" : "POST")
    }
    task = verb ?? task
    let kind = path.count > 4 ? path[3] : ""
    return .tensorflow(
      name: path[2], version: kind == "versions" ? path[4] : nil,
      label: kind == "labels" ? path[4] : nil, task)
  }
}

extension Refusal {
  static func nothing(at path: [String]) -> Refusal {
    Refusal(
      .notFound,
      "there is nothing at /\(path.joined(separator: "/")); /openapi.json tells what there is")
  }

  static func method(allowed: String) -> Refusal {
    var refusal = Refusal(.methodNotAllowed, "this takes \(allowed)")
    refusal.headers = [("Allow", allowed)]
    return refusal
  }
}
