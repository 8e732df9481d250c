import ConvNet
import Datasets
import Experiment
import Images
import Quantization
import Serving
import Storage
import Testing

@Suite(.ownThreads) struct PredictTests {
  @Test func anImageHasTheBitsThatPredictGivesIt() throws {
    let server = try TestServer()
    let client = try server.client()
    for number in 0..<20 {
      let png = TestModel.png(number)
      let answer = try client.request("POST", "/predict", png, type: "image/png")
      #expect(answer.status == 200)
      let json = try JSONValue(answer: answer)
      let expected = try TestModel.predicted("\(server.folder)/digits.safetensors", png)
      #expect(json["probabilities"]!.floats == expected)
      let best = expected.indices.max { expected[$0] < expected[$1] }!
      #expect(json["prediction"]?.int == best)
      #expect(json["class"]?.string == "\(best)")
      #expect(json["confidence"]?.number?.float == expected[best])
      #expect(json["model"]?.string == "digits")
      #expect(json["version"]?.int == 1)
    }
  }

  /// A model of 8-bit integers answers as any, alone and in company, and its answers are logged.
  @Test func aModelOfIntegersHasTheBitsThatPredictGivesIt() throws {
    let file = try TestModel.file(seed: 4)
    let images = ImageSet(
      height: 28, width: 28, channels: 1, classes: 10,
      pixels: (0..<40).flatMap { TestModel.pixels($0) },
      labels: Labels((0..<40).map { Int32($0 % 10) }))
    let source = ImageSource(images)
    let model = QuantizedModelFile(
      try file.model.quantized(calibratedOn: source, team: Team(threads: 1)), of: file,
      calibration: "min-max of pictures")
    let expected = try AnsweringModel.integers(model).network(threads: 2).probabilities(of: source)
    let server = try TestServer(
      models: .init { folder in
        try AtomicFile.write(model.encoded, to: "\(folder)/small.int8.safetensors")
        return ["small=\(folder)/small.int8.safetensors"]
      }
    ) { options, folder in options.log = "\(folder)/requests.jsonl" }
    #expect(
      server.lines.contains(
        "serving small, version 1 (of 8-bit integers, without test images of its own)"),
      "\(server.lines)")
    let client = try server.client()
    for number in 0..<20 {
      let answer = try client.request(
        "POST", "/predict", TestModel.png(number), type: "image/png")
      #expect(
        try JSONValue(answer: answer)["probabilities"]!.floats
          == Array(expected[number * 10..<number * 10 + 10]))
    }
    let batch = TestModel.npy((0..<40).map { TestModel.pixels($0) })
    let answer = try client.request("POST", "/predict", batch)
    let answers = try #require(JSONValue(answer: answer)["answers"]?.array)
    #expect(answers.flatMap { $0["probabilities"]!.floats } == expected)
    #expect(server.stop())
    let lines = try Files.readText("\(server.folder)/requests.jsonl").split(separator: "\n")
    #expect(lines.count == 60)
  }

  @Test func picturesOfOtherSizesAreMadeToFitAsPredictDoes() throws {
    let server = try TestServer()
    let png = TestModel.png(3, side: 61)
    let answer = try server.client().request("POST", "/predict", png, type: "image/png")
    let expected = try TestModel.predicted("\(server.folder)/digits.safetensors", png)
    #expect(try JSONValue(answer: answer)["probabilities"]!.floats == expected)
    let digit = TestModel.strokes()
    let prepared = try server.client().request("POST", "/predict?prepare=digit", digit)
    let own = try TestModel.predicted(
      "\(server.folder)/digits.safetensors", digit, prepare: .digit)
    #expect(try JSONValue(answer: prepared)["probabilities"]!.floats == own)
    let plain = try server.client().request("POST", "/predict", digit)
    #expect(try JSONValue(answer: plain)["probabilities"]!.floats != own)
  }

  @Test func aFormHoldsSeveralUnderAnyName() throws {
    let server = try TestServer()
    let files = (0..<3).map { TestModel.png($0) }
    var body: [UInt8] = []
    for (place, file) in files.enumerated() {
      body += Array("--xYz\r\nContent-Disposition: form-data; name=\"any\(place)\"; ".utf8)
      body += Array("filename=\"f\(place).png\"\r\nContent-Type: image/png\r\n\r\n".utf8)
      body += file + [13, 10]
    }
    body += Array("--xYz--\r\n".utf8)
    let answer = try server.client().request(
      "POST", "/predict?top=3", body, type: "multipart/form-data; boundary=xYz")
    #expect(answer.status == 200)
    let answers = try JSONValue(answer: answer)["answers"]!.array!
    #expect(answers.count == 3)
    for (place, own) in answers.enumerated() {
      let expected = try TestModel.predicted(
        "\(server.folder)/digits.safetensors", files[place])
      #expect(own["probabilities"]!.floats == expected)
      #expect(own["image"]?.string == "f\(place).png#\(place)")
      let top = own["top"]!.array!.map { $0["probability"]!.number!.float }
      #expect(top == Array(expected.sorted(by: >).prefix(3)))
    }
    // One that is broken is named; the others are answered.
    let broken =
      Array("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".utf8)
      + files[0]
      + Array("\r\n--b\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\nno\r\n--b--".utf8)
    let partly = try server.client().request(
      "POST", "/predict", broken, type: "multipart/form-data; boundary=\"b\"")
    let json = try JSONValue(answer: partly)
    #expect(json["answers"]!.array!.count == 1)
    #expect(json["problems"]![0]!.string!.hasPrefix("c#1: "))
  }

  @Test func anArrayOfImagesGivesAnAnswerEach() throws {
    let server = try TestServer()
    let images = (0..<40).map { TestModel.pixels($0) }
    let answer = try server.client().request(
      "POST", "/predict", TestModel.npy(images), type: "application/octet-stream")
    let answers = try JSONValue(answer: answer)["answers"]!.array!
    #expect(answers.count == 40)
    for place in [0, 1, 7, 8, 39] {
      let expected = try TestModel.predicted(
        "\(server.folder)/digits.safetensors", TestModel.png(place))
      #expect(answers[place]["probabilities"]!.floats == expected)
    }
  }

  @Test func whatTheNetworkSawIsShown() throws {
    let server = try TestServer()
    let answer = try server.client().request("POST", "/predict?show=true", TestModel.png(5))
    let seen = try JSONValue(answer: answer)["seen"]!.string!
    #expect(seen.hasPrefix("data:image/png;base64,iVBORw0KGgo"))
  }

  @Test(
    arguments: [
      (
        "/predict", "image/png", Array("not an image".utf8), 422,
        "its first bytes are those of no PNG"
      ),
      ("/predict", "text/html", Array("<html>".utf8), 415, "not text/html"),
      ("/predict", "image/png", [], 400, "the body is empty"),
      ("/predict?top=0", "image/png", [1], 400, "top takes a whole number"),
      ("/predict?top=x", "image/png", [1], 400, "top takes a whole number"),
      ("/predict?prepare=cat", "image/png", [1], 400, "prepare takes digit"),
      ("/predict?resize=cat", "image/png", [1], 400, "resize takes none, bilinear, area"),
      ("/predict?invert=2", "image/png", [1], 400, "invert takes true or false"),
      (
        "/predict?resize=none", "image/png", TestModel.png(1, side: 40), 422,
        "and the model takes 28x28x1; ask with ?resize=bilinear or area"
      ),
      ("/predict?hello=1", "image/png", [1], 400, "\"hello\" is not known here"),
      ("/predict?model=cats", "image/png", [1], 404, "there is no model \"cats\"; there is digits"),
      ("/predict?version=9", "image/png", [1], 404, "digits has no version 9; there is 1"),
      ("/predict?label=canary", "image/png", [1], 404, "digits has no label canary"),
      ("/predict?top=%zz", "image/png", [1], 400, "whole escapes"),
      (
        "/predict", "multipart/form-data; boundary=b", Array("--b\r\nContent-Disposi".utf8), 400,
        "a part's headers don't end"
      ),
      (
        "/predict", "multipart/form-data; boundary=b", Array("--b\r\nA: b\r\n\r\nrest".utf8), 400,
        "its last boundary is missing"
      ),
      ("/predict", "multipart/form-data", Array("--b".utf8), 400, "gives no boundary"),
      ("/nothing", "image/png", [1], 404, "there is nothing at /nothing"),
    ] as [(String, String, [UInt8], Int, String)])
  func mistakesAreTold(
    path: String, type: String, body: [UInt8], status: Int, message: String
  ) throws {
    let answer = try Shared.server.client().request("POST", path, body, type: type)
    #expect(answer.status == status)
    let told = try JSONValue(answer: answer)["error"]?.string ?? ""
    #expect(told.contains(message), "\(told)")
  }

  @Test func picturesThatClaimTooMuchAreRefused() throws {
    let server = try TestServer { options, _ in options.limits.pixels = 1000 }
    let small = try server.client().request("POST", "/predict", TestModel.png(1))
    #expect(small.status == 200)
    let large = try server.client().request("POST", "/predict", TestModel.png(1, side: 40))
    #expect(large.status == 422)
    #expect(large.text.contains("it claims 40x40 pixels; the limit is 1000"))
    // 60000 x 60000 in a few bytes.
    var bomb = TestModel.png(1)
    bomb.replaceSubrange(16..<24, with: [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60])
    #expect(try server.client().request("POST", "/predict", bomb).status == 422)
  }
}

/// For tests that change nothing.
enum Shared {
  static let server = try! TestServer()
}

extension TestModel {
  /// A dark stroke on light paper, as a photo of a digit has it.
  static func strokes() -> [UInt8] {
    let side = 80
    var pixels = [UInt8](repeating: 230, count: side * side)
    for y in 15..<65 { for x in 36..<44 { pixels[y * side + x] = 20 } }
    for y in 15..<22 { for x in 20..<44 { pixels[y * side + x] = 20 } }
    return Picture(shape: ImageShape(height: side, width: side, channels: 1), pixels: pixels).png
  }
}
