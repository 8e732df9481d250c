import ConvNet

/// What it takes a model to answer, one image at a time on one core.
public struct AnswerTimes {
  public private(set) var nanoseconds: [Double] = []
  private let network: any ScoringNetwork
  private let source: any ImageSamples
  private var next = 0

  /// - Parameter network: of one thread.
  public init(of network: any ScoringNetwork, on source: any ImageSamples) {
    self.network = network
    self.source = source
  }

  public static let imagesPerRound = 50
  /// How many rounds tell what is asked for.
  public static let usualRounds = 20

  public mutating func ask() {
    var scores = [Float](repeating: 0, count: network.classes)
    scores.withUnsafeMutableBufferPointer {
      network.scores(of: source, range: next..<next + 1, into: $0)
    }
    next = (next + 1) % source.count
  }

  /// Answers some images, and notes what each took; the first ones warm it up.
  public mutating func answer() {
    for i in 0..<Self.imagesPerRound {
      let watch = Stopwatch()
      ask()
      let taken = watch.seconds * 1e9
      if i >= Self.imagesPerRound / 5 { nanoseconds.append(taken) }
    }
  }

  /// The median of an image.
  public var microseconds: Double {
    let sorted = nanoseconds.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2000
  }
}
