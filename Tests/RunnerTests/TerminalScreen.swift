import Foundation
import TerminalText
import TestSupport

/// What a terminal of so many columns shows of what was written on it: enough of one for a bar that is
/// drawn over again.
struct TerminalScreen {
  private(set) var lines = [""]
  /// Lines that were longer than the terminal is wide.
  private(set) var tooLong: [String] = []
  /// Whether anything was coloured.
  private(set) var isColoured = false
  private var row = 0

  init(_ text: String, columns: Int) {
    var rest = Substring(text)
    while let character = rest.popFirst() {
      switch character {
      case "\r\n", "\n":
        row += 1
        if row == lines.count { lines.append("") }
      case "\r": break  // what follows is an erasure, or the beginning of an empty line
      case "\u{1B}":
        rest = rest.dropFirst()
        let number = Int(rest.prefix { $0.isNumber }) ?? 1
        rest = rest.drop { $0.isNumber || $0 == ";" }
        switch rest.popFirst() {
        case "A": row -= number
        case "J":
          lines.removeSubrange((row + 1)...)
          lines[row] = ""
        case "m": isColoured = true
        default: break
        }
      default:
        lines[row].append(character)
        if lines[row].columns > columns, tooLong.last != lines[row] { tooLong.append(lines[row]) }
      }
    }
    while lines.last == "" { lines.removeLast() }
  }
}

extension Program {
  /// Runs the program on a terminal of so many columns, and returns all that it wrote on it.
  static func onTerminal(
    columns: Int, _ arguments: [String], in folder: TemporaryFolder,
    environment changes: [String: String] = [:]
  ) throws -> (status: Int32, text: String) {
    var (controller, terminal): (Int32, Int32) = (-1, -1)
    var size = winsize(ws_row: 40, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    precondition(openpty(&controller, &terminal, nil, nil, &size) == 0)
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    let handle = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    var environment = ProcessInfo.processInfo.environment
    for name in ["OPENBLAS_CORETYPE", "RUNNER_KERNEL_SET", "RUNNER_DATA", "NO_COLOR"] {
      environment[name] = nil
    }
    environment["TERM"] = "xterm"
    process.environment = environment.merging(changes) { $1 }
    try process.run()
    close(terminal)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    // The end of a terminal that nobody has open any more is an error.
    while case let count = read(controller, &chunk, chunk.count), count > 0 {
      bytes += chunk[..<count]
    }
    close(controller)
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
  }
}
