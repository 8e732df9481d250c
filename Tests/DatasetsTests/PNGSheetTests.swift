import Foundation
import Testing

@testable import Datasets

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
    let (left, top) = (6 + 26, 6 + (24 + 9 + 6) + 9)
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
    let file = PNGSheet.encode(
      drawn.pixels, width: drawn.width, height: drawn.height, channels: drawn.channels)
    let read = try PNGFile.decode(file)
    #expect(read.shape == ImageShape(height: drawn.height, width: drawn.width, channels: 3))
    #expect(read.pixels == drawn.pixels)
    // The second image's first pixel, left and top of its place.
    let place = ((6 + 9) * drawn.width + 6 + 16) * 3
    #expect(read.pixels[place..<place + 3] == Array(set.image(1)[..<3])[...])
  }

  @Test func numbersHaveEachDigitOnce() {
    let drawings = (0...9).map { n in Set(DigitFont.points(of: n).map { $0.0 * 10 + $0.1 }) }
    #expect(Set(drawings).count == 10)
    #expect(DigitFont.points(of: 12).map(\.0).max()! <= 10)
  }
}
