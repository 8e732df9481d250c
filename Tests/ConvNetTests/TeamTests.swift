import Synchronization
import Testing

@testable import ConvNet

@Suite struct TeamTests {
  /// Counts how often each tile was done, and by whom.
  private final class Count: TeamWork {
    let tiles: [Atomic<Int>.Box]
    let workers: Int
    let phase: Int
    let strangers = Atomic<Int>(0)

    init(tiles: Int, workers: Int, phase: Int) {
      self.tiles = (0..<tiles).map { _ in .init() }
      self.workers = workers
      self.phase = phase
    }

    func perform(phase: Int, tile: Int, worker: Int) {
      if phase != self.phase || !(0..<workers).contains(worker) {
        strangers.wrappingAdd(1, ordering: .relaxed)
      }
      tiles[tile].value.wrappingAdd(1, ordering: .relaxed)
    }
  }

  /// More threads than processors too.
  @Test(arguments: [1, 2, 3, 4, 9]) func eachTileOnce(threads: Int) throws {
    let team = try Team(threads: threads)
    #expect(team.count == threads)
    for run in 0..<400 {
      let tiles = run % 23
      let work = Count(tiles: tiles, workers: threads, phase: run - 2)
      team.run(work, phase: run - 2, tiles: tiles)
      // All are done when `run` returns.
      #expect(work.tiles.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
      #expect(work.strangers.load(ordering: .relaxed) == 0)
    }
  }

  /// What one phase writes, without atomics, the next reads on another worker.
  private final class Sums: TeamWork {
    let values = Buffer(64)

    func perform(phase: Int, tile: Int, worker: Int) {
      let other = (tile * 29 + phase) % 32
      if phase.isMultiple(of: 2) {
        values.base[32 + tile] = values.base[other] + 1
      } else {
        values.base[tile] = values.base[32 + other] + 1
      }
    }
  }

  @Test(arguments: [2, 4]) func phasesSeeOneAnother(threads: Int) throws {
    func run(_ threads: Int) throws -> [Float] {
      let team = try Team(threads: threads)
      let work = Sums()
      for phase in 0..<2000 { team.run(work, phase: phase, tiles: 32) }
      return Array(work.values.all)
    }
    #expect(try run(threads) == run(1))
  }

  /// Teams come and go, their workers asleep or not.
  @Test func teamsEnd() throws {
    for i in 0..<40 {
      let team = try Team(threads: 1 + i % 4)
      if i.isMultiple(of: 3) {
        let work = Count(tiles: 5, workers: team.count, phase: 0)
        team.run(work, phase: 0, tiles: 5)
        #expect(work.tiles.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
      }
    }
  }

  /// Every worker flushes denormals.
  private final class Denormals: TeamWork {
    let smallest = Buffer(64)
    let products = Buffer(64)

    func perform(phase: Int, tile: Int, worker: Int) {
      products.base[tile] = smallest.base[tile] * 0.5
    }
  }

  @Test(arguments: [1, 3]) func denormalsAreFlushed(threads: Int) throws {
    let work = Denormals()
    for i in 0..<64 { work.smallest.base[i] = .leastNormalMagnitude }
    let team = try Team(threads: threads)
    for _ in 0..<20 {
      for i in 0..<64 { work.products.base[i] = 1 }
      team.run(work, phase: 0, tiles: 64)
      #expect(work.products.all.allSatisfy { $0.bitPattern == 0 })
    }
  }
}

extension Atomic<Int> {
  /// An atomic number that an array can hold.
  fileprivate final class Box {
    let value = Atomic<Int>(0)
  }
}
