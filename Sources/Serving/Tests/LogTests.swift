import ConvNet
import Datasets
import Experiment
import Glibc
import Serving
import Storage
import Testing
import Watching

@Suite(.ownThreads) struct LogTests {
  private func lines(_ path: String) throws -> [JSONValue] {
    try Files.readText(path).split(separator: "\n").map {
      try JSONValue(parsing: Array($0.utf8), name: path)
    }
  }

  @Test func aLineForEachRequestAndLabel() throws {
    let server = try TestServer { options, folder in
      options.log = "\(folder)/requests.jsonl"
      options.logKeepsPixels = true
      options.feedbackFolder = "\(folder)/labelled"
    }
    let client = try server.client()
    let png = TestModel.png(1)
    let answer = try client.request(
      "POST", "/predict", png, headers: ["X-Request-Id": "mine"])
    let told = try JSONValue(answer: answer)
    #expect(told["id"]?.string == "mine")
    let pixels = TestModel.pixels(2)
    let v2 = Array(
      """
      {"inputs": [{"name": "images", "shape": [1, 784], "datatype": "UINT8", "data": \
      [\(pixels.map(String.init).joined(separator: ","))]}]}
      """.utf8)
    #expect(try client.request("POST", "/v2/models/digits/infer", v2).status == 200)
    let two = TestModel.npy([TestModel.pixels(1), TestModel.pixels(2)])
    #expect(try client.request("POST", "/predict", two).status == 200)
    let labelled = try client.request(
      "POST", "/feedback", Array("{\"id\": \"mine\", \"label\": \"4\"}".utf8))
    #expect(labelled.status == 200)
    let feedback = try JSONValue(answer: labelled)
    #expect(feedback["right"]?.bool == (told["prediction"]?.int == 4))
    let saved = feedback["saved"]!.string!
    #expect(saved.hasPrefix("\(server.folder)/labelled/4/"))
    // Just what the network saw, as an image that a dataset of folders reads.
    let again = try client.request("POST", "/predict", try Files.read(saved))
    #expect(try JSONValue(answer: again)["probabilities"] == told["probabilities"])
    for (json, status) in [
      ("{\"id\": \"nobody\", \"label\": 1}", 404), ("{\"id\": \"mine\"}", 400),
      ("{\"id\": \"mine\", \"label\": \"cat\"}", 422), ("{\"id\": \"mine\", \"label\": 10}", 422),
      ("{\"id\": \"mine\", \"label\": 1, \"image\": 1}", 422),
    ] {
      #expect(try client.request("POST", "/feedback", Array(json.utf8)).status == status)
    }
    #expect(server.stop())
    let all = try lines("\(server.folder)/requests.jsonl")
    #expect(all.count == 6)
    #expect(all[0]["id"]?.string == "mine")
    #expect(all[0]["route"]?.string == "/predict")
    #expect(all[0]["model"]?.string == (try TestModel.file(seed: 1).weightsDigest))
    #expect(all[0]["image"]?.string == SHA256.hex(of: TestModel.pixels(1)))
    #expect(all[0]["scores"] == told["probabilities"])
    #expect(all[0]["prediction"] == told["prediction"])
    #expect(all[0]["confidence"] == told["confidence"])
    #expect(all[0]["pixels"]?.string == Base64Text.encode(TestModel.pixels(1)))
    #expect(all[0]["shape"] == [28, 28, 1])
    let confidence = all[0]["confidence"]!.double!
    #expect(abs(all[0]["log_odds"]!.double! - log(confidence / (1 - confidence))) < 1e-3)
    #expect(all[0]["latency_ms"]!.double! > 0)
    #expect(all[1]["pixels"]?.string == Base64Text.encode(pixels))
    #expect(all[2]["id"]?.string?.hasSuffix("/0") ?? false)
    #expect(all[3]["id"]?.string?.hasSuffix("/1") ?? false)
    #expect(all[4]["feedback"]?.string == "mine")
    #expect(all[4]["label"]?.int == 4)
    #expect(all[4]["class"]?.string == "4")
    #expect(all[4]["pixels"] == all[0]["pixels"])
  }

