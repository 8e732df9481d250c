// The wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding): a message is a row of
// fields, each a number and a kind, then a varint, four or eight bytes, or a length and so many bytes.

/// Builds a message, field after field.
package struct ProtobufWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func tag(_ field: Int, _ kind: UInt64) { varint(UInt64(field) << 3 | kind) }

  /// An int32, int64 or enum; negative ones take ten bytes.
  package mutating func integer(_ field: Int, _ value: Int) {
    tag(field, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  package mutating func float(_ field: Int, _ value: Float) {
    tag(field, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  package mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
    tag(field, 2)
    varint(UInt64(value.count))
    bytes += value
  }

  package mutating func string(_ field: Int, _ value: String) { bytes(field, value.utf8) }

  package mutating func message(_ field: Int, _ build: (inout ProtobufWriter) -> Void) {
    var message = ProtobufWriter()
    build(&message)
    bytes(field, message.bytes)
  }

  /// Numbers one after another in one field, as proto3 has them.
  package mutating func packed(_ field: Int, _ values: [Int]) {
    var content = ProtobufWriter()
    for value in values { content.varint(UInt64(bitPattern: Int64(value))) }
    bytes(field, content.bytes)
  }
}

/// Reads a message of others' bytes. What a length claims is never more than there is, and nothing is
/// copied but what is asked for.
package struct ProtobufReader {
  /// What a field holds.
  package enum Value {
    case varint(UInt64)
    case fixed32(UInt32)
    case fixed64(UInt64)
    case bytes(FileBytes)
  }

  fileprivate var rest: FileBytes

  package init(_ bytes: FileBytes) { rest = bytes }

  /// The next field; nil at the end.
  package mutating func next() throws(ExchangeError) -> (field: Int, value: Value)? {
    guard !rest.isEmpty else { return nil }
    let tag = try varint()
    let field = tag >> 3
    guard field > 0, field < 1 << 29 else { throw Self.damaged("a field has no number") }
    switch tag & 7 {
    case 0: return (Int(field), .varint(try varint()))
    case 1: return (Int(field), .fixed64(try fixed(8)))
    case 2:
      let length = try varint()
      guard length <= UInt64(rest.count) else {
        throw Self.damaged("a field of \(length) bytes where \(rest.count) are left")
      }
      let value = rest.prefix(Int(length))
      rest = rest.dropFirst(Int(length))
      return (Int(field), .bytes(value))
    case 5: return (Int(field), .fixed32(UInt32(try fixed(4))))
    default: throw Self.damaged("a field is of kind \(tag & 7), which is not in use")
    }
  }

  fileprivate mutating func varint() throws(ExchangeError) -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while let byte = rest.popFirst() {
      // Of the tenth byte only one bit is left.
      if shift == 63, byte > 1 { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Self.damaged("a number has no end")
  }

  private mutating func fixed(_ count: Int) throws(ExchangeError) -> UInt64 {
    guard rest.count >= count else { throw Self.damaged("it ends inside a number") }
    let value = rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    rest = rest.dropFirst(count)
    return value
  }

  package static func damaged(_ what: String) -> ExchangeError {
    ExchangeError("is no sound protobuf: \(what)")
  }
}

extension ProtobufReader.Value {
  package func bytes() throws(ExchangeError) -> FileBytes {
    guard case .bytes(let bytes) = self else {
      throw ProtobufReader.damaged("a number where bytes were expected")
    }
    return bytes
  }

  package func string() throws(ExchangeError) -> String {
    guard let text = String(validating: try bytes(), as: UTF8.self) else {
      throw ProtobufReader.damaged("a text that is not UTF-8")
    }
    return text
  }

  package func integer() throws(ExchangeError) -> Int {
    guard case .varint(let value) = self else {
      throw ProtobufReader.damaged("something else where a whole number was expected")
    }
    return Int(Int64(bitPattern: value))
  }

  package func float() throws(ExchangeError) -> Float {
    guard case .fixed32(let bits) = self else {
      throw ProtobufReader.damaged("something else where a number of four bytes was expected")
    }
    return Float(bitPattern: bits)
  }

  /// One number, or several packed.
  package func integers() throws(ExchangeError) -> [Int] {
    guard case .bytes(let bytes) = self else { return [try integer()] }
    var reader = ProtobufReader(bytes)
    var values: [Int] = []
    while !reader.rest.isEmpty { values.append(Int(Int64(bitPattern: try reader.varint()))) }
    return values
  }

  /// One number of four bytes, or several packed.
  package func floats() throws(ExchangeError) -> [Float] {
    guard case .bytes(let bytes) = self else { return [try float()] }
    guard bytes.count % 4 == 0 else { throw ProtobufReader.damaged("it ends inside a number") }
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 4).map {
        raw.loadUnaligned(fromByteOffset: $0, as: Float.self)
      }
    }
  }

  /// One number of eight bytes, or several packed.
  package func doubles() throws(ExchangeError) -> [Double] {
    switch self {
    case .fixed64(let bits): return [Double(bitPattern: bits)]
    case .bytes(let bytes) where bytes.count % 8 == 0:
      return bytes.withUnsafeBytes { raw in
        stride(from: 0, to: raw.count, by: 8).map {
          raw.loadUnaligned(fromByteOffset: $0, as: Double.self)
        }
      }
    default:
      throw ProtobufReader.damaged("something else where numbers of eight bytes were expected")
    }
  }
}
