import HTTPTypes
import NIOCore
import Storage

/// A whole request.
struct Request: Sendable {
  /// What answers, log lines and feedback call it: the client's `X-Request-Id`, or a number of our own.
  let id: String
  /// Its path's parts, without the escapes of URLs.
  let path: [String]
  let query: [(name: String, value: String)]
  let headers: Headers
  let body: ByteBuffer
  /// When its first byte came, and when it is too late for an answer.
  let arrived: NIODeadline
  let deadline: NIODeadline

  /// What matters of its headers.
  struct Headers: Sendable {
    var contentType: String?
    var contentEncoding: String?
    /// Where the body is JSON with tensors behind it, the JSON's length.
    var inferenceHeaderLength: String?
    /// The type in small letters, without parameters: `image/png`.
    let mediaType: String?

    /// - Parameter value: gives a header by its name in small letters.
    init(_ value: (String) -> String? = { _ in nil }) {
      contentType = value("content-type")
      contentEncoding = value("content-encoding")
      inferenceHeaderLength = value("inference-header-content-length")
      mediaType = contentType.map { type in
        type[..<(type.utf8.firstIndex(of: UInt8(ascii: ";")) ?? type.endIndex)]
          .trimmed.lowercased()
      }
    }
  }

  func query(_ name: String) -> String? { query.last { $0.name == name }?.value }

  var mediaType: String? { headers.mediaType }

  /// Whether what it asks about is found and read in a moment: few bytes, and these a PNG of few pixels as it
  /// is, or JSON with numbers, not pictures.
  var isShort: Bool {
    guard body.readableBytes <= Self.mostShort else { return false }
    return body.withUnsafeReadableBytes { bytes in
      if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), bytes.count >= 24 {
        func number(at place: Int) -> Int {
          Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
        }
        let (width, height) = (number(at: 16), number(at: 20))
        return width <= Self.mostSide && height <= Self.mostSide
      }
      guard bytes.first == UInt8(ascii: "{") else { return false }
      return !Self.holds("BYTES", bytes) && !Self.holds("b64", bytes)
    }
  }

  private static func holds(_ word: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
    var rest = bytes[...]
    while let place = rest.firstIndex(of: word.utf8.first!) {
      if rest[place...].starts(with: word.utf8) { return true }
      rest = rest[(place + 1)...]
    }
    return false
  }

  private static let mostShort = 16 << 10
  private static let mostSide = 256

  var bytes: [UInt8] { Array(body.readableBytesView) }

  /// - Throws: `Refusal` where the body is no JSON.
  func json() throws(Refusal) -> JSONValue {
    do { return try JSONValue(parsing: bytes, name: "the body") } catch {
      throw Refusal(.badRequest, "\(error)")
    }
  }
}

/// What is answered to one.
struct Answer: Sendable {
  var status: HTTPResponse.Status
  var headers: [(String, String)] = []
  var type: String
  var body: [UInt8]

  init(_ status: HTTPResponse.Status, type: String, _ body: [UInt8]) {
    self.status = status
    self.type = type
    self.body = body
  }

  init(_ status: HTTPResponse.Status = .ok, _ json: JSONValue) {
    self.init(status, type: "application/json", Array(json.minified.utf8))
  }

  init(_ refusal: Refusal) {
    self.init(refusal.status, ["error": .string(refusal.message)])
    headers = refusal.headers
  }

  init(_ result: Result<Answer, Refusal>) {
    switch result {
    case .success(let answer): self = answer
    case .failure(let refusal): self.init(refusal)
    }
  }
}

/// A request that isn't answered as it wishes: the status, and what is wrong and what to do.
struct Refusal: Error {
  let status: HTTPResponse.Status
  let message: String
  var headers: [(String, String)] = []

  init(_ status: HTTPResponse.Status, _ message: String) {
    self.status = status
    self.message = message
  }

  /// For what may be asked again after so many seconds.
  init(_ status: HTTPResponse.Status, _ message: String, retryAfter seconds: Int) {
    self.init(status, message)
    headers = [("Retry-After", "\(seconds)")]
  }
}

extension StringProtocol {
  /// Without white space at both ends.
  var trimmed: String {
    let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let bytes = Substring(self).utf8
    guard let start = bytes.firstIndex(where: { !isSpace($0) }),
      let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(Substring(bytes[start...last]))
  }

  /// The text that URL escapes stand for; nil where they aren't whole, or not of UTF-8.
  func withoutEscapes(plusIsSpace: Bool = false) -> String? {
    guard utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
      return String(self)
    }
    var bytes: [UInt8] = []
    var rest = utf8.makeIterator()
    while let byte = rest.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit)
        else { return nil }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// The parts of a request's target: its path and what follows the question mark.
struct RequestTarget {
  let path: [String]
  let query: [(name: String, value: String)]

  /// Nil where it is none, as with escapes that aren't whole.
  init?(_ uri: String) {
    guard uri.utf8.first == UInt8(ascii: "/") else { return nil }
    let end = uri.utf8.firstIndex(of: UInt8(ascii: "?")) ?? uri.endIndex
    var path: [String] = []
    for part in uri.utf8[..<end].split(separator: UInt8(ascii: "/")) {
      guard let text = Substring(part).withoutEscapes() else { return nil }
      path.append(text)
    }
    var query: [(name: String, value: String)] = []
    for pair in uri[end...].dropFirst().split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = sides[0].withoutEscapes(plusIsSpace: true),
        let value = sides.count > 1 ? sides[1].withoutEscapes(plusIsSpace: true) : ""
      else { return nil }
      query.append((name, value))
    }
    self.path = path
    self.query = query
  }
}
