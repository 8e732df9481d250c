import Glibc

/// The memory that this process can still take, by each of the limits that hold for it.
public struct AvailableMemory: Hashable, Sendable {
  public enum Limit: Hashable, Sendable, CustomStringConvertible {
    /// `RLIMIT_AS`, of the process alone: all that it maps, whether it is ever touched or not.
    case addressSpace
    /// `RLIMIT_DATA`, of the process alone: what it maps to write to.
    case data
    /// That of a control group which the process is in, with all others in it.
    case controlGroup(String)
    /// What the machine has, for all.
    case machine

    public var description: String {
      switch self {
      case .addressSpace: "the limit on the program's address space (ulimit -v)"
      case .data: "the limit on the program's data (ulimit -d)"
      case .controlGroup(let path): "the memory limit of the control group \(path)"
      case .machine: "this machine, with what else runs on it,"
      }
    }

    /// Whether each process has one of its own, which also counts what is never touched.
    public var isOfProcess: Bool { self == .addressSpace || self == .data }
  }

  public struct Bound: Hashable, Sendable {
    public let limit: Limit
    /// What it leaves.
    public let bytes: Int
  }

  /// Empty where nothing is known of any.
  public let bounds: [Bound]

  package init(bounds: [Bound]) { self.bounds = bounds }

  /// - Parameter root: before `/proc` and `/sys`; another folder for tests.
  public init(root: String = "") {
    var bounds: [Bound] = []
    func add(_ limit: Limit, _ bytes: Int?, less used: Int = 0) {
      if let bytes { bounds.append(Bound(limit: limit, bytes: max(0, bytes - used))) }
    }
    let status = Self.fields("\(root)/proc/self/status")
    add(
      .addressSpace, Self.resource(__rlimit_resource_t(RLIMIT_AS.rawValue)),
      less: 1024 * (status["VmSize"] ?? 0))
    add(
      .data, Self.resource(__rlimit_resource_t(RLIMIT_DATA.rawValue)),
      less: 1024 * (status["VmData"] ?? 0))
    for group in Self.controlGroups(root: root) { add(group.limit, group.bytes) }
    let machine = Self.fields("\(root)/proc/meminfo")
    add(.machine, machine["MemAvailable"].map { 1024 * ($0 + (machine["SwapFree"] ?? 0)) })
    self.bounds = bounds
  }

  /// The bound that is broken by the most, where a process takes `bytes` and maps `untouched` more, and
  /// there are so many such processes; nil where all fits.
  public func broken(
    by bytes: Int, untouched: Int = 0, processes: Int = 1
  ) -> (bound: Bound, needed: Int)? {
    bounds.map { bound in
      let (needed, isBeyond) =
        bound.limit.isOfProcess
        ? bytes.addingReportingOverflow(untouched)
        : bytes.multipliedReportingOverflow(by: processes)
      return (bound, isBeyond ? .max : needed)
    }.filter { $0.1 > $0.0.bytes }.max { $0.1 - $0.0.bytes < $1.1 - $1.0.bytes }
  }

  // MARK: -

  private static func resource(_ resource: __rlimit_resource_t) -> Int? {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur != rlim_t.max else { return nil }
    return Int(clamping: limit.rlim_cur)
  }

  /// What the groups leave from the process's own up to the one of all.
  private static func controlGroups(root: String) -> [Bound] {
    guard let text = text("\(root)/proc/self/cgroup") else { return [] }
    return text.split(separator: "\n").flatMap { line -> [Bound] in
      // hierarchy:controllers:path; the second version has no controllers here.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let isSecond = parts[0] == "0" && parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains("memory") else { return [] }
      let mount = "\(root)/sys/fs/cgroup" + (isSecond ? "" : "/memory")
      // A path that leads out of what this process sees has only its end here, the mount itself.
      var path = parts[2].contains("..") ? "" : String(parts[2])
      var bounds: [Bound] = []
      while true {
        if path.hasSuffix("/") { path.removeLast() }
        if let bytes = left(in: mount + path, isSecond: isSecond) {
          bounds.append(Bound(limit: .controlGroup(path.isEmpty ? "/" : path), bytes: bytes))
        }
        guard let end = path.lastIndex(of: "/") else { return bounds }
        path = String(path[..<end])
      }
    }
  }

  /// What one group's limit leaves, its files' pages counted as free, for the kernel gives them up; nil
  /// where it has no limit.
  private static func left(in folder: String, isSecond: Bool) -> Int? {
    func number(_ name: String) -> Int? {
      text("\(folder)/\(name)").flatMap { Int($0.prefix { $0.isNumber }) }
    }
    let limits =
      isSecond ? [number("memory.max"), number("memory.high")] : [number("memory.limit_in_bytes")]
    // The first version says "none" by the largest number of whole pages.
    guard let limit = limits.compactMap(\.self).min(), limit < 1 << 60 else { return nil }
    let used = number(isSecond ? "memory.current" : "memory.usage_in_bytes") ?? 0
    let statistics = fields("\(folder)/memory.stat")
    let names =
      isSecond
      ? ["inactive_file", "active_file"] : ["total_inactive_file", "total_active_file"]
    let files = names.reduce(0) { $0 + (statistics[$1] ?? 0) }
    return max(0, limit - max(0, used - files))
  }

  /// The numbers of a file with a name and a number in each line.
  private static func fields(_ path: String) -> [String: Int] {
    var fields: [String: Int] = [:]
    for line in (text(path) ?? "").split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ":" })
      if words.count >= 2, let value = Int(words[1]) { fields[String(words[0])] = value }
    }
    return fields
  }

  /// Such a file is short, and has no length before it is read.
  private static func text(_ path: String) -> String? {
    guard let file = try? FileDescriptor.reading(path) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else {
      return nil
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}

/// More memory than there is, known before any of it was taken; the whole message to the user.
public struct MemoryShortage: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }

  /// "training lenet takes 80 MB, but the limit on … leaves 40 MB"
  public static func sentence(
    _ what: String, _ needed: Int, _ bound: AvailableMemory.Bound
  ) -> String {
    "\(what) \(megabytes(needed)), but \(bound.limit) leaves \(megabytes(bound.bytes))"
  }

  /// "1,234 MB"
  public static func megabytes(_ bytes: Int) -> String {
    let digits = String(bytes / 1_000_000 + (bytes % 1_000_000 >= 500_000 ? 1 : 0))
    var text = ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return bytes == .max ? "more than can be counted" : text + " MB"
  }
}
