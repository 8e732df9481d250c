import ConvNet
import Foundation
import Testing

@testable import Datasets
@testable import Images

@Suite struct CorruptionTests {
  let digits = SyntheticDigits(seed: 3).images(12, part: .test, threads: 1)

  /// Of an image's pixels, how far they are from another's on average.
  func distance(_ a: ImageSet, _ b: ImageSet) -> Double {
    let (a, b) = (a.pixels[0..<a.pixels.count], b.pixels[0..<b.pixels.count])
    return zip(a, b).reduce(0.0) { $0 + Double(abs(Int($1.0) - Int($1.1))) } / Double(a.count)
  }

  @Test(arguments: Corruption.allCases) func dependsOnSeedAndImageAlone(corruption: Corruption) {
    let sets = (1...3).map {
      corruption.apply(to: digits, severity: 3, seed: 5, threads: $0).digest
    }
    #expect(Set(sets).count == 1)
    // The first images of a set become what they become alone.
    let first = corruption.apply(to: digits.prefix(4), severity: 3, seed: 5, threads: 1)
    let all = corruption.apply(to: digits, severity: 3, seed: 5, threads: 1)
    #expect(first.digest == all.prefix(4).digest)
    #expect(first.labels == digits.prefix(4).labels)
    #expect(distance(all, digits) > 1)
    let isDrawn = ![.brightness, .scale, .stripe, .cannyEdges].contains(corruption)
    let other = corruption.apply(to: digits, severity: 3, seed: 6, threads: 1)
    #expect((other.digest != all.digest) == isDrawn)
  }

  @Test(arguments: Corruption.allCases) func worksOnColourAndOddSizes(corruption: Corruption) {
    for (height, width, channels) in [(9, 31, 3), (33, 8, 1), (1, 1, 3), (64, 64, 3)] {
      let set = smallSet(2, height: height, width: width, channels: channels)
      for severity in [1, 5] {
        let spoiled = corruption.apply(to: set, severity: severity, seed: 1, threads: 1)
        #expect(spoiled.shape == set.shape)
      }
    }
    // Grey in colour stays grey, but where each channel has noise of its own.
    // Edges of a mean may be thinned to a neighbour.
    guard ![.shotNoise, .impulseNoise, .cannyEdges].contains(corruption) else { return }
    let grey = StoredImages(
      shape: digits.imageShape, pixels: digits.pixels[0..<digits.pixels.count])
    let colour = grey.withChannels(3).set(labels: digits.labels, classes: 10)
    let spoiled = corruption.apply(to: colour, severity: 2, seed: 1, threads: 1)
    let bytes = spoiled.pixels[0..<spoiled.pixels.count]
    let plain = corruption.apply(to: digits, severity: 2, seed: 1, threads: 1)
    let expected = plain.pixels[0..<plain.pixels.count]
    for (pixel, value) in expected.enumerated() {
      let colour = bytes[3 * pixel..<3 * pixel + 3]
      guard Set(colour).count == 1, abs(Int(colour.first!) - Int(value)) <= 1 else {
        Issue.record("pixel \(pixel) is \(Array(colour)), not \(value)")
        break
      }
    }
  }

  @Test(arguments: Corruption.allCases) func severityGrows(corruption: Corruption) {
    let sets = Corruption.severities.map {
      corruption.apply(to: digits, severity: $0, seed: 5, threads: 1)
    }
    let published = corruption.apply(to: digits, seed: 5, threads: 1)
    guard let severity = corruption.publishedSeverity else {
      #expect(sets.allSatisfy { $0.digest == published.digest })
      return
    }
    #expect(Set(sets.map(\.digest)).count == 5)
    #expect(sets[severity - 1].digest == published.digest)
    #expect(distance(sets[0], digits) < distance(sets[4], digits))
  }

  /// Each drawn number takes all the values that MNIST-C's take, and no others.
  @Test func rangesOfWhatIsDrawn() {
    var random = RandomStream(seed: 4, purpose: .probe)
    let dotted = (0..<1000).map { _ in DottedLine(drawnBy: &random).rows }
    #expect(Set(dotted.map(\.0)) == Set(0..<27) && Set(dotted.map(\.1)) == Set(0..<27))
    let zigzags = (0..<1000).map { _ in Zigzag(drawnBy: &random) }
    #expect(Set(zigzags.map(\.row)) == Set(0..<27) && Set(zigzags.map(\.fall)) == Set(-5..<5))
    let canvas = Canvas(height: 28, width: 28, channels: 1)
    for glass in GlassBlur.levels {
      let moves = glass.draw(for: canvas, &random)
      let side = 28 - 2 * glass.reach
      #expect(moves.count == glass.rounds * side * side)
      #expect(Set(moves.map(\.rows)) == Set(-glass.reach..<glass.reach))
      #expect(Set(moves.map(\.columns)) == Set(-glass.reach..<glass.reach))
      // Half of them, and one in (2·reach)² of the others.
      let share = 0.5 + 0.5 / Double(4 * glass.reach * glass.reach)
      let still = Double(moves.count { $0.rows == 0 && $0.columns == 0 }) / Double(moves.count)
      #expect(abs(still - share) < 0.06)
    }
    let noise = Cloud.draw(&random)
    #expect(noise.count == 256 * 256 - 1 && noise.allSatisfy { (-1..<1).contains($0) })
  }

  @Test func theNoiseIsWhatIsSaid() {
    let flat = ImageSet(
      height: 50, width: 50, channels: 1, classes: 2,
      pixels: [UInt8](repeating: 102, count: 40 * 2500), labels: Labels(repeating: 0, count: 40))
    // Poisson of mean 12 · 0.4: mean 0.4, variance 0.4/12. No value beyond 1 at this rate.
    let shot = Corruption.shotNoise.apply(to: flat, severity: 3, seed: 1, threads: 2)
    let values = shot.pixels[0..<shot.pixels.count].map { Double($0) / 255 }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(abs(mean - 0.4) < 0.003 && abs(variance - 0.4 / 12) < 0.002)
    let bright = Corruption.brightness.apply(to: flat, severity: 2, seed: 1, threads: 2)
    #expect(bright.pixels[0..<1] == [153])
  }
}
