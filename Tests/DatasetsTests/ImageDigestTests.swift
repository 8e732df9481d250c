import Foundation
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Image files of all kinds as Pillow reads them, or refused for what is wrong; see
/// make_images.py. Besides those of Fixtures/images, those of the folder that `RUNNER_IMAGES` names.
@Suite struct ImageDigestTests {
  struct Digests: Decodable {
    struct Entry: Decodable {
      let height, width, channels: Int?
      let pixels, grey, upright: String?
      let refused: String?
    }
    let files: [String: Entry]
  }

  static let fixtures = FormatFixture.folder + "/images"
  static let folders =
    [fixtures]
    + (ProcessInfo.processInfo.environment["RUNNER_IMAGES"].map { [$0] } ?? [])

  func digests(_ folder: String) throws -> Digests {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/digests.json"))
    return try JSONDecoder().decode(Digests.self, from: data)
  }

  /// What of a file differs from what Pillow makes of it; nil where nothing does.
  static func difference(_ path: String, _ expected: Digests.Entry) -> String? {
    do {
      let file = try ImageFile(path)
      let image = try file.decode()
      if expected.refused != nil { return "is read" }
      let sizes = [image.shape.height, image.shape.width, image.shape.channels]
      guard sizes == [expected.height, expected.width, expected.channels] else {
        return "is \(image.shape)"
      }
      guard SHA256.hex(of: image.pixels) == expected.pixels else { return "has other pixels" }
      let upright = try file.decode(turned: true)
      guard SHA256.hex(of: upright.pixels) == expected.upright ?? expected.pixels else {
        return "is turned otherwise"
      }
      return SHA256.hex(of: image.withChannels(1).pixels) == expected.grey
        ? nil : "is other as grey"
    } catch {
      guard let text = expected.refused, error.message.contains(text) else {
        return "is refused: \(error.message)"
      }
      return nil
    }
  }

  @Test(arguments: folders, 1...4) func everyPixelIsPillows(folder: String, threads: Int) throws {
    let expected = try digests(folder).files.sorted { $0.key < $1.key }
    let differences = Mutex<[String]>([])
    forEachPart(of: expected.count, threads: threads) { part in
      for (name, entry) in expected[part] {
        guard let told = Self.difference("\(folder)/\(name)", entry) else { continue }
        differences.withLock { $0.append("\(name) \(told)") }
      }
    }
    #expect(differences.withLock { $0.sorted() } == [])
  }

  /// What is left out, and what is read, doesn't depend on how many threads read.
  @Test(arguments: folders) func theSameAreLeftOut(folder: String) throws {
    let classes = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: classes.path + "/all", withDestinationPath: folder)
    let refused = try digests(folder).files.filter { $0.value.refused != nil }.keys.sorted()
    let sets = try (1...4).map { threads in
      try ownSet(
        classes.path, shape: ImageShape(height: 9, width: 11, channels: 3),
        classes: .names(["all"]), readsTest: false, resize: .area, corrupt: .skip,
        threads: threads)
    }
    for set in sets {
      let names = set.skipped.map {
        String($0.dropFirst(classes.path.utf8.count + 5).prefix { $0 != ":" })
      }
      #expect(names == refused)
      #expect(set.train.digest == sets[0].train.digest)
      #expect(set.skipped == sets[0].skipped)
    }
  }

  /// Of animations and pages the first picture is read, and that there are more is known.
  @Test(arguments: ["animated.png", "animated.gif", "animated.webp", "pages.tif"])
  func severalPictures(name: String) throws {
    #expect(try ImageFile("\(Self.fixtures)/\(name)").header.isFirstOfSeveral)
  }

  @Test(arguments: [
    "held-6.jpg", "smaller.gif", "held-5.webp", "rgb16.tif", "pngsuite-basn2c08.png",
  ])
  func onePicture(name: String) throws {
    #expect(try !ImageFile("\(Self.fixtures)/\(name)").header.isFirstOfSeveral)
  }

  /// Files of PngSuite that differ in nothing but the order of their pixels.
  @Test(arguments: ["0g01", "0g02", "0g04", "0g08", "0g16", "2c08", "6a08"])
  func interlacingChangesNoPixel(kind: String) throws {
    let plain = try ImageFile("\(Self.fixtures)/pngsuite-basn\(kind).png").decode()
    let interlaced = try ImageFile("\(Self.fixtures)/pngsuite-basi\(kind).png").decode()
    #expect(plain.shape == interlaced.shape && plain.pixels == interlaced.pixels)
  }

  /// Two thousand scans of a large picture in a few hundred kB: refused before any is decoded.
  @Test func scansAreCountedBeforeTheyAreDecoded() throws {
    let path = FormatFixture.path("progressive.jpg")
    var file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let scan = try #require(
      file.indices.last { file[$0...].starts(with: [0xFF, 0xDA]) })
    let last = file[scan..<file.count - 2]
    let frame = try #require(file.indices.first { file[$0...].starts(with: [0xFF, 0xC2]) })
    file.replaceSubrange(frame + 5..<frame + 9, with: [0x20, 0, 0x20, 0])
    file = file.dropLast(2) + (0..<2636).flatMap { _ in last } + [0xFF, 0xD9]
    let scans = 10 + 2636
    do {
      _ = try JPEGFile.decode(file)
      Issue.record("\(scans) scans were decoded")
    } catch {
      #expect(error.message == "it has \(scans) scans; the limit is 100")
    }
  }
}
