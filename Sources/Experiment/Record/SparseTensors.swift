import Storage

// A tensor of which much is 0 may be stored without its zeros: what is not 0 under its name, as one row, and
// beside it a mask with a bit for each element.
extension StoredTensor {
  static func maskName(of name: String) -> String { "\(name).mask" }

  /// What the header tells of one more tensor.
  private static let entry = 128

  /// The two that stand for it without its zeros; nil where they take no fewer bytes.
  var withoutZeros: [StoredTensor]? {
    let sparse = bytes.withUnsafeBytes { SparseBytes($0, width: type.size) }
    guard sparse.mask.count + sparse.elements.count + Self.entry < bytes.count else { return nil }
    return [
      StoredTensor(
        name: name, type: type, shape: [sparse.elements.count / type.size],
        bytes: sparse.elements),
      StoredTensor(
        name: Self.maskName(of: name), type: .u8, shape: [sparse.mask.count], bytes: sparse.mask),
    ]
  }
}

extension Safetensors {
  /// What is wrong with a tensor that is stored without its zeros, as the end of a sentence; nil where nothing is.
  /// - Parameters:
  ///   - mask: its mask.
  ///   - count: how many elements it is to have.
  func flaw(of name: String, _ mask: StoredTensor, _ type: ElementType, count: Int) -> String? {
    guard mask.type == .u8, mask.shape.count == 1, let elements = self[name],
      elements.type == type, elements.shape.count == 1
    else { return "has no elements, or a mask, of the type that it needs" }
    return SparseBytes.flaw(
      mask: mask.bytes, elements: elements.bytes, width: type.size, count: count)
  }
}

extension StoredTensor {
  /// Puts all elements of one without a flaw where there is room for just as many.
  func expand(by mask: StoredTensor, into buffer: UnsafeMutableRawBufferPointer) {
    SparseBytes.expand(mask: mask.bytes, elements: bytes, width: type.size, into: buffer)
  }
}
