import Glibc
import NIOCore
import Serving
import Storage
import Synchronization
import Testing

@Suite(.ownThreads) struct RobustnessTests {
  @Test func methodsAndHeads() throws {
    let client = try Shared.server.client()
    let wrong = try client.request("GET", "/predict")
    #expect(wrong.status == 405)
    #expect(wrong.headers["allow"] == "POST")
    let head = try client.request("HEAD", "/health")
    #expect(head.status == 200)
    #expect(Int(head.headers["content-length"]!)! > 0)
    #expect(try client.request("GET", "/health").text == "{\"status\":\"ok\"}")
    for method in ["DELETE", "PATCH", "QUERY", "PROPFIND"] {
      let wrong = try client.request(method, "/v2/models/digits")
      #expect(wrong.status == 405)
      #expect(wrong.headers["allow"] == "GET, HEAD")
      #expect(try client.request(method, "/nothing").status == 404)
    }
    // Where TensorFlow Serving's verbs stand behind a name, they are part of what is asked.
    for (path, allowed) in [("digits", "GET, HEAD"), ("digits/labels/x:predict", "POST")] {
      let wrong = try client.request("OPTIONS", "/v1/models/\(path)")
      #expect(wrong.status == 405)
      #expect(wrong.headers["allow"] == allowed)
    }
  }

  @Test func requestsOnOneConnectionComeBackInOrder() throws {
    let client = try Shared.server.client()
    let png = TestModel.png(1)
    for id in 0..<10 {
      try client.send(
        "POST /predict HTTP/1.1\r\nHost: x\r\nX-Request-Id: n\(id)\r\nContent-Length: \(png.count)\r\n\r\n"
      )
      try client.send(png)
    }
    for id in 0..<10 {
      let answer = try client.receive()
      #expect(answer.status == 200)
      #expect(answer.headers["x-request-id"] == "n\(id)")
    }
  }

  @Test func bodiesInChunksAndUponOurWord() throws {
    let client = try Shared.server.client()
    let png = TestModel.png(1)
    try client.send("POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in stride(from: 0, to: png.count, by: 100) {
      let part = Array(png[start..<min(png.count, start + 100)])
      try client.send(Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [13, 10])
    }
    try client.send("0\r\n\r\n")
    #expect(try client.receive().status == 200)
    try client.send(
      "POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: \(png.count)\r\n\r\n"
    )
    #expect(try client.receive().status == 100)
    try client.send(png)
    #expect(try client.receive().status == 200)
  }

