import ConvNet
import TestSupport
import Testing

@testable import Datasets

/// What scipy.ndimage and torchvision give; see Fixtures/make_augmentation.py.
private struct Distortions: Decodable {
  struct Op: Decodable {
    let op: String
    let values: [Float]

    var map: PlaneMap {
      switch op {
      case "rotate": .rotation(degrees: values[0])
      case "shift": .shift(rows: values[0], columns: values[1])
      case "zoom": .zoom(values[0])
      case "shear": .shear(degrees: values[0])
      default: fatalError(op)
      }
    }
  }
  struct Mapped: Decodable {
    let shape: [Int]
    let ops: [Op]
    let image: [Float]
    let field: [Float]?
    /// SciPy's, in two of its modes.
    let gridConstant, constant: [Double]?
    /// torchvision's.
    let result: [Double]?

    var map: PlaneMap { ops.reduce(.identity) { $0.followed(by: $1.map) } }
  }
  struct Smoothed: Decodable {
    let shape: [Int]
    let sigma: Float, alpha: Float
    let noise: [Float]
    let smoothed: [Double]
  }
  let affine, displaced, torchvision: [Mapped]
  let smoothed: [Smoothed]
}

/// The resampling written plainly, in Double; also tells where a coordinate lies well inside.
private func plainTwin(_ c: Distortions.Mapped) -> (values: [Double], inside: [Bool]) {
  let (h, w) = (c.shape[0], c.shape[1])
  let m = c.map
  var values: [Double] = []
  var inside: [Bool] = []
  for y in 0..<h {
    for x in 0..<w {
      let (py, px) = (Double(y) - Double(h - 1) / 2, Double(x) - Double(w - 1) / 2)
      let i = y * w + x
      let r =
        Double(m.rr) * py + Double(m.rc) * px + Double(m.r) + Double(h - 1) / 2
        + Double(c.field?[i] ?? 0)
      let q =
        Double(m.cr) * py + Double(m.cc) * px + Double(m.c) + Double(w - 1) / 2
        + Double(c.field?[h * w + i] ?? 0)
      func pixel(_ a: Int, _ b: Int) -> Double {
        a >= 0 && a < h && b >= 0 && b < w ? Double(c.image[a * w + b]) : 0
      }
      let (r0, q0) = (r.rounded(.down), q.rounded(.down))
      let (a, b) = (Int(r0), Int(q0))
      let (fr, fq) = (r - r0, q - q0)
      values.append(
        (1 - fr) * ((1 - fq) * pixel(a, b) + fq * pixel(a, b + 1)) + fr
          * ((1 - fq) * pixel(a + 1, b) + fq * pixel(a + 1, b + 1)))
      let margin = 1e-4
      inside.append(
        r > margin && r < Double(h - 1) - margin && q > margin && q < Double(w - 1) - margin)
    }
  }
  return (values, inside)
}

@Suite struct AugmentationTests {
  private let distortions: Distortions

  init() throws { distortions = try Fixture.load("augmentation", as: Distortions.self) }

  private func resample(_ c: Distortions.Mapped) -> [Float] {
    let resampler = Resampler(height: c.shape[0], width: c.shape[1], channels: 1)
    c.image.withUnsafeBufferPointer { resampler.load($0.baseAddress!) }
    if let field = c.field { resampler.setField(field) }
    var out = [Float](repeating: -1, count: c.image.count)
    out.withUnsafeMutableBufferPointer {
      resampler.resample(c.map, displaced: c.field != nil, into: $0.baseAddress!)
    }
    return out
  }

  /// SciPy's `grid-constant` blends with zeros beyond the border, as we do, everywhere; its
  /// `constant` is zero as soon as a coordinate leaves the outermost pixels' centres, so it agrees
  /// inside.
  @Test func agreesWithSciPy() {
    var (within, without) = (0, 0)
    for c in distortions.affine + distortions.displaced {
      let ours = resample(c)
      let (twin, inside) = plainTwin(c)
      expectClose(ours, c.gridConstant!, "\(c.ops)")
      expectClose(ours, twin, "\(c.ops)")
      let places = ours.indices.filter { inside[$0] }
      expectClose(places.map { ours[$0] }, places.map { c.constant![$0] }, "\(c.ops)")
      (within, without) = (within + places.count, without + ours.count - places.count)
    }
    #expect(within > 2000 && without > 500)
  }

  /// An angle, a factor, a way are what they are for torchvision.
  @Test func agreesWithTorchvision() {
    #expect(distortions.torchvision.count == 9)
    for c in distortions.torchvision { expectClose(resample(c), c.result!, "\(c.ops)") }
  }

