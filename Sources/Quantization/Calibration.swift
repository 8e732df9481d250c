import ConvNet

/// The ranges of what a model's layers give for some images.
struct Calibration {
  let model: Model
  let source: any ImageSamples
  let method: CalibrationMethod
  let team: Team

  /// What a layer gives, the dead outputs that nothing downstream reads included.
  /// - Parameter factors: what its channels are multiplied by; nil for 1.
  /// - Throws: `OutOfMemory`; `NetworkError` where something is not finite.
  func range(of label: String, factors: [Float]? = nil) throws -> ClosedRange<Float> {
    let part = try model.ending(in: label)
    let inference = try Inference(part, team: team)
    let classes = part.plan.description.classes
    return try range(of: label) { body in
      inference.forEachTile(of: source, range: 0..<source.count) { tile in
        let numbers = UnsafeBufferPointer(
          start: tile.values, count: tile.samples.count * classes)
        guard let factors else { return body(numbers, tile.worker) }
        let scaled = numbers.indices.map { numbers[$0] * factors[$0 % factors.count] }
        scaled.withUnsafeBufferPointer { body($0, tile.worker) }
      }
    }
  }

  /// The largest magnitude of each channel that a layer gives.
  /// - Throws: `OutOfMemory`; `NetworkError` where no layer is called so.
  func largest(of label: String) throws -> [Float] {
    let part = try model.ending(in: label)
    let inference = try Inference(part, team: team)
    let (classes, channels) = (
      part.plan.description.classes, part.plan.layers.last!.output.channels
    )
    var all = Array(
      repeating: [Float](repeating: 0, count: channels), count: team.count)
    all.withUnsafeMutableBufferPointer { all in
      nonisolated(unsafe) let all = all
      inference.forEachTile(of: source, range: 0..<source.count) { tile in
        for i in 0..<tile.samples.count * classes {
          let value = abs(tile.values[i])
          if value > all[tile.worker][i % channels] { all[tile.worker][i % channels] = value }
        }
      }
    }
    return (0..<channels).map { c in all.map { $0[c] }.max()! }
  }

  /// The most floats that a layer's input may take for all images together: for larger ones there are fewer.
  private static let mostNumbers = 1 << 26

  /// What the moments are of what a layer of a folded network reads.
  /// - Parameter second: whether second moments are wanted too.
  /// - Throws: `OutOfMemory`; `NetworkError`.
  func moments(
    of node: FoldedNetwork.Node, reads label: String?, _ input: Shape, second: Bool
  ) throws -> LayerMoments {
    let sums = try MomentSums(node, reads: input, second: second)
    let count = min(source.count, max(1, Self.mostNumbers / input.count))
    let samples = Buffer(count * input.count)
    if let label {
      let inference = try Inference(try model.ending(in: label), team: team)
      inference.forEachTile(of: source, range: 0..<count) { tile in
        (samples.base + tile.samples.lowerBound * input.count).update(
          from: tile.values, count: tile.samples.count * input.count)
      }
    } else {
      let normalizer = model.normalization.map {
        Normalizer($0, input: model.plan.description.input, workers: 1)
      }
      for i in 0..<count {
        source.fill(samples.base + i * input.count, sample: i, epoch: 0, worker: 0)
        normalizer?.apply(samples.base + i * input.count, count: 1, worker: 0)
      }
    }
    for i in 0..<count { sums.add(samples.base + i * input.count, team) }
    return sums.moments
  }

  /// What the first layer reads.
  /// - Throws: `NetworkError` where something is not finite.
  func rangeOfImages() throws -> ClosedRange<Float> {
    let size = model.plan.description.input.count
    if let normalization = model.normalization, normalization.whitening.isEmpty,
      normalization.mean.count == model.plan.description.input.channels
    {
      // What 0 and 1 become in each channel.
      var (low, high): (Float, Float) = (0, 0)
      for (mean, factor) in zip(normalization.mean, normalization.factor) {
        low = min(low, (0 - mean) * factor)
        high = max(high, (1 - mean) * factor)
      }
      return low...high
    }
    guard let normalization = model.normalization else { return 0...1 }
    let normalizer = Normalizer(normalization, input: model.plan.description.input, workers: 1)
    let sample = Buffer(size)
    return try range(of: "images") { body in
      for i in 0..<source.count {
        source.fill(sample.base, sample: i, epoch: 0, worker: 0)
        normalizer.apply(sample.base, count: 1, worker: 0)
        body(UnsafeBufferPointer(start: sample.base, count: size), 0)
      }
    }
  }

  /// Looks at numbers twice: for their ends, and for how they are spread between these.
  /// - Parameter pass: calls its argument with all numbers, on any worker.
  private func range(
    of name: String, _ pass: ((UnsafeBufferPointer<Float>, Int) -> Void) -> Void
  ) throws -> ClosedRange<Float> {
    var ends = Array(repeating: (low: Float.infinity, high: -Float.infinity), count: team.count)
    ends.withUnsafeMutableBufferPointer { ends in
      nonisolated(unsafe) let ends = ends
      pass { values, worker in
        var (low, high) = ends[worker]
        var isFinite = true
        for value in values {
          low = value < low ? value : low
          high = value > high ? value : high
          isFinite = isFinite && value.isFinite
        }
        ends[worker] = isFinite ? (low, high) : (-.infinity, .infinity)
      }
    }
    let (low, high) = (ends.map(\.low).min()!, ends.map(\.high).max()!)
    guard low.isFinite, high.isFinite else {
      throw NetworkError("\(name): gives numbers that are not finite; it has learned nothing")
    }
    guard method != .minimumMaximum else { return min(low, 0)...max(high, 0) }
    var histograms = Array(repeating: CalibrationHistogram(low...high), count: team.count)
    histograms.withUnsafeMutableBufferPointer { histograms in
      nonisolated(unsafe) let histograms = histograms
      pass { values, worker in histograms[worker].add(values) }
    }
    var all = histograms[0]
    for other in histograms.dropFirst() { all.add(other) }
    return all.range(by: method)
  }
}
