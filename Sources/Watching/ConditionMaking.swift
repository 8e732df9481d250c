import ConvNet
import Datasets
import Statistics

extension ConditionLibrary {
  /// Spoils validation images in all ways there are and observes what a model makes of them: of each kind
  /// the published severity, from as many images as its accuracy needs, and fewer of the others.
  ///
  /// - Parameters:
  ///   - source: the images to be spoiled, with their classes.
  ///   - plain: what was observed of images as they are, and which of these were answered rightly.
  ///   - most: how many may be observed in all.
  /// - Returns: nil where these are too few to tell anything, and for images that are no pictures.
  init?(
    spoiling source: ImageSource, plain: (seen: [SeenImage], isRight: [Bool]), traits: ImageTraits,
    by inference: Inference, _ observer: Observer, most: Int, seed: UInt64
  ) {
    let pixels = source.images.pixelsPerImage
    let most = min(most, Self.mostImages, Self.mostPixels / pixels)
    let published = Corruption.allCases.count
    var conditions: [(kind: Corruption, severity: Int?)] = Corruption.allCases.map {
      ($0, $0.publishedSeverity)
    }
    for kind in Corruption.allCases {
      guard let published = kind.publishedSeverity else { continue }
      conditions += Corruption.severities.filter { $0 != published }.map { (kind, $0) }
    }
    let begun = min(500, most / (2 * conditions.count))
    guard begun >= Self.fewest, source.count >= Self.fewest,
      min(source.images.height, source.images.width) >= Self.leastSide
    else { return nil }
    var order = Array(0..<source.count)
    var random = RandomStream(seed: seed, purpose: .watch, epoch: WatchUse.conditions)
    random.shuffle(&order)
    let pool = source.chosen(Array(order.prefix(Self.mostOfKind)))

    var making = Making(traits: traits)
    making.add(kind: nil, severity: nil, plain.seen, plain.isRight)
    func observe(_ kind: Corruption, _ severity: Int?, _ range: Range<Int>) -> ([SeenImage], [Bool])
    {
      let spoiled = ImageSource(
        kind.apply(
          to: pool, range, severity: severity, seed: seed, threads: inference.team.count))
      let seen = inference.observations(of: spoiled, by: observer)
      return (seen, seen.indices.map { seen[$0].prediction == spoiled.labels[$0] })
    }
    // What is sure after the first is sure enough: the deviation of a share of 0.9 points.
    let first = min(begun, pool.count)
    var begunOf: [([SeenImage], [Bool])] = []
    var wanted: [Int] = []
    for (kind, severity) in conditions[..<published] {
      let answers = observe(kind, severity, 0..<first)
      let p = (Double(answers.1.count { $0 }) + 1) / Double(first + 2)
      wanted.append(
        max(0, min(pool.count, Int(p * (1 - p) / (Self.deviation * Self.deviation))) - first))
      begunOf.append(answers)
    }
    let others = min(200, first)
    let left = max(0, most - published * first - (conditions.count - published) * others)
    let all = wanted.reduce(0, +)
    for (place, (kind, severity)) in conditions.enumerated() {
      guard place < published else {
        let (seen, isRight) = observe(kind, severity, 0..<others)
        making.add(kind: kind, severity: severity, seen, isRight)
        continue
      }
      let more = all > left ? wanted[place] * left / all : wanted[place]
      let (seen, isRight) =
        more > 0 ? observe(kind, severity, first..<first + more) : ([], [])
      making.add(
        kind: kind, severity: severity, begunOf[place].0 + seen, begunOf[place].1 + isRight)
    }
    self = making.library
  }

  /// The most images that are observed in all, that are spoiled in one way, and their pixels.
  static let mostImages = 30_000
  private static let mostOfKind = 4000
  private static let mostPixels = 100_000_000
  /// The fewest of one condition that tell what it is like.
  private static let fewest = 50
  private static let deviation = 0.009
  /// What has fewer rows or columns is no picture that fog could lie on.
  private static let leastSide = 8

  /// Sums over images, in order.
  private struct Making {
    let traits: ImageTraits
    private var conditions: [(kind: Corruption?, severity: Int?, count: Int, right: Int)] = []
    private var means: [Float] = []
    /// (d, d), the lower triangle of Σ (x − x̄ₖ)(x − x̄ₖ)ᵀ over all conditions.
    private var products: [Double]
    /// Of each condition (a, a), of the last a traits, and (a), Σ (x − x̄ₖ)·r.
    private var own: [(products: [Double], right: [Double])] = []