  /// Every line is one that `runner monitor` reads, with all that its tests want to know.
  @Test func theWatchReadsEveryLine() throws {
    let server = try TestServer(
      models: TestServer.Models { folder in
        let path = "\(folder)/digits.safetensors"
        try TestModel.writeProfiled(TestModel.file(seed: 1), to: path)
        return [path]
      }
    ) { options, folder in options.log = "\(folder)/requests.jsonl" }
    let client = try server.client()
    for number in 0..<160 {
      #expect(try client.request("POST", "/predict", TestModel.png(number)).status == 200)
    }
    let rest = TestModel.npy((160..<200).map { TestModel.pixels($0) })
    #expect(try client.request("POST", "/predict", rest).status == 200)
    #expect(server.stop())
    let model = "\(server.folder)/digits.safetensors"
    let file = try ModelFile(reading: model)
    let profile = try #require(try ValidationProfile(besideModel: model))
    let log = try RequestLog(reading: "\(server.folder)/requests.jsonl")
    #expect(log.unread == 0)
    #expect(log.requests.count == 200)
    #expect(log.requests.allSatisfy { $0.seen.features.count == profile.width })
    let watched = WatchedLog(log, model: file.weightsDigest)
    #expect(watched.ofOthers == 0)
    let (looks, left) = watched.looks(by: Watch(profile, Watch.Options()), size: 200)
    #expect(looks.count == 1)
    #expect(left == 0)
    // What `runner predict --format log` says of the same image.
    let observer = Observer(file, profile: profile)
    let images = ImageSet(
      height: 28, width: 28, channels: 1, classes: 10, pixels: TestModel.pixels(7), labels: [0])
    let seen = try Inference(file.model, team: Team(threads: 1)).observations(
      of: ImageSource(images), by: observer)
    #expect(log.requests[7].seen == seen[0])
  }

  @Test func fullFilesAreKeptAndTheOldestGoes() throws {
    let server = try TestServer { options, folder in
      options.log = "\(folder)/l.jsonl"
      options.logSize = 2000
      options.logFiles = 3
    }
    let client = try server.client()
    for _ in 0..<12 {
      for _ in 0..<4 {
        #expect(try client.request("POST", "/predict", TestModel.png(1)).status == 200)
      }
      usleep(70_000)
    }
    #expect(server.stop())
    let names = try Files.names(in: server.folder).filter { $0.hasPrefix("l") }.sorted()
    #expect(names.count == 3)
    #expect(names.allSatisfy { $0.hasPrefix("l-2") || $0 == "l.jsonl" })
    // The order of the names is that of the lines, the live file being the newest.
    let times = try names.flatMap {
      try lines("\(server.folder)/\($0)").map { $0["time"]!.string! }
    }
    #expect(times == times.sorted())
    for name in names {
      #expect(try lines("\(server.folder)/\(name)").allSatisfy { $0["id"] != nil })
    }
  }

  @Test func metricsAreWhatPrometheusReads() throws {
    let server = try TestServer()
    let client = try server.client()
    for number in 0..<3 { _ = try client.request("POST", "/predict", TestModel.png(number)) }
    let text = try client.request("GET", "/metrics").text
    #expect(text.contains("runner_requests_total{route=\"predict\",status=\"200\"} 3\n"))
    #expect(text.contains("runner_request_duration_seconds_count{route=\"predict\"} 3\n"))
    #expect(text.contains("runner_connections 1\n"))
    #expect(text.contains("runner_model_info{model=\"digits\",version=\"1\",weights_sha256=\""))
    var seen: Set<Substring> = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("# TYPE ") {
        #expect(seen.insert(line.split(separator: " ")[2]).inserted)
      } else if !line.hasPrefix("#") {
        #expect(Double(line.split(separator: " ").last!) != nil, "\(line)")
      }
    }
  }
}
