import ConvNet
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Labels of more classes than a byte tells apart, in every form that holds them.
@Suite struct ManyClassesTests {
  struct Labelled: Decodable {
    struct Array: Decodable {
      let kind: String
      let file: Data
      let labels: [Int]
      /// The same form with the label 65,536, where it holds that.
      let beyond: Data?
    }
    struct IDX: Decodable {
      let file: Data
      let labels: [Int]
    }
    let arrays: [Array]
    let idx: [IDX]
  }

  static let fixture = try! Fixture.load("labels", as: Labelled.self)
  let folder = try! TemporaryFolder()
  let all = ClassNames(.count(Labels.mostClasses))
  let labels = [0, 255, 256, 257, 65_535, 1]

  func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  private func expectRefusal(
    _ told: String, _ place: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      told.contains(
        "\(place) is 65536; there are 65536 classes, 0 to 65535; no class's number is "
          + "above 65535: number them from 0 without gaps, as numpy.unique("),
      "\(told)", sourceLocation: sourceLocation)
  }

  /// NumPy wrote them.
  @Test func arrays() throws {
    #expect(Self.fixture.arrays.count == 12)
    for c in Self.fixture.arrays {
      let path = try folder.file("y.npy", [UInt8](c.file))
      #expect(try NPY.labels(PlainStream(path), classes: all) == Labels(c.labels), "\(c.kind)")
      guard let beyond = c.beyond else { continue }
      let other = try folder.file("z.npy", [UInt8](beyond))
      expectRefusal(
        message { _ = try NPY.labels(PlainStream(other), classes: all) }, "z.npy: label 3")
      // One class less, and the largest is none of them.
      let told = message {
        _ = try NPY.labels(PlainStream(path), classes: ClassNames(.count(65_535)))
      }
      #expect(told.contains("y.npy: label 4 is 65535; there are 65535 classes, 0 to 65534"))
      #expect(!told.contains("numpy"))
    }
  }

  /// torchvision read them.
  @Test func filesOfIDX() throws {
    for c in Self.fixture.idx {
      let path = try folder.file("labels", [UInt8](c.file))
      guard c.labels.contains(65_536) else {
        #expect(try IDX.labels(path, classes: 65_536).labels == Labels(c.labels))
        continue
      }
      expectRefusal(message { _ = try IDX.labels(path, classes: 65_536) }, "labels: label 1")
    }
    let negative = try folder.file("negative", idx([1], type: 0x0C, content: [255, 255, 255, 255]))
    #expect(
      message { _ = try IDX.labels(negative, classes: 10) }.contains("negative: label 0 is -1;"))
    let cut = try folder.file("cut", idx([2], type: 0x0B, content: [0, 1]))
    #expect(
      message { _ = try IDX.labels(cut, classes: 10) }.contains(
        "cut: its header announces 12 bytes, but the file has 10; it is truncated"))
    // Images are bytes.
    let images = try folder.file("images", idx([1, 1, 1], type: 0x0B, content: [0, 1]))
    let one = try folder.file("one", idx([1], content: [0]))
    #expect(
      message { _ = try IDX.read(images: images, labels: one, classes: 2) }.contains(
        "images: it holds elements of type 0x0b; only unsigned bytes (0x08) are read"))
  }

  /// Files named as MNIST's, but for what they hold; the digest is of the labels, however they are kept.
  @Test func foldersOfIDX() throws {
    let pixels = (0..<6 * 4).map { UInt8($0) }
    let wide = labels.flatMap { label -> [UInt8] in
      [0, 0, UInt8(label >> 8), UInt8(label & 255)]
    }
    let pairs = labels.flatMap { label -> [UInt8] in [UInt8(label & 255), UInt8(label >> 8)] }
    let narrow: [UInt8] = [0, 1, 0, 1, 2, 2]
    _ = try folder.file("wide/train-images-idx3-ubyte", idx([6, 2, 2], content: pixels))
    _ = try folder.file("wide/train-labels-idx1-int", idx([6], type: 0x0C, content: wide))
    _ = try folder.file("narrow/train-images-idx3-ubyte", idx([6, 2, 2], content: pixels))
    _ = try folder.file(
      "narrow/train-labels-idx1-short",
      idx([6], type: 0x0B, content: narrow.flatMap { label -> [UInt8] in [0, label] }))
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    func set(_ name: String, _ classes: Int) throws -> ImageSet {
      try ownSet(
        "\(folder.path)/\(name)", shape: shape, classes: .count(classes), format: .idx,
        readsTest: false
      ).train
    }
    let many = try set("wide", 65_536)
    #expect(many.labels == Labels(labels) && many.classCounts[65_535] == 1)
    let few = try set("narrow", 3)
    #expect(few.labels == Labels(narrow))
    func digest(_ labels: [UInt8], _ classes: [UInt8]) -> String {
      func file(_ bytes: [UInt8]) -> [UInt8] {
        let digest = SHA256()
        digest.update(bytes)
        return digest.finalize()
      }
      return SHA256.hex(
        of: file(idx([6, 2, 2], content: pixels)) + file(idx([6], content: labels)) + classes)
    }
    #expect(few.digest == digest(narrow, [3]))
    // More than 256 classes: two bytes each, the lower first.
    #expect(
      many.digest == digest(pairs, [0, 0]))
    // As ever up to 256.
    let most = ImageSet(
      height: 2, width: 2, channels: 1, classes: 256, pixels: pixels,
      labels: [0, 255, 1, 0, 0, 254])
    #expect(most.digest == digest([0, 255, 1, 0, 0, 254], [0]))
    let survey = try DatasetLocator(dataFolder: nil, environment: [:]).survey(
      OwnFilesQuestion(path: "\(folder.path)/narrow", format: .idx))
    #expect(survey.classes == .count(3))
  }

  @Test func rowsInCSV() throws {
    let shape = ImageShape(height: 1, width: 4, channels: 1)
    func table(_ labels: [Int]) throws -> String {
      try folder.file(
        "a.csv", Array(("label,p0,p1,p2,p3\n" + labels.map { "\($0),1,2,3,4\n" }.joined()).utf8))
    }
    let read = try PixelCSV.read(table(labels), expected: shape, classes: all)
    #expect(read.labels == Labels(labels))
    expectRefusal(
      message {
        _ = try PixelCSV.read(table([0, 65_536]), expected: shape, classes: all)
      }, "a.csv:3: the label")
    // Without a header: labels that no pixel can be stand at the front, not at the back.
    let bare = (0..<300).map { "\($0 * 7 % 300),\($0 % 200),7,\($0 % 3),\($0 % 251)\n" }.joined()
    let path = try folder.file("b.csv", Array(bare.utf8))
    let told = message {
      _ = try DatasetLocator(dataFolder: nil, environment: [:]).survey(
        OwnFilesQuestion(path: path, shape: shape))
    }
    #expect(told.contains("could both be the labels"), "\(told)")
    let survey = try DatasetLocator(dataFolder: nil, environment: [:]).survey(
      OwnFilesQuestion(path: path, labelColumn: .number(0), shape: shape))
    #expect(survey.classes == .count(300))
  }

  /// Labels as they are collected, until it is known what they mean.
  @Test func kindsOfLabels() throws {
    var labels = ClassLabels()
    for label in 0..<65_536 { labels.append(label) }
    #expect(try labels.found("y") == .count(65_536))
    #expect(
      try labels.classes(of: all, place: { "\($0)" }, noted: { _ in }).last == 65_535)
    labels.append("cat")
    #expect(
      message { _ = try labels.found("y.npy") }
        == "y.npy: its labels are of more than 65536 kinds, the most classes that there may be")
    #expect(
      message { _ = try labels.classes(of: all, place: { "\($0)" }, noted: { _ in }) }
        .contains("65536 is \"cat\"; there are 65536 classes"))
  }

  /// A folder for each of 300 classes.
  @Test func foldersOfImages() throws {
    let dot: [UInt8] =
      Array("BM".utf8) + [58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0]
      + [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0] + [UInt8](repeating: 0, count: 24) + [9, 9, 9, 0]
    for label in 0..<300 { _ = try folder.file("photos/\(1000 + label)/a.bmp", dot) }
    let shape = ImageShape(height: 1, width: 1, channels: 1)
    let set = try ownSet(
      "\(folder.path)/photos", shape: shape, classes: .count(300), readsTest: false)
    #expect(set.train.labels == Labels(0..<300) && set.classNames[299] == "1299")
    let told = message {
      _ = try ownSet(
        "\(folder.path)/photos", shape: shape,
        classes: .names((0..<299).map { "\(1000 + $0)" }), readsTest: false)
    }
    #expect(told.contains("the folder 1299 is no class; those are 1000, 1001"))
    #expect(told.hasSuffix("1099 and 199 more"), "\(told)")
  }

  /// What other processes are given.
  @Test func sharedImages() throws {
    let set = ImageSet(
      height: 1, width: 1, channels: 1, classes: 65_536, pixels: [1, 2, 3, 4, 5, 6],
      labels: Labels(labels))
    let shared = try SharedImages()
    try shared.write(set)
    let mapped = try SharedImages.map(shared.file)
    #expect(mapped.labels == set.labels && mapped.digest == set.digest)
    #expect(mapped.image(5) == [6])
  }

  /// Shares of classes, however many there are.
  @Test func draws() throws {
    let labels = Labels((0..<4000).map { $0 % 1000 })
    let split = try HoldoutSplit(labels: labels, validation: 1000, stratified: true, seed: 1)
    #expect(Set(split.validation.map { labels[Int($0)] }).count == 1000)
    let few = try #require(
      try Selection(subset: .perClass(2)).chosen(labels: labels, classes: 1000))
    #expect(labels.chosen(few).counts(ofClasses: 1000).allSatisfy { $0 == 2 })
  }
}
