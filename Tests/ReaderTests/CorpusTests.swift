import Foundation
import Testing

/// What the fuzzer has found worth keeping, read again: nothing traps, hangs or throws what isn't the
/// program's own error.
@Suite struct CorpusTests {
  /// A file of a reader's corpus. Those whose names begin with `sound` are to be read, those with
  /// `refused` not.
  struct Entry: CustomTestStringConvertible, Sendable {
    let reader: Reader
    let url: URL
    var name: String { url.lastPathComponent }
    var testDescription: String { "\(reader.name)/\(name)" }
  }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "corpus")

  static let entries = Reader.all.flatMap { reader in
    let folder = folder.appending(path: reader.name)
    let files = try? FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    return (files ?? []).map { Entry(reader: reader, url: $0) }
  }

  @Test(arguments: entries) func isReadOrRefused(_ entry: Entry) throws {
    let start = ContinuousClock.now
    let messages = entry.reader.read([UInt8](try Data(contentsOf: entry.url)))
    #expect(ContinuousClock.now - start < .seconds(20))
    if entry.name.hasPrefix("sound") { #expect(messages.contains(nil), "\(messages)") }
    if entry.name.hasPrefix("refused") { #expect(!messages.contains(nil)) }
  }

  /// Each reader has a corpus with something that it reads, and each corpus a reader.
  @Test func eachReaderHasACorpus() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(folders) == Set(Reader.all.map(\.name)))
    for reader in Reader.all {
      let isSound = Self.entries.contains {
        $0.reader.name == reader.name && $0.name.hasPrefix("sound")
      }
      #expect(isSound, "\(reader.name)")
    }
  }
}
