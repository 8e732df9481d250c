import Glibc
import Storage

/// Immutable bytes: of this process alone, or a part of a file that several processes map, so that
/// its pages are in memory once.
public struct PixelBytes: Sendable {
  private enum Storage: Sendable {
    case array([UInt8])
    case mapping(FileMapping, Range<Int>)
  }

  private let storage: Storage

  public init(_ array: [UInt8]) { storage = .array(array) }

  init(_ mapping: FileMapping, _ range: Range<Int>) {
    precondition(range.upperBound <= mapping.bytes.count)
    storage = .mapping(mapping, range)
  }

  public var count: Int {
    switch storage {
    case .array(let array): array.count
    case .mapping(_, let range): range.count
    }
  }

  @inline(__always)
  public func withUnsafeBufferPointer<R, Failure: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> R
  ) throws(Failure) -> R {
    switch storage {
    case .array(let array): try array.withUnsafeBufferPointer(body)
    case .mapping(let mapping, let range):
      // The pages go with their owner, which nothing else may hold on to while they are read.
      try withExtendedLifetime(mapping) { () throws(Failure) -> R in
        try body(mapping.bytes(in: range))
      }
    }
  }

  /// A copy of some of the bytes.
  public subscript(range: Range<Int>) -> [UInt8] {
    withUnsafeBufferPointer { Array($0[range]) }
  }
}

/// A file mapped for reading, as long as this lives.
final class FileMapping: @unchecked Sendable {
  // Nobody writes to the bytes, hence Sendable.
  let bytes: UnsafeRawBufferPointer

  /// Maps the whole of an open file.
  init(_ file: Int32, named name: String) throws(FileError) {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError("examine", name, code: errno) }
    let length = Int(status.st_size)
    guard length > 0 else { throw FileError("map", name, code: EINVAL) }
    guard let base = mmap(nil, length, PROT_READ, MAP_SHARED, file, 0), base != MAP_FAILED else {
      throw FileError("map", name, code: errno)
    }
    bytes = UnsafeRawBufferPointer(start: base, count: length)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }

  func bytes(in range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(
      start: bytes.baseAddress!.assumingMemoryBound(to: UInt8.self) + range.lowerBound,
      count: range.count)
  }
}
