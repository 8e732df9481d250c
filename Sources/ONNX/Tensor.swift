/// An array of numbers, the last index running fastest.
public struct Tensor: Hashable, Sendable {
  public private(set) var shape: [Int]
  public var values: [Float]

  /// - Precondition: as many values as the shape has places.
  public init(_ values: [Float], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *))
    self.values = values
    self.shape = shape
  }

  /// A number for each of some channels.
  public init(_ values: [Float]) { self.init(values, shape: [values.count]) }

  /// The numbers that some bytes hold, four each; nil where they are not as many as the shape has places.
  package init?(littleEndian bytes: ArraySlice<UInt8>, shape: [Int]) {
    guard let tensor = bytes.withUnsafeBytes({ Self(littleEndian: $0, shape: shape) }) else {
      return nil
    }
    self = tensor
  }

  package init?(littleEndian bytes: FileBytes, shape: [Int]) {
    guard let tensor = bytes.withUnsafeBytes({ Self(littleEndian: $0, shape: shape) }) else {
      return nil
    }
    self = tensor
  }

  private init?(littleEndian bytes: UnsafeRawBufferPointer, shape: [Int]) {
    guard bytes.count == 4 * shape.reduce(1, *) else { return nil }
    let values = [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
      count = bytes.count / 4
    }
    self.init(values, shape: shape)
  }

  /// The same numbers in the same order, with other indices.
  public func reshaped(_ shape: [Int]) -> Tensor { Tensor(values, shape: shape) }

  /// y[i₀, i₁, …] = x[…], where index k of y is index `order[k]` of x (NumPy's `transpose`).
  public func transposed(_ order: [Int]) -> Tensor {
    if order == Array(shape.indices) { return self }
    return values.withUnsafeBufferPointer { Self.transposing($0, shape: shape, order) }
  }

  /// The transpose of numbers that lie elsewhere.
  package static func transposing(
    _ values: UnsafeBufferPointer<Float>, shape: [Int], _ order: [Int]
  ) -> Tensor {
    precondition(order.sorted() == Array(shape.indices))
    precondition(values.count == shape.reduce(1, *))
    if order == Array(shape.indices) { return Tensor(Array(values), shape: shape) }
    // Indices of one place are none.
    let real = order.filter { shape[$0] > 1 }
    if real.count == 2, real[0] > real[1] {
      return Tensor(
        turned(values, rows: shape[real[1]], columns: shape[real[0]]),
        shape: order.map { shape[$0] })
    }
    var strides = [Int](repeating: 1, count: shape.count)
    for i in shape.indices.dropLast().reversed() { strides[i] = strides[i + 1] * shape[i + 1] }
    let sizes = order.map { shape[$0] }
    let steps = order.map { strides[$0] }
    // The last index is a loop of its own; those before it are counted.
    let (length, step) = (sizes[sizes.count - 1], steps[sizes.count - 1])
    let result = [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
      var index = [Int](repeating: 0, count: sizes.count - 1)
      var (place, target) = (0, 0)
      while target < values.count {
        for i in 0..<length { buffer[target + i] = values[place + i * step] }
        target += length
        var k = sizes.count - 2
        while k >= 0 {
          index[k] += 1
          place += steps[k]
          if index[k] < sizes[k] { break }
          place -= steps[k] * sizes[k]
          index[k] = 0
          k -= 1
        }
      }
      count = values.count
    }
    return Tensor(result, shape: sizes)
  }

  /// The transpose of a matrix, in blocks that stay in a cache.
  private static func turned(
    _ values: UnsafeBufferPointer<Float>, rows: Int, columns: Int
  ) -> [Float] {
    let side = 32
    return [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
      for top in stride(from: 0, to: rows, by: side) {
        for left in stride(from: 0, to: columns, by: side) {
          for column in left..<min(left + side, columns) {
            for row in top..<min(top + side, rows) {
              buffer[column * rows + row] = values[row * columns + column]
            }
          }
        }
      }
      count = values.count
    }
  }
}
