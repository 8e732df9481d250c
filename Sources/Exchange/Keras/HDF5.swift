import ONNX

// HDF5 (The HDF Group's File Format Specification, version 3): groups and arrays, each an "object header"
// of messages. Written is the least of it that any library reads: a superblock of version 2, headers of
// version 2 whose links are messages of their own, arrays in one piece; lengths and offsets have eight bytes.

/// What an HDF5 file holds: arrays, in groups by name.
indirect enum HDF5Object {
  /// What is said of a group.
  enum Attribute {
    /// One text, of less than 64 KiB.
    case text(String)
    /// One text of any length, which lies elsewhere in the file.
    case longText(String)
    /// Texts in a row, all together of less than 64 KiB when each is as long as the longest.
    case texts([String])
  }

  case group(
    [(name: String, object: HDF5Object)], attributes: [(name: String, value: Attribute)] = [])
  case array(Tensor)
}

enum HDF5File {
  fileprivate static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  fileprivate static let nowhere = -1
  fileprivate static let superblockSize = 48

  /// The kinds of messages.
  fileprivate enum Message: UInt8 {
    case dataspace = 1
    case linkInfo = 2
    case datatype = 3
    case fillValue = 5
    case link = 6
    case layout = 8
    case groupInfo = 10
    case attribute = 12
  }

