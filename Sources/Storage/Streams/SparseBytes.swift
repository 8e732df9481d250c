/// Elements of some bytes each, of which many are nothing but zeros: a mask with a bit for each, that of the i-th
/// element bit i mod 8 of byte i / 8, and one after another those whose bit is 1. An element is left out where
/// all of its bits are 0, so that of a float −0 and NaN are kept.
public struct SparseBytes: Sendable {
  public private(set) var mask: [UInt8]
  public private(set) var elements: [UInt8] = []

  /// - Parameter width: the bytes of an element.
  public init(_ bytes: UnsafeRawBufferPointer, width: Int) {
    precondition(width > 0 && bytes.count % width == 0)
    let count = bytes.count / width
    mask = [UInt8](repeating: 0, count: Self.maskBytes(of: count))
    for i in 0..<count {
      let element = UnsafeRawBufferPointer(rebasing: bytes[i * width..<(i + 1) * width])
      guard element.contains(where: { $0 != 0 }) else { continue }
      mask[i / 8] |= 1 << UInt8(i % 8)
      elements += element
    }
  }

  /// What is wrong with a mask and its elements that are to stand for so many, as the end of a sentence about
  /// them; nil where nothing is.
  public static func flaw(
    mask: ArraySlice<UInt8>, elements: ArraySlice<UInt8>, width: Int, count: Int
  ) -> String? {
    guard mask.count == maskBytes(of: count) else {
      return "has a mask of \(mask.count) bytes, and \(count) elements need \(maskBytes(of: count))"
    }
    if count % 8 != 0, let last = mask.last, last >> UInt8(count % 8) != 0 {
      return "has a mask with bits behind the last element's"
    }
    let kept = mask.reduce(0) { $0 + $1.nonzeroBitCount }
    guard elements.count == kept * width else {
      return "has \(elements.count / width) elements, and its mask \(kept) bits"
    }
    for start in stride(from: elements.startIndex, to: elements.endIndex, by: width)
    where elements[start..<start + width].allSatisfy({ $0 == 0 }) {
      return "has a zero among what is not zero"
    }
    return nil
  }

  /// All elements, of a mask and elements without a flaw.
  public static func expand(
    mask: ArraySlice<UInt8>, elements: ArraySlice<UInt8>, width: Int,
    into target: UnsafeMutableRawBufferPointer
  ) {
    _ = target.initializeMemory(as: UInt8.self, repeating: 0)
    mask.withUnsafeBytes { mask in
      elements.withUnsafeBytes { elements in
        var next = 0
        for i in 0..<target.count / width where mask[i / 8] >> UInt8(i % 8) & 1 != 0 {
          for byte in 0..<width { target[i * width + byte] = elements[next + byte] }
          next += width
        }
      }
    }
  }

  public static func maskBytes(of count: Int) -> Int { (count + 7) / 8 }
}
