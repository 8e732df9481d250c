import ConvNet
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// What NumPy, Pillow, SciPy and torchvision's rules make of the files in Fixtures/formats; see
/// make_formats.py.
struct FormatFixture: Decodable {
  struct Bytes: Decodable {
    let shape: [Int]
    let bytes: Data

    var array: [UInt8] { [UInt8](bytes) }
    /// (H, W, C)
    var imageShape: ImageShape {
      let sizes = Array(shape.suffix(3))
      return ImageShape(height: sizes[0], width: sizes[1], channels: sizes[2])
    }
    var stored: StoredImages { StoredImages(shape: imageShape, pixels: array) }
  }
  struct Labelled: Decodable {
    let images, labels: Bytes

    func expect(_ set: ImageSet?, _ location: SourceLocation = #_sourceLocation) throws {
      let set = try #require(set)
      #expect(set.pixels[0..<set.pixels.count] == images.array, sourceLocation: location)
      #expect(set.labels == Labels(labels.array), sourceLocation: location)
    }
  }
  struct Resizing: Decodable {
    struct Case: Decodable {
      let rule: String
      let source, result: Bytes
    }
    let cases: [Case]
    let colour, grey: Bytes
  }
  let arrays: [String: Bytes]
  let pictures: [String: Bytes]
  let resizing: Resizing
  let cifar10, cifar100, svhn, emnist: [String: Labelled]
  let usps: Labelled

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path
  static func path(_ name: String) -> String { "\(folder)/formats/\(name)" }

  static let read: FormatFixture = {
    let decoder = JSONDecoder()
    let url = URL(fileURLWithPath: folder + "/formats.json")
    return try! decoder.decode(FormatFixture.self, from: Data(contentsOf: url))
  }()
}

/// The set of a user's own files.
func ownSet(
  _ path: String, shape: ImageShape, classes: OwnFiles.Classes = .count(10),
  format: OwnFiles.Format? = nil, testPath: String? = nil, readsTest: Bool = true,
  resize: ImagePreparation.Resize = .none, inverts: Bool = false,
  corrupt: CorruptImages = .stop, threads: Int = 2
) throws -> Dataset {
  var request = DatasetRequest("files", readsTest: readsTest)
  request.files = OwnFiles(path: path, testPath: testPath, format: format, classes: classes)
  request.preparation = ImagePreparation(shape: shape, resize: resize, inverts: inverts)
  request.corrupt = corrupt
  let locator = DatasetLocator(dataFolder: nil, environment: [:], currentFolder: "/nowhere")
  return try locator.load(request, threads: threads, progress: nil)
}

/// What an error says; "no error" where there is none.
func message(_ body: () throws -> Void) -> String {
  do { try body() } catch { return "\(error)" }
  return "no error"
}

@Suite struct FormatTests {
  let fixture = FormatFixture.read

  @Test(arguments: ["keras.npz", "compressed.npz", "npy"])
  func arraysByKerasNames(name: String) throws {
    let set = try ownSet(
      FormatFixture.path(name), shape: ImageShape(height: 4, width: 3, channels: 1),
      format: name == "npy" ? .npy : nil)
    #expect(set.train.pixels[0..<60] == fixture.arrays["x_train"]!.array)
    #expect(set.train.labels == Labels(fixture.arrays["y_train"]!.array))
    #expect(set.test?.pixels[0..<24] == fixture.arrays["x_test"]!.array)
    #expect(set.test?.labels == [9, 0])
    #expect(set.classNames == (0..<10).map(String.init))
  }

  @Test func arraysOfColour() throws {
    let set = try ownSet(
      FormatFixture.path("colour.npz"), shape: ImageShape(height: 5, width: 4, channels: 3),
      classes: .names(["a", "b", "c"]), readsTest: false)
    #expect(set.train.pixels[0..<180] == fixture.arrays["colour"]!.array)
    #expect(set.train.labels == [2, 0, 1] && set.classNames == ["a", "b", "c"])
    let missing = message {
      _ = try ownSet(
        FormatFixture.path("colour.npz"), shape: ImageShape(height: 5, width: 4, channels: 3))
    }
    #expect(missing.contains("there are no test images: none of x_test with y_test"))
    #expect(missing.contains("it holds images.npy, labels.npy"))
  }

  @Test func shapesThatDoNotFit() throws {
    let path = FormatFixture.path("keras.npz")
    let said = message {
      _ = try ownSet(path, shape: ImageShape(height: 8, width: 8, channels: 1))
    }
    #expect(said.contains("its images are 4x3x1, where the spec's shape is 8x8x1; give"))
    let resized = try ownSet(
      path, shape: ImageShape(height: 8, width: 8, channels: 3), resize: .area)
    #expect(resized.train.imageShape == ImageShape(height: 8, width: 8, channels: 3))
  }

  @Test(arguments: FormatFixture.read.pictures.keys.sorted())
  func picturesAsPillowDecodesThem(name: String) throws {
    let expected = fixture.pictures[name]!
    let image = try ImageFile(FormatFixture.path(name)).decode()
    #expect(image.shape == expected.imageShape)
    let difference = zip(image.pixels, expected.array).map { abs(Int($0) - Int($1)) }.max()!
    // Builds of libjpeg may round a colour otherwise.
    #expect(difference <= (name.hasSuffix(".png") ? 0 : 1))
  }

