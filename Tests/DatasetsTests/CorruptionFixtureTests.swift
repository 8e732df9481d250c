import ConvNet
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// What scikit-image, SciPy and ImageMagick give; see Fixtures/make_corruptions.py.
private struct CorruptionFixture: Decodable {
  struct Image: Decodable {
    let shape: [Int]
    let bytes: [UInt8]

    var set: ImageSet {
      ImageSet(
        height: shape[0], width: shape[1], channels: 1, classes: 2, pixels: bytes, labels: [0])
    }
    var canvas: Canvas {
      var canvas = Canvas(height: shape[0], width: shape[1], channels: 1)
      canvas.load(bytes)
      return canvas
    }
  }
  struct Case: Decodable, CustomTestStringConvertible {
    let corruption: String
    let image: String
    let severity: Int
    let result: [Double]
    // What chance decides.
    let sides: [Float]?
    let moves: [Int]?
    let degrees: Float?
    let rows: [Int]?

    var testDescription: String {
      let given = sides.map { "\($0)" } ?? degrees.map { "\($0)°" } ?? rows.map { "\($0)" } ?? ""
      return "\(corruption) \(severity) of \(image) \(given)"
    }
  }
  struct Poisson: Decodable {
    let mean: Double
    /// The chances of at most `least`, of each number that follows, and of the rest.
    let chances: [Double]
    let least: Int
    /// Of the chi-squared statistic.
    let limit: Double
  }
  struct Impulse: Decodable {
    let severity: Int, least: Int, most: Int
  }
  let images: [String: Image]
  /// Noise for spatter.
  let normal: [Float]
  let cases: [Case]
  let poisson: [Poisson]
  let impulse: [Impulse]

  static let read: CorruptionFixture = {
    let url = Fixture.url("corruptions.json")
    return try! JSONDecoder().decode(CorruptionFixture.self, from: Data(contentsOf: url))
  }()
}

@Suite struct CorruptionFixtureTests {
  @Test(arguments: CorruptionFixture.read.cases) fileprivate func agreesWithMNISTC(
    _ c: CorruptionFixture.Case
  ) throws {
    let image = try #require(CorruptionFixture.read.images[c.image])
    let corruption = try #require(Corruption(rawValue: c.corruption))
    guard ![.brightness, .stripe].contains(corruption) else {
      let spoiled = corruption.apply(to: image.set, severity: c.severity, seed: 1, threads: 1)
      #expect(spoiled.image(0).map { Double($0) } == c.result)
      return
    }
    let canvas = try #require(try spoiled(image.canvas, by: corruption, c))
    guard corruption != .motionBlur else {
      // ImageMagick's pixels have 16 bits.
      #expect(canvas.values.map { ($0 * 65535).rounded() } == c.result)
      return
    }
    let worst = zip(canvas.values, c.result).map { abs($0 - $1) }.max()!
    // Maps are resampled in Float, edges are there or not, and the others are as SciPy's to 1e-10.
    #expect(worst <= (corruption == .cannyEdges ? 0 : c.sides == nil ? 1e-9 : 5e-6))
  }

  /// The canvas spoiled by what the fixture says that chance decided; nil for what chance has more to do
  /// with.
  private func spoiled(
    _ image: Canvas, by corruption: Corruption, _ c: CorruptionFixture.Case
  ) throws -> Canvas? {
    var canvas = image
    let level = c.severity - 1
    switch corruption {
    case .shear, .scale, .rotate, .translate:
      let sides = try #require(c.sides)
      let map = corruption.map(severity: c.severity, sides: (sides[0], sides[1]), unit: 1)
      canvas.map(try #require(map))
    case .glassBlur:
      let numbers = try #require(c.moves)
      let moves = stride(from: 0, to: numbers.count, by: 2).map {
        GlassBlur.Move(rows: numbers[$0], columns: numbers[$0 + 1])
      }
      GlassBlur.levels[level].apply(moves, to: &canvas)
    case .motionBlur:
      let angle = try #require(c.degrees) * (.pi / 180)
      MotionBlur.levels[level].apply(angle: angle, to: &canvas)
    case .fog:
      let noise = (0..<256 * 256 - 1).map { (k: Int) -> Float in
        Float((k * 40503 + 12345) % 65536) / 32768 - 1
      }
      Fog.levels[level].apply(noise, to: &canvas)
    case .spatter: Spatter.levels[level].apply(CorruptionFixture.read.normal, to: &canvas)
    case .dottedLine:
      let rows = try #require(c.rows)
      DottedLine(rows: (rows[0], rows[1])).apply(to: &canvas)
    case .zigzag:
      let rows = try #require(c.rows)
      Zigzag(row: rows[0], fall: rows[1]).apply(to: &canvas)
    case .cannyEdges: canvas.fill(CannyEdges(of: canvas, sigma: canvas.unit).traced)
    case .shotNoise, .impulseNoise, .brightness, .stripe: return nil
    }
    return canvas
  }

  /// Of 30,000 numbers of a Poisson distribution, as many are of each size as SciPy says.
  @Test func photonsArePoisson() {
    let draws = 30_000
    for c in CorruptionFixture.read.poisson {
      var random = RandomStream(seed: 9, purpose: .probe)
      var counts = [Int](repeating: 0, count: c.chances.count)
      for _ in 0..<draws {
        let number = Int(Corruption.poisson(c.mean, &random))
        counts[min(max(number - c.least, 0), counts.count - 1)] += 1
      }
      let statistic = zip(counts, c.chances).reduce(0.0) {
        let expected = $1.1 * Double(draws)
        return $0 + (Double($1.0) - expected) * (Double($1.0) - expected) / expected
      }
      #expect(statistic < c.limit, "mean \(c.mean)")
    }
  }

  /// Of 100,000 grey pixels, as many become black, and white, as SciPy's binomial distribution allows.
  @Test func impulsesAreBinomial() {
    let flat = ImageSet(
      height: 50, width: 50, channels: 1, classes: 2,
      pixels: [UInt8](repeating: 102, count: 40 * 2500), labels: Labels(repeating: 0, count: 40))
    for c in CorruptionFixture.read.impulse {
      let spoiled = Corruption.impulseNoise.apply(
        to: flat, severity: c.severity, seed: 1, threads: 2)
      let bytes = spoiled.pixels[0..<spoiled.pixels.count]
      let counts = [0, 102, 255].map { value in bytes.count { $0 == value } }
      #expect(counts.reduce(0, +) == bytes.count)
      #expect((c.least...c.most).contains(counts[0]) && (c.least...c.most).contains(counts[2]))
    }
  }
}
