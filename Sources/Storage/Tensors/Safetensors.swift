/// The element types that a run's files hold.
public enum ElementType: String, Hashable, Sendable, CaseIterable, Comparable {
  // In the order of the Python package.
  case u8 = "U8"
  case i8 = "I8"
  case i32 = "I32"
  case f32 = "F32"
  case i64 = "I64"

  public var size: Int {
    switch self {
    case .u8, .i8: 1
    case .i32, .f32: 4
    case .i64: 8
    }
  }

  public static func < (a: Self, b: Self) -> Bool {
    let all = allCases
    return all.firstIndex(of: a)! < all.firstIndex(of: b)!
  }
}

/// A named array of numbers, its elements in row-major order as little-endian bytes.
public struct StoredTensor: Hashable, Sendable {
  public var name: String
  public let type: ElementType
  public let shape: [Int]
  /// Of a file that was read, a part of its bytes, which are not copied.
  public let bytes: ArraySlice<UInt8>

  public init(name: String, type: ElementType, shape: [Int], bytes: ArraySlice<UInt8>) {
    precondition(bytes.count == shape.reduce(type.size, *), "\(name): shape and bytes disagree")
    self.name = name
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  public init(name: String, type: ElementType, shape: [Int], bytes: [UInt8]) {
    self.init(name: name, type: type, shape: shape, bytes: bytes[...])
  }

  public init(name: String, shape: [Int], floats: UnsafeBufferPointer<Float>) {
    self.init(
      name: name, type: .f32, shape: shape, bytes: Array(UnsafeRawBufferPointer(floats)))
  }

  /// The elements of an F32 tensor.
  public var floats: [Float] {
    [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
      copyFloats(into: buffer)
      count = buffer.count
    }
  }

  /// Puts the elements of an F32 tensor where there is room for just as many.
  public func copyFloats(into buffer: UnsafeMutableBufferPointer<Float>) {
    precondition(type == .f32 && bytes.count == 4 * buffer.count)
    bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
  }
}

/// A file of tensors: an 8-byte little-endian header length, a JSON header, the bytes
/// (github.com/huggingface/safetensors). It holds numbers and text, never code.
///
/// Writing is deterministic: equal content gives equal bytes, those that the Python package writes
/// (tensors by element type from the largest, then by name; metadata by key).
public struct Safetensors: Hashable, Sendable {
  public var tensors: [StoredTensor]
  public var metadata: [String: String]

  public init(tensors: [StoredTensor], metadata: [String: String] = [:]) {
    self.tensors = tensors.sorted { ($1.type, $0.name) < ($0.type, $1.name) }
    self.metadata = metadata
  }

  public subscript(name: String) -> StoredTensor? { tensors.first { $0.name == name } }

  /// The file's bytes.
  public var encoded: [UInt8] {
    var bytes = Self.header(
      of: tensors.map { (name: $0.name, type: $0.type, shape: $0.shape) }, metadata)
    bytes.reserveCapacity(bytes.count + tensors.reduce(0) { $0 + $1.bytes.count })
    for tensor in tensors { bytes += tensor.bytes }
    return bytes
  }

  /// What comes before the bytes of tensors that lie one after another.
  public static func header(
    of tensors: [(name: String, type: ElementType, shape: [Int])], _ metadata: [String: String]
  ) -> [UInt8] {
    var entries: [JSONObject.Member] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
        .map { JSONObject.Member(key: $0.key, value: .string($0.value)) }
      entries.append(.init(key: "__metadata__", value: .object(JSONObject(unique: pairs))))
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.shape.reduce(tensor.type.size, *)
      let entry: JSONValue = [
        "dtype": .string(tensor.type.rawValue),
        "shape": .array(tensor.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(offset), JSONValue(end)],
      ]
      entries.append(.init(key: tensor.name, value: entry))
      offset = end
    }
    var header = Array(JSONValue.object(JSONObject(unique: entries)).minified.utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
  }

  public func write(to path: String) throws(FileError) {
    try AtomicFile.write(encoded, to: path)
  }

