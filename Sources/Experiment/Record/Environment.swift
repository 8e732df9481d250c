import Datasets
import Glibc
import Storage

/// What a run computed with. Of these only the kernel may decide bits; the rest is kept so that a
/// difference can be explained.
public struct Environment: Hashable, Sendable {
  /// Of all programs that are built here.
  public static let programVersion = "0.1.0"

  /// The program and its version.
  public var program: String
  /// The repository that the run was started in; nil outside of one.
  public var tree: WorkingTree?
  public var toolchain: String
  public var openBLAS: String
  public var kernel: String
  public var cpu: String
  public var system: String
  public var threads: Int

  public init(
    program: String, tree: WorkingTree? = nil, toolchain: String, openBLAS: String,
    kernel: String, cpu: String, system: String, threads: Int
  ) {
    self.program = program
    self.tree = tree
    self.toolchain = toolchain
    self.openBLAS = openBLAS
    self.kernel = kernel
    self.cpu = cpu
    self.system = system
    self.threads = threads
  }

  public var json: JSONValue {
    [
      "program": JSONValue(program),
      "git_commit": JSONValue(tree?.commit),
      "git_dirty": tree.map { JSONValue($0.isModified) } ?? .null,
      "git_diff_sha256": JSONValue(tree?.difference),
      "toolchain": JSONValue(toolchain),
      "openblas": JSONValue(openBLAS),
      "kernel": JSONValue(kernel),
      "cpu": JSONValue(cpu),
      "system": JSONValue(system),
      "threads": JSONValue(threads),
    ]
  }

  /// What a run.json says; what it doesn't say is "unknown".
  init(json: JSONValue) {
    func text(_ key: String) -> String { json[key]?.string ?? "unknown" }
    self.init(
      program: text("program"), tree: WorkingTree(json: json), toolchain: text("toolchain"),
      openBLAS: text("openblas"), kernel: text("kernel"), cpu: text("cpu"),
      system: text("system"), threads: json["threads"]?.int ?? 0)
  }

  /// What differs from another environment, as "kernel: HASWELL, was SKYLAKEX". Threads don't count:
  /// they change no bit.
  public func differences(from recorded: Environment) -> [String] {
    let pairs = [
      ("kernel", kernel, recorded.kernel),
      ("OpenBLAS", openBLAS, recorded.openBLAS),
      ("toolchain", toolchain, recorded.toolchain),
      ("program", program, recorded.program),
      ("commit", tree?.description ?? "none", recorded.tree?.description ?? "none"),
      ("CPU", cpu, recorded.cpu),
    ]
    return pairs.filter { $0.1 != $0.2 }.map { "\($0.0): \($0.1), was \($0.2)" }
  }

  /// The compiler that built this program, and how.
  public static var toolchain: String {
    #if compiler(>=6.4)
      let compiler = "Swift 6.4 or later"
    #elseif compiler(>=6.3.2)
      let compiler = "Swift 6.3.2 or later"
    #elseif compiler(>=6.3.1)
      let compiler = "Swift 6.3.1"
    #elseif compiler(>=6.3)
      let compiler = "Swift 6.3"
    #elseif compiler(>=6.2)
      let compiler = "Swift 6.2"
    #else
      let compiler = "Swift 6.1"
    #endif
    #if DEBUG
      return compiler + ", debug"
    #else
      return compiler + ", release"
    #endif
  }

  /// The processor's own name for itself.
  public static var cpu: String {
    let text = (try? Files.readText("/proc/cpuinfo")) ?? ""
    for line in text.split(separator: "\n") where line.hasPrefix("model name") {
      if let colon = line.firstIndex(of: ":") {
        return String(line[line.index(after: colon)...].drop { $0 == " " })
      }
    }
    return "unknown"
  }

  /// The operating system: "Linux 6.1.0 x86_64".
  public static var system: String {
    var name = utsname()
    guard uname(&name) == 0 else { return "unknown" }
    func text<T>(_ field: T) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    return "\(text(name.sysname)) \(text(name.release)) \(text(name.machine))"
  }
}
