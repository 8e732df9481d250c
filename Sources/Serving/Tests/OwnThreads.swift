import Dispatch
import Testing

/// Runs a suite's tests on threads of their own: they wait for sockets, and the few threads of Swift's pool
/// are the servers'.
struct OwnThreads: SuiteTrait, TestTrait, TestScoping {
  let isRecursive = true

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(ThreadForEach.executor) { try await function() }
  }
}

extension Trait where Self == OwnThreads {
  static var ownThreads: OwnThreads { OwnThreads() }
}

private final class ThreadForEach: TaskExecutor {
  static let executor = ThreadForEach()

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // A queue of its own has a thread of its own, however many wait.
    DispatchQueue(label: "test").async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
