import Foundation
import Testing

/// Numbers of other libraries; the scripts in Fixtures made them.
enum Fixture {
  static func load<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appendingPathComponent("Fixtures/\(name).json"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(T.self, from: data)
  }
}

/// Expects max |actual − expected| ≤ tolerance · max |expected|.
func expectClose(
  _ actual: [Float], _ expected: [Double], within tolerance: Double = 1e-5,
  _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(what()): \(actual.count) numbers, not \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let largest = expected.map(abs).max() ?? 0
  for i in actual.indices where !(abs(Double(actual[i]) - expected[i]) <= tolerance * largest) {
    Issue.record(
      "\(what()): [\(i)] is \(actual[i]), not \(expected[i]) (largest \(largest))",
      sourceLocation: sourceLocation)
    return
  }
}
