import Glibc

/// A client that sends what it is told to, byte for byte, and reads whole answers.
final class HTTPClient {
  struct Answer {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
  }

  struct Closed: Error {}

  private let descriptor: Int32
  private var unread: [UInt8] = []

  init(_ port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = in_addr_t(UInt32(0x7F00_0001).bigEndian)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw Closed() }
    var time = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Closed() }
      sent += count
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  private func more() throws {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { throw Closed() }
    unread += buffer[..<count]
  }

  /// Whether the server has closed the connection, all that it sent being read.
  func isClosedByServer() -> Bool {
    do { try more() } catch { return true }
    return false
  }

  func receive(isHead: Bool = false) throws -> Answer {
    let mark = Array("\r\n\r\n".utf8)
    var end: Int?
    while end == nil {
      end = unread.indices.first { unread[$0...].starts(with: mark) }
      if end == nil { try more() }
    }
    let lines = String(decoding: unread[..<end!], as: UTF8.self).split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let sides = line.split(separator: ":", maxSplits: 1)
      headers[sides[0].lowercased()] = sides[1].drop { $0 == " " }.description
    }
    unread.removeFirst(end! + 4)
    let status = Int(lines[0].split(separator: " ")[1])!
    let length = isHead || status == 100 ? 0 : Int(headers["content-length"] ?? "0")!
    while unread.count < length { try more() }
    let body = Array(unread[..<length])
    unread.removeFirst(length)
    return Answer(status: status, headers: headers, body: body)
  }

  func request(
    _ method: String, _ path: String, _ body: [UInt8] = [], type: String? = nil,
    headers: [String: String] = [:]
  ) throws -> Answer {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
    if let type { head += "Content-Type: \(type)\r\n" }
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.count)\r\n" }
    try send(Array((head + "\r\n").utf8) + body)
    return try receive(isHead: method == "HEAD")
  }
}
