import Glibc

/// Jobs in the order in which they came, for lanes that wait for them. It holds so many images and no
/// more: what would wait longer than anybody is told at once.
final class WorkQueue: @unchecked Sendable {  // all is read and written under `mutex`
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let isThere = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [Job?] = []
  private var first = 0
  private var images = 0
  private var isClosed = false
  private let limit: Int

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
  func add(_ job: Job) -> Bool {
    let isTaken = locked {
      guard !isClosed, images == 0 || images + job.size <= limit else { return false }
      jobs.append(job)
      images += job.size
      return true
    }
    if isTaken { pthread_cond_signal(isThere) }
    return isTaken
  }

  /// The next job; waits for one. Nil once the queue is closed and empty.
  func take() -> Job? {
    locked {
      while first == jobs.count {
        if isClosed { return nil }
        pthread_cond_wait(isThere, mutex)
      }
      return next()
    }
  }

  /// The next job where it waits already and is for this model.
  func takeAtOnce(for model: ServedModel) -> Job? {
    locked { first < jobs.count && jobs[first]!.model === model ? next() : nil }
  }

  func close() {
    locked { isClosed = true }
    pthread_cond_broadcast(isThere)
  }

  private func next() -> Job {
    let job = jobs[first]!
    jobs[first] = nil
    first += 1
    images -= job.size
    if first == jobs.count || first >= 1024 {
      jobs.removeFirst(first)
      first = 0
    }
    return job
  }

  private func locked<R>(_ body: () -> R) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}

func sleepMilliseconds(_ milliseconds: Int) {
  usleep(UInt32(milliseconds * 1000))
}
