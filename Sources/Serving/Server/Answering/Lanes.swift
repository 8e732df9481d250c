import ConvNet
import Datasets
import NIOCore

/// Threads that answer. Each takes the job that has waited longest, and with it those behind it that wait
/// for the same model already: they go through the network together, eight images at a time. For what
/// isn't there yet nobody waits.
final class Lanes: Sendable {
  /// Images that go through the network in one call.
  private static let together = 64
  /// How long images are decoded before those that are there go through the network.
  private static let decoding = TimeAmount.milliseconds(1)

  let count: Int
  private let queue: WorkQueue
  private let threads: [SystemThread]

  init(_ count: Int, _ queue: WorkQueue, _ metrics: Metrics) throws(ThreadRefused) {
    self.count = count
    self.queue = queue
    var threads: [SystemThread] = []
    for lane in 0..<count {
      threads.append(
        try SystemThread {
          BLAS.mapMemory()
          while let job = queue.take() { Self.work(job, queue, lane, metrics) }
        })
    }
    self.threads = threads
  }

  func join() { for thread in threads { thread.join() } }

  private static func work(_ first: Job, _ queue: WorkQueue, _ lane: Int, _ metrics: Metrics) {
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
        batch.count < together && NIODeadline.now() < end ? queue.takeAtOnce(for: model) : nil
    }
    guard !jobs.isEmpty else { return }
    metrics.batch(of: batch.count)
    for (job, outputs) in zip(jobs, model.outputs(of: batch, lane: lane)) {
      job.finish(outputs)
    }
  }
}

/// The images of several requests, one after another.
struct Batch {
  let shape: Shape
  private(set) var parts: [Inputs] = []
  private(set) var count = 0

  init(_ shape: Shape) { self.shape = shape }

  mutating func append(_ inputs: Inputs) {
    parts.append(inputs)
    count += inputs.count
  }

  /// As what a network reads.
  var samples: BatchSamples { BatchSamples(self) }
}

final class BatchSamples: ImageSamples {
  let sampleShape: Shape
  let count: Int
  private let parts: [Inputs]
  /// Of each image the part that it is in, and its place there.
  private let places: [(part: Int, image: Int)]

  init(_ batch: Batch) {
    sampleShape = batch.shape
    count = batch.count
    parts = batch.parts
    places = parts.enumerated().flatMap { part, inputs in
      (0..<inputs.count).map { (part, $0) }
    }
  }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    let (part, image) = places[sample]
    let size = sampleShape.count
    switch parts[part] {
    case .pixels(let pixels, _):
      pixels.withUnsafeBufferPointer {
        scalePixels($0.baseAddress! + image * size, into: destination, count: size)
      }
    case .numbers(let numbers, _):
      numbers.withUnsafeBufferPointer {
        scalePixels($0.baseAddress! + image * size, into: destination, count: size)
      }
    }
  }
}
