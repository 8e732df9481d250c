import ConvNet

/// The ranges of what a model's layers give for some images.
struct Calibration {
  let model: Model
  let source: any ImageSamples
  let method: CalibrationMethod
  let team: Team

  /// What a layer gives, the dead outputs that nothing downstream reads included.
  /// - Throws: `OutOfMemory`; `NetworkError` where something is not finite.
  func range(of label: String) throws -> ClosedRange<Float> {
    let part = try model.ending(in: label)
    let inference = try Inference(part, team: team)
    let classes = part.plan.description.classes
    return try range(of: label) { body in
      inference.forEachTile(of: source, range: 0..<source.count) { tile in
        body(
          UnsafeBufferPointer(start: tile.values, count: tile.samples.count * classes), tile.worker)
      }
    }
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
