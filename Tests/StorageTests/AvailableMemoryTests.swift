import TestSupport
import Testing

@testable import Storage

/// What the machine's own accounts say of its memory, read from a folder that stands for `/`.
@Suite struct AvailableMemoryTests {
  /// A folder with these files, gone afterwards.
  private func bounds(_ files: [String: String]) throws -> [AvailableMemory.Bound] {
    let root = try TemporaryFolder()
    for (path, text) in files { try root.file(path, Array(text.utf8)) }
    // What limits this process itself is not of the folder.
    return AvailableMemory(root: root.path).bounds.filter { !$0.limit.isOfProcess }
  }

  @Test func nothingIsKnown() throws { #expect(try bounds([:]).isEmpty) }

  /// Memory that can be had, and swap.
  @Test func machine() throws {
    let found = try bounds([
      "proc/meminfo": """
      MemTotal:       24684248 kB
      MemFree:         1000000 kB
      MemAvailable:    2000000 kB
      SwapTotal:        500000 kB
      SwapFree:         300000 kB

      """
    ])
    #expect(found == [.init(limit: .machine, bytes: 2_300_000 * 1024)])
  }

  /// Each group on the way to the root has its say; `high` is a limit too; pages of files are free.
  @Test func secondVersion() throws {
    let found = try bounds([
      "proc/self/cgroup": "0::/jobs/one\n",
      "sys/fs/cgroup/memory.stat": "anon 5\n",
      "sys/fs/cgroup/jobs/memory.max": "9000000\n",
      "sys/fs/cgroup/jobs/memory.high": "max\n",
      "sys/fs/cgroup/jobs/memory.current": "5000000\n",
      "sys/fs/cgroup/jobs/memory.stat": "anon 3000000\ninactive_file 1500000\nactive_file 500000\n",
      "sys/fs/cgroup/jobs/one/memory.max": "8000000\n",
      "sys/fs/cgroup/jobs/one/memory.high": "7000000\n",
      "sys/fs/cgroup/jobs/one/memory.current": "1000000\n",
      "sys/fs/cgroup/jobs/one/memory.stat": "anon 1000000\n",
    ])
    #expect(
      found == [
        .init(limit: .controlGroup("/jobs/one"), bytes: 6_000_000),
        .init(limit: .controlGroup("/jobs"), bytes: 6_000_000),
      ])
  }

  /// In a container the path leads out of what is to be seen, or is not there; the mount is its own.
  @Test(arguments: ["/docker/0123", "/../../init.scope", "/"])
  func container(_ path: String) throws {
    let found = try bounds([
      "proc/self/cgroup": "0::\(path)\n", "sys/fs/cgroup/memory.max": "4096000\n",
      "sys/fs/cgroup/memory.current": "96000\n",
    ])
    #expect(found == [.init(limit: .controlGroup("/"), bytes: 4_000_000)])
  }

  /// The first version writes "none" as the largest number of whole pages.
  @Test func firstVersion() throws {
    let found = try bounds([
      "proc/self/cgroup": "9:name=systemd:/\n4:memory:/batch/job\n3:cpuset:/\n0::/\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "sys/fs/cgroup/memory/batch/job/memory.limit_in_bytes": "2000000\n",
      "sys/fs/cgroup/memory/batch/job/memory.usage_in_bytes": "1500000\n",
      "sys/fs/cgroup/memory/batch/job/memory.stat": "cache 7\ntotal_inactive_file 400000\n",
    ])
    #expect(found == [.init(limit: .controlGroup("/batch/job"), bytes: 900_000)])
  }

  /// Those of a process count what is mapped; those of all count every process.
  @Test func whatIsBroken() throws {
    let available = AvailableMemory(bounds: [
      .init(limit: .addressSpace, bytes: 1000), .init(limit: .machine, bytes: 2000),
    ])
    #expect(available.broken(by: 1000) == nil)
    #expect(available.broken(by: 900, untouched: 101)?.bound.limit == .addressSpace)
    #expect(available.broken(by: 900, untouched: 101)?.needed == 1001)
    #expect(available.broken(by: 700, untouched: 300, processes: 3)?.bound.limit == .machine)
    #expect(available.broken(by: 700, processes: 3)?.needed == 2100)
    #expect(available.broken(by: .max, untouched: .max, processes: .max)?.needed == .max)
    #expect(AvailableMemory(bounds: []).broken(by: .max) == nil)
  }

  /// This machine says something.
  @Test func here() {
    let bounds = AvailableMemory().bounds
    #expect(!bounds.isEmpty && bounds.allSatisfy { $0.bytes > 0 })
  }

  @Test func megabytes() {
    let cases = [
      (0, "0 MB"), (499_999, "0 MB"), (500_000, "1 MB"), (1_234_567_890, "1,235 MB"),
      (999_999_999_999, "1,000,000 MB"), (Int.max, "more than can be counted"),
    ]
    for (bytes, text) in cases { #expect(MemoryShortage.megabytes(bytes) == text) }
  }

  /// What a file announces is refused before it is taken.
  @Test func imagesThatDoNotFit() {
    #expect {
      _ = try filledBytes(1 << 46, "the images take") { _ throws(InputError) in
        Issue.record("was taken")
      }
    } throws: { error in
      (error as? InputError)?.kind == .invalid
        && "\(error)".hasPrefix("the images take 70,368,744 MB, but ")
    }
  }
}
