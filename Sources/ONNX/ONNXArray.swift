/// Numbers of an ONNX file, the last index running fastest.
package struct ONNXArray: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    case floats([Float])
    /// Floats as they lie in the file, four bytes each.
    case stored(FileBytes)
    /// Whole numbers of any width; truth is 1.
    case ints([Int])

    package var isFloat: Bool { if case .ints = self { false } else { true } }
  }

  /// What whole numbers are in a file, by the number that onnx.proto has for it.
  package enum Whole: Int, Hashable, Sendable {
    case uint8 = 2
    case int8, uint16, int16, int32, int64
    case bool = 9

    package var bytes: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16: 2
      case .int32: 4
      case .int64: 8
      }
    }

    package var range: ClosedRange<Int> {
      switch self {
      case .uint8: 0...255
      case .int8: -128...127
      case .uint16: 0...65_535
      case .int16: -32_768...32_767
      case .int32: Int(Int32.min)...Int(Int32.max)
      case .int64: Int.min...Int.max
      case .bool: 0...1
      }
    }
  }

  package private(set) var shape: [Int]
  package let content: Content
  /// Of whole numbers, which; those that are computed are of 64 bits. Floats have none.
  package let whole: Whole

  /// The most indices that an array has.
  package static let mostIndices = 8
  /// What stands in shapes for the number of images, which is not known: a prime that no size comes near,
  /// and less than what files say for "to the end".
  package static let anyCount = 1_073_741_789

  /// - Precondition: as many numbers as the shape has places.
  package init(_ content: Content, shape: [Int], whole: Whole = .int64) {
    let count =
      switch content {
      case .floats(let values): values.count
      case .stored(let bytes): bytes.count / 4
      case .ints(let values): values.count
      }
    precondition(count == shape.reduce(1, *))
    (self.content, self.shape, self.whole) = (content, shape, whole)
  }

  /// Floats as they lie in a file: those of large arrays are read each time that they are asked for.
  package init(stored bytes: FileBytes, shape: [Int]) {
    self.init(.stored(bytes.count < Self.leastLarge ? bytes.held : bytes), shape: shape)
  }

  private static let leastLarge = 1 << 16

  package static func floats(_ tensor: Tensor) -> ONNXArray {
    ONNXArray(.floats(tensor.values), shape: tensor.shape)
  }

  /// Sizes and places, in one row.
  package static func ints(_ values: [Int]) -> ONNXArray {
    ONNXArray(.ints(values), shape: [values.count])
  }

  package var count: Int { shape.reduce(1, *) }

  package func reshaped(_ shape: [Int]) -> ONNXArray {
    ONNXArray(content, shape: shape, whole: whole)
  }

  /// Nil for floats.
  package var integers: [Int]? { if case .ints(let values) = content { values } else { nil } }

  /// Its floats, in a copy where the file has them; nil for whole numbers.
  package var numbers: [Float]? {
    switch content {
    case .floats(let values): values
    case .stored: withFloats { Array($0) }
    case .ints: nil
    }
  }

  /// The floats where they are, and nothing for whole numbers.
  package func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
    switch content {
    case .floats(let values): return values.withUnsafeBufferPointer(body)
    case .ints: return body(UnsafeBufferPointer(start: nil, count: 0))
    case .stored(let bytes):
      return bytes.withUnsafeBytes { raw in
        if let base = raw.baseAddress, Int(bitPattern: base) % MemoryLayout<Float>.alignment == 0 {
          return body(raw.bindMemory(to: Float.self))
        }
        let copy = [Float](unsafeUninitializedCapacity: raw.count / 4) { buffer, count in
          UnsafeMutableRawBufferPointer(buffer).copyMemory(from: raw)
          count = raw.count / 4
        }
        return copy.withUnsafeBufferPointer(body)
      }
    }
  }

  /// As a tensor, index k of which is index `order[k]` of this; nil for whole numbers.
  package func tensor(_ order: [Int]? = nil) -> Tensor? {
    guard content.isFloat else { return nil }
    return withFloats { Tensor.transposing($0, shape: shape, order ?? Array(shape.indices)) }
  }
}
