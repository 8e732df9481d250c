import Datasets

/// The requests of a log that one model answered, in windows of equal size: a look at each.
///
/// The windows follow from the log alone, so that a later look at a longer log finds those that were looked
/// at before as they were, and no look is taken twice. What is left over waits for more.
public struct WatchedLog: Sendable {
  public let requests: [LoggedRequest]
  /// The right class of each request, where somebody told it.
  public let labels: [Int?]
  /// Requests that another model answered, and are left out.
  public let ofOthers: Int

  public init(_ log: RequestLog, model: String) {
    let told = log.labels
    var seen: Set<String> = []
    // Of requests with one id, the first.
    requests = log.requests.filter { $0.model == model && seen.insert($0.id).inserted }
    labels = requests.map { told[$0.id] }
    ofOthers = log.requests.count { $0.model != model }
  }

  /// - Parameter size: of a window; nil for all requests at once.
  /// - Returns: the looks, and how many requests were left over.
  public func looks(
    by watch: Watch, size: Int?, before: Int = 0
  ) -> (looks: [WatchLook], left: Int) {
    let size = size ?? max(requests.count, 1)
    var looks: [WatchLook] = []
    var start = 0
    while start + size <= requests.count, size >= Watch.fewest {
      let range = start..<start + size
      var look = watch.look(
        at: requests[range].map(\.seen), labels: Array(labels[range]),
        number: before + looks.count + 1)
      look.first = requests[range.lowerBound].time
      look.last = requests[range.upperBound - 1].time
      looks.append(look)
      start += size
    }
    return (looks, requests.count - start)
  }
}
