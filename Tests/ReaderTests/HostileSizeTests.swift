import Testing

/// Small in one way and large in another: what takes time or memory by the square of a file's length
/// would hold the program for minutes.
@Suite struct HostileSizeTests {
  struct Input: CustomTestStringConvertible, Sendable {
    let reader: String
    let what: String
    let text: @Sendable () -> String
    var testDescription: String { "\(reader): \(what)" }

    init(_ reader: String, _ what: String, _ text: @autoclosure @escaping @Sendable () -> String) {
      self.reader = reader
      self.what = what
      self.text = text
    }
  }

  private static func many(_ count: Int, _ item: (Int) -> String) -> String {
    (0..<count).map(item).joined(separator: ",")
  }

  static let inputs = [
    Input("json", "20,000 equal keys in a line", "{\(many(20_000) { _ in "\"a\":1" })}"),
    Input("json", "60,000 keys", "{\(many(60_000) { "\"k\($0)\":1" })}"),
    Input("spec", "3,000 unknown keys in a line", "{\(many(3000) { "\"k\($0)\":1" })}"),
    Input("spec", "a name of 900,000 letters", "{\"name\":\"\(many(450_000) { _ in "x" })\"}"),
    Input(
      "spec", "a layer repeated 10^30 times",
      "{\"model\":["
        + String(repeating: "{\"layer\":\"repeat\",\"times\":1000,\"layers\":[", count: 10)
        + "{\"layer\":\"flatten\"}" + String(repeating: "]}", count: 10) + "]}"),
    Input("sweep", "3,000 unknown keys in a line", "{\(many(3000) { "\"k\($0)\":1" })}"),
    Input("metrics", "200,000 columns", "epoch,\(many(200_000) { "c\($0)" })\n"),
    Input("csv", "500,000 fields", "label,\(many(500_000) { _ in "1" })\n"),
    Input(
      "csv", "300,000 columns without a name",
      "x,\(many(300_000) { _ in "" })\n9,\(many(300_000) { _ in "1" })\n"),
    Input(
      "csv", "100,000 columns of texts",
      "\(many(100_000) { _ in "x" })\n\(many(100_000) { _ in "y" })\n"),
    Input("trials", "500,000 fields", "trial,\(many(500_000) { _ in "1" })\n"),
  ]

  @Test(.timeLimit(.minutes(2)), arguments: inputs) func isReadSoon(_ input: Input) throws {
    let reader = try #require(Reader.all.first { $0.name == input.reader })
    #expect(!reader.read(Array(input.text().utf8)).isEmpty)
  }
}
