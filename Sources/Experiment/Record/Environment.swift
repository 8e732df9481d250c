import Datasets
import Glibc
import Storage

/// What a run computed with. Of these only the kernel may decide bits; the rest is kept so that a
/// difference can be explained.
public struct Environment: Hashable, Sendable {
  /// The program and its version.
  public var program: String
  /// The commit of the repository that the run was started in, and whether tracked files differed
  /// from it; nil outside a repository.
  public var commit: String?
  public var isDirty: Bool?
  public var toolchain: String
  public var openBLAS: String
  public var kernel: String
  public var cpu: String
  public var system: String
  public var threads: Int

  public init(
    program: String, commit: String? = nil, isDirty: Bool? = nil, toolchain: String,
    openBLAS: String, kernel: String, cpu: String, system: String, threads: Int
  ) {
    self.program = program
    self.commit = commit
    self.isDirty = isDirty
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
      "git_commit": JSONValue(commit),
      "git_dirty": isDirty.map { JSONValue($0) } ?? .null,
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
      program: text("program"), commit: json["git_commit"]?.string,
      isDirty: json["git_dirty"]?.bool, toolchain: text("toolchain"), openBLAS: text("openblas"),
      kernel: text("kernel"), cpu: text("cpu"), system: text("system"),
      threads: json["threads"]?.int ?? 0)
  }

  /// What differs from another environment, as "kernel: HASWELL, was SKYLAKEX". Threads don't count:
  /// they change no bit.
  public func differences(from recorded: Environment) -> [String] {
    let pairs = [
      ("kernel", kernel, recorded.kernel),
      ("OpenBLAS", openBLAS, recorded.openBLAS),
      ("toolchain", toolchain, recorded.toolchain),
      ("program", program, recorded.program),
      ("commit", commit ?? "none", recorded.commit ?? "none"),
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

  /// The commit checked out in the working folder's repository, and whether tracked files differ
  /// from it. Nil without git or a repository.
  public static var git: (commit: String, isDirty: Bool)? {
    // One process tells both; it takes no lock that another git in this repository would wait for.
    let answer = try? Subprocess.output(
      of: "git",
      [
        "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--no-ahead-behind",
        "--untracked-files=no",
      ], isMerged: false)
    guard let answer else { return nil }
    let lines = answer.output.split(separator: "\n")
    let marker = "# branch.oid "
    // Before the first commit it says "(initial)".
    guard let line = lines.first(where: { $0.hasPrefix(marker) }),
      case let commit = line.dropFirst(marker.count), commit.count >= 40
    else { return nil }
    return (String(commit), lines.contains { !$0.hasPrefix("#") })
  }
}
