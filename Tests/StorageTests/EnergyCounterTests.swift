import TestSupport
import Testing

@testable import Storage

/// Linux's powercap, in a folder that stands for `/`.
@Suite struct EnergyCounterTests {
  private func put(_ root: TemporaryFolder, _ zone: String, _ files: [String: String]) throws {
    for (name, text) in files {
      try root.file("sys/class/powercap/\(zone)/\(name)", Array("\(text)\n".utf8))
    }
  }

  private func root(first: String, second: String) throws -> TemporaryFolder {
    let root = try TemporaryFolder()
    try put(
      root, "intel-rapl:0",
      ["name": "package-0", "energy_uj": first, "max_energy_range_uj": "262143328850"])
    try put(
      root, "intel-rapl:1",
      ["name": "package-1", "energy_uj": second, "max_energy_range_uj": "262143328850"])
    return root
  }

  /// Both packages, and neither what lies within one nor the whole platform, of which they are a part.
  @Test func packagesAreCountedOnce() throws {
    let root = try root(first: "1000000", second: "500000")
    for (zone, name) in [("intel-rapl:0:0", "core"), ("intel-rapl:2", "psys")] {
      try put(root, zone, ["name": name, "energy_uj": "7", "max_energy_range_uj": "262143328850"])
    }
    let counter = try #require(EnergyCounter(root: root.path))
    let start = try #require(counter.read())
    try put(root, "intel-rapl:0", ["energy_uj": "3500000"])
    try put(root, "intel-rapl:1", ["energy_uj": "1500000"])
    try put(root, "intel-rapl:0:0", ["energy_uj": "900000000"])
    #expect(counter.joules(from: start, to: try #require(counter.read())) == 3.5)
  }

  @Test func aCounterBeginsAgainAtItsBound() throws {
    let root = try root(first: "262143000000", second: "0")
    let counter = try #require(EnergyCounter(root: root.path))
    let start = try #require(counter.read())
    try put(root, "intel-rapl:0", ["energy_uj": "671150"])
    #expect(abs(counter.joules(from: start, to: try #require(counter.read())) - 1) < 1e-9)
  }

  /// No folder, or counters that only root may read.
  @Test func whereNothingCanBeRead() throws {
    let root = try TemporaryFolder()
    #expect(EnergyCounter(root: root.path) == nil)
    try put(root, "intel-rapl:0", ["name": "package-0", "max_energy_range_uj": "262143328850"])
    #expect(EnergyCounter(root: root.path) == nil)
  }

  @Test func aCounterThatGoesIsNoReading() throws {
    let root = try root(first: "1", second: "2")
    let counter = try #require(EnergyCounter(root: root.path))
    try put(root, "intel-rapl:1", ["energy_uj": "gone"])
    #expect(counter.read() == nil)
  }
}
