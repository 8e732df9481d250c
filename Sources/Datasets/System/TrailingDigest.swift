import Elements
import Glibc
import Storage

/// SHA-256 of a buffer that is still being filled, from its start to its end: of each piece at once,
/// while the cache still holds it, or on a thread of its own, which follows the one that fills.
final class TrailingDigest: @unchecked Sendable {  // `filled` and `isComplete` under the mutex; the
  // digest belongs to the hashing thread until it is joined, and to the caller afterwards.
  private let buffer: UnsafeRawBufferPointer
  private let state = SHA256()
  /// Bytes that are hashed.
  private var hashed = 0
  /// Bytes that are there to be hashed; none beyond are looked at.
  private var filled = 0
  private var isComplete = false
  private var thread: SystemThread?
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let more = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  /// - Parameters:
  ///   - buffer: outlives the call of `finish`, which must follow.
  ///   - prefix: bytes that come before those of the buffer.
  ///   - threads: with one, or when no other can be had, `advance` does the work.
  init(of buffer: UnsafeRawBufferPointer, after prefix: [UInt8], threads: Int) {
    self.buffer = buffer
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(more, nil)
    state.update(prefix)
    // A small buffer is hashed sooner than a thread is made.
    guard threads > 1, buffer.count >= 1 << 18 else { return }
    // `finish` waits for the thread.
    let digest = Unmanaged.passUnretained(self)
    thread = try? SystemThread { digest._withUnsafeGuaranteedRef { $0.follow() } }
  }

  deinit {
    precondition(isComplete, "the buffer may be gone while it is being hashed")
    pthread_cond_destroy(more)
    pthread_mutex_destroy(mutex)
    more.deallocate()
    mutex.deallocate()
  }

  /// The first `count` bytes of the buffer are there, and stay as they are.
  func advance(to count: Int) {
    guard thread != nil else { return hash(to: count) }
    pthread_mutex_lock(mutex)
    filled = count
    pthread_cond_signal(more)
    pthread_mutex_unlock(mutex)
  }

  /// The digest of what `advance` told of, once.
  func finish() -> [UInt8] {
    pthread_mutex_lock(mutex)
    isComplete = true
    pthread_cond_signal(more)
    pthread_mutex_unlock(mutex)
    thread?.join()
    return state.finish()
  }

  private func follow() {
    while true {
      pthread_mutex_lock(mutex)
      while filled == hashed && !isComplete { pthread_cond_wait(more, mutex) }
      let end = filled
      pthread_mutex_unlock(mutex)
      if end == hashed { return }
      hash(to: end)
    }
  }

  private func hash(to end: Int) {
    state.update(UnsafeRawBufferPointer(rebasing: buffer[hashed..<end]))
    hashed = end
  }
}
