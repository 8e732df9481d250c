import Storage
import Testing

@Suite(.ownThreads) struct OpenInferenceTests {
  private let model = "\(Shared.server.folder)/digits.safetensors"

  private func expected(_ number: Int) throws -> [Float] {
    try TestModel.predicted(model, TestModel.png(number))
  }

  private func infer(
    _ json: String, _ binary: [UInt8] = [], path: String = "/v2/models/digits/infer"
  ) throws -> HTTPClient.Answer {
    let head = Array(json.utf8)
    return try Shared.server.client().request(
      "POST", path, head + binary, type: "application/json",
      headers: binary.isEmpty ? [:] : ["Inference-Header-Content-Length": "\(head.count)"])
  }

  @Test func healthAndMetadata() throws {
    let client = try Shared.server.client()
    #expect(try client.request("GET", "/v2/health/live").status == 200)
    #expect(try client.request("GET", "/v2/health/ready").status == 200)
    let server = try JSONValue(answer: client.request("GET", "/v2"))
    #expect(server["name"]?.string == "runner")
    let model = try JSONValue(answer: client.request("GET", "/v2/models/digits"))
    #expect(model["versions"] == ["1"])
    #expect(model["inputs"] == [["name": "images", "datatype": "FP32", "shape": [-1, 28, 28, 1]]])
    #expect(
      model["outputs"]![0] == ["name": "probabilities", "datatype": "FP32", "shape": [-1, 10]])
    #expect(try client.request("GET", "/v2/models/digits/versions/1/ready").status == 200)
    #expect(try client.request("GET", "/v2/models/digits/versions/2").status == 404)
    #expect(try client.request("GET", "/v2/models/cats/ready").status == 404)
    let index = try JSONValue(answer: client.request("POST", "/v2/repository/index"))
    #expect(index[0]?["state"]?.string == "READY")
  }

  @Test func numbersInJSON() throws {
    let images = [TestModel.pixels(1), TestModel.pixels(2)]
    let flat = images.flatMap { $0 }.map(String.init).joined(separator: ",")
    let nested = images.map { image in
      let rows = (0..<28).map { y in
        "[" + image[y * 28..<y * 28 + 28].map { "[\($0)]" }.joined(separator: ",") + "]"
      }
      return "[" + rows.joined(separator: ",") + "]"
    }.joined(separator: ",")
    for (data, type) in [("[\(flat)]", "FP32"), ("[\(nested)]", "UINT8")] {
      let answer = try infer(
        """
        {"id": "a", "inputs": [{"name": "images", "shape": [2, 28, 28, 1], "datatype": "\(type)", \
        "data": \(data)}]}
        """)
      #expect(answer.status == 200)
      let json = try JSONValue(answer: answer)
      #expect(json["id"]?.string == "a")
      #expect(json["model_version"]?.string == "1")
      let outputs = json["outputs"]!.array!
      #expect(outputs.map { $0["name"]!.string! } == ["probabilities", "scores", "class"])
      #expect(outputs[0]["shape"] == [2, 10])
      #expect(outputs[0]["data"]!.floats == (try expected(1) + expected(2)))
      #expect(outputs[2]["data"]!.array!.count == 2)
    }
  }

  @Test func binaryTensors() throws {
    let images = (0..<9).map { TestModel.pixels($0) }
    let floats = images.flatMap { $0 }.flatMap { withUnsafeBytes(of: Float($0)) { Array($0) } }
    let all = try (0..<9).flatMap { try expected($0) }
    for (type, bytes) in [("FP32", floats), ("UINT8", images.flatMap { $0 })] {
      let answer = try infer(
        """
        {"inputs": [{"name": "images", "shape": [9, 784], "datatype": "\(type)", \
        "parameters": {"binary_data_size": \(bytes.count)}}], "outputs": [{"name": "probabilities", \
        "parameters": {"binary_data": true}}, {"name": "class"}]}
        """, bytes)
      #expect(answer.status == 200)
      let length = Int(answer.headers["inference-header-content-length"]!)!
      let json = try JSONValue(parsing: Array(answer.body[..<length]), name: "head")
      #expect(json["outputs"]![0]!["parameters"]!["binary_data_size"] == 360)
      let values = answer.body[length...].withUnsafeBytes { raw in
        (0..<90).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
      #expect(values == all)
      #expect(json["outputs"]![1]!["data"]!.array!.count == 9)
    }
    // The whole body as the one tensor.
    let raw = try Shared.server.client().request(
      "POST", "/v2/models/digits/versions/1/infer", floats,
      headers: ["Inference-Header-Content-Length": "0"])
    #expect(raw.status == 200)
    let length = Int(raw.headers["inference-header-content-length"]!)!
    #expect(raw.body.count == length + 9 * (10 * 4 * 2 + 8))
  }

  @Test func classesInsteadOfNumbers() throws {
    let png = TestModel.png(4)
    let size = withUnsafeBytes(of: UInt32(png.count).littleEndian) { Array($0) } + png
    let answer = try infer(
      """
      {"inputs": [{"name": "images", "shape": [1], "datatype": "BYTES", "parameters": \
      {"binary_data_size": \(size.count)}}], "outputs": [{"name": "probabilities", "parameters": \
      {"classification": 2}}]}
      """, size)
    let output = try JSONValue(answer: answer)["outputs"]![0]!
    #expect(output["datatype"]?.string == "BYTES")
    #expect(output["shape"] == [1, 2])
    let values = try expected(4)
    let best = values.indices.sorted { values[$0] > values[$1] }
    let texts = best.prefix(2).map { JSONValue("\(values[$0]):\($0):\($0)") }
    #expect(output["data"] == .array(texts))
  }

  @Test(
    arguments: [
      ("{", 400, "the body:"),
      ("{\"inputs\": []}", 400, "must hold one tensor"),
      (
        "{\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"FP32\"}]}", 400,
        "the input is called images"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [1, 3], \"datatype\": \"FP32\", \"data\": [1,2,3]}]}",
        422, "it is 1x3, and digits takes Nx28x28x1"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [1, 784], \"datatype\": \"FP32\", \"data\": [1,2,3]}]}",
        422, "3 numbers, and the shape says 784"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [1, 784], \"datatype\": \"FP32\", \"data\": [[1],2]}]}",
        422, "lists of equal lengths"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [-1, 784], \"datatype\": \"FP32\", \"data\": []}]}",
        400, "a size is negative"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [1, 784], \"datatype\": \"FP16\", \"data\": []}]}",
        422, "the datatype may be"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [1, 784], \"datatype\": \"FP32\", \"parameters\": "
          + "{\"binary_data_size\": 99}}]}", 400, "binary_data_size is 99"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [1], \"datatype\": \"BYTES\", \"data\": [\"?\"]}]}",
        422, "files in base64"
      ),
      (
        "{\"inputs\": [{\"name\": \"images\", \"shape\": [1, 784], \"datatype\": \"FP32\", \"data\": [1e999]}], "
          + "\"outputs\": []}", 422, "beyond 32-bit floats"
      ),
    ] as [(String, Int, String)])
  func mistakesAreTold(json: String, status: Int, message: String) throws {
    let answer = try infer(json)
    #expect(answer.status == status)
    let told = try JSONValue(answer: answer)["error"]?.string ?? ""
    #expect(told.contains(message), "\(told)")
  }
}
