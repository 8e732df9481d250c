/// What of its tensors' values a layer's backward pass reads, besides the gradient of its output.
struct BackwardReads: OptionSet {
  let rawValue: Int
  static let inputs = BackwardReads(rawValue: 1)
  static let output = BackwardReads(rawValue: 2)
}

/// Where the parts of a network's tensors lie within the memory of one sample, such that parts that
/// are needed at the same time lie apart: the largest first, each at the lowest place that is free
/// for as long as it is needed (Pisarchyk and Lee 2020, "greedy by size").
struct MemoryPlan {
  struct Part {
    /// Floats per sample.
    let size: Int
    /// The moments of a step, as `StepTimeline` counts them, from its first write to its last use.
    let life: ClosedRange<Int>
  }

  let parts: [Part]
  /// Floats before each part.
  let offsets: [Int]
  /// Floats of one sample.
  let size: Int

  init(_ parts: [Part]) {
    var offsets = Array(repeating: 0, count: parts.count)
    var placed: [(range: Range<Int>, life: ClosedRange<Int>)] = []
    var end = 0
    let order = parts.indices.sorted { (parts[$1].size, $0) < (parts[$0].size, $1) }
    for i in order {
      var offset = 0
      for other in placed where other.life.overlaps(parts[i].life) {
        // In the order of their places: the first gap that is wide enough.
        if other.range.lowerBound >= offset + parts[i].size { break }
        offset = max(offset, other.range.upperBound)
      }
      offsets[i] = offset
      let range = offset..<offset + parts[i].size
      let place = placed.firstIndex { $0.range.lowerBound > offset } ?? placed.count
      placed.insert((range, parts[i].life), at: place)
      end = max(end, range.upperBound)
    }
    self.parts = parts
    self.offsets = offsets
    size = end
  }

  /// Floats of one sample if no two parts shared any.
  var sizeUnshared: Int { parts.reduce(0) { $0 + $1.size } }
}

/// The moments of a training step: the input is filled, layers go forward, the loss is taken, layers
/// go back, parameters are updated.
struct StepTimeline {
  let layers: Int

  var fill: Int { 0 }
  func forward(_ layer: Int) -> Int { 1 + layer }
  var loss: Int { 1 + layers }
  func backward(_ layer: Int) -> Int { 1 + 2 * layers - layer }
  var update: Int { 2 + 2 * layers }
}

extension StepTimeline {
  /// All of a step.
  static func whole(_ layers: Int) -> ClosedRange<Int> { 0...StepTimeline(layers: layers).update }
}
