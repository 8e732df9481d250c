/// Samples of a batch that are worked on together, by one worker. Its size is fixed by the network,
/// so the number of workers changes no sum.
package struct Tile {
  package static let size = 8
  /// For a layer whose kernel is too large to be read once for every eight samples.
  static let wideSize = 32

  /// Its place in the batch, in tiles of its size.
  let index: Int
  let size: Int
  let count: Int
  let worker: Int
  let isTraining: Bool
  /// The step of the run, from 1; keys dropout.
  let step: Int

  /// A tile of a batch in training.
  init(index: Int, size: Int, batch: Int, worker: Int, step: Int) {
    self.init(
      index: index, size: size, count: min(size, batch - index * size), worker: worker,
      isTraining: true, step: step)
  }

  init(index: Int, size: Int, count: Int, worker: Int, isTraining: Bool, step: Int) {
    self.index = index
    self.size = size
    self.count = count
    self.worker = worker
    self.isTraining = isTraining
    self.step = step
  }

  var first: Int { index * size }

  /// The same with other samples: its first, or more behind them.
  func holding(_ count: Int) -> Tile {
    Tile(
      index: index, size: size, count: count, worker: worker, isTraining: isTraining, step: step)
  }

  /// How many tiles a batch has.
  package static func count(of batch: Int, size: Int = Tile.size) -> Int {
    (batch + size - 1) / size
  }
}
