import Elements

/// A pointer that several threads use, each its own part.
package struct SendablePointer<Element>: @unchecked Sendable {
  package let pointer: UnsafeMutablePointer<Element>
  package init(_ pointer: UnsafeMutablePointer<Element>) { self.pointer = pointer }
}

/// Runs `body` over 0..<count in contiguous parts, one per thread, and waits for all.
///
/// For work that is done once, before training; what `body` does for an index must not depend on
/// the part that it comes in.
package func forEachPart(
  of count: Int, threads: Int, _ body: @escaping @Sendable (Range<Int>) -> Void
) {
  let parts = max(1, min(threads, count))
  func range(_ part: Int) -> Range<Int> { count * part / parts..<count * (part + 1) / parts }

  var started: [SystemThread] = []
  for part in 1..<parts {
    let own = range(part)
    do {
      started.append(try SystemThread { body(own) })
    } catch {
      // No more threads to be had: the work is done here instead.
      body(own)
    }
  }
  body(range(0))
  for thread in started { thread.join() }
}

/// The results of two independent pieces of work, done on two threads where there are as many. What
/// the first throws comes before what the second does.
func both<A: Sendable, B: Sendable, Failure: Error>(
  threads: Int, _ first: @escaping @Sendable () throws(Failure) -> A,
  _ second: @escaping @Sendable () throws(Failure) -> B
) throws(Failure) -> (A, B) {
  if threads < 2 { return (try first(), try second()) }
  let outcomes = Outcomes<A, B, Failure>()
  forEachPart(of: 2, threads: 2) { parts in
    for part in parts {
      if part == 0 {
        outcomes.first = Result(catching: first)
      } else {
        outcomes.second = Result(catching: second)
      }
    }
  }
  let a = try outcomes.first!.get()
  return (a, try outcomes.second!.get())
}

/// What two threads leave for the one that waits for them.
private final class Outcomes<A: Sendable, B: Sendable, Failure: Error>: @unchecked Sendable {
  // Each is written by one thread, and read after that one has ended.
  var first: Result<A, Failure>?
  var second: Result<B, Failure>?
}