  public init(reading path: String) throws {
    try self.init(parsing: try Files.read(path, limit: 1 << 32), path: path)
  }

  /// Checks everything the header claims before a byte of data is taken: its own length, types,
  /// shapes against lengths, and that the tensors tile the data without a gap or an overlap.
  public init(parsing file: [UInt8], path: String) throws {
    func broken(_ reason: String) -> RecordError {
      RecordError(path, "is not a sound safetensors file: \(reason)")
    }
    guard file.count >= 8 else { throw broken("it has \(file.count) bytes, fewer than 8") }
    let claimed = file.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard claimed <= UInt64(file.count - 8) else {
      throw broken(
        file[0] == UInt8(ascii: "{")
          ? "it is JSON, as a spec is" : "a header of \(claimed) bytes in a file of \(file.count)")
    }
    let dataStart = 8 + Int(claimed)
    let header: JSONValue
    do {
      header = try JSONValue(parsing: Array(file[8..<dataStart]), name: "header")
    } catch {
      throw broken(error.diagnostics.first?.description ?? "its header is not JSON")
    }
    guard let object = header.object else { throw broken("its header is not a JSON object") }

    var metadata: [String: String] = [:]
    var entries: [(name: String, type: ElementType, shape: [Int], data: Range<Int>)] = []
    for member in object.members {
      let name = JSONValue.quoted(member.key)
      if member.key == "__metadata__" {
        guard let pairs = member.value.object else { throw broken("\(name) is not an object") }
        for pair in pairs.members {
          guard let value = pair.value.string else {
            throw broken("\(name): the value of \(JSONValue.quoted(pair.key)) is not a string")
          }
          metadata[pair.key] = value
        }
        continue
      }
      guard let fields = member.value.object,
        Set(fields.keys) == ["dtype", "shape", "data_offsets"]
      else { throw broken("\(name) needs dtype, shape and data_offsets, and nothing else") }
      let typeName = fields["dtype"]!.string ?? fields["dtype"]!.compact
      guard let type = ElementType(rawValue: typeName) else {
        let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
        throw broken("\(name) has elements of type \(typeName); read are \(known)")
      }
      let shape = fields["shape"]!.array?.compactMap(\.int) ?? []
      guard shape.count == fields["shape"]!.array?.count, shape.allSatisfy({ $0 >= 0 }) else {
        throw broken("the shape of \(name) is not a list of sizes")
      }
      var size = type.size
      for extent in shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: extent)
        guard !overflow else { throw broken("the shape of \(name) is too large") }
        size = product
      }
      let offsets = fields["data_offsets"]!.array?.compactMap(\.int) ?? []
      guard offsets.count == 2, fields["data_offsets"]!.array?.count == 2, offsets[0] >= 0,
        offsets[0] <= offsets[1], offsets[1] <= file.count - dataStart
      else { throw broken("the data_offsets of \(name) do not lie inside the file") }
      guard offsets[1] - offsets[0] == size else {
        throw broken(
          "\(name) has \(offsets[1] - offsets[0]) bytes, but its shape and type take \(size)")
      }
      entries.append((member.key, type, shape, offsets[0]..<offsets[1]))
    }

    entries.sort {
      ($0.data.lowerBound, $0.data.upperBound) < ($1.data.lowerBound, $1.data.upperBound)
    }
    var end = 0
    for entry in entries {
      guard entry.data.lowerBound == end else {
        let name = JSONValue.quoted(entry.name)
        throw broken(
          entry.data.lowerBound < end
            ? "\(name) overlaps the tensor before it" : "there is a gap before \(name)")
      }
      end = entry.data.upperBound
    }
    guard end == file.count - dataStart else {
      throw broken("\(file.count - dataStart - end) bytes follow the last tensor")
    }
    self.init(
      tensors: entries.map { entry in
        let range = dataStart + entry.data.lowerBound..<dataStart + entry.data.upperBound
        return StoredTensor(
          name: entry.name, type: entry.type, shape: entry.shape, bytes: file[range])
      }, metadata: metadata)
  }
}
