import Storage
import Testing

@Suite(.ownThreads) struct TensorFlowServingTests {
  private let model = "\(Shared.server.folder)/digits.safetensors"

  private func expected(_ number: Int) throws -> [Float] {
    try TestModel.predicted(model, TestModel.png(number))
  }

  private func post(_ task: String, _ json: String) throws -> JSONValue {
    let answer = try Shared.server.client().request(
      "POST", "/v1/models/\(task)", Array(json.utf8), type: "application/json")
    #expect(answer.status == 200, "\(answer.text)")
    return try JSONValue(answer: answer)
  }

  private func rows(_ number: Int) -> String {
    let image = TestModel.pixels(number)
    return "["
      + (0..<28).map { y in
        "[" + image[y * 28..<y * 28 + 28].map(String.init).joined(separator: ",") + "]"
      }.joined(separator: ",") + "]"
  }

  @Test func rowsAndColumns() throws {
    let both = "[\(rows(1)), \(rows(2))]"
    let wanted = [try expected(1), try expected(2)]
    let byRows = try post("digits:predict", "{\"instances\": \(both)}")
    #expect(byRows["predictions"]!.array!.map(\.floats) == wanted)
    let named = try post(
      "digits/versions/1:predict",
      "{\"signature_name\": \"predict\", \"instances\": [{\"images\": \(rows(1))}, {\"images\": \(rows(2))}]}"
    )
    #expect(named["predictions"]!.array!.map { $0["probabilities"]!.floats } == wanted)
    #expect(named["predictions"]![0]!["scores"]!.floats.count == 10)
    #expect(named["predictions"]![0]!["class"]!.int != nil)
    let columns = try post("digits:predict", "{\"inputs\": {\"images\": \(both)}}")
    #expect(columns["outputs"]!.array!.map(\.floats) == wanted)
    let plain = try post(
      "digits:predict", "{\"signature_name\": \"predict\", \"inputs\": \(both)}")
    #expect(plain["outputs"]!["probabilities"]!.array!.map(\.floats) == wanted)
    #expect(plain["outputs"]!["class"]!.array!.count == 2)
  }

  @Test func filesInBase64() throws {
    let text = Base64Text.encode(TestModel.png(3))
    let wanted = try expected(3)
    let predicted = try post("digits:predict", "{\"instances\": [{\"b64\": \"\(text)\"}]}")
    #expect(predicted["predictions"]![0]!.floats == wanted)
    let inner = try post(
      "digits:predict", "{\"instances\": [{\"image_bytes\": {\"b64\": \"\(text)\"}}]}")
    #expect(inner["predictions"]![0]!.floats == wanted)
    let classes = try post(
      "digits:classify", "{\"examples\": [{\"inputs\": {\"b64\": \"\(text)\"}}]}")
    let pairs = classes["results"]![0]!.array!
    #expect(pairs.map { $0[1]!.number!.float } == wanted.sorted(by: >))
    let best = wanted.indices.max { wanted[$0] < wanted[$1] }!
    #expect(pairs[0][0]?.string == "\(best)")
  }

  @Test func statusAndMetadata() throws {
    let client = try Shared.server.client()
    let status = try JSONValue(answer: client.request("GET", "/v1/models/digits"))
    #expect(
      status["model_version_status"] == [
        [
          "version": "1", "state": "AVAILABLE",
          "status": ["error_code": "OK", "error_message": ""],
        ]
      ])
    let metadata = try JSONValue(answer: client.request("GET", "/v1/models/digits/metadata"))
    let signature = metadata["metadata"]!["signature_def"]!["signature_def"]!["serving_default"]!
    #expect(signature["inputs"]!["images"]!["tensor_shape"]!["dim"]![1]!["size"] == "28")
    #expect(try client.request("GET", "/v1/models/digits/versions/7").status == 404)
    #expect(try client.request("GET", "/v1/models/digits:predict").status == 405)
    #expect(try client.request("POST", "/v1/models/digits:regress").status == 404)
  }

  @Test(
    arguments: [
      ("{}", 400, "\"instances\" or \"inputs\""),
      ("{\"instances\": [[1, 2]]}", 422, "it is 1x2, and digits takes"),
      ("{\"instances\": []}", 400, "must be a list of images"),
      ("{\"instances\": [{\"b64\": \"!\"}]}", 422, "file in base64"),
      ("{\"instances\": [{\"b64\": \"AAAA\"}]}", 422, "its first bytes are those of no PNG"),
      ("{\"signature_name\": \"x\", \"instances\": [[1]]}", 400, "there is no signature \"x\""),
    ] as [(String, Int, String)])
  func mistakesAreTold(json: String, status: Int, message: String) throws {
    let answer = try Shared.server.client().request(
      "POST", "/v1/models/digits:predict", Array(json.utf8), type: "application/json")
    #expect(answer.status == status)
    let told = try JSONValue(answer: answer)["error"]?.string ?? ""
    #expect(told.contains(message), "\(told)")
  }
}

/// RFC 4648, of its own, so that the server's isn't tested by itself.
enum Base64Text {
  static func encode(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
    var text = ""
    for start in stride(from: 0, to: bits.count, by: 6) {
      let six = (0..<6).map { start + $0 < bits.count ? Int(bits[start + $0]) : 0 }
      text.append(letters[six.reduce(0) { $0 * 2 + $1 }])
    }
    return text + String(repeating: "=", count: (4 - text.count % 4) % 4)
  }
}
