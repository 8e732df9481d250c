import NIOHTTP1

/// What a request's path asks for.
enum Route: Sendable {
  case page(String)
  case health, live, ready, metrics, description
  case predict, feedback, models
  /// Open Inference Protocol.
  case server, index
  case model(name: String, version: String?, ModelTask)
  /// TensorFlow Serving's.
  case tensorflow(name: String, version: String?, label: String?, TensorFlowTask)
  case unknown
  /// There is such a path, for other methods.
  case method(allowed: String)

  enum ModelTask: Sendable { case metadata, ready, infer }
  enum TensorFlowTask: Sendable { case status, metadata, predict, classify }

  /// Paths that need no token: those that a load balancer asks, and the page, which asks for it.
  static func isOpen(_ path: [String]) -> Bool {
    path == ["health"] || path == ["v2", "health", "live"] || path == ["v2", "health", "ready"]
      || path.isEmpty || path.count == 1 && Page.files[path[0]] != nil
  }

  init(_ request: Request) {
    let path = request.path
    let (found, method) = Self.find(path)
    guard let method else {
      self = .unknown
      return
    }
    self =
      request.method == method ? found : .method(allowed: method == .GET ? "GET, HEAD" : "POST")
  }

  private static func find(_ path: [String]) -> (Route, HTTPMethod?) {
    switch path {
    case []: return (.page("page.html"), .GET)
    case ["health"]: return (.health, .GET)
    case ["metrics"]: return (.metrics, .GET)
    case ["openapi.json"]: return (.description, .GET)
    case ["predict"]: return (.predict, .POST)
    case ["feedback"]: return (.feedback, .POST)
    case ["models"]: return (.models, .GET)
    case ["v2"]: return (.server, .GET)
    case ["v2", "health", "live"]: return (.live, .GET)
    case ["v2", "health", "ready"]: return (.ready, .GET)
    case ["v2", "repository", "index"]: return (.index, .POST)
    default: break
    }
    if path.count == 1, Page.files[path[0]] != nil { return (.page(path[0]), .GET) }
    if path.count >= 3, path[0] == "v2", path[1] == "models" {
      let name = path[2]
      var (version, rest): (String?, ArraySlice<String>) = (nil, path[3...])
      if rest.first == "versions", rest.count >= 2 {
        version = rest.dropFirst().first
        rest = rest.dropFirst(2)
      }
      switch Array(rest) {
      case []: return (.model(name: name, version: version, .metadata), .GET)
      case ["ready"]: return (.model(name: name, version: version, .ready), .GET)
      case ["infer"]: return (.model(name: name, version: version, .infer), .POST)
      default: return (.unknown, nil)
      }
    }
    guard path.count >= 3, path[0] == "v1", path[1] == "models" else { return (.unknown, nil) }
    return tensorFlow(Array(path[2...]))
  }

  /// `NAME[/versions/N|/labels/L][/metadata]`, the last part with `:predict` or `:classify` behind it.
  private static func tensorFlow(_ path: [String]) -> (Route, HTTPMethod?) {
    var path = path
    var task = TensorFlowTask.status
    if let colon = path.last?.lastIndex(of: ":") {
      switch path.last![colon...] {
      case ":predict": task = .predict
      case ":classify": task = .classify
      default: return (.unknown, nil)
      }
      path[path.count - 1] = String(path.last![..<colon])
    } else if path.count > 1, path.last == "metadata" {
      task = .metadata
      path.removeLast()
    }
    var (version, label): (String?, String?) = (nil, nil)
    switch (path.count, path.count == 3 ? path[1] : "") {
    case (1, _): break
    case (3, "versions"): version = path[2]
    case (3, "labels"): label = path[2]
    default: return (.unknown, nil)
    }
    let method: HTTPMethod = task == .predict || task == .classify ? .POST : .GET
    return (.tensorflow(name: path[0], version: version, label: label, task), method)
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
    case .unknown, .method: "none"
    }
  }
}
