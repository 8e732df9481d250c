import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Synchronization

/// What Hummingbird knows of a request beside the request.
struct AskedContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// What answers, log lines and feedback call it.
  var id = ""
  var target: RequestTarget?
  /// When its first byte came.
  let arrived: NIODeadline
  let asked = AskedRoute()

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    arrived = Arrival.current?.moment ?? .now()
  }
}

/// What metrics call what a request turned out to ask for.
final class AskedRoute: Sendable {
  private let own = Mutex("none")
  var name: String {
    get { own.withLock { $0 } }
    set { own.withLock { $0 = newValue } }
  }
}

extension Listener {
  /// The paths that there are, but those that only a model answers.
  var router: Router<AskedContext> {
    let router = Router(context: AskedContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: Accounting(listener: self))
    if let token { router.add(middleware: TokenCheck(token: token)) }
    for path in Path.others {
      router.on(RouterPath(path.path), method: path.method) { [self] request, context in
        let route = try path.route(context.target!.path)
        context.asked.name = route.name
        return try await answer(request, context, route).response
      }
    }
    return router
  }

  private func answer(
    _ asked: Hummingbird.Request, _ context: AskedContext, _ route: Route
  ) async throws -> Answer {
    let body = try await asked.body.collect(upTo: limits.body)
    let request = Request(
      id: context.id, path: context.target!.path, query: context.target!.query,
      headers: Request.Headers { asked.headers[HTTPField.Name($0)!] }, body: body,
      arrived: context.arrived, deadline: context.arrived + limits.deadline)
    return await withCheckedContinuation { answered in
      service.answer(request, route, isDraining: isDraining) { answered.resume(returning: $0) }
    }
  }

  /// Has a model answer what only a model can. Nothing but a lane stands between the connection and its
  /// answer: Hummingbird's tasks, streams and router cost as much as a small network.
  /// - Parameter done: takes the answer, on any thread, and what the request is called.
  /// - Returns: false where no model is asked.
  func ask(
    _ head: HTTPRequestHead, _ body: ByteBuffer, arrived: NIODeadline,
    _ done: @escaping @Sendable (Answer, _ id: String) -> Void
  ) -> Bool {
    guard head.method == .POST, let target = RequestTarget(head.uri),
      let route = Path.asked(at: target.path)
    else { return false }
    let id = id(shown: head.headers.first(name: "x-request-id"))
    let finish: @Sendable (Answer) -> Void = { [self] answer in
      count(route.name, answer.status.code, since: arrived)
      done(answer, id)
    }
    if let refusal = token?.refusal(shown: head.headers.first(name: "authorization")) {
      finish(Answer(refusal))
    } else {
      service.answer(
        Request(
          id: id, path: target.path, query: target.query,
          headers: Request.Headers { head.headers.first(name: $0) }, body: body, arrived: arrived,
          deadline: arrived + limits.deadline),
        route, isDraining: isDraining, finish)
    }
    return true
  }

  /// Counts an answer and how long it took. What is late was counted by the connection, which has told so.
  func count(_ route: String, _ status: Int, since arrived: NIODeadline) {
    let now = NIODeadline.now()
    guard now < arrived + limits.deadline else { return }
    service.metrics.answered(
      route: route, status: status, seconds: Double((now - arrived).nanoseconds) / 1e9)
  }
}

extension Answer {
  var response: Response {
    var fields = HTTPFields()
    fields[.contentType] = type
    for (name, value) in headers {
      fields.append(HTTPField(name: HTTPField.Name(name)!, value: value))
    }
    return Response(
      status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }
}

/// Gives each request its name, counts it and how long it took, and makes of what is thrown an answer.
private struct Accounting: RouterMiddleware {
  typealias Context = AskedContext

  let listener: Listener

  func handle(
    _ request: Hummingbird.Request, context: AskedContext,
    next: (Hummingbird.Request, AskedContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    context.id = listener.id(shown: request.headers[.requestID])
    var response: Response
    do {
      let uri = request.head.path ?? ""
      guard let target = RequestTarget(uri) else {
        throw Refusal(.badRequest, "\"\(uri)\" is no path with whole escapes")
      }
      context.target = target
      response = try await next(request, context)
    } catch let refusal as Refusal {
      response = Answer(refusal).response
    } catch let error as HTTPError where error.status == .notFound {
      response = Answer(Path.refusal(at: context.target?.path ?? [])).response
    }
    response.headers[.requestID] = context.id
    listener.count(context.asked.name, response.status.code, since: context.arrived)
    return response
  }
}

private struct TokenCheck: RouterMiddleware {
  typealias Context = AskedContext

  let token: Token

  func handle(
    _ request: Hummingbird.Request, context: AskedContext,
    next: (Hummingbird.Request, AskedContext) async throws -> Response
  ) async throws -> Response {
    if !Route.isOpen(context.target?.path ?? []),
      let refusal = token.refusal(shown: request.headers[.authorization])
    {
      throw refusal
    }
    return try await next(request, context)
  }
}

extension HTTPField.Name {
  static let requestID = HTTPField.Name("x-request-id")!
}
