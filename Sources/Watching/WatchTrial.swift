import ConvNet
import Datasets

/// How a watch does on images whose truth is known: whether it keeps still where nothing has changed, and
/// from how many requests on it sees what has.
public struct WatchTrial: Sendable {
  private let watch: Watch
  private let seed: UInt64

  public init(_ watch: Watch, seed: UInt64) {
    self.watch = watch
    self.seed = seed
  }

  /// Looks at windows that are drawn from answers without repeating one in a window.
  /// - Parameter stream: which draws they are.
  public func looks(
    at seen: [SeenImage], labels: [Int], windows: Int, of size: Int, stream: Int
  ) -> [WatchLook] {
    precondition(seen.count == labels.count && size <= seen.count)
    return (0..<windows).map { window in
      var random = RandomStream(
        seed: seed &+ UInt64(stream) << 32, purpose: .watch, epoch: WatchUse.windows,
        sample: UInt32(window))
      var order = Array(0..<Int32(seen.count))
      // The first of a shuffle, without the rest of it.
      for place in 0..<size {
        order.swapAt(place, place + Int(random.below(UInt32(order.count - place))))
      }
      let chosen = order[..<size].map { Int($0) }
      return watch.look(
        at: chosen.map { seen[$0] }, labels: chosen.map { labels[$0] }, number: window + 1)
    }
  }
}
