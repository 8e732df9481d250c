/// The energy that the processor's packages took, where the system lets it be read: the counters of
/// Linux's power capping framework (Documentation/power/powercap), in microjoules, each of which begins
/// again at a bound of its own.
public struct EnergyCounter: Sendable {
  /// What the counters stood at.
  public struct Reading: Hashable, Sendable {
    fileprivate let microjoules: [UInt64]
  }

  private struct Zone {
    let counter: String
    let bound: UInt64
  }

  private let zones: [Zone]

  /// Nil where there is no counter, or none that this user may read.
  /// - Parameter root: where the system's files lie.
  public init?(root: String = "") {
    let folder = "\(root)/sys/class/powercap"
    let names = (try? Files.names(in: folder)) ?? []
    zones = names.sorted().compactMap { name in
      // Of a package, intel-rapl:0; what lies within it, intel-rapl:0:0, is counted with it.
      guard name.split(separator: ":").count == 2,
        Self.line("\(folder)/\(name)/name")?.hasPrefix("package") == true,
        let bound = Self.number("\(folder)/\(name)/max_energy_range_uj"),
        Self.number("\(folder)/\(name)/energy_uj") != nil
      else { return nil }
      return Zone(counter: "\(folder)/\(name)/energy_uj", bound: bound)
    }
    if zones.isEmpty { return nil }
  }

  /// Nil where a counter cannot be read any more.
  public func read() -> Reading? {
    let values = zones.compactMap { Self.number($0.counter) }
    return values.count == zones.count ? Reading(microjoules: values) : nil
  }

  /// Joules from one reading to a later one, in which no counter began again more than once.
  public func joules(from start: Reading, to end: Reading) -> Double {
    var sum = 0.0
    for (zone, (before, after)) in zip(zones, zip(start.microjoules, end.microjoules)) {
      sum +=
        after >= before
        ? Double(after - before) : Double(zone.bound) - Double(before) + Double(after)
    }
    return sum * 1e-6
  }

  private static func line(_ path: String) -> String? {
    guard let text = try? Files.readText(path) else { return nil }
    return text.split(separator: "\n").first.map(String.init)
  }

  private static func number(_ path: String) -> UInt64? { line(path).flatMap { UInt64($0) } }
}
