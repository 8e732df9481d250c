import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Images that keep the proportion of their sides, against Pillow's ImageOps.pad; see
/// Fixtures/make_aspect.py.
@Suite struct AspectTests {
  private struct Cases: Decodable {
    struct Case: Decodable {
      let from, to: [Int]
      let method: String
      let pixels, result: [UInt8]
    }
    let cases: [Case]
  }

  @Test func agreesWithPillow() throws {
    let cases = try Fixture.load("aspect", as: Cases.self).cases
    #expect(cases.count == 16)
    for c in cases {
      let channels = c.from[2]
      let preparation = ImagePreparation(
        shape: ImageShape(height: c.to[0], width: c.to[1], channels: channels),
        resize: .init(rawValue: c.method)!, keepsAspect: true)
      let image = StoredImages(
        shape: ImageShape(height: c.from[0], width: c.from[1], channels: channels),
        pixels: c.pixels)
      let result = try #require(preparation.prepare(image))
      #expect(result.pixels == c.result, "\(c.from) \(c.to)")
    }
  }

  /// What lies beside the image is black for the network, also where paper becomes black.
  @Test func whatIsInvertedLiesAmidZeros() throws {
    let preparation = ImagePreparation(
      shape: ImageShape(height: 4, width: 4, channels: 1), resize: .area, keepsAspect: true,
      inverts: true)
    let paper = StoredImages(
      shape: ImageShape(height: 2, width: 4, channels: 1),
      pixels: [UInt8](repeating: 255, count: 8) + [UInt8](repeating: 0, count: 8))
    let result = try #require(preparation.prepare(paper))
    #expect(Array(result.pixels[..<16]) == [UInt8](repeating: 0, count: 16))
    #expect(
      Array(result.pixels[16...]) == (0..<16).map { (4..<12).contains($0) ? 255 : 0 }, "ink")
  }

  /// However long an image is, a row of it is left.
  @Test func nothingVanishes() throws {
    let wide = ImageShape(height: 1, width: 1000, channels: 1)
    let shape = ImageShape(height: 8, width: 8, channels: 1)
    #expect(wide.contained(in: shape) == ImageShape(height: 1, width: 8, channels: 1))
    let preparation = ImagePreparation(shape: shape, resize: .bilinear, keepsAspect: true)
    let result = try #require(
      preparation.prepare(
        StoredImages(shape: wide, pixels: [UInt8](repeating: 200, count: 1000))))
    #expect(result.pixels.count { $0 == 200 } == 8)
  }
}
