import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Files that lie, are torn or were made to do harm: each is refused with what is wrong and where, and
/// before anything of a claimed size is allocated.
@Suite struct HostileFileTests {
  let folder: TemporaryFolder
  /// Ten classes without names.
  let ten = ClassNames((0..<10).map(String.init), areGiven: false)
  init() throws { folder = try TemporaryFolder() }

  // MARK: - PNG

  /// 3 x 2 grey pixels.
  let png = PNGFile.encode([1, 2, 3, 4, 5, 6], width: 3, height: 2)

  func problem(_ bytes: [UInt8], _ name: String = "a.png") throws -> String {
    do {
      _ = try ImageFile(try folder.file(name, bytes)).decode()
      return "no problem"
    } catch let error as ImageProblem { return error.message }
  }

  /// A chunk with its right checksum.
  func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(kind.utf8) + content
    return big(content.count) + body + big(Int(checksum(body)))
  }

  /// CRC-32 (ISO 3309), bit by bit.
  func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in
        crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1
      }
    }
  }

  func big(_ n: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: n >> $0) } }

  func header(width: Int, height: Int) -> [UInt8] {
    chunk("IHDR", big(width) + big(height) + [8, 0, 0, 0, 0])
  }

  @Test func theGoodOneIsRead() throws {
    #expect(try ImageFile(folder.file("good.png", png)).decode().pixels == [1, 2, 3, 4, 5, 6])
  }

  @Test func everyTornPNGIsRefused() throws {
    for length in 0..<png.count {
      #expect(try problem(Array(png[..<length])) != "no problem", "\(length) bytes")
    }
    #expect(try problem(png.dropLast(12)).contains("before its end chunk (IEND); it is truncated"))
    #expect(try problem(png.dropLast(20)).contains("claims"))
  }

  /// Each byte changed: an error that names a chunk, but for what follows the end.
  @Test func noChangedByteOfPNGGoesUnseen() throws {
    for position in png.indices {
      var bytes = png
      bytes[position] ^= 0x21
      #expect(try problem(bytes) != "no problem", "byte \(position)")
    }
    var bytes = png
    bytes[45] ^= 1
    #expect(try problem(bytes).contains("does not fit its checksum (CRC)"))
  }

  @Test func badChunks() throws {
    let rest = Array(png[33...])
    let (start, end) = (Array(png[..<33]), Array(png.suffix(12)))
    #expect(try problem(start + chunk("QuUX", [1]) + rest).contains("QuUX at byte 33 is critical"))
    // What only adds to an image may be unknown.
    #expect(try problem(start + chunk("quUX", [1]) + rest) == "no problem")
    #expect(try problem(start + chunk("Q!UX", [1]) + rest).contains("at byte 33 no chunk begins"))
    #expect(try problem(start + end).contains("it has no pixels"))
    #expect(try problem(start + start.suffix(25) + rest).contains("header chunk (IHDR) is not its"))
    #expect(try problem(start + chunk("IDAT", [1, 2, 3]) + end).contains("libpng says"))
    // Pixels of fewer rows than the header announces.
    let signature = Array(png[..<8])
    #expect(
      try problem(signature + header(width: 3, height: 9) + rest).contains("libpng says"))
  }

  @Test func sizesThatAreClaimed() throws {
    let signature = Array(png[..<8])
    let rest = Array(png[33...])
    for (width, height) in [(60_000, 60_000), (1 << 31 - 1, 1 << 31 - 1), (1, 1 << 27)] {
      let said = try problem(signature + header(width: width, height: height) + rest)
      #expect(said.contains("it claims \(width)x\(height) pixels; the limit is"))
    }
    #expect(try problem(signature + header(width: 0, height: 5) + rest).contains("0x5, empty"))
  }

  // MARK: - JPEG

  @Test func tornAndChangedJPEG() throws {
    let path = FormatFixture.path("rgb.jpg")
    let jpeg = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(try problem(jpeg, "a.jpg") == "no problem")
    for length in stride(from: 3, to: jpeg.count - 2, by: 7) {
      #expect(
        try problem(Array(jpeg[..<length]), "a.jpg").contains("it is truncated"), "\(length) bytes")
    }
    // No change of a byte ends the program, or gives an image of another size unseen.
    for position in stride(from: 2, to: jpeg.count, by: 3) {
      var bytes = jpeg
      bytes[position] ^= 0xFF
      _ = try problem(bytes, "a.jpg")
    }
    // 65,500 x 65,500 pixels, in the frame's header.
    let frame = try #require(jpeg.indices.first { jpeg[$0...].starts(with: [0xFF, 0xC0]) })
    var bytes = jpeg
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
    #expect(try problem(bytes, "a.jpg").contains("it claims 65500x65500 pixels; the limit is"))
  }

  @Test func whatIsNoImage() throws {
    #expect(try problem([], "a.png") == "it is empty")
    #expect(try problem(Array("FLIF4".utf8)).contains("its first bytes are those of no PNG"))
  }

  // MARK: - NPY

  func npy(_ header: String, _ content: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let text = Array((header + "\n").utf8)
    let length = version == 1 ? [0, 8] : [0, 8, 16, 24]
    return [0x93] + Array("NUMPY".utf8) + [version, 0]
      + length.map { UInt8(truncatingIfNeeded: text.count >> $0) } + text + content
  }

  func described(_ descr: String, _ shape: String, order: String = "False") -> String {
    "{'descr': '\(descr)', 'fortran_order': \(order), 'shape': \(shape), }"
  }

  func images(_ bytes: [UInt8]) -> String {
    message {
      _ = try NPY.images(
        try PlainStream(try folder.file("x.npy", bytes)),
        expected: ImageShape(height: 2, width: 2, channels: 1))
    }
  }

  @Test func headersOfArraysThatLie() throws {
    let content = [UInt8](repeating: 7, count: 8)
    for version in 1...3 as ClosedRange<UInt8> {
      #expect(images(npy(described("|u1", "(2, 2, 2)"), content, version: version)) == "no error")
    }
    func expect(_ text: String, _ bytes: [UInt8]) {
      let said = images(bytes)
      #expect(said.contains(text) && said.contains("x.npy"), "\(said)")
    }
    let good = npy(described("|u1", "(2, 2, 2)"), content)
    expect("not an NPY file: it begins with 0x504b", [0x50, 0x4B] + good.dropFirst(2))
    expect("it is of NPY version 9", npy(described("|u1", "(2, 2, 2)"), content, version: 9))
    expect("but the file has \(good.count - 1); it is truncated", good.dropLast())
    expect("but the file has \(good.count + 1); something follows", good + [0])
    expect("the limit is 4 GiB", npy(described("|u1", "(9000000000, 9000000000, 2)"), content))
    expect("the limit is 4 GiB", npy(described("|u1", "(4000000, 60000, 60000)"), content))
    expect("announces 36000", npy(described("|u1", "(1000, 60, 60)"), content))
    expect("announces", npy(described("<f4", "(2, 2, 2)"), content))
    expect("elements of type |O, Python's own objects", npy(described("|O", "(2, 2, 2)"), content))
    expect("elements of type <f3", npy(described("<f3", "(2, 2, 2)"), content))
    expect("elements of type <U99999999999", npy(described("<U99999999999", "(2,)"), content))
    expect("which are texts, not images", npy(described("|S1", "(2, 2, 2)"), content))
    let numbers = { (values: [Float]) in
      values.flatMap { f in (0..<4).map { UInt8(truncatingIfNeeded: f.bitPattern >> (8 * $0)) } }
    }
    let two = described("<f4", "(2, 2, 2)")
    expect("a pixel that is no finite number", npy(two, numbers([0, 0, 0, 0, 0, 0, .nan, 0])))
    expect("image 1 has a pixel", npy(two, numbers([0, 0, 0, 0, 0, -.infinity, .nan, 0])))
    expect(
      "pixels are from -1 to 1; less than 0 is no pixel: for numbers from -1 to 1 save ((x + 1)",
      npy(two, numbers([-1, 1, 0, 0, 0, 0, 0, 0])))
    expect(
      "from 0 to 1.5: neither of 0 to 1 nor of 0 to 255 for certain; give dataset.pixel_max",
      npy(two, numbers([0, 1.5, 0, 0, 0, 0, 0, 0])))
    expect(
      "from 0 to 65535, more than 255; give dataset.pixel_max the number that is white, 65535",
      npy(two, numbers([0, 65535, 0, 0, 0, 0, 0, 0])))
    expect(
      "which may be (N, H, W, C) or (N, C, H, W)", npy(described("|u1", "(1, 1, 8, 1)"), content))
    expect("records of several", npy("{'descr': [('a', '|u1')], 'shape': (8,)}", content))
    expect("1 x 1 of u1", npy(described("|u1", "(2, 2, 2, 1, 1)"), content))
    expect("no images", npy(described("|u1", "(0, 2, 2)"), []))
    expect("the limit is 4 GiB", npy(described("|u1", "(0, 9000000000, 9000000000)"), []))
    expect("must be height x width", npy(described("|u1", "(1, 0, 90000)"), []))
    expect("make neither 2x2x1 nor a square", npy(described("|u1", "(1, 8)"), content))
    expect("a size in the shape is", npy(described("|u1", "(-2, 2, 2)"), content))
    expect("not all there", npy("{'descr': '|u1'}", content))
    expect("a key \"shape\" is not", npy("{'shape': (8,), 'shape': (8,)}", content))
    expect("something follows", npy(described("|u1", "(2, 2, 2)") + " x", content))
    expect("is missing", npy("import os", content))
    expect("it ends inside the header", Array(good[..<40]))
    var long = good
    long.replaceSubrange(6..<12, with: [2, 0, 255, 255, 255, 255])
    expect("claims to be 4294967295 bytes long", long)
    for length in 0..<good.count { #expect(images(Array(good[..<length])) != "no error") }
  }

  @Test func labelsThatAreNone() throws {
    func labels(_ bytes: [UInt8]) -> String {
      message {
        _ = try NPY.labels(try PlainStream(try folder.file("y.npy", bytes)), classes: ten)
      }
    }
    #expect(labels(npy(described("|i1", "(2,)"), [3, 9])) == "no error")
    #expect(
      labels(npy(described("|i1", "(2,)"), [3, 254])).contains("label 1 is -2; there are 10"))
    #expect(labels(npy(described("<u2", "(1,)"), [0, 1])).contains("label 0 is 256"))
    #expect(labels(npy(described("<f4", "(1,)"), [0, 0, 0, 64])) == "no error")
    #expect(
      labels(npy(described("<f4", "(1,)"), [0, 0, 0, 63])).contains("label 0 is 0.5; labels"))
    #expect(labels(npy(described("<f4", "(1,)"), [0, 0, 192, 127])).contains("label 0 is nan"))
    #expect(
      labels(npy(described("|S3", "(2,)"), Array("cat7\0\0".utf8))).contains(
        "label 0 is \"cat\"; there are 10 classes, 0 to 9"))
    #expect(labels(npy(described("|u1", "(2, 5)"), [])).contains("as many numbers in each"))
    #expect(labels(npy(described("|u1", "(1, 10)"), [])).contains("it is truncated"))
    let oneHot = described("|u1", "(2, 10)")
    func rows(_ second: [UInt8]) -> [UInt8] {
      npy(oneHot, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0] + second)
    }
    #expect(labels(rows([1, 0, 0, 0, 0, 0, 0, 0, 0, 0])) == "no error")
    for second: [UInt8] in [
      [1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
      #expect(labels(rows(second)).contains("label 1 is no one-hot row, of one 1 and else 0"))
    }
  }

  // MARK: - ZIP

  /// An archive of one deflated entry, whose sizes and checksum may be lies.
  func archive(
    _ name: String, _ content: [UInt8], size: Int? = nil, checksum: UInt32? = nil,
    packedSize: Int? = nil, method: Int = 8, flags: Int = 0, entries: Int = 1
  ) throws -> [UInt8] {
    let gzip = try gzipped(content)
    let packed = Array(gzip[10..<gzip.count - 8])
    func little(_ n: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: n >> (8 * $0)) }
    }
    // Of the gzip's own trailer.
    let crc =
      checksum.map { little(Int($0), 4) } ?? Array(gzip[(gzip.count - 8)..<(gzip.count - 4)])
    let common =
      little(20, 2) + little(flags, 2) + little(method, 2) + little(0, 4) + crc
      + little(packedSize ?? packed.count, 4) + little(size ?? content.count, 4)
      + little(name.utf8.count, 2) + little(0, 2)
    let local = little(0x0403_4B50, 4) + common + Array(name.utf8) + packed
    let central =
      little(0x0201_4B50, 4) + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2)
      + little(0, 4) + little(0, 4) + Array(name.utf8)
    return local + central + little(0x0605_4B50, 4) + little(0, 4) + little(entries, 2)
      + little(entries, 2) + little(central.count, 4) + little(local.count, 4) + little(0, 2)
  }

  func read(_ bytes: [UInt8]) -> String {
    message {
      _ = try ownSet(
        try folder.file("a.npz", bytes), shape: ImageShape(height: 2, width: 2, channels: 1),
        readsTest: false)
    }
  }

  @Test func archivesThatLie() throws {
    let labels = npy(described("|u1", "(2,)"), [1, 2])
    func expect(_ text: String, _ bytes: [UInt8]) {
      let said = read(bytes)
      #expect(said.contains(text) && said.contains("a.npz"), "\(said)")
    }
    let good = try archive("y.npy", labels)
    expect("none of x_train with y_train", good)
    expect("its table of contents is missing", Array(good.dropLast(30)))
    expect("entry 1 of its table of contents is cut off", try archive("y", labels, entries: 2))
    expect("ZIP64", try archive("y.npy", labels, entries: 0xFFFF))
    expect("5000 entries", try archive("y.npy", labels, entries: 5000))
    expect("y.npy in it is encrypted", try archive("y.npy", labels, flags: 1))
    expect("packed by method 12", try archive("y.npy", labels, method: 12))
    expect("claims 4 GiB or more (ZIP64)", try archive("y.npy", labels, size: 0xFFFF_FFFF))
    expect("y.npy lies outside the file", try archive("y.npy", labels, packedSize: 100_000))
    // A bomb by its claim: 4 GB of content in a few bytes.
    expect("packed bytes cannot hold", try archive("y.npy", labels, size: 4_000_000_000))
    for length in 0..<good.count {
      #expect(read(Array(good[..<length])) != "no error")
    }
  }

  @Test func entriesThatLie() throws {
    let content = npy(described("|u1", "(2,)"), [1, 2])
    func labels(_ bytes: [UInt8]) throws -> String {
      let path = try folder.file("a.zip", bytes)
      return message {
        let zip = try ZipArchive(path)
        _ = try NPY.labels(try zip.stream(zip.entries[0]), classes: ten)
      }
    }
    #expect(try labels(archive("y.npy", content)) == "no error")
    #expect(try labels(archive("y.npy", content, checksum: 1)).contains("checksum (CRC-32)"))
    #expect(
      try labels(archive("y.npy", content, size: content.count + 1))
        .contains("but the archive says that it holds \(content.count + 1)"))
    // A bomb whose entry and header agree on two bytes, and which holds 64 MB more.
    let bomb = content + [UInt8](repeating: 0, count: 1 << 26)
    #expect(
      try labels(archive("y.npy", bomb, size: content.count))
        .contains("it holds more than the \(content.count) bytes that the archive announces"))
    // One that is what it says, but whose header says otherwise.
    #expect(try labels(archive("y.npy", bomb)).contains("its header announces"))
    var torn = try archive("y.npy", content)
    torn[36] ^= 0xFF
    #expect(try labels(torn) != "no error")
  }

  // MARK: - Text and other archives

  @Test func raggedRows() throws {
    func read(_ text: String) -> String {
      message {
        _ = try ownSet(
          try folder.file("a.csv", Array(text.utf8)),
          shape: ImageShape(height: 2, width: 2, channels: 1), readsTest: false)
      }
    }
    #expect(
      read("1,2,3,4,5\n2,3,4\n").hasSuffix("a.csv:2: it has 3 fields where the first line has 5"))
    #expect(read("1,2,3,4,5\n2,3,4,5,6,7\n").contains("a.csv:2: it has 6 fields"))
    #expect(read("\n1,2,3,4,5\n2\n").hasSuffix("a.csv:3: it has 1 field where line 2 has 5"))
    #expect(read("1,2,3,4,99\n,1,2,3,4\n").contains("a.csv:2: the label is \"\""))
    #expect(read("1,2,3,4,99\n2,3,4,,5\n").contains("a.csv:2: field 4 is \"\""))
    #expect(read("1,2,3,4,5\n2,3,4,5,256\n").contains("a.csv:2: field 5 is \"256\"; pixels are"))
    #expect(read("1,2,3,4,99\n2,3,x,5,6\n").contains("a.csv:2: field 3 is \"x\""))
    #expect(read("1,2,3,4,99\n2,3,nan,5,6\n").contains("a.csv:2: field 3 is \"nan\""))
    #expect(read("1,2,3,4,99\n2,3,-4,5,6\n").contains("a.csv:2: field 3 is \"-4\"; pixels are"))
    #expect(read("1,2,3,4,99\n2,3,1e999,5,6\n").contains("a.csv:2: field 3 is \"1e999\""))
    #expect(
      read("1,2,3,4,5\n10,3,4,5,6\n").hasSuffix(
        "a.csv:2: the label is 10; there are 10 classes, 0 to 9"))
    #expect(read("1,2,3\n").contains("which make neither 2x2x1 nor a square image"))
    #expect(read("label,a,b,c,d\n").contains("it holds no images"))
    #expect(read("").contains("it holds no images"))
    #expect(read(String(repeating: "1", count: 3 << 20)).contains("longer than 1048576 bytes"))
  }

  @Test(arguments: ["cifar10.tar.gz", "plain.mat", "compressed.mat", "emnist.zip", "usps.bz2"])
  func tornPublishedFiles(name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: FormatFixture.path(name))))
    func read(_ path: String) throws {
      if name.hasPrefix("cifar") {
        _ = try CIFAR.read(GzipStream(path), labelBytes: 1, classes: 10)
      } else if name.hasSuffix(".mat") {
        _ = try SVHN.read(path)
      } else if name.hasPrefix("emnist") {
        let emnist = EMNIST(path: path, split: "letters", firstLabel: 1, classes: 26)
        for part in ["train", "test"] { _ = try emnist.read(part) }
      } else {
        _ = try LIBSVM.read(
          try Bzip2Stream(path), shape: ImageShape(height: 16, width: 16, channels: 1), classes: 10)
      }
    }
    #expect(message { try read(FormatFixture.path(name)) } == "no error")
    for part in 0..<40 {
      // Not those that lack but a few bytes of what fills them up.
      let path = try folder.file(name, Array(bytes[..<(bytes.count * part / 45)]))
      let said = message { try read(path) }
      #expect(said.contains(path), "\(said)")
      // And changed ones: an error or not, but never an end of the program.
      var changed = bytes
      changed[bytes.count * part / 40] ^= 0x55
      let other = try folder.file(name, changed)
      _ = message { try read(other) }
    }
  }
}
