import Serving
import Storage
import Testing

/// Bodies that are torn, twisted and spliced: each gets an answer that says so, and the server goes on.
@Suite(.ownThreads) struct HostileBodyTests {
  /// Numbers that are the same each time (Steele, Lea and Flood 2014).
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }

  private struct Case {
    let path: String
    let type: String
    let headers: [String: String]
    let body: [UInt8]
  }

  private static var cases: [Case] {
    let png = TestModel.png(1)
    let form =
      Array("--bound\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\n".utf8)
      + png + Array("\r\n--bound\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n".utf8)
      + TestModel.npy([TestModel.pixels(1)]) + Array("\r\n--bound--\r\n".utf8)
    let head = Array(
      """
      {"inputs": [{"name": "images", "shape": [1], "datatype": "BYTES", "parameters": \
      {"binary_data_size": \(png.count + 4)}}], "outputs": [{"name": "scores", "parameters": \
      {"binary_data": true, "classification": 2}}]}
      """.utf8)
    let size = withUnsafeBytes(of: UInt32(png.count).littleEndian) { Array($0) }
    let row = TestModel.pixels(1).map(String.init).joined(separator: ",")
    return [
      Case(path: "/predict", type: "image/png", headers: [:], body: png),
      Case(
        path: "/predict", type: "application/x-npy", headers: [:],
        body: TestModel.npy([TestModel.pixels(1)])),
      Case(
        path: "/predict?show=true", type: "multipart/form-data; boundary=bound", headers: [:],
        body: form),
      Case(
        path: "/v2/models/digits/infer", type: "application/octet-stream",
        headers: ["Inference-Header-Content-Length": "\(head.count)"], body: head + size + png),
      Case(
        path: "/v1/models/digits:predict", type: "application/json", headers: [:],
        body: Array("{\"instances\": [[\(row)]]}".utf8)),
      Case(
        path: "/v1/models/digits:classify", type: "application/json", headers: [:],
        body: Array("{\"examples\": [{\"b64\": \"\(Base64Text.encode(png))\"}]}".utf8)),
      Case(
        path: "/feedback", type: "application/json", headers: [:],
        body: Array("{\"id\": \"x\", \"label\": 3, \"image\": 0}".utf8)),
    ]
  }

  @Test func areAnswered() throws {
    let server = try TestServer()
    var client = try server.client()
    var numbers = Numbers(state: 7)
    var statuses: [Int: Int] = [:]
    for asked in Self.cases {
      #expect(
        [200, 404].contains(
          try client.request(
            "POST", asked.path, asked.body, type: asked.type, headers: asked.headers
          ).status))
      for _ in 0..<150 {
        var body = asked.body
        for _ in 0..<Int.random(in: 1...4, using: &numbers) where !body.isEmpty {
          let place = Int.random(in: 0..<body.count, using: &numbers)
          switch Int.random(in: 0..<5, using: &numbers) {
          case 0: body[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
          case 1: body[place] = UInt8.random(in: 0...255, using: &numbers)
          case 2: body.removeLast(body.count - place)
          case 3:
            let end = min(body.count, place + Int.random(in: 1...40, using: &numbers))
            body.insert(
              contentsOf: body[place..<end], at: Int.random(in: 0...body.count, using: &numbers))
          default:
            body.removeSubrange(
              place..<min(body.count, place + Int.random(in: 1...40, using: &numbers)))
          }
        }
        let answer = try client.request(
          "POST", asked.path, body, type: asked.type, headers: asked.headers)
        statuses[answer.status, default: 0] += 1
        #expect([200, 400, 404, 413, 415, 422].contains(answer.status), "\(answer.text)")
        if answer.status >= 400 {
          #expect(try JSONValue(answer: answer)["error"]?.string?.isEmpty == false)
        }
        if answer.headers["connection"] == "close" { client = try server.client() }
      }
    }
    #expect(statuses[422, default: 0] > 50 && statuses[400, default: 0] > 50)
    #expect(try client.request("POST", "/predict", TestModel.png(1)).status == 200)
  }
}
