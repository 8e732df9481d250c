import ConvNet
import NIOCore
import NIOPosix
import Synchronization

/// What has jobs answered. A job that takes a moment is answered by the event loop whose connection it came
/// over: to wake another thread and be woken by it takes as long as a small network, and where there are more
/// requests than the processor bears, two more threads are in the way of those that say so. All others are
/// answered by threads of their own, the lanes, which keep no connection waiting.
///
/// Who answers takes the job that has waited longest, and with it those behind it that wait for the same
/// model already: they go through the network together, eight images at a time. For what isn't there yet
/// nobody waits. An image has the same bits whoever answers, and in whatever company.
final class Lanes: Sendable {
  /// Images that go through the network in one call.
  private static let together = 64
  /// How long images are decoded before those that are there go through the network.
  private static let decoding = TimeAmount.milliseconds(1)
  /// How long a light job may take, and light jobs together that one loop answers before it looks at its
  /// connections again: less while there are requests to be refused, for which that is all they wait for.
  static let lightSeconds = 0.0005
  private static let turnSeconds = 0.003
  private static let refusingSeconds = 0.00025

  private let queue: WorkQueue
  private let metrics: Metrics
  private let threads: [SystemThread]
  private let loops: [AnsweringLoop]
  /// Whether a request found no room since a loop last asked.
  private let isRefusing = Atomic<Bool>(false)

  /// An event loop, and whether it has been told that light jobs wait.
  private final class AnsweringLoop: Sendable {
    let loop: any EventLoop
    /// Which of a model's networks it uses.
    let lane: Int
    let isTold = Atomic<Bool>(false)

    init(_ loop: any EventLoop, lane: Int) {
      self.loop = loop
      self.lane = lane
    }
  }

  /// - Parameter group: whose loops answer what takes a moment.
  init(
    _ count: Int, _ group: MultiThreadedEventLoopGroup, _ queue: WorkQueue, _ metrics: Metrics
  ) throws(ThreadRefused) {
    self.queue = queue
    self.metrics = metrics
    var threads: [SystemThread] = []
    for lane in 0..<count {
      threads.append(
        try SystemThread {
          BLAS.mapMemory()
          while let job = queue.take() {
            Self.answer(job, queue, isLight: false, atMost: Self.together, lane, metrics)
          }
        })
    }
    self.threads = threads
    loops = group.makeIterator().enumerated().map { place, loop in
      loop.execute { BLAS.mapMemory() }
      return AnsweringLoop(loop, lane: count + place)
    }
  }

  func join() { for thread in threads { thread.join() } }

  /// - Parameter isShort: whether the job's images are found and read in a moment.
  /// - Returns: false where there is no room.
  func add(_ job: Job, isShort: Bool) -> Bool {
    guard isShort, Double(job.size) * job.model.secondsPerImage <= Self.lightSeconds,
      let current = MultiThreadedEventLoopGroup.currentEventLoop,
      let own = loops.first(where: { $0.loop === current })
    else { return queue.add(job, isLight: false) }
    guard queue.add(job, isLight: true) else {
      isRefusing.store(true, ordering: .relaxed)
      return false
    }
    tell(own)
    return true
  }

  /// Has a loop answer light jobs once it has looked at what its connections brought, and has said of each
  /// request that finds no room that it finds none.
  private func tell(_ own: AnsweringLoop) {
    guard !own.isTold.exchange(true, ordering: .relaxed) else { return }
    own.loop.execute { [self] in own.loop.execute { [self] in takeTurn(own) } }
  }

  private func takeTurn(_ own: AnsweringLoop) {
    own.isTold.store(false, ordering: .relaxed)
    guard let job = queue.takeAtOnce(isLight: true, for: nil) else { return }
    let seconds =
      isRefusing.exchange(false, ordering: .relaxed) ? Self.refusingSeconds : Self.turnSeconds
    let most = Int(seconds / max(job.model.secondsPerImage, 1e-6))
    Self.answer(
      job, queue, isLight: true, atMost: max(1, min(Self.together, most)), own.lane, metrics)
    guard queue.hasLight else { return }
    // What is left waits for the connections to be looked at, or for another loop that has nothing to do.
    let next = loops[(own.lane - threads.count + 1) % loops.count]
    if next !== own { tell(next) }
    guard !own.isTold.exchange(true, ordering: .relaxed) else { return }
    own.loop.scheduleTask(in: .microseconds(50)) { [self] in takeTurn(own) }
  }

  private static func answer(
    _ first: Job, _ queue: WorkQueue, isLight: Bool, atMost most: Int, _ lane: Int,
    _ metrics: Metrics
  ) {
    let model = first.model
    var jobs: [Job] = []
    var batch = Batch(model.input)
    let end = NIODeadline.now() + decoding
    var next: Job? = first
    while let job = next {
      if NIODeadline.now() >= job.deadline {
        job.finish(.failure(Refusal(.gatewayTimeout, "there was no answer in time")))
      } else {
        do throws(Refusal) {
          batch.append(try job.prepare(model))
          jobs.append(job)
        } catch {
          job.finish(.failure(error))
        }
      }
      next =
        batch.count < most && NIODeadline.now() < end
        ? queue.takeAtOnce(isLight: isLight, for: model) : nil
    }
    guard !jobs.isEmpty else { return }
    metrics.batch(of: batch.count)
    for (job, outputs) in zip(jobs, model.outputs(of: batch, lane: lane)) {
      job.finish(outputs)
    }
  }
}