  /// The bytes of a file whose root is a group.
  static func encoded(_ root: HDF5Object) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: superblockSize)
    let place = append(root, to: &bytes)
    var superblock = signature + [2, 8, 8, 0]
    for value in [0, nowhere, bytes.count, place] { superblock.append(number: value, 8) }
    superblock.append(number: Int(checksum(superblock)), 4)
    bytes.replaceSubrange(0..<superblockSize, with: superblock)
    return bytes
  }

  /// Appends an object behind all that it refers to; returns where its header is.
  private static func append(_ object: HDF5Object, to bytes: inout [UInt8]) -> Int {
    var messages: [UInt8] = []
    func add(_ kind: Message, _ content: [UInt8]) {
      messages.append(kind.rawValue)
      messages.append(number: content.count, 2)
      messages.append(0)
      messages += content
    }
    switch object {
    case .group(let members, let attributes):
      var info: [UInt8] = [0, 0]
      for _ in 0..<2 { info.append(number: nowhere, 8) }
      add(.linkInfo, info)
      add(.groupInfo, [0, 0])
      for (name, member) in members {
        let place = append(member, to: &bytes)
        // A hard link, its name of at most 65535 bytes.
        var link: [UInt8] = [1, 1]
        link.append(number: name.utf8.count, 2)
        link += name.utf8
        link.append(number: place, 8)
        add(.link, link)
      }
      for (name, value) in attributes { add(.attribute, attribute(name, value, &bytes)) }
    case .array(let tensor):
      bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
      let place = bytes.count
      tensor.values.withUnsafeBytes { bytes += $0 }
      add(.dataspace, dataspace(tensor.shape))
      // A number of IEEE 754's binary32, the lowest byte first.
      var type: [UInt8] = [0x11, 0x20, 0x1F, 0]
      type.append(number: 4, 4)
      type += [0, 0, 32, 0, 23, 8, 0, 23]
      type.append(number: 127, 4)
      add(.datatype, type)
      add(.fillValue, [3, 0x0A])
      var layout: [UInt8] = [3, 1]
      layout.append(number: place, 8)
      layout.append(number: 4 * tensor.values.count, 8)
      add(.layout, layout)
    }
    bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
    let place = bytes.count
    var header = Array("OHDR".utf8) + [2, 2]
    header.append(number: messages.count, 4)
    header += messages
    header.append(number: Int(checksum(header)), 4)
    bytes += header
    return place
  }

  private static func dataspace(_ shape: [Int]) -> [UInt8] {
    var space: [UInt8] = [2, UInt8(shape.count), 0, shape.isEmpty ? 0 : 1]
    for size in shape { space.append(number: size, 8) }
    return space
  }

  private static func attribute(
    _ name: String, _ value: HDF5Object.Attribute, _ bytes: inout [UInt8]
  ) -> [UInt8] {
    // Texts of UTF-8, each filled up with zeros.
    func type(_ size: Int) -> [UInt8] {
      var type: [UInt8] = [0x13, 0x11, 0, 0]
      type.append(number: size, 4)
      return type
    }
    switch value {
    case .text(let text):
      let size = max(1, text.utf8.count)
      return attribute(name, type(size), dataspace([]), padded(text, size))
    case .texts(let texts):
      let size = max(1, texts.map(\.utf8.count).max() ?? 0)
      return attribute(
        name, type(size), dataspace([texts.count]), texts.flatMap { padded($0, size) })
    case .longText(let text):
      // Of variable length: its length, and where in which heap it is.
      var type: [UInt8] = [0x19, 1, 1, 0]
      type.append(number: 16, 4)
      type += [0x13, 0, 0, 0]
      type.append(number: 1, 4)
      var content: [UInt8] = []
      content.append(number: text.utf8.count, 4)
      content.append(number: appendHeap(text, to: &bytes), 8)
      content.append(number: 1, 4)
      return attribute(name, type, dataspace([]), content)
    }
  }

  private static func attribute(
    _ name: String, _ type: [UInt8], _ space: [UInt8], _ data: [UInt8]
  ) -> [UInt8] {
    var content: [UInt8] = [3, 0]
    for count in [name.utf8.count + 1, type.count, space.count] { content.append(number: count, 2) }
    content.append(1)
    content += Array(name.utf8) + [0]
    return content + type + space + data
  }

  private static func padded(_ text: String, _ size: Int) -> [UInt8] {
    Array(text.utf8) + [UInt8](repeating: 0, count: size - text.utf8.count)
  }

  /// Appends a global heap with one text; returns where it is.
  private static func appendHeap(_ text: String, to bytes: inout [UInt8]) -> Int {
    bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
    let place = bytes.count
    let count = text.utf8.count
    let used = 32 + (count + 7) / 8 * 8
    // At least 4096 bytes, with room for the header of what is free.
    let size = max(4096, used + 16)
    bytes += Array("GCOL".utf8) + [1, 0, 0, 0]
    bytes.append(number: size, 8)
    for (value, width) in [(1, 2), (1, 2), (0, 4), (count, 8)] {
      bytes.append(number: value, width)
    }
    bytes += padded(text, used - 32)
    for (value, width) in [(0, 2), (0, 2), (0, 4), (size - used, 8)] {
      bytes.append(number: value, width)
    }
    bytes += [UInt8](repeating: 0, count: size - used - 16)
    return place
  }

  /// Bob Jenkins's lookup3, `hashlittle`, with which all headers end.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var a = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count)
    var (b, c) = (a, a)
    func rotated(_ x: UInt32, _ count: UInt32) -> UInt32 { x << count | x >> (32 - count) }
    func word(_ place: Int) -> UInt32 {
      (0..<4).reduce(0) { sum, i in
        place + i < bytes.count ? sum | UInt32(bytes[place + i]) << UInt32(8 * i) : sum
      }
    }
    var place = 0
    while bytes.count - place > 12 {
      a = a &+ word(place)
      b = b &+ word(place + 4)
      c = c &+ word(place + 8)
      a = (a &- c) ^ rotated(c, 4)
      c = c &+ b
      b = (b &- a) ^ rotated(a, 6)
      a = a &+ c
      c = (c &- b) ^ rotated(b, 8)
      b = b &+ a
      a = (a &- c) ^ rotated(c, 16)
      c = c &+ b
      b = (b &- a) ^ rotated(a, 19)
      a = a &+ c
      c = (c &- b) ^ rotated(b, 4)
      b = b &+ a
      place += 12
    }
    guard place < bytes.count else { return c }
    a = a &+ word(place)
    b = b &+ word(place + 4)
    c = c &+ word(place + 8)
    c = (c ^ b) &- rotated(b, 14)
    a = (a ^ c) &- rotated(c, 11)
    b = (b ^ a) &- rotated(a, 25)
    c = (c ^ b) &- rotated(b, 16)
    a = (a ^ c) &- rotated(c, 4)
    b = (b ^ a) &- rotated(a, 14)
    c = (c ^ b) &- rotated(b, 24)
    return c
  }
}

/// Reads the arrays of a file that is written as above. Every place is checked before it is read.
struct HDF5Reader {
  private let bytes: [UInt8]
  /// Bytes that may yet be read: all of the file once, so that links which lead to the same place, or
  /// arrays which lie over one another, come to no more work or memory than the file has bytes.
  private var left: Int

