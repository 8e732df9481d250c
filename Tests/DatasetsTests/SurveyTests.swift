import Foundation
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// What files tell of their classes and their images' shape, where nobody says it.
@Suite struct SurveyTests {
  let locator = DatasetLocator(dataFolder: nil, environment: [:])

  func survey(_ path: String, _ format: OwnFiles.Format? = nil) throws -> OwnFilesSurvey {
    try locator.survey(OwnFilesQuestion(path: path, format: format))
  }

  func shape(_ height: Int, _ width: Int, _ channels: Int) -> ImageShape {
    ImageShape(height: height, width: width, channels: channels)
  }

  func image(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: FormatFixture.path(name))))
  }

  @Test func foldersTellClassesAndSizes() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file("cat/1.png", image("grey.png"))
    let grey = try ImageFile(FormatFixture.path("grey.png")).header.shape
    _ = try folder.file("dog/1.png", image("grey.png"))
    let told = try survey(folder.path)
    #expect(told.classes == .names(["cat", "dog"]) && told.shape == grey)
    // Colour, where any is; what cannot be read is told when it is.
    let rgb = try ImageFile(FormatFixture.path("rgb.png")).header.shape
    if rgb.height == grey.height, rgb.width == grey.width {
      _ = try folder.file("dog/2.png", image("rgb.png"))
      #expect(try survey(folder.path).shape == rgb)
    }
    _ = try folder.file("dog/3.png", [])
    #expect(try survey(folder.path).classes == .names(["cat", "dog"]))
    _ = try folder.file(
      "dog/4.gif",
      [UInt8](
        try Data(contentsOf: URL(fileURLWithPath: FormatFixture.folder + "/images/larger.gif"))))
    let several = message { _ = try survey(folder.path) }
    #expect(several.contains("its images are of several sizes: \(folder.path)/cat/1.png is "))
    #expect(several.contains("dog/4.gif 5x7; give dataset.shape"))
  }

  @Test func tablesTell() throws {
    let folder = try TemporaryFolder()
    func table(_ labels: [String], pixels: Int, header: Bool = true) throws -> String {
      let names = ["label"] + (0..<pixels).map { "pixel\($0)" }
      let rows = labels.enumerated().map { row, label in
        ([label] + (0..<pixels).map { "\((row * 37 + $0 * 11) % 256)" }).joined(separator: ",")
      }
      let lines = (header ? [names.joined(separator: ",")] : []) + rows
      return try folder.file("table.csv", Array(lines.joined(separator: "\n").utf8))
    }
    #expect(
      try survey(table(["2", "0", "1", "0"], pixels: 784))
        == OwnFilesSurvey(classes: .count(3), shape: shape(28, 28, 1)))
    #expect(
      try survey(table(["10", "9", "2"], pixels: 3072))
        == OwnFilesSurvey(classes: .names(["2", "9", "10"]), shape: shape(32, 32, 3)))
    #expect(
      try survey(table(["dog", "cat", "dog"], pixels: 16, header: false))
        == OwnFilesSurvey(classes: .names(["cat", "dog"]), shape: shape(4, 4, 1)))
    for (labels, pixels, said) in [
      (["0", "1"], 12 * 7, "84 pixels, which make no square image; give dataset.shape"),
      (["0.5", "1"], 16, "a label is \"0.5\", neither a whole number nor a name"),
      (["1", "1"], 16, "all its labels are equal; give dataset.classes"),
    ] {
      let told = message { _ = try survey(table(labels, pixels: pixels)) }
      #expect(told.contains(said), "\(told)")
    }
  }

  @Test func arraysTell() throws {
    let keras = try survey(FormatFixture.path("keras.npz"))
    #expect(keras.shape == shape(4, 3, 1))
    #expect(try survey(FormatFixture.path("colour.npz")).shape == shape(5, 4, 3))
    #expect(try survey(FormatFixture.path("colour.npz")).classes == .count(3))
    #expect(try survey(FormatFixture.path("npy"), .npy) == keras)
    let tables = FormatFixture.folder + "/tables/"
    #expect(try survey(tables + "one_hot.npz").classes.count > 1)
    #expect(
      message { _ = try survey("nowhere/x.npz") }
        == "nowhere/x.npz is not on this machine; looked in data, .")
    let folder = try TemporaryFolder()
    _ = try folder.file("train-images-idx3-ubyte", idx([3, 2, 5], content: .init(0..<30)))
    _ = try folder.file("train-labels-idx1-ubyte", idx([3], content: [1, 0, 1]))
    #expect(
      try survey(folder.path, .idx)
        == OwnFilesSurvey(classes: .count(2), shape: shape(2, 5, 1)))
  }

  /// Whether the files are there and fit, without opening an image.
  @Test func filesAreCounted() throws {
    let folder = try TemporaryFolder()
    for name in ["train/a/1.png", "train/b/1.png", "train/b/2.png", "test/a/1.png"] {
      _ = try folder.file(name, Array("no image".utf8))
    }
    var request = DatasetRequest("files")
    request.files = OwnFiles(
      path: "\(folder.path)/train", testPath: "\(folder.path)/test", classes: .names(["a", "b"]))
    request.preparation = ImagePreparation(shape: shape(4, 4, 1))
    let counts = try locator.countFiles(request, threads: 1)
    #expect(counts.training == 3 && counts.validation == nil && counts.test == 1)
    request.files!.classes = .names(["a", "c"])
    #expect(
      message { _ = try locator.countFiles(request, threads: 1) }
        == "\(folder.path)/train: the folder b is no class; those are a, c")
    request.files!.testPath = "\(folder.path)/tset"
    #expect(
      message { _ = try locator.countFiles(request, threads: 1) }
        == "\(folder.path)/tset is not on this machine")
  }
}
