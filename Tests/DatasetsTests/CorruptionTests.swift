import ConvNet
import Foundation
import Testing

@testable import Datasets

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
    let isDrawn = ![.brightness, .scale, .cannyEdges].contains(corruption)
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

  @Test(arguments: Corruption.allCases.filter { $0 != .cannyEdges })
  func severityGrows(corruption: Corruption) {
    let distances = [1, 5].map {
      distance(corruption.apply(to: digits, severity: $0, seed: 5, threads: 1), digits)
    }
    #expect(distances[0] < distances[1])
  }

  @Test func theNoiseIsWhatIsSaid() {
    let flat = ImageSet(
      height: 50, width: 50, channels: 1, classes: 2,
      pixels: [UInt8](repeating: 102, count: 40 * 2500), labels: [UInt8](repeating: 0, count: 40))
    // Poisson of mean 12 · 0.4: mean 0.4, variance 0.4/12. No value beyond 1 at this rate.
    let shot = Corruption.shotNoise.apply(to: flat, severity: 3, seed: 1, threads: 2)
    let values = shot.pixels[0..<shot.pixels.count].map { Double($0) / 255 }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(abs(mean - 0.4) < 0.003 && abs(variance - 0.4 / 12) < 0.002)
    let impulse = Corruption.impulseNoise.apply(to: flat, severity: 4, seed: 1, threads: 2)
    let bytes = impulse.pixels[0..<impulse.pixels.count]
    for extreme: UInt8 in [0, 255] {
      let share = Double(bytes.count { $0 == extreme }) / Double(bytes.count)
      #expect(abs(share - 0.085) < 0.003)
    }
    let bright = Corruption.brightness.apply(to: flat, severity: 2, seed: 1, threads: 2)
    #expect(bright.pixels[0..<1] == [153])
  }

  /// A square's edges are its outline, a pixel wide.
  @Test func edgesOfASquare() {
    var pixels = [UInt8](repeating: 0, count: 28 * 28)
    for y in 8..<20 { for x in 8..<20 { pixels[28 * y + x] = 255 } }
    let set = ImageSet(
      height: 28, width: 28, channels: 1, classes: 2, pixels: pixels, labels: [0])
    let edges = Corruption.cannyEdges.apply(to: set, severity: 1, seed: 1, threads: 1).image(0)
    #expect(Set(edges) == [0, 255])
    #expect(edges[28 * 14 + 14] == 0 && edges[28 * 2 + 2] == 0)
    // Across the middle there are two, near the sides.
    let row = (0..<28).filter { edges[28 * 14 + $0] == 255 }
    #expect(row.count == 2 && abs(row[0] - 8) <= 1 && abs(row[1] - 20) <= 1)
  }
}
