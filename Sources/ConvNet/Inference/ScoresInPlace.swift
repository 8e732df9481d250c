extension Model {
  /// The scores of a few samples, (source.count, classes), by one thread, with no copy of the weights and
  /// no more memory than these samples need. They are those of `Inference`, to the last digits.
  /// - Throws: `OutOfMemory`.
  package mutating func scoresInPlace(of source: any ImageSamples) throws(OutOfMemory) -> [Float] {
    let layout = TensorLayout(plan)
    let (counter, nowhere) = (Arena(), Arena())
    _ = Inference(
      plan, layout, weights: nowhere.floats(layout.count), team: Team(counting: 1),
      arena: counter, tilesAreWide: false)
    let arena = try Arena(bytes: counter.bytes)
    let team: Team
    do { team = try Team(threads: 1) } catch { throw OutOfMemory(bytes: counter.bytes) }
    var scores = [Float](repeating: 0, count: source.count * plan.description.classes)
    // Room for what vector code reads behind the last of them.
    weights.reserveCapacity(layout.count + Self.slack)
    weights.withUnsafeMutableBufferPointer { weights in
      let inference = Inference(
        plan, layout, weights: Buffer(weights.baseAddress!, count: layout.count, in: arena),
        team: team, arena: arena, tilesAreWide: false)
      inference.normalization = normalization
      inference.weightsChanged()
      scores.withUnsafeMutableBufferPointer {
        inference.scores(of: source, range: 0..<source.count, into: $0)
      }
    }
    return scores
  }
}