    init(traits: ImageTraits) {
      self.traits = traits
      products = Array(repeating: 0, count: traits.count * traits.count)
    }

    mutating func add(kind: Corruption?, severity: Int?, _ seen: [SeenImage], _ isRight: [Bool]) {
      let (d, a) = (traits.count, traits.answers)
      var rows: [Float] = []
      rows.reserveCapacity(seen.count * d)
      for seen in seen { rows += traits.of(seen)! }
      let count = seen.count
      var mean = [Double](repeating: 0, count: d)
      for row in 0..<count { for i in 0..<d { mean[i] += Double(rows[row * d + i]) } }
      for i in 0..<d { mean[i] /= Double(count) }
      var sums = [Double](repeating: 0, count: d * d)
      var right = [Double](repeating: 0, count: a)
      var x = [Double](repeating: 0, count: d)
      sums.withUnsafeMutableBufferPointer { sums in
        x.withUnsafeMutableBufferPointer { x in
          for row in 0..<count {
            for i in 0..<d { x[i] = Double(rows[row * d + i]) - mean[i] }
            for i in 0..<d {
              let (xi, line) = (x[i], sums.baseAddress! + i * d)
              for j in 0...i { line[j] += xi * x[j] }
            }
            if isRight[row] { for i in 0..<a { right[i] += x[d - a + i] } }
          }
        }
      }
      var block = [Double](repeating: 0, count: a * a)
      for i in 0..<a { for j in 0...i { block[i * a + j] = sums[(d - a + i) * d + d - a + j] } }
      for i in products.indices { products[i] += sums[i] }
      conditions.append((kind, severity, count, isRight.count { $0 }))
      means += mean.map { Float($0) }
      own.append((block, right))
    }

    /// The slopes are those of all conditions together, and of each what its own images say beyond them,
    /// held back as though by twenty images that say nothing.
    var library: ConditionLibrary {
      let (d, a) = (traits.count, traits.answers)
      let total = Double(conditions.reduce(0) { $0 + $1.count })
      var covariance = [Float](repeating: 0, count: d * d)
      for i in 0..<d {
        for j in 0...i {
          let value = Float(products[i * d + j] / total)
          covariance[i * d + j] = value
          covariance[j * d + i] = value
        }
      }
      let variances = (0..<a).map { products[(d - a + $0) * d + d - a + $0] / total + 1e-9 }
      func solved(_ products: [Double], _ right: [Double], held: Double) -> [Double] {
        var matrix = products
        for i in 0..<a { matrix[i * a + i] += held * variances[i] }
        return PositiveDefinite.solve(matrix, right)
      }
      var all = [Double](repeating: 0, count: a * a)
      for i in 0..<a { for j in 0...i { all[i * a + j] = products[(d - a + i) * d + d - a + j] } }
      let together = solved(
        all, (0..<a).map { i in own.reduce(0) { $0 + $1.right[i] } }, held: 0.01 * total)
      var slopes: [Float] = []
      var found: [ImageCondition] = []
      for (condition, own) in zip(conditions, own) {
        func times(_ slope: [Double]) -> [Double] {
          (0..<a).map { i in
            (0..<a).reduce(0) { $0 + own.products[max(i, $1) * a + min(i, $1)] * slope[$1] }
          }
        }
        let explained = times(together)
        let beyond = solved(
          own.products, (0..<a).map { own.right[$0] - explained[$0] }, held: 20)
        let slope = (0..<a).map { together[$0] + beyond[$0] }
        let (n, right) = (Double(condition.count), Double(condition.right))
        // Σ (r − r̄ − β·(x − x̄))² = Σ (r − r̄)² − 2 β·Σ (x − x̄) r + βᵀ(Σ (x − x̄)(x − x̄)ᵀ)β.
        let square = times(slope)
        var rest = right * (n - right) / n
        for i in 0..<a { rest += slope[i] * (square[i] - 2 * own.right[i]) }
        found.append(
          ImageCondition(
            kind: condition.kind?.rawValue, severity: condition.severity, count: condition.count,
            right: condition.right,
            residual: max(0, min(1, rest / max(1, n - Double(a) - 1)))))
        slopes += slope.map { Float($0) }
      }
      func library(spread: Double, bend: Double) -> ConditionLibrary {
        ConditionLibrary(
          conditions: found, width: d, answers: a, means: means, slopes: slopes,
          covariance: covariance, spread: spread, bend: bend)
      }
      let matcher = ConditionMatcher(library(spread: 0, bend: 0))
      return library(spread: matcher.spreadOverKinds, bend: matcher.bendOverSeverities)
    }
  }
}
