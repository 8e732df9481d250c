import Foundation

/// The built program, run as a user would run it.
package enum Program {
  /// Beside the test bundle in the build folder.
  package static let path: String = {
    var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      let candidate = folder.appending(path: "runner").path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return candidate
      }
    }
    return "runner"
  }()

  package struct Result {
    package var status: Int32
    package var output: String
    package var errors: String
    /// The signal that ended the process, if one did.
    package var signal: Int32?
  }

  /// A process under way, in a folder of its own.
  package final class Running {
    package let process = Process()
    private let output: URL
    private let errors: URL
    private let outputHandle: FileHandle
    private let errorHandle: FileHandle

    package init(_ executable: String, _ arguments: [String], in folder: TemporaryFolder) throws {
      let id = UUID().uuidString
      output = folder.url.appending(path: ".stdout-\(id)")
      errors = folder.url.appending(path: ".stderr-\(id)")
      try Data().write(to: output)
      try Data().write(to: errors)
      outputHandle = try FileHandle(forWritingTo: output)
      errorHandle = try FileHandle(forWritingTo: errors)
      process.executableURL = URL(filePath: executable)
      process.arguments = arguments
      process.currentDirectoryURL = folder.url
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = outputHandle
      process.standardError = errorHandle
      var environment = ProcessInfo.processInfo.environment
      environment["OPENBLAS_CORETYPE"] = nil
      environment["RUNNER_KERNEL_SET"] = nil
      environment["RUNNER_DATA"] = nil
      process.environment = environment
      try process.run()
    }

    package func send(_ signals: Int32...) {
      for signal in signals { kill(process.processIdentifier, signal) }
    }

    package func wait() throws -> Result {
      process.waitUntilExit()
      let ended = process.terminationReason == .uncaughtSignal
      return Result(
        status: process.terminationStatus,
        output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
        errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self),
        signal: ended ? process.terminationStatus : nil)
    }
  }

  package static func start(_ arguments: String..., in folder: TemporaryFolder) throws -> Running {
    try Running(path, arguments, in: folder)
  }

  package static func run(_ arguments: String..., in folder: TemporaryFolder) throws -> Result {
    try run(arguments, in: folder)
  }

  package static func run(_ arguments: [String], in folder: TemporaryFolder) throws -> Result {
    try Running(path, arguments, in: folder).wait()
  }

  /// Runs a line of the shell's, in which `$RUNNER` is the program.
  package static func shell(_ line: String, in folder: TemporaryFolder) throws -> Result {
    try Running("/bin/sh", ["-c", "RUNNER='\(path)'; \(line)"], in: folder).wait()
  }
}

/// Waits until a condition holds, a minute at most.
package func waitUntil(
  _ what: String, _ condition: () throws -> Bool
) throws {
  for _ in 0..<12_000 {
    if try condition() { return }
    usleep(5000)
  }
  throw TestFailure(message: "waited in vain: \(what)")
}