  /// The arrays of floats by their paths, `a/b/0`.
  /// - Throws: `ExchangeError` for what is damaged, or of another form.
  static func arrays(in bytes: [UInt8]) throws(ExchangeError) -> [String: Tensor] {
    var reader = HDF5Reader(bytes: bytes)
    guard bytes.count >= HDF5File.superblockSize, bytes[..<8].elementsEqual(HDF5File.signature),
      bytes[8] == 2, bytes[9] == 8, bytes[10] == 8,
      HDF5File.checksum(Array(bytes[..<44])) == UInt32(truncatingIfNeeded: try reader.number(44, 4))
    else { throw damaged("it does not begin as it should") }
    var arrays: [String: Tensor] = [:]
    try reader.read(try reader.number(36, 8), "", depth: 0, &arrays)
    return arrays
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
    left = bytes.count
  }

  private mutating func take(_ count: Int) throws(ExchangeError) {
    guard count <= left else { throw Self.damaged("it holds more than it has bytes") }
    left -= count
  }

  private static func damaged(_ what: String) -> ExchangeError {
    ExchangeError("is no sound HDF5 file of this form: \(what)")
  }

  private func number(_ place: Int, _ count: Int) throws(ExchangeError) -> Int {
    guard place >= 0, place <= bytes.count - count else { throw Self.damaged("it is too short") }
    let value = (0..<count).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64(bytes[place + $1]) }
    guard let value = Int(exactly: value) else { throw Self.damaged("a number is too large") }
    return value
  }

  private mutating func read(
    _ place: Int, _ path: String, depth: Int, _ arrays: inout [String: Tensor]
  ) throws(ExchangeError) {
    guard depth < 16 else { throw Self.damaged("it goes in circles") }
    guard place >= 0, place < bytes.count - 10, bytes[place..<place + 4].elementsEqual("OHDR".utf8),
      bytes[place + 4] == 2, bytes[place + 5] == 2
    else { throw Self.damaged("there is no object header where one should be") }
    let start = place + 10
    let end = start + (try number(place + 6, 4))
    guard end + 4 <= bytes.count else { throw Self.damaged("it is too short") }
    try take(end - place)
    guard
      HDF5File.checksum(Array(bytes[place..<end])) == UInt32(truncatingIfNeeded: try number(end, 4))
    else { throw Self.damaged("an object header has another checksum") }
    var shape: [Int] = []
    var data: Range<Int>?
    var message = start
    while message + 4 <= end {
      let (kind, size) = (bytes[message], try number(message + 1, 2))
      let content = message + 4
      guard content + size <= end else { throw Self.damaged("a message is too long") }
      switch HDF5File.Message(rawValue: kind) {
      case .link:
        let length = try number(content + 2, 2)
        guard size == 12 + length else { throw Self.damaged("a link is of another form") }
        let name = String(decoding: bytes[content + 4..<content + 4 + length], as: UTF8.self)
        try read(
          try number(content + 4 + length, 8), path.isEmpty ? name : "\(path)/\(name)",
          depth: depth + 1, &arrays)
      case .dataspace:
        let rank = try number(content + 1, 1)
        guard size == 4 + 8 * rank else { throw Self.damaged("a dataspace is of another form") }
        for i in 0..<rank { shape.append(try number(content + 4 + 8 * i, 8)) }
      case .layout:
        let (first, count) = (try number(content + 2, 8), try number(content + 10, 8))
        guard first <= bytes.count, count <= bytes.count - first else {
          throw Self.damaged("an array lies outside of it")
        }
        data = first..<first + count
      default: break
      }
      message = content + size
    }
    guard let data else { return }
    var count = 4
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw Self.damaged("an array is too large") }
      count = product
    }
    guard count == data.count else {
      throw Self.damaged("an array has another size than its shape")
    }
    try take(count)
    let values = [Float](unsafeUninitializedCapacity: count / 4) { buffer, initialized in
      bytes[data].withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      initialized = count / 4
    }
    arrays[path] = Tensor(values, shape: shape)
  }
}

extension [UInt8] {
  fileprivate mutating func append(number value: Int, _ count: Int) {
    for i in 0..<count { append(UInt8(truncatingIfNeeded: value >> (8 * i))) }
  }
}
