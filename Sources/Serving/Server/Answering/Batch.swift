import ConvNet
import Datasets

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
