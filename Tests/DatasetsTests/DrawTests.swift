import ConvNet
import TestSupport
import Testing

@testable import Datasets

/// What is drawn for an image, beside what torchvision and others make of the same random numbers;
/// see Fixtures/make_draws.py.
@Suite struct DrawTests {
  struct Figures: Decodable {
    struct Rectangles: Decodable {
      struct Case: Decodable {
        let sample: UInt32
        /// Top, left, height, width.
        let rectangle: [Int]?
      }
      let shape: [Int]
      let area, ratio: [Float]?
      let size: Int?
      let cases: [Case]
    }
    struct Policies: Decodable {
      struct Outcome: Decodable {
        /// From (x, y, 1) of the output to x and then to y of the input.
        let map: [Double]?
        let change: String?
        let value: Double?
      }
      struct Case: Decodable {
        let ops: [String]
        let magnitude: Int
        let sample: UInt32
        let outcomes: [Outcome]
      }
      let shape: [Int]
      let cases: [Case]
    }
    struct Drawn: Decodable {
      let op: String
      let parameter: Float
      let sample: UInt32
      let drawn: Double
    }
    struct Noise: Decodable {
      let shape: [Int]
      let deviation: Float
      let epoch, sample: UInt32
      let place: Int
      let bytes: [UInt8]
      let result: [Double]
    }
    struct Normal: Decodable {
      let levels, quantiles: [Double]
    }
    let seed: UInt64
    let erase, cutout: [Rectangles]
    let randAugment: Policies
    let drawn: [Drawn]
    let noise: [Noise]
    let normal: Normal
  }

  let figures: Figures

  init() throws { figures = try Fixture.load("draws", as: Figures.self) }

  private func stream(_ sample: UInt32) -> RandomStream {
    RandomStream(seed: figures.seed, purpose: .augmentation, sample: sample)
  }

  private func expectRectangles(_ given: Figures.Rectangles, of op: PixelOp, value: Float) {
    for c in given.cases {
      var random = stream(c.sample)
      let change = op.draw(
        height: given.shape[0], width: given.shape[1], number: 0, random: &random)
      let expected = c.rectangle.map {
        PixelChange.fill(
          rows: $0[0]..<$0[0] + $0[2], columns: $0[1]..<$0[1] + $0[3], value: value)
      }
      #expect(change == expected, "sample \(c.sample)")
    }
  }

  @Test func erasesWhatTorchvisionErases() {
    for given in figures.erase {
      let (area, ratio) = (given.area!, given.ratio!)
      expectRectangles(
        given, of: .erase(.init(area: area[0]...area[1], ratio: ratio[0]...ratio[1], value: 0.25)),
        value: 0.25)
    }
    let cases = figures.erase.flatMap(\.cases)
    #expect(cases.count > 150 && cases.contains { $0.rectangle == nil })
  }

  @Test func cutsOutWhatDeVriesAndTaylorDo() {
    for given in figures.cutout {
      expectRectangles(given, of: .cutout(size: given.size!), value: 0)
    }
    // They have no odd sizes.
    var random = stream(0)
    for _ in 0..<50 {
      guard
        case .fill(let rows, let columns, 0) = PixelOp.cutout(size: 5).draw(
          height: 30, width: 40, number: 0, random: &random)
      else {
        Issue.record("no square")
        return
      }
      #expect(rows.count == 5 || rows.lowerBound == 0 || rows.upperBound == 30)
      #expect(columns.count == 5 || columns.lowerBound == 0 || columns.upperBound == 40)
    }
  }

  /// The name and the numbers of what an op of RandAugment comes to.
  private func described(_ drawn: RandAugment.Drawn) -> (name: String, numbers: [Float]) {
    switch drawn {
    case .map(let map): ("map", [map.cc, map.cr, map.c, map.rc, map.rr, map.r])
    case .change(.brightness(let factor)): ("brightness", [factor])
    case .change(.contrast(let factor)): ("contrast", [factor])
    case .change(.saturation(let factor)): ("saturation", [factor])
    case .change(.sharpness(let factor)): ("sharpness", [factor])
    case .change(.posterize(let bits)): ("posterize", [Float(bits)])
    case .change(.solarize(let threshold)): ("solarize", [threshold])
    case .change(.autocontrast): ("autocontrast", [])
    case .change(.equalize): ("equalize", [])
    case .change(let change): ("\(change)", [])
    }
  }

