import Glibc
import Synchronization

/// Work that a team does in tiles: which worker takes which tile must not matter.
public protocol TeamWork: AnyObject {
  func perform(phase: Int, tile: Int, worker: Int)
}

/// A fixed team of threads. The caller is worker 0; the others wait, spinning for a moment and then
/// asleep. Every worker flushes denormals to zero whenever it takes up work.
public final class Team: @unchecked Sendable {  // `work` is written only between two phases
  public let count: Int

  /// The most workers: OpenBLAS 0.3.21 has memory for the products of so many threads at once, and ends the
  /// program where there are half as many more.
  public static let most = 256

  private var work: (any TeamWork)?
  private var phase = 0
  private var tiles = 0
  private let next = Atomic<Int>(0)
  private let generation = Atomic<Int>(0)
  private let busy = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var threads: [SystemThread] = []
  private let spins: Int

  /// A team of `threads` workers, at least one.
  /// - Throws: `ThreadRefused` where the system doesn't give so many.
  public convenience init(threads: Int) throws(ThreadRefused) {
    self.init(counting: threads)
    for worker in 1..<max(threads, 1) {
      // Threads end with the team, which waits for them.
      let team = Unmanaged.passUnretained(self)
      self.threads.append(
        try SystemThread { team._withUnsafeGuaranteedRef { $0.loop(worker: worker) } })
    }
  }

  /// A team of so many workers that is not there to work: what is built for it tells what it takes.
  init(counting workers: Int) {
    precondition(workers >= 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    count = workers
    spins = workers <= Team.cores ? 20_000 : 50
  }

  deinit {
    stopping.store(true, ordering: .releasing)
    announce()
    for thread in threads { thread.join() }
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    wake.deallocate()
    mutex.deallocate()
  }

  /// The processors that this process may run on.
  public static var cores: Int { BLAS.cores }

  /// Calls `work.perform(phase:tile:worker:)` once for each tile in 0..<tiles and returns when all
  /// are done. Nothing is allocated.
  public func run(_ work: any TeamWork, phase: Int, tiles: Int) {
    guard tiles > 0 else { return }
    BLAS.flushDenormals()
    if threads.isEmpty || tiles == 1 {
      for tile in 0..<tiles { work.perform(phase: phase, tile: tile, worker: 0) }
      return
    }
    self.work = work
    self.phase = phase
    self.tiles = tiles
    next.store(0, ordering: .relaxed)
    busy.store(threads.count, ordering: .relaxed)
    announce()
    takeTiles(of: work, worker: 0)
    var turns = 0
    while busy.load(ordering: .acquiring) > 0 {
      turns += 1
      if turns < spins { BLAS.pause() } else { sched_yield() }
    }
    self.work = nil
  }

  private func takeTiles(of work: any TeamWork, worker: Int) {
    while true {
      let tile = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if tile >= tiles { return }
      work.perform(phase: phase, tile: tile, worker: worker)
    }
  }

  private func announce() {
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(mutex)
      pthread_cond_broadcast(wake)
      pthread_mutex_unlock(mutex)
    }
  }

  private func loop(worker: Int) {
    var seen = 0
    while true {
      var turns = 0
      while generation.load(ordering: .sequentiallyConsistent) == seen {
        turns += 1
        if turns < spins {
          BLAS.pause()
        } else {
          sleep(until: seen)
        }
      }
      seen += 1
      if stopping.load(ordering: .acquiring) { return }
      BLAS.flushDenormals()
      if let work { takeTiles(of: work, worker: worker) }
      busy.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    }
  }

  private func sleep(until seen: Int) {
    pthread_mutex_lock(mutex)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen {
      pthread_cond_wait(wake, mutex)
    }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
  }
}
