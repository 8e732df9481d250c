import Synchronization

/// A file that is read piece by piece, for what is larger than the memory that it is to take.
///
/// What cannot be read, since the file has become shorter or its disk fails, reads as zeros, and
/// `failure` says so: whoever is done asks for it.
package final class PiecewiseFile: @unchecked Sendable {  // what changes is behind a lock
  private let file: FileDescriptor
  package let count: Int
  private let state = Mutex(State())

  private struct State {
    /// What was read last for single bytes, and where it begins.
    var window: [UInt8] = []
    var start = 0
    var failure: FileError?
  }

  private static let windowSize = 1 << 16

  package init(_ path: String) throws(FileError) {
    file = try FileDescriptor.reading(path)
    count = try file.size()
  }

  package var failure: FileError? { state.withLock { $0.failure } }

  package subscript(place: Int) -> UInt8 {
    state.withLock { state in
      if place < state.start || place >= state.start + state.window.count {
        state.start = place
        state.window = read(place..<min(place + Self.windowSize, count), &state)
      }
      return state.window[place - state.start]
    }
  }

  package func bytes(_ range: Range<Int>) -> [UInt8] { state.withLock { read(range, &$0) } }

  private func read(_ range: Range<Int>, _ state: inout State) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      count = range.count
      var done = 0
      do throws(FileError) {
        done = try file.read(
          into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
        if done < range.count { throw FileError(shrunken: file.path) }
      } catch { state.failure = state.failure ?? error }
      UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[done...])
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
  }
}
