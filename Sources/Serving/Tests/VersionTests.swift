import Glibc
import Serving
import Storage
import Synchronization
import Testing

@Suite(.ownThreads) struct VersionTests {
  private let versions = TestServer.Models { folder in
    try Files.makeFolders("\(folder)/models/digits/1")
    try TestModel.file(seed: 1).write(to: "\(folder)/models/digits/1/model.safetensors")
    try TestModel.file(seed: 2).write(to: "\(folder)/models/digits/2.safetensors")
    return ["\(folder)/models"]
  }

  private func version(_ client: HTTPClient, _ query: String = "") throws -> Int {
    let answer = try client.request("POST", "/predict\(query)", TestModel.png(1))
    return try JSONValue(answer: answer)["version"]?.int ?? -answer.status
  }

  @Test func theNewestAnswersUnlessLabelsSayOtherwise() throws {
    let server = try TestServer(models: versions) { options, _ in options.shares = ["canary": 0.25]
    }
    let client = try server.client()
    #expect(try version(client) == 2)
    #expect(try version(client, "?version=1") == 1)
    let labels = "\(server.folder)/models/digits/labels.json"
    try AtomicFile.write(
      "{\"labels\": {\"stable\": 1, \"canary\": 2}, \"history\": []}", to: labels)
    #expect(server.refresh())
    var counts = [0, 0, 0]
    for _ in 0..<400 { counts[try version(client)] += 1 }
    #expect(abs(counts[2] - 100) <= 3)
    #expect(try version(client, "?label=canary") == 2)
    #expect(try version(client, "?label=stable") == 1)
    let status = try client.request("GET", "/v1/models/digits/labels/canary")
    #expect(status.text.contains("\"version\":\"2\""))
    // Back.
    try AtomicFile.write("{\"labels\": {\"stable\": 1}}", to: labels)
    #expect(server.refresh())
    #expect(try version(client) == 1)
    // What is wrong with labels is told, and what was goes on.
    for wrong in ["{\"labels\": {\"stable\": 9}}", "[1]", "{\"labels\": {\"a\": \"b\"}}", "{"] {
      try AtomicFile.write(wrong, to: labels)
      #expect(!server.refresh())
      #expect(try version(client) == 1)
    }
    #expect(server.lines.contains { $0.contains("\"stable\" is version 9, which is not there") })
  }

  @Test func aNewVersionTakesItsPlaceAndADamagedOneDoesNot() throws {
    let server = try TestServer(models: versions)
    let client = try server.client()
    let third = "\(server.folder)/models/digits/3.safetensors"
    try TestModel.file(seed: 3).write(to: third)
    #expect(server.refresh())
    #expect(try version(client) == 3)
    // Another file in its place.
    try TestModel.file(seed: 4).write(to: third)
    #expect(server.refresh())
    let expected = try TestModel.predicted(third, TestModel.png(1))
    let answer = try JSONValue(answer: client.request("POST", "/predict", TestModel.png(1)))
    #expect(answer["probabilities"]!.floats == expected)
    // One bit of a weight.
    var bytes = try Files.read(third)
    bytes[bytes.count - 100] ^= 1
    try AtomicFile.write(bytes, to: third)
    #expect(!server.refresh())
    #expect(server.lines.last!.contains("is damaged"))
    #expect(server.lines.last!.contains("what answered before goes on"))
    let after = try JSONValue(answer: client.request("POST", "/predict", TestModel.png(1)))
    #expect(after["probabilities"]!.floats == expected)
    Files.remove(third)
    #expect(server.refresh())
    #expect(try version(client) == 2)
  }

