import ONNX

// FlatBuffers (flatbuffers.dev/internals): tables of fields, each at a place that the table's "vtable"
// tells, strings and vectors with their length before them; all little-endian, all aligned.

/// What a field of a table holds.
indirect enum FlatValue: Sendable {
  case bool(Bool)
  case byte(Int)
  case int(Int)
  case float(Float)
  case string(String)
  case ints([Int])
  /// Of 64 bits.
  case longs([Int])
  case floats([Float])
  /// Bytes that begin at a multiple of 16.
  case bytes(ArraySlice<UInt8>)
  case table([Int: FlatValue])
  case tables([[Int: FlatValue]])

  /// Bytes that it takes in its table: itself, or the offset to where it is.
  fileprivate var inlineSize: Int {
    switch self {
    case .bool, .byte: 1
    default: 4
    }
  }
}

/// Writes a table and all that it holds, each after what refers to it.
struct FlatBufferWriter {
  private var bytes: [UInt8] = []

  /// - Parameter identifier: four letters that say what the file is.
  static func file(_ root: [Int: FlatValue], identifier: String) -> [UInt8] {
    precondition(identifier.utf8.count == 4)
    var writer = FlatBufferWriter()
    writer.append(0, 4)
    writer.bytes += identifier.utf8
    let place = writer.write(root)
    writer.set(place, at: 0)
    return writer.bytes
  }

  private mutating func append(_ value: Int, _ count: Int) {
    for i in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * i))) }
  }

  private mutating func set(_ value: Int, at place: Int, _ count: Int = 4) {
    for i in 0..<count { bytes[place + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
  }

  /// Fills up until what follows `ahead` more bytes lies at a multiple of `size`.
  private mutating func align(_ size: Int, ahead: Int = 0) {
    while (bytes.count + ahead) % size != 0 { bytes.append(0) }
  }

  /// Writes a table; returns its place.
  private mutating func write(_ table: [Int: FlatValue]) -> Int {
    let count = (table.keys.max() ?? -1) + 1
    // The large fields first, so that all are aligned without gaps.
    let fields = table.sorted { ($1.value.inlineSize, $0.key) < ($0.value.inlineSize, $1.key) }
    var places: [Int: Int] = [:]
    var size = 4
    for (field, value) in fields {
      places[field] = size
      size += value.inlineSize
    }
    let vtable = 4 + 2 * count
    align(4, ahead: vtable)
    append(vtable, 2)
    append(size, 2)
    for field in 0..<count { append(places[field] ?? 0, 2) }
    let start = bytes.count
    append(vtable, 4)
    for (_, value) in fields {
      switch value {
      case .bool(let value): append(value ? 1 : 0, 1)
      case .byte(let value): append(value, 1)
      case .int(let value): append(value, 4)
      case .float(let value): append(Int(value.bitPattern), 4)
      default: append(0, 4)
      }
    }
    for (field, value) in fields {
      let place = start + places[field]!
      if let child = write(value) { set(child - place, at: place) }
    }
    return start
  }

  /// Writes what a field refers to; nil for what it holds itself.
  private mutating func write(_ value: FlatValue) -> Int? {
    switch value {
    case .bool, .byte, .int, .float: return nil
    case .string(let text):
      align(4)
      let start = bytes.count
      append(text.utf8.count, 4)
      bytes += text.utf8
      bytes.append(0)
      return start
    case .ints(let values):
      align(4)
      let start = bytes.count
      append(values.count, 4)
      for value in values { append(value, 4) }
      return start
    case .longs(let values):
      align(8, ahead: 4)
      let start = bytes.count
      append(values.count, 4)
      for value in values { append(value, 8) }
      return start
    case .floats(let values): return write(.ints(values.map { Int($0.bitPattern) }))
    case .bytes(let values):
      align(16, ahead: 4)
      let start = bytes.count
      append(values.count, 4)
      bytes += values
      return start
    case .table(let table): return write(table)
    case .tables(let tables):
      align(4)
      let start = bytes.count
      append(tables.count, 4)
      for _ in tables { append(0, 4) }
      for (i, table) in tables.enumerated() {
        let place = start + 4 + 4 * i
        set(write(table) - place, at: place)
      }
      return start
    }
  }
}

/// Reads tables of others' bytes. Every place is checked before it is read.
struct FlatBufferReader {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8], identifier: String) throws(ExchangeError) {
    guard bytes.count >= 8, bytes.count < 1 << 31, bytes[4..<8].elementsEqual(identifier.utf8)
    else {
      throw ExchangeError("does not begin as a file of \(identifier) does")
    }
    self.bytes = bytes
  }

  /// A table, by its place.
  struct Table { fileprivate let place: Int }

  var root: Table { get throws(ExchangeError) { Table(place: try offset(at: 0)) } }

  private func number(_ place: Int, _ count: Int) throws(ExchangeError) -> Int {
    guard place >= 0, place + count <= bytes.count else {
      throw ExchangeError("is no sound FlatBuffer: a place lies outside of it")
    }
    return (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[place + $1]) }
  }

  private func offset(at place: Int) throws(ExchangeError) -> Int {
    place + (try number(place, 4))
  }

  /// Where a field is; nil where the table has none.
  private func field(_ field: Int, of table: Table) throws(ExchangeError) -> Int? {
    let distance = Int(Int32(truncatingIfNeeded: try number(table.place, 4)))
    let vtable = table.place - distance
    guard 4 + 2 * field + 2 <= (try number(vtable, 2)) else { return nil }
    let place = try number(vtable + 4 + 2 * field, 2)
    return place == 0 ? nil : table.place + place
  }

  func int(_ field: Int, of table: Table) throws(ExchangeError) -> Int {
    guard let place = try self.field(field, of: table) else { return 0 }
    return Int(Int32(truncatingIfNeeded: try number(place, 4)))
  }

  private func vector(
    _ field: Int, of table: Table, size: Int
  ) throws(ExchangeError) -> Range<Int> {
    guard let place = try self.field(field, of: table) else { return 0..<0 }
    let start = try offset(at: place)
    let (count, first) = (try number(start, 4), start + 4)
    guard count * size <= bytes.count - first else {
      throw ExchangeError("is no sound FlatBuffer: a vector of \(count) is longer than the file")
    }
    return first..<first + count * size
  }

  func bytes(_ field: Int, of table: Table) throws(ExchangeError) -> ArraySlice<UInt8> {
    bytes[try vector(field, of: table, size: 1)]
  }

  /// A text of at most 4096 bytes, as names are: many tables may lead to the same one.
  func string(_ field: Int, of table: Table) throws(ExchangeError) -> String {
    let text = try bytes(field, of: table)
    guard text.count <= 4096 else {
      throw ExchangeError("has a name of \(text.count) bytes")
    }
    return String(decoding: text, as: UTF8.self)
  }

  func tables(_ field: Int, of table: Table) throws(ExchangeError) -> [Table] {
    let range = try vector(field, of: table, size: 4)
    var tables: [Table] = []
    for place in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
      tables.append(Table(place: try offset(at: place)))
    }
    return tables
  }
}
