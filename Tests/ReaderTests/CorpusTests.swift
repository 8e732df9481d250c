import Foundation
import Testing

/// What the fuzzer has found worth keeping, read again: nothing traps, hangs or throws what isn't the
/// program's own error.
@Suite struct CorpusTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "corpus")

  /// Files whose names begin with `sound` are to be read, those with `refused` not.
  @Test(.timeLimit(.minutes(5)), arguments: Reader.all) func isReadOrRefused(_ reader: Reader)
    throws
  {
    let files = try FileManager.default.contentsOfDirectory(
      at: Self.folder.appending(path: reader.name), includingPropertiesForKeys: nil)
    var sound = 0
    for file in files.sorted(by: { $0.path < $1.path }) {
      let name = file.lastPathComponent
      let start = ContinuousClock.now
      let messages = reader.read([UInt8](try Data(contentsOf: file)))
      #expect(ContinuousClock.now - start < .seconds(20), "\(name)")
      if name.hasPrefix("sound") {
        sound += 1
        #expect(messages.contains(nil), "\(name): \(messages)")
      }
      if name.hasPrefix("refused") { #expect(!messages.contains(nil), "\(name)") }
    }
    #expect(sound > 0, "a corpus with nothing that is read shows little")
  }

  @Test func eachCorpusHasAReader() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(folders) == Set(Reader.all.map(\.name)))
  }
}

extension Reader: CustomTestStringConvertible {
  var testDescription: String { name }
}