  @Test func tooMuchIsRefusedBeforeItIsRead() throws {
    let server = try TestServer { options, _ in
      options.limits.body = 10_000
      options.limits.images = 4
      options.limits.headers = 2000
    }
    // Ten gigabytes that are claimed.
    let claimed = try server.client()
    try claimed.send("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
    #expect(try claimed.receive().status == 413)
    #expect(claimed.isClosedByServer())
    // More than it may be, without a length.
    let chunked = try server.client()
    try chunked.send("POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    let chunk = Array("1000\r\n".utf8) + [UInt8](repeating: 0, count: 4096) + [13, 10]
    for _ in 0..<4 { try? chunked.send(chunk) }
    #expect(try chunked.receive().status == 413)
    let many = TestModel.npy((0..<5).map { TestModel.pixels($0) })
    #expect(try server.client().request("POST", "/predict", many).status == 413)
    let long = try server.client()
    try long.send("GET /health HTTP/1.1\r\nX: \(String(repeating: "a", count: 9000))\r\n\r\n")
    #expect(try long.receive().status == 431)
    for nonsense in [
      "GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ] {
      let client = try server.client()
      try client.send(nonsense)
      let status = try? client.receive().status
      #expect(status == 400 || status == 505 || status == nil)
    }
    #expect(try server.client().request("POST", "/predict", TestModel.png(1)).status == 200)
  }

  @Test func slowClientsAreCutOff() throws {
    let server = try TestServer { options, _ in
      options.limits.deadline = .milliseconds(400)
      options.limits.idle = .milliseconds(300)
    }
    // A head that trickles in, and a body.
    for beginning in [
      "GET /health HTTP/1.1\r\nX: ",
      "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
    ] {
      let client = try server.client()
      try client.send(beginning)
      for _ in 0..<20 {
        usleep(50_000)
        if (try? client.send("a")) == nil { break }
      }
      let answer = try client.receive()
      #expect(answer.status == 408)
      #expect(answer.headers["connection"] == "close")
    }
    // One that says nothing.
    let silent = try server.client()
    #expect(silent.isClosedByServer())
    let after = try server.client()
    #expect(try after.request("GET", "/health").status == 200)
    #expect(after.isClosedByServer())
  }

  @Test func aFullQueueSaysComeAgain() throws {
    let server = try TestServer { options, _ in
      options.threads = 1
      options.limits.queue = 2
    }
    // A picture that takes a while to be read keeps the one lane busy.
    let slow = TestModel.png(1, side: 3000)
    let statuses = Mutex<[Int]>([])
    let retry = Mutex<Set<String>>([])
    DispatchGroupOfThreads.run(24) { _ in
      guard let client = try? server.client(),
        let answer = try? client.request("POST", "/predict", slow)
      else { return }
      statuses.withLock { $0.append(answer.status) }
      if answer.status == 429 {
        retry.withLock { _ = $0.insert(answer.headers["retry-after"] ?? "") }
      }
    }
    let all = statuses.withLock { $0 }
    #expect(all.count == 24)
    #expect(Set(all) == [200, 429])
    #expect(retry.withLock { $0 } == ["1"])
    let metrics = try server.client().request("GET", "/metrics").text
    #expect(metrics.contains("runner_queue_refused_total \(all.count { $0 == 429 })"))
    #expect(metrics.contains("runner_requests_total{route=\"predict\",status=\"429\"}"))
  }

  /// What takes a moment is answered by the connection's own thread.
  @Test func aSmallImageWaitsForNoLargeOne() throws {
    let server = try TestServer { options, _ in options.threads = 1 }
    let slow = TestModel.png(1, side: 3500)
    let order = Mutex<[Int]>([])
    DispatchGroupOfThreads.run(2) { place in
      guard let client = try? server.client() else { return }
      // The second one's come when the first one's keeps the lane busy.
      usleep(UInt32(place) * 100_000)
      for _ in 0..<(place == 0 ? 1 : 3) {
        let status = try? client.request(
          "POST", "/predict", place == 0 ? slow : TestModel.png(2)
        ).status
        order.withLock { $0.append(status == 200 ? place : -1) }
      }
    }
    #expect(order.withLock { $0 } == [1, 1, 1, 0])
  }

  @Test func anAnswerThatIsLateIsNone() throws {
    let server = try TestServer { options, _ in
      options.threads = 1
      options.limits.deadline = .milliseconds(500)
    }
    let slow = TestModel.png(1, side: 3500)
    let statuses = Mutex<[Int]>([])
    DispatchGroupOfThreads.run(24) { _ in
      guard let client = try? server.client(),
        let answer = try? client.request("POST", "/predict", slow)
      else { return }
      statuses.withLock { $0.append(answer.status) }
    }
    let all = statuses.withLock { $0 }
    #expect(all.contains(504))
    #expect(all.allSatisfy { $0 == 200 || $0 == 504 })
    #expect(try server.client().request("POST", "/predict", TestModel.png(1)).status == 200)
  }

  @Test func theSameBitsUnderLoad() throws {
    let server = try TestServer()
    let expected = try (0..<16).map {
      try TestModel.predicted("\(server.folder)/digits.safetensors", TestModel.png($0))
    }
    let wrong = Mutex(0)
    let right = Mutex(0)
    DispatchGroupOfThreads.run(16) { thread in
      guard let client = try? server.client() else { return }
      for round in 0..<40 {
        let number = (thread &+ round) % 16
        guard let answer = try? client.request("POST", "/predict", TestModel.png(number)),
          let json = try? JSONValue(answer: answer), answer.status == 200,
          json["probabilities"]?.floats == expected[number]
        else {
          wrong.withLock { $0 += 1 }
          continue
        }
        right.withLock { $0 += 1 }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
    #expect(right.withLock { $0 } == 640)
    let metrics = try server.client().request("GET", "/metrics").text
    #expect(metrics.contains("runner_batch_images_sum 640"))
  }

  @Test func connectionsAreCounted() throws {
    let server = try TestServer { options, _ in options.limits.connections = 3 }
    let clients = try (0..<3).map { _ in try server.client() }
    for client in clients { #expect(try client.request("GET", "/health").status == 200) }
    let other = try server.client()
    let refused = try other.receive()
    #expect(refused.status == 503)
    #expect(refused.headers["retry-after"] == "1")
    #expect(other.isClosedByServer())
    #expect(try clients[0].request("GET", "/health").status == 200)
  }

  @Test func theTokenIsWanted() throws {
    let server = try TestServer { options, _ in options.token = "0123456789abcdef" }
    let client = try server.client()
    let without = try client.request("POST", "/predict", TestModel.png(1))
    #expect(without.status == 401)
    #expect(without.headers["www-authenticate"] == "Bearer")
    for wrong in [
      "Bearer 0123456789abcdeg", "Bearer 0123456789abcdef0", "Bearer ", "0123456789abcdef",
    ] {
      let answer = try client.request("GET", "/models", headers: ["Authorization": wrong])
      #expect(answer.status == 401)
    }
    let shown = ["Authorization": "Bearer 0123456789abcdef"]
    #expect(try client.request("POST", "/predict", TestModel.png(1), headers: shown).status == 200)
    for path in ["/health", "/v2/health/live", "/v2/health/ready", "/", "/page.js"] {
      #expect(try client.request("GET", path).status == 200)
    }
    #expect(try client.request("GET", "/metrics").status == 401)
  }

  @Test func whatIsUnderWayIsAnsweredWhenItStops() throws {
    let server = try TestServer { options, _ in options.threads = 1 }
    let idle = try server.client()
    #expect(try idle.request("GET", "/health").status == 200)
    let statuses = Mutex<[Int]>([])
    let slow = TestModel.png(1, side: 3500)
    let stopped = Mutex(false)
    DispatchGroupOfThreads.run(5) { thread in
      if thread == 4 {
        usleep(300_000)
        stopped.withLock { $0 = server.stop() }
        return
      }
      guard let client = try? server.client(),
        let answer = try? client.request("POST", "/predict", slow)
      else { return statuses.withLock { $0.append(0) } }
      statuses.withLock { $0.append(answer.status) }
    }
    #expect(statuses.withLock { $0 } == [200, 200, 200, 200])
    #expect(stopped.withLock { $0 })
    #expect(idle.isClosedByServer())
    #expect((try? server.client()) == nil)
  }

  @Test func thePageAndTheDescriptionAreThere() throws {
    let client = try Shared.server.client()
    let page = try client.request("GET", "/")
    #expect(page.headers["content-type"] == "text/html; charset=utf-8")
    #expect(page.headers["content-security-policy"]!.hasPrefix("default-src 'none'"))
    #expect(!page.text.contains("http://") && !page.text.contains("https://"))
    #expect(try client.request("GET", "/page.css").status == 200)
    #expect(try !client.request("GET", "/page.js").text.contains("http"))
    let description = try JSONValue(answer: client.request("GET", "/openapi.json"))
    #expect(description["paths"]!["/predict"]!["post"] != nil)
    let models = try JSONValue(answer: client.request("GET", "/models"))
    #expect(models["models"]![0]!["versions"]![0]!["classes"]!.array!.count == 10)
  }
}

/// As many threads as are asked for, all at once, whatever a pool would give.
enum DispatchGroupOfThreads {
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let threads = (0..<count).map { number in
      try! SystemThreadForTests { body(number) }
    }
    for thread in threads { thread.join() }
  }
}
