import Storage
import Testing

/// Elements that are kept without their zeros.
@Suite struct SparseBytesTests {
  private static func expanded(_ sparse: SparseBytes, width: Int, count: Int) -> [UInt8] {
    var all = [UInt8](repeating: 0xAA, count: width * count)
    all.withUnsafeMutableBytes {
      SparseBytes.expand(
        mask: sparse.mask[...], elements: sparse.elements[...], width: width, into: $0)
    }
    return all
  }

  private static func flaw(
    _ mask: [UInt8], _ elements: [UInt8], width: Int, count: Int
  ) -> String? {
    SparseBytes.flaw(mask: mask[...], elements: elements[...], width: width, count: count)
  }

  @Test func byHand() {
    let bytes: [UInt8] = [0, 5, 0, 0, 0, 0, 0, 0, 7, 0]
    let sparse = bytes.withUnsafeBytes { SparseBytes($0, width: 1) }
    #expect(sparse.mask == [0b0000_0010, 0b0000_0001] && sparse.elements == [5, 7])
    let pairs = bytes.withUnsafeBytes { SparseBytes($0, width: 2) }
    #expect(pairs.mask == [0b0001_0001] && pairs.elements == [0, 5, 7, 0])
  }

  @Test(arguments: [0, 1, 7, 8, 9, 64, 100], [1, 4]) func comesBack(count: Int, width: Int) {
    var random = SystemRandomNumberGenerator()
    for share in [0, 0.1, 0.9, 1] {
      let bytes = (0..<count).flatMap { _ in
        let isZero = Double.random(in: 0..<1, using: &random) < share
        return (0..<width).map { _ in isZero ? 0 : UInt8.random(in: 0...255, using: &random) }
      }
      let sparse = bytes.withUnsafeBytes { SparseBytes($0, width: width) }
      #expect(Self.expanded(sparse, width: width, count: count) == bytes)
      #expect(Self.flaw(sparse.mask, sparse.elements, width: width, count: count) == nil)
    }
  }

  /// Only what is 0 in all of its bits is left out.
  @Test func floatsKeepTheirBits() {
    let floats: [Float] = [0, -0.0, .nan, .signalingNaN, .leastNonzeroMagnitude, 1, 0, -.infinity]
    let sparse = floats.withUnsafeBytes { SparseBytes($0, width: 4) }
    #expect(sparse.mask == [0b1011_1110])
    let again = Self.expanded(sparse, width: 4, count: 8)
    #expect(floats.withUnsafeBytes { Array($0) } == again)
  }

  @Test func flaws() {
    #expect(
      Self.flaw([1], [9], width: 1, count: 9)
        == "has a mask of 1 bytes, and 9 elements need 2")
    #expect(
      Self.flaw([1, 2], [9, 9], width: 1, count: 9)
        == "has a mask with bits behind the last element's")
    #expect(
      Self.flaw([3], [9, 0, 0, 0], width: 4, count: 8) == "has 1 elements, and its mask 2 bits")
    #expect(
      Self.flaw([3], [9, 9, 9], width: 1, count: 8) == "has 3 elements, and its mask 2 bits")
    #expect(Self.flaw([3], [9, 0], width: 1, count: 8) == "has a zero among what is not zero")
    #expect(Self.flaw([], [], width: 4, count: 0) == nil)
  }
}
