import ConvNet

/// What it takes a model to answer, one image at a time on one core.
struct AnswerTimes {
  private(set) var nanoseconds: [Double] = []
  private let network: any ScoringNetwork
  private let source: any ImageSamples
  private var next = 0

  /// - Parameter network: of one thread.
  init(of network: any ScoringNetwork, on source: any ImageSamples) {
    self.network = network
    self.source = source
  }

  static let imagesPerRound = 50

  mutating func ask() {
    var scores = [Float](repeating: 0, count: network.classes)
    scores.withUnsafeMutableBufferPointer {
      network.scores(of: source, range: next..<next + 1, into: $0)
    }
    next = (next + 1) % source.count
  }

  /// Answers some images, and notes what each took; the first ones warm it up.
  mutating func answer() {
    for i in 0..<Self.imagesPerRound {
      let start = monotonicNanoseconds()
      ask()
      let taken = Double(monotonicNanoseconds() - start)
      if i >= Self.imagesPerRound / 5 { nanoseconds.append(taken) }
    }
  }

  /// The median of an image.
  var microseconds: Double { median(nanoseconds) / 1000 }
}