  @Test func resizesAsPillow() throws {
    for c in fixture.resizing.cases {
      let preparation = ImagePreparation(
        shape: c.result.imageShape, resize: .init(rawValue: c.rule)!)
      let result = try #require(preparation.prepare(c.source.stored))
      #expect(result.shape == c.result.imageShape)
      #expect(result.pixels == c.result.array, "\(c.rule) \(c.source.shape) \(c.result.shape)")
    }
  }

  @Test func turnsColourToGreyAsPillow() {
    #expect(fixture.resizing.colour.stored.withChannels(1).pixels == fixture.resizing.grey.array)
    let grey = StoredImages(
      shape: ImageShape(height: 1, width: 2, channels: 1), pixels: [3, 250])
    #expect(grey.withChannels(3).pixels == [3, 3, 3, 250, 250, 250])
    #expect(grey.withChannels(3).withChannels(1).pixels == grey.pixels)
  }

  @Test func threadsChangeNoPixel() throws {
    let images = (1...3).map { threads in
      smallSet(7, height: 9, width: 11).prepared(
        ImagePreparation(
          shape: ImageShape(height: 5, width: 6, channels: 3), resize: .bilinear, inverts: true),
        threads: threads)!.digest
    }
    #expect(Set(images).count == 1)
  }

  @Test func rowsOfPixels() throws {
    let folder = try TemporaryFolder()
    let rows = "3,0,1,2,255\n1,9,8,7,6\n"
    let header = "label,pixel0,pixel1,pixel2,pixel3\n"
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    for (number, text) in [rows, header + rows, (header + rows).replacing("\n", with: "\r\n")]
      .enumerated()
    {
      let path = try folder.file("\(number).csv", Array(text.utf8))
      let set = try ownSet(path, shape: shape, readsTest: false).train
      #expect(set.pixels[0..<8] == [0, 1, 2, 255, 9, 8, 7, 6])
      #expect(set.labels == [3, 1])
    }
    // The label elsewhere, and by name; gzip; no line feed at the end.
    let named = "p0,p1,p2,p3,class\n1,2,3,4,\"dog\"\n5,6,7,8,cat"
    let path = try folder.file("named.csv.gz", gzipped(Array(named.utf8)))
    let set = try ownSet(
      path, shape: shape, classes: .names(["cat", "dog"]), readsTest: false
    ).train
    #expect(set.pixels[0..<8] == [1, 2, 3, 4, 5, 6, 7, 8] && set.labels == [1, 0])
  }

  @Test func foldersOfImages() throws {
    let folder = try TemporaryFolder()
    for (place, name) in [
      ("cat/b.png", "rgb.png"), ("cat/a.jpg", "rgb.jpg"), ("dog/1.PNG", "grey.png"),
      ("dog/.hidden.png", "grey.png"), ("dog/notes.txt", "grey.png"),
    ] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: FormatFixture.path(name)))
      _ = try folder.file(place, [UInt8](bytes))
    }
    let shape = ImageShape(height: 13, width: 17, channels: 1)
    let set = try ownSet(folder.path, shape: shape, classes: .count(2), testPath: folder.path)
    #expect(set.classNames == ["cat", "dog"] && set.train.labels == [0, 0, 1])
    #expect(set.train.image(2) == fixture.pictures["grey.png"]!.array)
    #expect(set.train.image(1) == fixture.pictures["rgb.png"]!.stored.withChannels(1).pixels)
    #expect(set.train.digest == set.test?.digest)
    let inverted = try ownSet(
      folder.path, shape: shape, classes: .names(["dog", "cat"]), readsTest: false, inverts: true)
    #expect(inverted.train.labels == [0, 1, 1])
    #expect(inverted.train.image(0) == fixture.pictures["grey.png"]!.array.map { ~$0 })

    let three = message {
      _ = try ownSet(folder.path, shape: shape, classes: .count(3), readsTest: false)
    }
    #expect(three.contains("has 2 folders (cat, dog); dataset.classes says 3"))
    let other = message {
      _ = try ownSet(
        folder.path, shape: shape, classes: .names(["cat", "cow"]), readsTest: false)
    }
    #expect(other.contains("the folder dog is no class; those are cat, cow"))

    // What cannot be read stops it, or is left out and listed.
    _ = try folder.file("cat/aa.png", Array("no image".utf8))
    _ = try folder.file("dog/0.jpg", [])
    let stopped = message {
      _ = try ownSet(folder.path, shape: shape, classes: .count(2), readsTest: false)
    }
    #expect(stopped.contains("/cat/aa.png: its first bytes are those of no PNG"))
    #expect(stopped.contains("1 more cannot be used"))
    let skipping = try ownSet(
      folder.path, shape: shape, classes: .count(2), readsTest: false, corrupt: .skip)
    #expect(skipping.train.digest == set.train.digest)
    #expect(skipping.skipped.map { $0.hasSuffix("/dog/0.jpg: it is empty") } == [false, true])
    let twice = try ownSet(
      folder.path, shape: shape, classes: .count(2), testPath: folder.path, corrupt: .skip)
    #expect(twice.skipped == skipping.skipped)
  }

  @Test func placesOfPaths() throws {
    let folder = try TemporaryFolder()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: FormatFixture.path("keras.npz")))
    _ = try folder.file("shared/mine.npz", [UInt8](bytes))
    var request = DatasetRequest("files")
    request.files = OwnFiles(path: "mine.npz", classes: .count(10))
    request.preparation.shape = ImageShape(height: 4, width: 3, channels: 1)
    let locator = DatasetLocator(
      dataFolder: nil, environment: ["RUNNER_DATA": folder.path + "/shared"],
      currentFolder: folder.path)
    #expect(try locator.load(request, progress: nil).train.count == 5)
    request.files?.path = "other.npz"
    do {
      _ = try locator.load(request, progress: nil)
      Issue.record("found other.npz")
    } catch {
      #expect(error.kind == .unavailable)
      #expect(error.message.contains("other.npz is not on this machine; looked in"))
    }
  }
}

