import ConvNet
import FoundationEssentials
import Storage
import Testing

@testable import Experiment

/// Broken specs, however they are broken, give a spec or errors with their places; never a trap.
struct SpecFuzzTests {
  /// Pieces that make a mutation more than noise.
  static let pieces = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\ud800", "null", "true", "-1", "0", "1e999", "1.5",
    "18446744073709551615", "\n", "\t", "\u{0}", "é", "\"softmax\"", "\"val_loss\"", "\"same\"",
    "\"name\": \"x\",", "{}", "[]", "[3, 3]", "//", "\u{FEFF}", "\"layer\": \"flatten\"",
    "\"units\": 10,", "\"activation\": {\"name\": \"elu\"},", "99999999999999999999", "0.999999999",
  ]

  @Test(arguments: 0..<8) func mutatedBytes(seed: UInt64) throws {
    let path = SpecRoundTripTests.experiments + "/lenet.json"
    let original = try Array(Data(contentsOf: URL(filePath: path)))
    var stream = RandomStream(seed: seed, purpose: .probe)
    var accepted = 0
    for _ in 0..<150 {
      var bytes = original
      for _ in 0...stream.below(3) {
        let place = Int(stream.below(UInt32(bytes.count)))
        let end = min(bytes.count, place + Int(stream.below(12)))
        switch stream.below(6) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: stream.next())
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 3: bytes[place] = UInt8(ascii: "0") + UInt8(stream.below(10))
        case 4: bytes.removeSubrange(place...)
        default:
          bytes.insert(
            contentsOf: Self.pieces[Int(stream.below(UInt32(Self.pieces.count)))].utf8, at: place)
        }
        if bytes.isEmpty { bytes = [0x20] }
      }
      if try Self.isAccepted(bytes) { accepted += 1 }
    }
    #expect(accepted < 150)
  }

  /// Mutations that stay JSON reach the checks behind the parser.
  @Test(arguments: 0..<8, ["reference/varied", "resnet"])
  func mutatedValues(seed: UInt64, spec: String) throws {
    let values = Self.pieces.compactMap { try? JSONValue(parsing: Array($0.utf8), name: "") }
    let path = SpecRoundTripTests.experiments + "/\(spec).json"
    let original = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path))), name: "")
    var stream = RandomStream(seed: seed, purpose: .probe)
    for _ in 0..<150 {
      var document = original
      for _ in 0...stream.below(3) { document = Self.mutated(document, values, &stream) }
      _ = try Self.isAccepted(Array(document.pretty.utf8))
    }
  }

  static func mutated(
    _ value: JSONValue, _ values: [JSONValue], _ stream: inout RandomStream
  ) -> JSONValue {
    switch value {
    case .object(var object) where !object.isEmpty && stream.below(12) > 0:
      let key = object.keys[Int(stream.below(UInt32(object.keys.count)))]
      if stream.below(8) == 0 {
        object[key] = Optional<JSONValue>.none
      } else {
        object[key] = mutated(object[key]!, values, &stream)
      }
      return .object(object)
    case .array(var items) where !items.isEmpty && stream.below(12) > 0:
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

  /// Whether the bytes are a spec; if so it survives a round trip, else every error has its place.
  static func isAccepted(_ bytes: [UInt8]) throws -> Bool {
    let loaded: LoadedSpec
    do throws(SpecErrors) {
      loaded = try ExperimentSpec.load(bytes: bytes, name: "x.json")
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
    try SpecRoundTripTests.checkRoundTrip(loaded.spec)
    return true
  }

  @Test func mutatedOverrides() {
    let keys = [
      "seed", "model", "model[0]", "model[0].activation", "model[0].kernel[1]", "optimizer.name",
      "schedule.warmup", "expect.test_accuracy", "training.epochs.x", "a.b.c", "model[9]", "[0]",
      "", ".", "model[", "model]", "model[-1]", "model[99999999999999999999]", "\"x\"", "dataset",
    ]
    for key in keys {
      for piece in Self.pieces {
        for line in SpecErrorTests.errors(SpecErrorTests.base, ["\(key)=\(piece)"]) {
          #expect(line.hasPrefix("command line: ") || line.hasPrefix("x.json:"))
        }
      }
    }
  }
}