  /// The weights are whole, and yet it isn't the model that its run tested.
  @Test func aVersionAnswersItsOwnTestImagesFirst() throws {
    let server = try TestServer(models: versions)
    let client = try server.client()
    let third = "\(server.folder)/models/digits/3.safetensors"
    let tested = try TestModel.file(seed: 3)
    try TestModel.writeProfiled(
      TestModel.file(seed: 3, activation: .tanh), to: third, of: tested)
    #expect(!server.refresh())
    #expect(server.lines.last!.contains("3.safetensors"))
    #expect(server.lines.last!.contains("own test images"))
    #expect(try version(client) == 2)
    try TestModel.writeProfiled(TestModel.file(seed: 4), to: third, of: tested)
    #expect(!server.refresh())
    #expect(server.lines.last!.contains("it is of other weights"))
    #expect(try version(client) == 2)
    try TestModel.writeProfiled(tested, to: third)
    #expect(server.refresh())
    #expect(server.lines.last!.contains("3 (tested by 16 images of its own)"))
    #expect(try version(client) == 3)
  }

  @Test func exchangesUnderLoadLoseNothing() throws {
    let server = try TestServer(models: versions)
    let place = "\(server.folder)/models/digits/2.safetensors"
    let expected = try (2...3).map { seed in
      try TestModel.file(seed: UInt64(seed)).write(to: "\(server.folder)/s.safetensors")
      return try TestModel.predicted("\(server.folder)/s.safetensors", TestModel.png(1))
    }
    let wrong = Mutex<[String]>([])
    let seen = Mutex<Set<Int>>([])
    let isDone = Mutex(false)
    DispatchGroupOfThreads.run(5) { thread in
      if thread == 0 {
        for round in 0..<30 {
          try? TestModel.file(seed: round % 2 == 0 ? 3 : 2).write(to: place)
          _ = server.refresh()
        }
        isDone.withLock { $0 = true }
        return
      }
      guard let client = try? server.client() else { return }
      while !isDone.withLock({ $0 }) {
        guard let answer = try? client.request("POST", "/predict", TestModel.png(1)),
          let floats = try? JSONValue(answer: answer)["probabilities"]?.floats,
          let which = expected.firstIndex(of: floats)
        else {
          wrong.withLock { $0.append("no answer") }
          return
        }
        seen.withLock { _ = $0.insert(which) }
      }
    }
    #expect(wrong.withLock { $0 } == [])
    #expect(seen.withLock { $0 } == [0, 1])
  }

  @Test func severalModels() throws {
    let server = try TestServer(
      models: TestServer.Models { folder in
        try Files.makeFolders("\(folder)/all")
        try TestModel.file(seed: 1).write(to: "\(folder)/all/a.safetensors")
        try TestModel.file(seed: 2, classes: 3).write(to: "\(folder)/all/b.safetensors")
        try TestModel.file(seed: 3).write(to: "\(folder)/c.safetensors")
        return ["\(folder)/all", "other=\(folder)/c.safetensors"]
      })
    let client = try server.client()
    let which = try client.request("POST", "/predict", TestModel.png(1))
    #expect(which.status == 400)
    #expect(which.text.contains("there is a, b, other"))
    let b = try client.request("POST", "/predict?model=b", TestModel.png(1))
    #expect(try JSONValue(answer: b)["probabilities"]!.array!.count == 3)
    #expect(try client.request("GET", "/v2/models/other").status == 200)
    // Three classes: the kernel's last rows are summed otherwise in company, so each goes alone.
    let expected = try TestModel.predicted("\(server.folder)/all/b.safetensors", TestModel.png(6))
    let images = TestModel.npy((0..<9).map { TestModel.pixels($0) })
    let answers = try client.request("POST", "/predict?model=b", images)
    #expect(try JSONValue(answer: answers)["answers"]![6]!["probabilities"]!.floats == expected)
  }

  @Test func whatIsNoModelIsTold() throws {
    let server = try TestServer(
      models: TestServer.Models { folder in
        try AtomicFile.write("not a model", to: "\(folder)/x.safetensors")
        return ["\(folder)/x.safetensors", "\(folder)/nothing"]
      })
    let client = try server.client()
    #expect(try client.request("GET", "/v2/health/ready").status == 503)
    #expect(try client.request("POST", "/predict", TestModel.png(1)).status == 503)
    #expect(server.lines.contains { $0.contains("nothing: there is no such model") })
    #expect(server.lines.contains { $0.contains("x.safetensors") })
  }
}
