import ConvNet
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

@Suite struct IDXTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  let pixels = (0..<5 * 4 * 3).map { UInt8($0) }
  let labels: [UInt8] = [3, 1, 4, 1, 5]

  func read(
    _ images: [UInt8], _ labels: [UInt8], suffix: String = "", classes: Int = 10,
    imagesDigest: String? = nil, labelsDigest: String? = nil
  ) throws -> ImageSet {
    try IDX.read(
      images: try folder.file("images" + suffix, images),
      labels: try folder.file("labels" + suffix, labels), classes: classes,
      imagesDigest: imagesDigest, labelsDigest: labelsDigest)
  }

  func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  @Test(arguments: [false, true]) func readsWhatItShould(compressed: Bool) throws {
    let images = idx([5, 4, 3], content: pixels)
    let labelled = idx([5], content: labels)
    let set = try read(
      compressed ? try gzipped(images) : images, compressed ? try gzipped(labelled) : labelled,
      suffix: compressed ? ".gz" : "", imagesDigest: SHA256.hex(of: images),
      labelsDigest: SHA256.hex(of: labelled))
    #expect(set.shape == .image(height: 4, width: 3, channels: 1))
    #expect(set.pixels[0..<set.pixels.count] == pixels)
    #expect(set.labels == Labels(labels))
    #expect(set.image(2) == Array(pixels[24..<36]))
    #expect(set.classCounts == [0, 2, 0, 1, 1, 1, 0, 0, 0, 0])
    // The digest is of the content, however it came here.
    let made = ImageSet(
      height: 4, width: 3, channels: 1, classes: 10, pixels: pixels, labels: Labels(labels))
    #expect(set.digest == made.digest)
  }

  @Test func readsChannels() throws {
    let set = try read(
      idx([2, 3, 5, 2], content: pixels), idx([2], content: [0, 1]))
    #expect(set.shape == .image(height: 3, width: 5, channels: 2))
    let grey = try read(idx([5, 4, 3, 1], content: pixels), idx([5], content: labels))
    let flat = try read(idx([5, 4, 3], content: pixels), idx([5], content: labels))
    #expect(grey.digest == flat.digest)
  }

  /// Large enough for a thread that hashes, and no multiple of the pieces that are read.
  @Test(arguments: [false, true]) func threadsChangeNoByte(compressed: Bool) throws {
    let content = (0..<601 * 31 * 29).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
    let images = idx([601, 31, 29], content: content)
    let labelled = idx([601], content: (0..<601).map { UInt8($0 % 10) })
    let suffix = compressed ? ".gz" : ""
    let imagesPath = try folder.file("images" + suffix, compressed ? try gzipped(images) : images)
    let labelsPath = try folder.file(
      "labels" + suffix, compressed ? try gzipped(labelled) : labelled)
    let made = ImageSet(
      height: 31, width: 29, channels: 1, classes: 10, pixels: content,
      labels: Labels((0..<601).map { $0 % 10 }))
    for threads in 1...3 {
      let set = try IDX.read(
        images: imagesPath, labels: labelsPath, classes: 10, imagesDigest: SHA256.hex(of: images),
        threads: threads)
      #expect(set.pixels[0..<set.pixels.count] == content)
      #expect(set.digest == made.digest)
    }
    // Neither do they change what is said of a file that ends too soon, or isn't the one published.
    let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: imagesPath)))
    let short = try folder.file("short" + suffix, whole.dropLast(whole.count / 3) + whole.suffix(4))
    for path in [short, imagesPath] {
      let messages = (1...3).map { threads in
        message {
          _ = try IDX.read(
            images: path, labels: labelsPath, classes: 10, imagesDigest: "0", threads: threads)
        }
      }
      #expect(messages[0].contains(path))
      #expect(Set(messages).count == 1)
    }
  }

  @Test func digestDependsOnEverything() {
    let sets = [
      smallSet(6), smallSet(7), smallSet(6, height: 3, width: 4), smallSet(6, classes: 11),
      smallSet(3, channels: 2),
    ]
    #expect(Set(sets.map(\.digest)).count == sets.count)
  }

  /// Every prefix of a file, plain or compressed, is refused.
  @Test(arguments: [false, true]) func refusesTruncation(compressed: Bool) throws {
    let suffix = compressed ? ".gz" : ""
    func packed(_ bytes: [UInt8]) throws -> [UInt8] { compressed ? try gzipped(bytes) : bytes }
    let images = try packed(idx([5, 4, 3], content: pixels))
    let labelled = try packed(idx([5], content: labels))
    for length in 0..<images.count {
      #expect(throws: DatasetError.self) {
        try read(Array(images[..<length]), labelled, suffix: suffix)
      }
    }
    for length in 0..<labelled.count {
      #expect(throws: DatasetError.self) {
        try read(images, Array(labelled[..<length]), suffix: suffix)
      }
    }
  }

  /// Each byte of a gzip file, changed: an error, or the same content (a changed time or name).
  @Test func noChangedByteOfGzipGoesUnseen() throws {
    let images = try gzipped(idx([5, 4, 3], content: pixels))
    let labelled = try gzipped(idx([5], content: labels))
    for position in images.indices {
      for change: UInt8 in [1, 0x80, 0xff] {
        var bytes = images
        bytes[position] ^= change
        if let set = try? read(bytes, labelled, suffix: ".gz") {
          #expect(set.pixels[0..<set.pixels.count] == pixels)
        }
      }
    }
  }

  @Test func namesTheFieldThatLies() throws {
    let good = idx([5, 4, 3], content: pixels)
    let labelled = idx([5], content: labels)
    func expect(_ text: String, _ images: [UInt8], _ labels: [UInt8]) {
      let got = message { _ = try read(images, labels) }
      #expect(got.contains(text), "\(got)")
      #expect(got.contains(folder.path), "\(got)")
    }
    expect("not an IDX file: it begins with 0x01000803", [1] + good.dropFirst(), labelled)
    expect("elements of type 0x0d", idx([5, 4, 3], type: 13, content: pixels), labelled)
    expect("it has 2 dimensions; 3 to 4", idx([5, 12], content: pixels), labelled)
    expect("it has 3 dimensions; 1 were expected", good, good)
    expect("5 x 0 x 3, which is empty", idx([5, 0, 3], content: []), labelled)
    expect(
      "announces 76 bytes, but the file has 75", idx([5, 4, 3], content: pixels.dropLast()),
      labelled)
    expect("something follows", good + [0], labelled)
    expect("it ends inside the header", Array(good[..<9]), labelled)
    expect("label 2 is 10; there are 10 classes", good, idx([5], content: [3, 1, 10, 1, 5]))
    expect("announces 5 images, but", good, idx([4], content: [3, 1, 4, 1]))
    // Four billion squared: refused by its claim alone.
    let huge = 0xFFFF_FFFF
    expect("the limit is 4 GiB", idx([5, huge, huge], content: pixels), labelled)
    expect("the limit is 4 GiB", idx([5, huge, huge, huge], content: pixels), labelled)
    expect(
      "announces 3000000016 bytes, but the file has 76",
      idx([5, 20000, 30000], content: pixels), labelled)
  }

  @Test func refusesAnotherDigest() throws {
    let wrong = String(repeating: "0", count: 64)
    let text = message {
      _ = try read(idx([5, 4, 3], content: pixels), idx([5], content: labels), imagesDigest: wrong)
    }
    #expect(text.contains("not the published \(wrong)"))
  }

  @Test func refusesGzipThatLies() throws {
    let labelled = try gzipped(idx([5], content: labels))
    func expect(_ text: String, _ images: [UInt8]) {
      let got = message { _ = try read(images, labelled, suffix: ".gz") }
      #expect(got.contains(text), "\(got)")
    }
    let good = try gzipped(idx([5, 4, 3], content: pixels))
    // A header that claims less or more than the content.
    expect("says that it holds 76", try gzipped(idx([5, 4, 2], content: pixels)))
    expect("says that it holds 76", try gzipped(idx([5, 20000, 30000], content: pixels)))
    expect("says that it holds", good + [0])
    expect("something follows the gzip data", good + [0] + good.suffix(4))
    expect("something follows the gzip data", good + good)
    // The length in the trailer agrees with a claim that the content doesn't keep.
    func claiming(_ n: Int, _ bytes: [UInt8]) -> [UInt8] {
      bytes.dropLast(4) + [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: n >> $0) }
    }
    expect(
      "incorrect length check", claiming(16 + 75, try gzipped(idx([5, 5, 3], content: pixels))))
    // A bomb: 64 MB of zeros in 65 kB, whose header says 60 bytes and whose trailer agrees.
    let bomb = try gzipped(
      idx([5, 4, 3], content: pixels) + [UInt8](repeating: 0, count: 1 << 26))
    expect("holds more than the 5 x 4 x 3 bytes", claiming(76, bomb))
    // A claim that no gzip file of this size can keep.
    let claim = 16 + 5 * 20000 * 30000
    expect(
      "announces 3000000016 bytes",
      claiming(
        claim,
        try gzipped(
          idx(
            [5, 20000, 30000],
            content: pixels))))
    var checksum = good
    checksum[good.count - 5] ^= 1
    expect("not an intact gzip file: incorrect data check", checksum)
    expect("not an intact gzip file: incorrect header check", [0] + good.dropFirst())
  }

  @Test func aFolderOrNothingIsAnError() throws {
    let text = message { _ = try IDX.read(images: folder.path, labels: folder.path, classes: 10) }
    #expect(text.contains("Is a directory"))
    let missing = message {
      _ = try IDX.read(images: "/nonexistent/a", labels: "/nonexistent/b", classes: 10)
    }
    #expect(missing == "cannot open /nonexistent/b: No such file or directory")
  }

  @Test(.enabled(if: realMNIST != nil)) func readsMNIST() throws {
    let mnist = try realMNIST!.load(DatasetRequest("mnist"), progress: nil)
    #expect(mnist.train.count == 60_000 && mnist.test?.count == 10_000)
    #expect(Array(mnist.train.labels.prefix(5)) == [5, 0, 4, 1, 9])
    #expect(mnist.test?.classCounts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
  }
}
