/// The fields of a message in protobuf's wire form, one after another.
struct ProtobufFields {
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(ArraySlice<UInt8>)
  }

  struct Broken: Error {}

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// Nil at the end.
  mutating func next() throws(Broken) -> (number: Int, value: Value)? {
    if rest.isEmpty { return nil }
    let key = try varint()
    let number = Int(key >> 3)
    guard number > 0, key >> 3 < 1 << 29 else { throw Broken() }
    switch key & 7 {
    case 0: return (number, .varint(try varint()))
    case 1: return (number, .fixed64(Self.number(try take(8))))
    case 5: return (number, .fixed32(UInt32(Self.number(try take(4)))))
    case 2:
      guard let length = Int(exactly: try varint()) else { throw Broken() }
      return (number, .bytes(try take(length)))
    default: throw Broken()
    }
  }

  private mutating func varint() throws(Broken) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, through: 63, by: 7) {
      guard let byte = rest.popFirst() else { throw Broken() }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    throw Broken()
  }

  private mutating func take(_ count: Int) throws(Broken) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw Broken() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension ProtobufFields.Value {
  func text() throws(ProtobufFields.Broken) -> String {
    guard case .bytes(let bytes) = self, let text = String(validating: bytes, as: UTF8.self) else {
      throw ProtobufFields.Broken()
    }
    return text
  }

  func message() throws(ProtobufFields.Broken) -> ArraySlice<UInt8> {
    guard case .bytes(let bytes) = self else { throw ProtobufFields.Broken() }
    return bytes
  }

  /// Whole numbers, packed or one.
  func varints() throws(ProtobufFields.Broken) -> [UInt64] {
    switch self {
    case .varint(let value): return [value]
    case .bytes(let bytes):
      var values: [UInt64] = []
      var (value, shift) = (UInt64(0), UInt64(0))
      for byte in bytes {
        guard shift < 64 else { throw ProtobufFields.Broken() }
        value |= UInt64(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 {
          values.append(value)
          (value, shift) = (0, 0)
        }
      }
      guard shift == 0 else { throw ProtobufFields.Broken() }
      return values
    default: throw ProtobufFields.Broken()
    }
  }

  /// Floats, packed or one.
  func floats() throws(ProtobufFields.Broken) -> [Float] {
    switch self {
    case .fixed32(let bits): return [Float(bitPattern: bits)]
    case .bytes(let bytes) where bytes.count % 4 == 0:
      return bytes.withUnsafeBytes { raw in
        (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    default: throw ProtobufFields.Broken()
    }
  }

  /// Doubles, packed or one.
  func doubles() throws(ProtobufFields.Broken) -> [Double] {
    switch self {
    case .fixed64(let bits): return [Double(bitPattern: bits)]
    case .bytes(let bytes) where bytes.count % 8 == 0:
      return bytes.withUnsafeBytes { raw in
        (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
      }
    default: throw ProtobufFields.Broken()
    }
  }
}

/// A message in protobuf's wire form, as it is written.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(value))
  }

  mutating func add(_ number: Int, _ value: [UInt8]) {
    varint(UInt64(number << 3 | 2))
    varint(UInt64(value.count))
    bytes += value
  }

  mutating func add(_ number: Int, _ text: String) { add(number, Array(text.utf8)) }

  mutating func add(_ number: Int, _ message: ProtobufMessage) { add(number, message.bytes) }

  mutating func add(_ number: Int, _ value: Bool) {
    varint(UInt64(number << 3))
    varint(value ? 1 : 0)
  }

  /// Packed.
  mutating func add(_ number: Int, _ values: [Int]) {
    var packed = ProtobufMessage()
    for value in values { packed.varint(UInt64(bitPattern: Int64(value))) }
    add(number, packed.bytes)
  }
}
