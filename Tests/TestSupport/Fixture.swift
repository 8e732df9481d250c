import Foundation

/// Other libraries' own numbers, in the folder `Fixtures` beside a test, under the scripts that made
/// them.
package enum Fixture {
  /// - Parameter test: the file of the test.
  package static func url(_ name: String, beside test: String = #filePath) -> URL {
    URL(filePath: test).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
  }

  /// What `Fixtures/NAME.json` holds, its keys in snake_case.
  package static func load<T: Decodable>(
    _ name: String, as type: T.Type, beside test: String = #filePath
  ) throws -> T {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(T.self, from: Data(contentsOf: url("\(name).json", beside: test)))
  }
}
