import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Images that are asked about from memory, as a server gets them: just as files of the same bytes.
@Suite struct AskedBytesTests {
  private static let preparation = ImagePreparation(
    shape: ImageShape(height: 28, width: 28, channels: 1), resize: .bilinear)

  private func reader(_ prepare: FilePreparation? = nil) -> AskedImagesReader {
    AskedImagesReader(
      prepare, Self.preparation, classNames: (0..<10).map(String.init), turns: false, threads: 1)
  }

  /// All forms that are read, and what is none.
  @Test func areReadAsFilesAre() throws {
    let folder = Fixture.url("formats")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      .filter { !Files.isFolder(folder.appending(path: $0).path) }
    #expect(names.count > 10)
    for name in names {
      let path = folder.appending(path: name).path
      if try ContentKind(of: path) != .unknown, !ImageFile.isOne(path) { continue }
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
      for prepare in [nil, FilePreparation.digit] {
        var (files, memory) = (reader(prepare), reader(prepare))
        files.read(path)
        memory.read(bytes: bytes, name: path)
        let (a, b) = (files.asked, memory.asked)
        #expect(a.images == b.images, "\(name)")
        #expect(a.images.indices.allSatisfy { a.pixels(of: $0) == b.pixels(of: $0) }, "\(name)")
        #expect(a.images.isEmpty == !b.problems.isEmpty, "\(name): \(b.problems)")
      }
    }
  }

  @Test func arraysToo() throws {
    let folder = try TemporaryFolder()
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 28, 28), }"
    let length = (header.utf8.count + 11 + 63) / 64 * 64 - 10
    let padded = header + String(repeating: " ", count: length - header.utf8.count - 1) + "\n"
    let pixels = (0..<3 * 784).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let npy =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
      + Array(padded.utf8) + pixels
    let path = try folder.file("x.npy", npy)
    var (files, memory) = (reader(), reader())
    files.read(path)
    memory.read(bytes: npy, name: path)
    #expect(files.asked.images == memory.asked.images)
    #expect(memory.asked.count == 3)
    #expect((0..<3).allSatisfy { files.asked.pixels(of: $0) == memory.asked.pixels(of: $0) })
    for cut in [5, 40, npy.count - 1] {
      var torn = reader()
      torn.read(bytes: Array(npy[..<cut]), name: "torn")
      #expect(torn.asked.count == 0)
      #expect(torn.asked.problems.count == 1)
      #expect(torn.asked.problems[0].hasPrefix("torn: "))
    }
  }

  @Test func whatClaimsTooManyPixelsIsNotDecoded() throws {
    let png = PNGFile.encode([UInt8](repeating: 7, count: 1200), width: 40, height: 30)
    var few = reader()
    few.read(bytes: png, name: "a", mostPixels: 1199)
    #expect(few.asked.problems == ["a: it claims 40x30 pixels; the limit is 1199"])
    var enough = reader()
    enough.read(bytes: png, name: "a", mostPixels: 1200)
    #expect(enough.asked.count == 1)
  }
}
