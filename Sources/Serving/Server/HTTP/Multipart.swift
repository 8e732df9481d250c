import NIOHTTP1

/// The parts of a multipart body (RFC 7578).
struct Multipart {
  struct Part {
    /// The field's name, and the file's where it has one.
    let name: String
    let fileName: String?
    let bytes: [UInt8]
  }

  let parts: [Part]

  /// - Throws: `Refusal` where it isn't whole.
  init(_ body: [UInt8], contentType: String) throws(Refusal) {
    func broken(_ what: String) -> Refusal {
      Refusal(.badRequest, "the multipart body is broken: \(what)")
    }
    guard let boundary = Self.parameter("boundary", of: contentType),
      (1...70).contains(boundary.utf8.count)
    else { throw broken("its Content-Type gives no boundary of 1 to 70 letters") }
    let mark = Array("--\(boundary)".utf8)
    guard var place = Self.find(mark, in: body, from: 0),
      place == 0 || place >= 2 && body[place - 2] == 13 && body[place - 1] == 10
    else { throw broken("its boundary isn't in it") }
    var parts: [Part] = []
    let separator = [13, 10] + mark
    place += mark.count
    while true {
      if body[place...].starts(with: [45, 45]) { break }
      // White space may follow a boundary.
      while place < body.count, body[place] == 32 || body[place] == 9 { place += 1 }
      guard body[place...].starts(with: [13, 10]) else { throw broken("a boundary's line goes on") }
      // So that a part without headers, which begins with an empty line, is found, too.
      guard let end = Self.find([13, 10, 13, 10], in: body, from: place) else {
        throw broken("a part's headers don't end")
      }
      guard end - place <= 16 << 10 else { throw broken("a part's headers are too long") }
      guard let headers = String(validating: body[place..<end], as: UTF8.self) else {
        throw broken("a part's headers are not UTF-8")
      }
      let start = end + 4
      guard let next = Self.find(separator, in: body, from: start - 2) else {
        throw broken("its last boundary is missing")
      }
      guard parts.count < 4096 else { throw broken("it has more than 4096 parts") }
      let bytes = next < start ? [] : Array(body[start..<next])
      var (name, fileName): (String?, String?) = (nil, nil)
      for line in headers.split(separator: "\r\n") {
        let sides = line.split(separator: ":", maxSplits: 1)
        if sides.count == 2, sides[0].trimmed.lowercased() == "content-disposition" {
          name = Self.parameter("name", of: String(sides[1]))
          fileName = Self.parameter("filename", of: String(sides[1]))
        }
      }
      parts.append(Part(name: name ?? "", fileName: fileName, bytes: bytes))
      place = next + separator.count
    }
    self.parts = parts
  }

  /// A header's parameter, `; name=value` or `; name="value"`.
  static func parameter(_ name: String, of header: String) -> String? {
    var rest = header[...]
    while let start = rest.firstIndex(of: ";") {
      rest = rest[rest.index(after: start)...].drop { $0 == " " || $0 == "\t" }
      guard let sign = rest.firstIndex(of: "=") else { return nil }
      let key = rest[..<sign].trimmed.lowercased()
      rest = rest[rest.index(after: sign)...]
      var value = ""
      if rest.first == "\"" {
        rest.removeFirst()
        while let letter = rest.popFirst(), letter != "\"" {
          value.append(letter == "\\" ? rest.popFirst() ?? "\\" : letter)
        }
      } else {
        value = String(rest.prefix { $0 != ";" }).trimmed
      }
      if key == name { return value }
    }
    return nil
  }

  /// The first place of some bytes in others.
  private static func find(_ wanted: [UInt8], in body: [UInt8], from start: Int) -> Int? {
    let last = body.count - wanted.count
    guard start <= last else { return nil }
    return body.withUnsafeBufferPointer { body in
      wanted.withUnsafeBufferPointer { wanted in
        var place = start
        while place <= last {
          if body[place] == wanted[0], body[place + wanted.count - 1] == wanted[wanted.count - 1] {
            var i = 1
            while i < wanted.count, body[place + i] == wanted[i] { i += 1 }
            if i == wanted.count { return place }
          }
          place += 1
        }
        return nil
      }
    }
  }
}
