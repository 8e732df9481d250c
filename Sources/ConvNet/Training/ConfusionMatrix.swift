/// How many samples of each class were taken for each other. Of many classes most pairs never come up, so
/// that only those are kept that do: at most one for each sample.
public struct ConfusionMatrix: Hashable, Sendable {
  /// Samples of a class that were taken for another, or for what they are.
  public struct Cell: Hashable, Sendable {
    public let label: Int
    public let prediction: Int
    /// At least 1.
    public let count: Int
  }

  /// By class, then by what it was taken for.
  public let cells: [Cell]
  /// How many samples are of each class, (classes).
  public let samples: [Int]
  /// How many were taken for each class, (classes).
  public let taken: [Int]
  /// How many of each class were recognised, (classes).
  public let recognised: [Int]

  public var classes: Int { samples.count }

  /// - Precondition: as many predictions as labels, all of them less than `classes`.
  public init(labels: Labels, predictions: Labels, classes: Int) {
    precondition(labels.count == predictions.count)
    samples = labels.counts(ofClasses: classes)
    taken = predictions.counts(ofClasses: classes)
    let pairs = zip(labels, predictions).map { $0 * Labels.mostClasses + $1 }.sorted()
    var cells: [Cell] = []
    var recognised = [Int](repeating: 0, count: classes)
    var start = 0
    while start < pairs.count {
      var end = start + 1
      while end < pairs.count, pairs[end] == pairs[start] { end += 1 }
      let (label, prediction) = pairs[start].quotientAndRemainder(dividingBy: Labels.mostClasses)
      cells.append(Cell(label: label, prediction: prediction, count: end - start))
      if label == prediction { recognised[label] = end - start }
      start = end
    }
    self.cells = cells
    self.recognised = recognised
  }

  /// What the samples of each class were taken for, (classes, classes).
  public var rows: [[Int]] {
    var rows = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    for cell in cells { rows[cell.label][cell.prediction] = cell.count }
    return rows
  }

  /// The pairs of different classes, the most frequent first, of equally frequent ones the first.
  public var mistakes: [Cell] {
    cells.filter { $0.label != $0.prediction }.sorted {
      ($1.count, $0.label, $0.prediction) < ($0.count, $1.label, $1.prediction)
    }
  }

  /// The classes that most mistakes are between, at most so many, in ascending order: those of the most
  /// frequent pairs, as long as both have room.
  public func mostConfused(_ count: Int) -> [Int] {
    var chosen: Set<Int> = []
    for cell in mistakes {
      let both = chosen.union([cell.label, cell.prediction])
      if both.count <= count { chosen = both }
      if chosen.count == count { break }
    }
    return chosen.sorted()
  }
}