  @Test func smoothingAgreesWithSciPy() {
    for c in distortions.smoothed {
      let (h, w) = (c.shape[0], c.shape[1])
      let pitch = (w + 15) / 16 * 16
      let elastic = ElasticField(height: h, width: w, alpha: c.alpha, sigma: c.sigma)
      var field = [Float](repeating: 1, count: h * pitch)
      field.withUnsafeMutableBufferPointer { elastic.add(to: $0.baseAddress!, noise: c.noise) }
      let added = (0..<h).flatMap { y in (0..<w).map { field[y * pitch + $0] - 1 } }
      expectClose(added, c.smoothed, "σ = \(c.sigma)")
    }
  }

  static let everything: [AugmentationOp] = [
    .rotate(degrees: 15), .elastic(.init(alpha: 20, sigma: 4)), .zoom(fraction: 0.1),
    .shear(degrees: 10), .shift(fraction: 0.1), .elastic(.init(alpha: 3, sigma: 1)),
    .flip(.init(.horizontal, p: 0.5)), .crop(padding: 2),
    .perspective(.init(distortion: 0.4, p: 0.5)),
    .pixels(.noise(deviation: 0.1), p: 0.9),
    .pixels(.blur(.init(kernel: 5, sigma: 0.1...2)), p: 0.5),
    .pixels(.brightness(fraction: 0.3), p: 1), .pixels(.contrast(fraction: 0.3), p: 0.9),
    .randAugment(RandAugment()), .pixels(.noise(deviation: 0.05), p: 0.9),
    .pixels(.erase(.init(area: 0.05...0.2, ratio: 0.5...2, value: 0.5)), p: 0.5),
    .pixels(.cutout(size: 3), p: 0.5),
  ]

  /// Each alone, and all.
  static let lists = everything.map { [$0] } + [everything]

  /// Fills every sample on whichever of a team's threads comes first.
  private final class Filling: TeamWork {
    let source: ImageSource
    let size: Int
    let out: UnsafeMutablePointer<Float>

    init(_ source: ImageSource) {
      self.source = source
      size = source.sampleShape.count
      out = .allocate(capacity: source.count * size)
      out.initialize(repeating: -1, count: source.count * size)
    }

    deinit { out.deallocate() }

    func perform(phase: Int, tile: Int, worker: Int) {
      source.fill(out + tile * size, sample: tile, epoch: phase, worker: worker)
    }
  }

