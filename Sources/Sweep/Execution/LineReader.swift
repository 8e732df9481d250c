import ConvNet
import Datasets
import Experiment
import Glibc
import Storage

/// Lines that come through a pipe.
struct LineReader {
  let file: Int32
  private var bytes: [UInt8] = []
  private var start = 0

  init(file: Int32) { self.file = file }

  /// The next line without its end; nil when the pipe is closed. Waits for it.
  mutating func next() throws(FileError) -> [UInt8]? {
    while true {
      if let line = buffered() { return line }
      guard try fill() else { return nil }
    }
  }

  /// A line that has come already.
  mutating func buffered() -> [UInt8]? {
    guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer {
      start = end + 1
      if start == bytes.count {
        bytes.removeAll(keepingCapacity: true)
        start = 0
      }
    }
    return Array(bytes[start..<end])
  }

  /// Takes what has come, and waits where nothing has; false when the pipe is closed.
  mutating func fill() throws(FileError) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let n = chunk.withUnsafeMutableBytes { read(file, $0.baseAddress!, $0.count) }
      if n < 0 && errno == EINTR { continue }
      guard n >= 0 else { throw FileError("read", "a worker's pipe", code: errno) }
      bytes += chunk[..<n]
      return n > 0
    }
  }

  static func write(_ line: String, to file: Int32) throws(FileError) {
    try FileDescriptor.writeAll(Array("\(line)\n".utf8), to: file, path: "a worker's pipe")
  }
}

/// Ends this process as soon as the other end of a pipe is closed, whatever it is doing.
/// - Throws: `ThreadRefused` where there is no thread to watch it.
func exitWhenClosed(standardInput file: Int32) throws(ThreadRefused) {
  _ = try SystemThread {
    while true {
      var watched = pollfd(fd: file, events: 0, revents: 0)
      let n = poll(&watched, 1, -1)
      if n > 0, Int32(watched.revents) & (POLLHUP | POLLERR) != 0 {
        _exit(1)
      }
    }
  }
}