  /// Every op at every magnitude, and all of them drawn from at once.
  @Test func randAugmentIsTorchvisions() {
    let (height, width) = (figures.randAugment.shape[0], figures.randAugment.shape[1])
    var seen = Set<String>()
    for c in figures.randAugment.cases {
      let ops = c.ops.map { RandAugment.Op(rawValue: $0)! }
      let policy = RandAugment(count: c.outcomes.count, magnitude: c.magnitude, ops: ops)
      var random = stream(c.sample)
      for outcome in c.outcomes {
        let (name, numbers) = described(
          policy.draw(height: height, width: width, random: &random))
        let expected = outcome.map ?? outcome.value.map { [$0] } ?? []
        let isClose =
          numbers.count == expected.count
          && zip(numbers, expected).allSatisfy { abs(Double($0) - $1) <= 1e-5 * abs($1) }
        #expect(
          name == outcome.change ?? "map" && isClose,
          "\(c.ops) of \(c.magnitude): \(name) \(numbers), not \(outcome)")
      }
      if ops.count == 1 { seen.insert("\(ops[0]) \(c.magnitude)") }
    }
    #expect(seen.count == RandAugment.Op.allCases.count * (RandAugment.largest + 1))
    #expect(RandAugment().ops == RandAugment.Op.allCases)
  }

  /// Factors, deviations, angles and mirrors.
  @Test func numbersAreTorchvisions() {
    for c in figures.drawn {
      var random = stream(c.sample)
      var change: PixelChange? {
        pixelOp(c)!.draw(height: 28, width: 28, number: 0, random: &random)
      }
      func map(_ op: AugmentationOp) -> PlaneMap {
        op.drawMap(height: 28, width: 28, random: &random)!
      }
      func expectMap(_ ours: PlaneMap, _ theirs: PlaneMap) {
        expectClose(
          [ours.rr, ours.rc, ours.cr, ours.cc],
          [theirs.rr, theirs.rc, theirs.cr, theirs.cc].map(Double.init), within: 1e-6, "\(c)")
      }
      let drawn = Float(c.drawn)
      switch c.op {
      case "rotate": expectMap(map(.rotate(degrees: c.parameter)), .rotation(degrees: drawn))
      case "zoom": expectMap(map(.zoom(fraction: c.parameter)), .zoom(drawn))
      // torchvision counts to the left.
      case "shear": expectMap(map(.shear(degrees: c.parameter)), .shear(degrees: drawn))
      case "flip":
        #expect(
          map(.flip(.init(.horizontal, p: c.parameter)))
            == (drawn == 1 ? .flip(.horizontal) : .identity))
      default:
        switch change {
        case .brightness(let factor), .contrast(let factor), .blur(2, let factor):
          expectClose([factor], [c.drawn], within: 1e-6, "\(c)")
        case let other: Issue.record("\(String(describing: other)), not \(c)")
        }
      }
    }
  }

  private func pixelOp(_ c: Figures.Drawn) -> PixelOp? {
    switch c.op {
    case "brightness": .brightness(fraction: c.parameter)
    case "contrast": .contrast(fraction: c.parameter)
    case "gaussian_blur": .blur(.init(kernel: 5, sigma: c.parameter...2))
    default: nil
    }
  }

  @Test func noiseIsTorchvisions() {
    for c in figures.noise {
      let changer = PixelChanger(
        height: c.shape[0], width: c.shape[1], channels: c.shape[2], radius: 0, seed: figures.seed)
      var image = c.bytes.map { Float($0) / 255 }
      image.withUnsafeMutableBufferPointer {
        changer.apply(
          .noise(deviation: c.deviation, number: c.place), to: $0.baseAddress!, epoch: c.epoch,
          sample: c.sample)
      }
      expectClose(image, c.result, "deviation \(c.deviation)")
    }
  }

  /// So many numbers lie below each of SciPy's quantiles as should, to four standard deviations.
  @Test func noiseIsNormal() {
    let changer = PixelChanger(height: 100, width: 100, channels: 3, radius: 0, seed: 3)
    var numbers: [Float] = []
    for sample in 0..<4 as Range<UInt32> {
      var image = [Float](repeating: 0.5, count: 30_000)
      image.withUnsafeMutableBufferPointer {
        changer.apply(
          .noise(deviation: 0.1, number: 0), to: $0.baseAddress!, epoch: 1, sample: sample)
      }
      numbers += image
    }
    let count = Double(numbers.count)
    for (level, quantile) in zip(figures.normal.levels, figures.normal.quantiles) {
      let below = Double(numbers.count { Double($0) <= 0.5 + 0.1 * quantile }) / count
      let deviation = (level * (1 - level) / count).squareRoot()
      #expect(abs(below - level) <= 4 * deviation, "\(level): \(below)")
    }
  }
}
