import Foundation
import TestSupport
import Testing

@testable import Datasets
@testable import Images

@Suite struct PNGSheetTests {
  @Test func libpngReadsTheSheetBack() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/sheet.png"
    let set = smallSet(7, height: 12, width: 10)
    try PNGSheet.write(set, indices: 0..<7, columns: 3, to: path)
    let drawn = PNGSheet.draw(set, indices: Array(0..<7), columns: 3)

    let file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(file.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    // Eight-bit grey, as IHDR says.
    #expect(file[24] == 8 && file[25] == 0)
    let read = try PNGFile.decode(file)
    #expect(read.shape == ImageShape(height: drawn.height, width: drawn.width, channels: 1))
    let pixels = read.pixels
    #expect(pixels == drawn.pixels)

    // The fifth image is the second of the second row; each of its pixels is shown twice as large.
    let (left, top) = (6 + 26, 6 + (24 + 14 + 6) + 14)
    let fifth = Array(set.image(4))
    for y in 0..<24 {
      for x in 0..<20 {
        #expect(pixels[(top + y) * drawn.width + left + x] == fifth[y / 2 * 10 + x / 2])
      }
    }
  }

  @Test func colourStaysColour() throws {
    let set = smallSet(3, height: 4, width: 5, channels: 3)
    let drawn = PNGSheet.draw(set, indices: [0, 1, 2], columns: 3)
    let file = PNGFile.encode(
      drawn.pixels, width: drawn.width, height: drawn.height, channels: drawn.channels)
    let read = try PNGFile.decode(file)
    #expect(read.shape == ImageShape(height: drawn.height, width: drawn.width, channels: 3))
    #expect(read.pixels == drawn.pixels)
    // The second image's first pixel, left and top of its place.
    let place = ((6 + 14) * drawn.width + 6 + 16) * 3
    #expect(read.pixels[place..<place + 3] == Array(set.image(1)[..<3])[...])
  }

  /// The letter A of misc-fixed 6x13, and that an accent may be composed in either way.
  @Test func lettersAreWritten() {
    func drawing(_ text: String) -> [String] {
      let points = BitmapFont.points(of: text)
      return (0..<13).map { y in
        String((0..<6).map { x in points.contains { $0 == (x, y) } ? "#" : "." })
      }
    }
    #expect(
      drawing("A") == [
        "......", "......", "..#...", ".#.#..", "#...#.", "#...#.", "#...#.", "#####.", "#...#.",
        "#...#.", "#...#.", "......", "......",
      ])
    #expect(drawing("\u{E9}") == drawing("e\u{301}") && drawing("\u{E9}") != drawing("e"))
    #expect(BitmapFont.points(of: "AA").count == 2 * BitmapFont.points(of: "A").count)
    let letters = (0x21...0x7E).map { String(Unicode.Scalar(UInt8($0))) }
    #expect(Set(letters.map(drawing)).count == letters.count)
    #expect(BitmapFont.canWrite("T-shirt/top, Größe, Ωμέγα, кошка …"))
    #expect(!BitmapFont.canWrite("猫") && BitmapFont.points(of: "猫").isEmpty)
  }

  /// Text below an image makes its cell as wide as it needs, and the image as large as is worth looking at.
  @Test func textStandsBelowTheImages() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/sheet.png"
    let set = smallSet(2, height: 28, width: 28)
    let cells = (0..<2).map {
      PNGSheet.Cell(
        below: ["is a", "as a very long name of a class"], pixels: Array(set.image($0)))
    }
    try PNGSheet.write(cells, of: set.shape, columns: 2, to: path)
    let read = try PNGFile.decode([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
    #expect(
      read.shape == ImageShape(height: 6 + 112 + 30 + 6, width: 6 + 2 * (144 + 6), channels: 1))
    func pixel(_ x: Int, _ y: Int) -> UInt8 { read.pixels[y * (6 + 2 * 150) + x] }
    #expect(pixel(6 + 150 + 4 * 9, 6 + 4 * 5) == set.image(1)[5 * 28 + 9])
    // The stem of the i of "is", under the second image.
    #expect(pixel(6 + 150 + 2, 6 + 112 + 2 + 7) == 224)
  }
}
