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
  init?(littleEndian bytes: ArraySlice<UInt8>, shape: [Int]) {
    guard bytes.count == 4 * shape.reduce(1, *) else { return nil }
    let values = [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      count = bytes.count / 4
    }
    self.init(values, shape: shape)
  }

  /// The same numbers in the same order, with other indices.
  public func reshaped(_ shape: [Int]) -> Tensor { Tensor(values, shape: shape) }

  /// y[i₀, i₁, …] = x[…], where index k of y is index `order[k]` of x (NumPy's `transpose`).
  public func transposed(_ order: [Int]) -> Tensor {
    precondition(order.sorted() == Array(shape.indices))
    if order == Array(shape.indices) { return self }
    var strides = [Int](repeating: 1, count: shape.count)
    for i in shape.indices.dropLast().reversed() { strides[i] = strides[i + 1] * shape[i + 1] }
    let sizes = order.map { shape[$0] }
    let steps = order.map { strides[$0] }
    let result = [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
      var index = [Int](repeating: 0, count: sizes.count)
      var place = 0
      for target in 0..<values.count {
        buffer[target] = values[place]
        var k = sizes.count - 1
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
}
