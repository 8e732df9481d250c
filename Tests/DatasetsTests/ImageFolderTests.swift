import Foundation
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Folders of images as people leave them: what is read, and what is told of the rest.
@Suite struct ImageFolderTests {
  static let png = [UInt8](
    try! Data(contentsOf: URL(fileURLWithPath: FormatFixture.path("grey.png"))))
  static let shape = ImageShape(height: 4, width: 4, channels: 1)

  func request(
    _ path: String, _ classes: OwnFiles.Classes = .count(2), test: String? = nil,
    validation: String? = nil
  ) -> DatasetRequest {
    var request = DatasetRequest("files", readsTest: test != nil)
    request.files = OwnFiles(path: path, testPath: test, classes: classes)
    request.files!.validationPath = validation
    request.readsValidation = validation != nil
    request.preparation = ImagePreparation(shape: Self.shape, resize: .area)
    return request
  }

  func load(_ request: DatasetRequest) throws -> Dataset {
    try DatasetLocator(dataFolder: nil, environment: [:]).load(request, threads: 2, progress: nil)
  }

  @Test func whatLiesInAFolder() throws {
    let folder = try TemporaryFolder()
    for name in [
      "a/1.PNG", "a/2020/05/2.png", "a/2020/3.jfif", "b/4.jpe", "b/4.dib", "a/.thumbnails/5.png",
      "b/._4.png", "b/notes.txt", "b/Notes.TXT", "b/x.heic", "b/none", "labels.csv",
      "__MACOSX/a/1.png", "b/@eaDir/4.png",
    ] {
      _ = try folder.file(name, Self.png)
    }
    let set = try load(request(folder.path))
    #expect(set.classNames == ["a", "b"] && set.train.labels == [0, 0, 0, 1, 1])
    #expect(
      set.notes == [
        "\(folder.path): 2 images lie in folders within their classes', such as a/2020, and are read "
          + "too",
        "\(folder.path): 9 files are no images of the forms that are read, and are left out: 2 .txt, "
          + "1 without an ending, 1 .csv, 1 .heic, 4 hidden; the first is __MACOSX",
      ])
    // A way back up would be followed without end.
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/a/2020/up", withDestinationPath: folder.path + "/a")
    #expect(
      message { _ = try load(request(folder.path)) }
        == "\(folder.path)/a/2020/up: it leads back to a folder that it lies in; remove it")
  }

  /// The same letters in other bytes are the same class; an absent folder is told, an unknown refused.
  @Test func namesOfClasses() throws {
    let folder = try TemporaryFolder()
    let (composed, decomposed) = ("\u{C4}pfel", "A\u{308}pfel")
    _ = try folder.file("train/\(decomposed)/1.png", Self.png)
    _ = try folder.file("train/Birnen/1.png", Self.png)
    _ = try folder.file("test/\(composed)/1.png", Self.png)
    _ = try folder.file("test/Birnen/1.png", Self.png)
    let (train, test) = ("\(folder.path)/train", "\(folder.path)/test")
    for classes in [OwnFiles.Classes.count(2), .names(["Birnen", composed])] {
      let set = try load(request(train, classes, test: test))
      // By letters, not by bytes: A with a dieresis comes after B either way.
      #expect(set.train.labels == [0, 1] && set.test?.labels == [0, 1])
      #expect(set.notes == [])
    }
    _ = try folder.file("train/\(composed)/2.png", Self.png)
    let both = try load(request(train))
    #expect(both.train.labels == [0, 1, 1])
    #expect(both.notes.count == 1 && both.notes[0].contains("2 folders are called \u{C4}pfel, in"))

    let more = try load(request(train, .names(["Birnen", "\u{C4}pfel", "Quitten"])))
    #expect(more.notes.first == "\(train): there is no folder for the class Quitten")
    let fewer = message { _ = try load(request(train, .names(["Birnen", "Quitten"]))) }
    #expect(fewer.contains("is no class; those are Birnen, Quitten"))
    #expect(
      message { _ = try load(request(folder.path)) }
        == "\(folder.path): its folders are parts of a dataset, not classes; give each as a path of "
        + "its own: \"path\": \"\(train)\", \"test_path\": \"\(test)\"")

    let latin = Array("\(folder.path)/train/Birnen/caf\u{E9}.png".unicodeScalars).map {
      CChar(bitPattern: UInt8($0.value))
    }
    let file = open(latin + [0], O_CREAT | O_WRONLY, 0o600)
    close(file)
    #expect(
      message { _ = try load(request(train)) }
        .contains("Birnen/caf\\xE9.png: its name is not UTF-8; rename it"))
  }

  /// How a picture is held is told, or followed.
  @Test func turns() throws {
    let folder = try TemporaryFolder()
    let images = FormatFixture.folder + "/images/"
    for (name, class_) in [("held-6.jpg", "a"), ("held-8.png", "a"), ("animated.gif", "b")] {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: images + name)))
      _ = try folder.file("\(class_)/\(name)", bytes)
    }
    var request = request(folder.path)
    let stored = try load(request)
    #expect(
      stored.notes == [
        "\(folder.path): b/animated.gif holds several pictures, of which the first is read",
        "\(folder.path): 2 images note a turn (EXIF) and are read as they are stored, such as "
          + "a/held-6.jpg; dataset.exif_orientation true turns them upright",
      ])
    request.files!.followsOrientation = true
    let turned = try load(request)
    #expect(turned.notes.count == 1 && turned.train.digest != stored.train.digest)
    let file = try ImageFile(images + "held-6.jpg")
    let (lying, upright) = (try file.decode(), try file.decode(turned: true))
    #expect(lying.shape.height == upright.shape.width && lying.shape.width == upright.shape.height)
    // A quarter to the right: the first row becomes the last column.
    let (height, width) = (upright.shape.height, upright.shape.width)
    for x in 0..<height {
      let at = (x * width + width - 1) * 3
      #expect(Array(upright.pixels[at..<at + 3]) == Array(lying.pixels[3 * x..<3 * x + 3]))
    }
  }

  /// A share to test on: of each class, by the seed, never among those that are trained on.
  @Test func sharesToTestOn() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<50).map { "\($0 < 40 ? 0 : 1),\($0),1,2,3" }.joined(separator: "\n")
    let path = try folder.file("all.csv", Array(rows.utf8))
    func set(_ share: Double, seed: UInt64 = 1, readsTest: Bool = true) throws -> Dataset {
      var request = request(path, test: readsTest ? path : nil)
      request.preparation = ImagePreparation(shape: ImageShape(height: 2, width: 2, channels: 1))
      request.files!.testPath = nil
      request.testShare = share
      request.subsetSeed = seed
      return try load(request)
    }
    let fifth = try set(0.2)
    let test = try #require(fifth.test)
    #expect(fifth.train.classCounts == [32, 8] && test.classCounts == [8, 2])
    func firsts(_ set: ImageSet) -> [UInt8] { (0..<set.count).map { set.image($0)[0] } }
    #expect(Set(firsts(fifth.train) + firsts(test)) == Set(0..<50))
    #expect(try set(0.2).digest == fifth.digest)
    #expect(try set(0.2, seed: 2).test?.digest != test.digest)
    // Kept apart where nobody tests, too.
    let untested = try set(0.2, readsTest: false)
    #expect(untested.test == nil && untested.train.digest == fifth.train.digest)
    #expect(
      message { _ = try set(0.009) }
        == "dataset.test: 0.009 of the 50 images is not even one to test on"
    )
    #expect(
      message { _ = try set(0.02) }
        == "dataset.test: 1 image, each class its share, cannot be of all 2 classes")
  }

  @Test func imagesToValidateOn() throws {
    let folder = try TemporaryFolder()
    for name in ["train/a/1.png", "train/b/1.png", "val/b/1.png"] {
      _ = try folder.file(name, Self.png)
    }
    let set = try load(request("\(folder.path)/train", validation: "\(folder.path)/val"))
    #expect(set.train.labels == [0, 1, 1] && set.validationCount == 1)
    #expect(set.notes == ["\(folder.path)/val: there is no folder for the class a"])
    let absent = message {
      _ = try load(request("\(folder.path)/train", validation: "\(folder.path)/valid"))
    }
    #expect(absent == "\(folder.path)/valid is not on this machine")
  }

  /// Jumps, an odd number of pixels of four bits, an early end: what Pillow reads wrongly or not at all.
  @Test func runsOfPixels() throws {
    let palette = (0..<16).flatMap { (number: UInt8) -> [UInt8] in [number, 0, 16 * number, 0] }
    let runs: [UInt8] = [
      0, 3, 0x12, 0x30, 2, 0x45, 0, 0,  // 1 2 3, then 4 5
      0, 2, 1, 1, 1, 0x60, 0, 1,  // one to the right and one up: 6, and no more
    ]
    func bytes(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    var file = Array("BM".utf8) + bytes(0, 8) + bytes(54 + palette.count, 4) + bytes(40, 4)
    file += bytes(5, 4) + bytes(4, 4) + bytes(1, 2) + bytes(4, 2) + bytes(2, 4) + bytes(0, 20)
    let image = try BMPFile.decode(file + palette + runs)
    #expect(image.shape == ImageShape(height: 4, width: 5, channels: 3))
    let reds = stride(from: 0, to: 60, by: 3).map { image.pixels[$0] / 16 }
    #expect(reds == [0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5])
    #expect(
      message { _ = try BMPFile.decode(file + palette + [6, 0x11]) }.contains("beyond row 0"))
  }
}
