/// The class of each of some samples, by its number from 0: what is to be learned of them, or what they
/// were taken for.
///
/// It owns its storage, two bytes for each sample, so that 65,536 classes can be told apart. Sources give
/// it, losses and evaluations take it, each with the number of a sample, and none of them knows how a
/// class is kept: a target of another kind, as a number or a sequence, is another such value beside this.
public struct Labels: Hashable, Sendable {
  /// The most classes that there may be.
  public static let mostClasses = 1 << 16

  /// (N)
  @usableFromInline var classes: [UInt16]

  /// - Precondition: every number is in 0..<65,536; readers of files check it first.
  public init(_ numbers: some Sequence<some BinaryInteger>) { classes = numbers.map { UInt16($0) } }

  public init() { classes = [] }

  /// `count` samples, all of one class.
  public init(repeating number: Int, count: Int) {
    classes = Array(repeating: UInt16(number), count: count)
  }

  /// So many samples, whose classes the closure writes, each of which starts as 0.
  package init(count: Int, writing: (UnsafeMutablePointer<UInt16>) -> Void) {
    classes = Array(repeating: 0, count: count)
    classes.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { writing(base) } }
  }

  /// The labels of some of the samples, in the order of their numbers here.
  public func chosen(_ samples: some Sequence<Int32>) -> Labels {
    var chosen = Labels()
    chosen.classes = samples.map { classes[Int($0)] }
    return chosen
  }

  /// How many samples each of so many classes has.
  /// - Precondition: every label is less than `count`.
  public func counts(ofClasses count: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: count)
    for number in classes { counts[Int(number)] += 1 }
    return counts
  }

  /// The samples of each of so many classes, in ascending order.
  /// - Precondition: every label is less than `count`.
  public func members(ofClasses count: Int) -> [[Int32]] {
    var members = [[Int32]](repeating: [], count: count)
    for (sample, number) in classes.enumerated() { members[Int(number)].append(Int32(sample)) }
    return members
  }

  /// Two bytes for each label, the lower first.
  public var bytes: [UInt8] { classes.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] } }

  /// One byte for each label where there are at most 256 classes, else two.
  /// - Precondition: every label is less than `count`.
  public func bytes(ofClasses count: Int) -> [UInt8] {
    count <= 256 ? classes.map { UInt8($0) } : bytes
  }

  public static func + (first: Labels, second: Labels) -> Labels {
    var both = first
    both.classes += second.classes
    return both
  }
}

extension Labels: RandomAccessCollection, MutableCollection {
  @inlinable
  public var startIndex: Int { 0 }

  @inlinable
  public var endIndex: Int { classes.count }

  @inlinable
  public func index(after i: Int) -> Int { i + 1 }

  public subscript(sample: Int) -> Int {
    @inlinable
    get { Int(classes[sample]) }
    @inlinable
    set { classes[sample] = UInt16(newValue) }
  }

  public mutating func append(_ number: Int) { classes.append(UInt16(number)) }

  public mutating func reserveCapacity(_ count: Int) { classes.reserveCapacity(count) }
}

extension Labels: ExpressibleByArrayLiteral {
  public init(arrayLiteral numbers: Int...) { self.init(numbers) }
}
