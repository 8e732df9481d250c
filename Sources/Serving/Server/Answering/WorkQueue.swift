import Glibc

/// Jobs in the order in which they came: heavy ones for lanes that wait for them, light ones for event loops
/// that look for them. It holds so many images and no more: what would wait longer than anybody is told at
/// once.
final class WorkQueue: @unchecked Sendable {  // all is read and written under `mutex`
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let isThere = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var heavy = JobList()
  private var light = JobList()
  private var isClosed = false
  private let limit: Int

  private var images: Int { heavy.images + light.images }

  /// - Parameter limit: images that may wait. A job that finds none waiting is taken, whatever its size.
  init(limit: Int) {
    self.limit = limit
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(isThere, nil)
  }

  deinit {
    pthread_cond_destroy(isThere)
    pthread_mutex_destroy(mutex)
    isThere.deallocate()
    mutex.deallocate()
  }

  /// Images that wait.
  var waiting: Int { locked { images } }

  /// False where there is no room.
  func add(_ job: Job, isLight: Bool) -> Bool {
    let isTaken = locked {
      guard !isClosed, images == 0 || images + job.size <= limit else { return false }
      if isLight { light.append(job) } else { heavy.append(job) }
      return true
    }
    if isTaken, !isLight { pthread_cond_signal(isThere) }
    return isTaken
  }

  /// The next heavy job; waits for one. Nil once the queue is closed and has none.
  func take() -> Job? {
    locked {
      while heavy.isEmpty {
        if isClosed { return nil }
        pthread_cond_wait(isThere, mutex)
      }
      return heavy.next()
    }
  }

  /// The next job where it waits already and is for this model, or for any.
  func takeAtOnce(isLight: Bool, for model: ServedModel?) -> Job? {
    locked { isLight ? light.next(for: model) : heavy.next(for: model) }
  }

  var hasLight: Bool { locked { !light.isEmpty } }

  func close() {
    locked { isClosed = true }
    pthread_cond_broadcast(isThere)
  }

  private func locked<R>(_ body: () -> R) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}

private struct JobList {
  private var jobs: [Job?] = []
  private var first = 0
  private(set) var images = 0

  var isEmpty: Bool { first == jobs.count }

  mutating func append(_ job: Job) {
    jobs.append(job)
    images += job.size
  }

  mutating func next(for model: ServedModel? = nil) -> Job? {
    guard !isEmpty, let job = jobs[first], model == nil || job.model === model else { return nil }
    jobs[first] = nil
    first += 1
    images -= job.size
    if first == jobs.count || first >= 1024 {
      jobs.removeFirst(first)
      first = 0
    }
    return job
  }
}

func sleepMilliseconds(_ milliseconds: Int) {
  usleep(UInt32(milliseconds * 1000))
}