/// Files in the very form of published datasets, only smaller.
@Suite struct PublishedFormTests {
  let fixture = FormatFixture.read

  @Test(arguments: [1, 2]) func cifar(labelBytes: Int) throws {
    let classes = labelBytes == 1 ? 10 : 100
    let sets = try CIFAR.read(
      GzipStream(FormatFixture.path("cifar\(classes).tar.gz")), labelBytes: labelBytes,
      classes: classes)
    let expected = classes == 10 ? fixture.cifar10 : fixture.cifar100
    try expected["train"]!.expect(sets.train)
    try expected["test"]!.expect(sets.test)
  }

  @Test(arguments: ["plain", "compressed"]) func svhn(name: String) throws {
    try fixture.svhn[name]!.expect(try SVHN.read(FormatFixture.path("\(name).mat")))
  }

  @Test(arguments: ["train", "test"]) func emnist(part: String) throws {
    let emnist = EMNIST(
      path: FormatFixture.path("emnist.zip"), split: "letters", firstLabel: 1, classes: 26)
    try fixture.emnist[part]!.expect(try emnist.read(part))
    let said = message {
      _ = try EMNIST(
        path: FormatFixture.path("emnist.zip"), split: "digits", firstLabel: 0, classes: 10
      ).read(part)
    }
    #expect(said.contains("there is no emnist-digits-\(part)-labels-idx1-ubyte.gz in it"))
  }

  @Test func usps() throws {
    let path = FormatFixture.path("usps.bz2")
    let shape = ImageShape(height: 16, width: 16, channels: 1)
    try fixture.usps.expect(try LIBSVM.read(try Bzip2Stream(path), shape: shape, classes: 10))
  }

  /// A whole set of one archive: found, checked against its digest, read, and resized.
  @Test func throughTheLocator() throws {
    let folder = try TemporaryFolder()
    let archive = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: FormatFixture.path("cifar10.tar.gz"))))
    _ = try folder.file("tiny/cifar.tar.gz", archive)
    func entry(_ digest: PublishedFile.Digest) -> CatalogEntry {
      CatalogEntry(
        name: "tiny", summary: "", height: 32, width: 32, channels: 3,
        classNames: (0..<10).map(String.init), trainCount: 4, testCount: 2, licence: "",
        source: .published(
          [PublishedFile(name: "cifar.tar.gz", digest: digest, archiveSize: archive.count)],
          .cifar(labelBytes: 1), mirrors: []))
    }
    let locator = DatasetLocator(dataFolder: folder.path, environment: [:])
    let good = entry(.sha256(SHA256.hex(of: archive)))
    let location = try #require(locator.locate(good).0)
    let set = try locator.read(good, at: location, provenance: .folder(location.folder))
    try fixture.cifar10["train"]!.expect(set.train)
    let said = message {
      _ = try locator.read(
        entry(.md5("0123")), at: location, provenance: .folder(location.folder))
    }
    #expect(said.contains("cifar.tar.gz: it has the MD5 "))
    #expect(said.contains("not the published 0123; remove the file"))
  }

  @Test func digests() throws {
    let folder = try TemporaryFolder()
    // RFC 1321's own example.
    let path = try folder.file("abc", Array("abc".utf8))
    #expect(try MD5.hex(ofFile: path) == "900150983cd24fb0d6963f7d28e17f72")
    for entry in DatasetCatalog.all {
      #expect(Set(entry.classNames).count == entry.classNames.count, "\(entry.name)")
      for file in entry.files {
        switch file.digest {
        case .content(_, let hex), .sha256(let hex): #expect(hex.count == 64)
        case .md5(let hex): #expect(hex.count == 32)
        }
      }
    }
    #expect(DatasetCatalog["cifar100"]?.classNames.count == 100)
    #expect(DatasetCatalog["emnist_balanced"]?.classNames.count == 47)
    #expect(DatasetCatalog["emnist_byclass"]?.classNames.count == 62)
  }
}
