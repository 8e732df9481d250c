import ConvNet
import Experiment
import FoundationEssentials
import Storage
import Testing

@testable import Search
@testable import Sweep

/// Broken sweeps, however they are broken, give a sweep or errors with their places; never a trap.
struct SweepSpecFuzzTests {
  /// Pieces that make a mutation more than noise.
  static let pieces = [
    "{", "}", "[", "]", ",", ":", "\"", "null", "true", "-1", "0", "1e999", "1.5", "99999999999999",
    "18446744073709551615", "\n", "é", "\"$rate\"", "\"$x\"", "\"val_loss\"", "\"seed\"", "{}",
    "[]", "[1, 2]", "[0.1, 0.2]", "\"grid\"", "\"pbt\"", "\"tpe\"", "\"scale\": \"log\",",
    "{ \"choice\": [1, 2] }", "{ \"choice\": { \"a\": 1, \"b\": 2 } }", "{ \"range\": [1, 2] }",
    "{ \"integers\": [1, 9] }", "{ \"optimizer.name\": [\"sgd\"] }", "\"1-3\"", "\"2h\"",
    "{ \"name\": \"hyperband\" }", "{ \"name\": \"median\" }", "{ \"name\": \"grid\" }",
    "{ \"name\": \"successive_halving\", \"eta\": 2 }", "{ \"name\": \"pbt\" }", "\"model\"",
    "\"$rate\": { \"range\": [0, 0.5] },", "\"points\": 3,", "\"optimizer.name\"",
  ]

  @Test(arguments: 0..<8) func mutatedBytes(seed: UInt64) throws {
    let original = Array(SweepSpecErrorTests.base.utf8)
    var stream = RandomStream(seed: seed, purpose: .probe)
    var accepted = 0
    for _ in 0..<40 {
      var bytes = original
      for _ in 0...stream.below(3) {
        let place = Int(stream.below(UInt32(bytes.count)))
        let end = min(bytes.count, place + Int(stream.below(12)))
        switch stream.below(5) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: stream.next())
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 3: bytes[place] = UInt8(ascii: "0") + UInt8(stream.below(10))
        default:
          bytes.insert(
            contentsOf: Self.pieces[Int(stream.below(UInt32(Self.pieces.count)))].utf8, at: place)
        }
        if bytes.isEmpty { bytes = [0x20] }
      }
      if try Self.isAccepted(bytes) { accepted += 1 }
    }
    #expect(accepted < 40)
  }

  /// Mutations that stay JSON reach the checks behind the parser.
  @Test(arguments: 0..<8) func mutatedValues(seed: UInt64) throws {
    let values = Self.pieces.compactMap { try? JSONValue(parsing: Array($0.utf8), name: "") }
    let original = try JSONValue(parsing: Array(SweepSpecErrorTests.base.utf8), name: "")
    var stream = RandomStream(seed: seed, purpose: .probe)
    var accepted = 0
    for _ in 0..<80 {
      var document = original
      for _ in 0...stream.below(2) { document = Self.mutated(document, values, &stream) }
      if try Self.isAccepted(Array(document.pretty.utf8)) { accepted += 1 }
    }
    #expect(accepted > 0)
  }

  static func mutated(
    _ value: JSONValue, _ values: [JSONValue], _ stream: inout RandomStream
  ) -> JSONValue {
    switch value {
    case .object(var object) where !object.isEmpty && stream.below(10) > 0:
      let key = object.keys[Int(stream.below(UInt32(object.keys.count)))]
      switch stream.below(10) {
      case 0: object[key] = Optional<JSONValue>.none
      case 1:
        let name = values[Int(stream.below(UInt32(values.count)))].string ?? "points"
        object[name] = values[Int(stream.below(UInt32(values.count)))]
      default: object[key] = mutated(object[key]!, values, &stream)
      }
      return .object(object)
    case .array(var items) where !items.isEmpty && stream.below(10) > 0:
      let index = Int(stream.below(UInt32(items.count)))
      switch stream.below(8) {
      case 0: items.remove(at: index)
      case 1: items.insert(items[Int(stream.below(UInt32(items.count)))], at: index)
      default: items[index] = mutated(items[index], values, &stream)
      }
      return .array(items)
    default: return values[Int(stream.below(UInt32(values.count)))]
    }
  }

  /// Whether the bytes are a sweep; if so it survives a round trip and its trials are experiments,
  /// else every error has its place.
  static func isAccepted(_ bytes: [UInt8]) throws -> Bool {
    let loaded: LoadedSweep
    do throws(SpecErrors) {
      loaded = try SweepSpec.load(bytes: bytes, name: "s.json")
      _ = try loaded.checkTrials()
    } catch {
      let lines = bytes.count { $0 == UInt8(ascii: "\n") } + 1
      #expect(!error.diagnostics.isEmpty)
      var last = (0, 0)
      for diagnostic in error.diagnostics {
        let place = (diagnostic.line ?? 0, diagnostic.column ?? 0)
        #expect(place.0 >= 1 && place.0 <= lines && place.1 >= 1)
        #expect(place >= last, "not in order: \(error)")
        #expect(!diagnostic.message.isEmpty)
        last = place
      }
      return false
    }
    let spec = loaded.spec
    try SweepSpecTests.checkRoundTrip(spec)
    let random = RandomSampler(space: spec.space, seed: 7)
    for trial in 0..<4 {
      let configuration = random.configuration(trial: trial)
      let experiment = try loaded.template.experiment(for: configuration, seed: 3)
      #expect(try spec.experiment(for: configuration, seed: 3) == experiment)
      #expect(experiment.seed == 3)
    }
    for trial in [0, spec.trials - 1] { #expect(spec.cohort(of: trial) <= trial) }
    return true
  }

  @Test func mutatedArguments() {
    let keys = [
      "seed", "seeds", "name", "base", "base.model", "set", "set.x", "parameters", "sampler",
      "parameters.\"$rate\"", "parameters.\"$rate\".range[0]", "parameters.\"\"", "model[0]",
      "model[0].filters", "training.epochs", "trials", "early_termination.name", "a.b.c", "[0]", "",
      "\"", "optimizer.name", "lag", "time_limit", "confirm", "metric", "direction",
    ]
    for (row, key) in keys.enumerated() {
      for (column, piece) in Self.pieces.enumerated() where (row + column) % 4 == 0 {
        let argument = "\(key)=\(piece)"
        for line in SweepSpecErrorTests.errors(SweepSpecErrorTests.base, [argument]) {
          #expect(line.hasPrefix("command line: ") || line.hasPrefix("s.json:"), "\(argument)")
        }
        for line in SweepSpecAdHocTests.errors([argument, "model[0].bias=true,false"]) {
          #expect(line.hasPrefix("command line: ") || line.hasPrefix("x.json:"), "\(argument)")
        }
      }
    }
  }
}
