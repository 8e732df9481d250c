/// Where the time of steps goes, by layer and worker, in the units of the clock it is given.
public final class Profile {
  /// The time now; nothing else in this module reads a clock.
  let now: () -> UInt64
  /// By worker, then by entry: forward and backward of each layer, then gradient products of each
  /// layer, then fill, teachers, loss and update.
  private var times: [[UInt64]]
  private let layers: Int
  private let gradientLayer: [Int]
  private let places: [Int]

  /// - Parameter clock: a monotonic time, nanoseconds say.
  public init(_ trainer: Trainer, clock: @escaping () -> UInt64) {
    now = clock
    layers = trainer.layers.count
    names = trainer.layers.map(\.name)
    places = trainer.layers.map(\.place)
    ways = trainer.layers.map(\.layer.ways)
    gradientLayer = trainer.updater.parameters.map { parameter in
      trainer.layers.firstIndex { $0.place == parameter.layer } ?? 0
    }
    times = Array(repeating: Array(repeating: 0, count: 3 * layers + 4), count: trainer.team.count)
  }

  /// The layers as they were built: "conv2d_0+max_pool_1".
  public let names: [String]
  /// By what each makes its products; nil for one without a kernel.
  public let ways: [ProductWays?]

  func add(_ operation: Operation, since start: UInt64, worker: Int) {
    let entry =
      switch operation {
      case .fill: 3 * layers
      case .loss: 3 * layers + 1
      case .teach: 3 * layers + 3
      case .forward(let i), .gather(let i): 3 * i
      case .backward(let i), .gatherBackward(let i): 3 * i + 1
      }
    times[worker][entry] += now() - start
  }

  func addGradient(_ parameter: Int, since start: UInt64, worker: Int) {
    times[worker][3 * gradientLayer[parameter] + 2] += now() - start
  }

  func addUpdate(since start: UInt64, worker: Int) {
    times[worker][3 * layers + 2] += now() - start
  }

  private func total(_ entry: Int) -> UInt64 { times.reduce(0) { $0 + $1[entry] } }

  /// Time over all workers in a layer's forward pass, backward pass, and the gradient sums and
  /// products of its parameters.
  public func time(ofLayer i: Int) -> (forward: UInt64, backward: UInt64, gradient: UInt64) {
    (total(3 * i), total(3 * i + 1), total(3 * i + 2))
  }

  /// Textbook operations of one image's forward pass through a layer as it was built.
  public func flops(ofLayer i: Int, _ plan: NetworkPlan) -> Int {
    // An activation that follows its layer has the same place, and no products of its own.
    i > 0 && places[i] == places[i - 1] ? 0 : plan.layers[places[i]].flops
  }

  public var fill: UInt64 { total(3 * layers) }
  public var loss: UInt64 { total(3 * layers + 1) }
  public var update: UInt64 { total(3 * layers + 2) }
  public var teachers: UInt64 { total(3 * layers + 3) }
}
