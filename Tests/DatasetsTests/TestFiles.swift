import ConvNet
import Foundation

@testable import Datasets

/// A folder of its own for one test, removed with its owner.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "datasets-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
  }
}

/// What the `gzip` program makes of the bytes.
func gzipped(_ bytes: [UInt8]) throws -> [UInt8] {
  let folder = try TemporaryFolder()
  let plain = try folder.file("content", bytes)
  try run("/bin/sh", "-c", "exec gzip -n \"$0\"", plain)
  return [UInt8](try Data(contentsOf: URL(fileURLWithPath: plain + ".gz")))
}

@discardableResult
func run(_ program: String, _ arguments: String...) throws -> String {
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
func makeSocket(_ path: String) throws {
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

struct TestFailure: Error { let message: String }

/// The bytes of an IDX file.
func idx(_ dimensions: [Int], type: UInt8 = 8, content: [UInt8]) -> [UInt8] {
  var bytes: [UInt8] = [0, 0, type, UInt8(dimensions.count)]
  for d in dimensions {
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: d >> shift)) }
  }
  return bytes + content
}

/// A small set of images of bytes that vary.
func smallSet(
  _ count: Int, height: Int = 4, width: Int = 3, channels: Int = 1, classes: Int = 10
) -> ImageSet {
  ImageSet(
    height: height, width: width, channels: channels, classes: classes,
    pixels: (0..<count * height * width * channels).map { UInt8(truncatingIfNeeded: $0 &* 37) },
    labels: Labels((0..<count).map { $0 * 7 % classes }))
}

/// Where the real MNIST lies, when it is on this machine.
let realMNIST: DatasetLocator? = {
  let locator = DatasetLocator(
    dataFolder: nil, environment: ProcessInfo.processInfo.environment, currentFolder: ".")
  return locator.locate(DatasetCatalog.mnist).0 == nil ? nil : locator
}()