  @Test(arguments: lists, [1, 3]) func threadsChangeNoBit(_ ops: [AugmentationOp], channels: Int)
    throws
  {
    let set = smallSet(48, height: 11, width: 19, channels: channels)
    func bits(threads: Int) throws -> [[UInt32]] {
      let team = try Team(threads: threads)
      let filling = Filling(
        ImageSource(
          set,
          augmenter: Augmenter(
            ops: ops, height: 11, width: 19, channels: channels, seed: 3, workers: threads)))
      return (0..<3).map { epoch in
        team.run(filling, phase: epoch, tiles: set.count)
        return (0..<set.count * filling.size).map { filling.out[$0].bitPattern }
      }
    }
    let one = try bits(threads: 1)
    #expect(one[0] != one[1])
    for threads in [2, 4] { #expect(try bits(threads: threads) == one, "\(threads) threads") }
  }

  private func filled(
    _ set: ImageSet, _ ops: [AugmentationOp], indices: [Int32]? = nil, order: [Int],
    epoch: Int = 0, seed: UInt64 = 3, workers: Int = 1
  ) -> [Int: [Float]] {
    let augmenter = Augmenter(
      ops: ops, height: set.height, width: set.width, channels: set.channels, seed: seed,
      workers: workers)
    let source = ImageSource(set, indices: indices, augmenter: augmenter)
    var result: [Int: [Float]] = [:]
    for (turn, sample) in order.enumerated() {
      var out = [Float](repeating: -1, count: set.pixelsPerImage)
      out.withUnsafeMutableBufferPointer {
        source.fill($0.baseAddress!, sample: sample, epoch: epoch, worker: turn % workers)
      }
      result[source.image(of: sample)] = out
    }
    return result
  }

  @Test(arguments: [1, 2]) func dependsOnNothingButSeedEpochAndImage(channels: Int) {
    let set = smallSet(12, height: 11, width: 19, channels: channels)
    let first = filled(set, Self.everything, order: Array(0..<12))
    #expect(first == filled(set, Self.everything, order: (0..<12).reversed(), workers: 3))
    // The images 11, 9, 7 …, chosen by a split, are distorted as they would be among all.
    let chosen = stride(from: Int32(11), to: 0, by: -2).map { $0 }
    for (image, pixels) in filled(set, Self.everything, indices: chosen, order: Array(0..<6)) {
      #expect(first[image] == pixels)
    }
    #expect(first != filled(set, Self.everything, order: Array(0..<12), epoch: 1))
    #expect(first != filled(set, Self.everything, order: Array(0..<12), seed: 4))
    for pixels in first.values { #expect(pixels.allSatisfy { $0 >= 0 && $0 <= 1.000_001 }) }
  }

  /// Every channel is distorted alike, and as a grey image is.
  @Test func channelsMoveTogether() {
    let grey = smallSet(4, height: 9, width: 10)
    let double = ImageSet(
      height: 9, width: 10, channels: 2, classes: 10,
      pixels: grey.pixels[0..<grey.pixels.count].flatMap { [$0, $0] },
      labels: grey.labels)
    let ops: [AugmentationOp] = [.rotate(degrees: 30), .zoom(fraction: 0.2)]
    let one = filled(grey, ops, order: Array(0..<4))
    let two = filled(double, ops, order: Array(0..<4))
    for i in 0..<4 { #expect(two[i]! == one[i]!.flatMap { [$0, $0] }) }
  }

  @Test func withoutOpsNothingChanges() {
    let set = smallSet(3, height: 28, width: 28)
    for (image, pixels) in filled(set, [], order: [0, 1, 2]) {
      for (ours, byte) in zip(pixels, set.image(image)) {
        #expect(abs(ours - Float(byte) / 255) < 1e-6)
      }
    }
    let plain = ImageSource(set)
    var out = [Float](repeating: -1, count: 784)
    out.withUnsafeMutableBufferPointer {
      plain.fill($0.baseAddress!, sample: 1, epoch: 5, worker: 0)
    }
    #expect(out == set.image(1).map { Float($0) * (1 / 255) })
    #expect(plain.labels[1] == 7 && plain.count == 3)
  }

  /// Uniform over ± the given range, about evenly on both sides.
  @Test func drawsWithinTheRanges() {
    var maps: [PlaneMap] = []
    for sample in 0..<2000 as Range<UInt32> {
      var random = RandomStream(seed: 1, purpose: .augmentation, sample: sample)
      maps.append(
        AugmentationOp.shift(fraction: 0.25).drawMap(height: 20, width: 40, random: &random)!)
    }
    #expect(maps.allSatisfy { abs($0.r) <= 5 && abs($0.c) <= 10 })
    #expect(maps.contains { abs($0.r) > 4.9 } && maps.contains { abs($0.c) > 9.8 })
    #expect(abs(maps.reduce(0) { $0 + $1.r } / 2000) < 0.25)
    var random = RandomStream(seed: 1, purpose: .augmentation)
    for _ in 0..<500 {
      let zoom = AugmentationOp.zoom(fraction: 0.2).drawMap(height: 9, width: 9, random: &random)!
      #expect(zoom.rr == zoom.cc && zoom.rr >= 1 / 1.2001 && zoom.rr <= 1 / 0.7999)
      let turn = AugmentationOp.rotate(degrees: 30).drawMap(height: 9, width: 9, random: &random)!
      #expect(turn.rr >= 0.866 && abs(turn.rc) <= 0.5001)
      let slant = AugmentationOp.shear(degrees: 45).drawMap(height: 9, width: 9, random: &random)!
      #expect(abs(slant.cr) <= 1.0001 && slant.rr == 1)
    }
  }

  /// The numbers of a noise are those of `RandomStream`'s generator, block for block, and each
  /// noise of an image has blocks of its own.
  @Test func noiseIsPhilox() {
    var numbers = [Float](repeating: 9, count: 40)
    let source = NoiseSource(seed: 0x1234_5678_9ABC, epoch: 7, sample: 11, number: 2)
    numbers.withUnsafeMutableBufferPointer { source.fill($0.baseAddress!, count: 40) }
    for block in 0..<10 {
      let words = RandomStream.philox(
        SIMD4(3 << 24 + UInt32(block), RandomPurpose.augmentation.rawValue, 7, 11),
        key: SIMD2(0x5678_9ABC, 0x1234))
      for word in 0..<4 {
        let expected = Float(Int32(bitPattern: words[word]) >> 8) / 8_388_608
        #expect(numbers[10 * word + block] == expected)
      }
    }
  }

  /// Far outside, the image is empty; nothing is read beyond the padding.
  @Test func extremesGiveZeros() {
    let set = smallSet(2, height: 5, width: 6)
    for op: AugmentationOp in [.shift(fraction: 1000), .elastic(.init(alpha: 1e7, sigma: 0.01))] {
      for (_, pixels) in filled(set, [op], order: [0, 1]) {
        #expect(pixels.allSatisfy { $0 >= 0 && $0 <= 1 })
      }
    }
  }
}
