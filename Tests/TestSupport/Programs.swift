import Foundation

/// What the `gzip` program makes of the bytes.
package func gzipped(_ bytes: [UInt8]) throws -> [UInt8] {
  let folder = try TemporaryFolder()
  let plain = try folder.file("content", bytes)
  try run("/bin/sh", "-c", "exec gzip -n \"$0\"", plain)
  return [UInt8](try Data(contentsOf: URL(fileURLWithPath: plain + ".gz")))
}

@discardableResult
package func run(_ program: String, _ arguments: String...) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let output = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  if process.terminationStatus != 0 {
    throw TestFailure(message: "\(program) \(arguments) ended with \(process.terminationStatus)")
  }
  return String(decoding: output, as: UTF8.self)
}

/// A socket at a path.
package func makeSocket(_ path: String) throws {
  let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(file) }
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  let length = socklen_t(MemoryLayout<sockaddr_un>.size)
  let code = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(file, $0, length) }
  }
  if code != 0 { throw TestFailure(message: "no socket \(path): \(errno)") }
}

package struct TestFailure: Error { let message: String }
