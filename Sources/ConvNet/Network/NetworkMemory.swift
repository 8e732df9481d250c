// When a network's tensors are needed, and the memory that they are given for it.

/// The memory of a network's tensors.
struct TensorMemory {
  /// Where tensors lie in what they share.
  let plan: MemoryPlan
  /// What each part of the plan is.
  let contents: [(tensor: Activations, content: Activations.Content)]
  /// Bytes that they take less than if no two shared any.
  let bytesSaved: Int
}

extension NetworkBuilder {
  /// Gives all tensors their memory.
  ///
  /// - Parameter isShared: whether tensors that are not needed at the same time may lie in one place.
  func allocateTensors(isShared: Bool) -> TensorMemory {
    let tensors = [input] + layers.map(\.output)
    let isByTile =
      trains && layers.contains { $0.layer is any BatchCoupledLayer || $0.layer.isWide }
    for tensor in tensors { tensor.prepare(tile: inferenceTile, isByTile: isByTile) }
    let lives = lives(of: tensors)
    var contents: [(tensor: Activations, content: Activations.Content)] = []
    for tensor in tensors where !tensor.wholeBatch {
      for content in tensor.contents { contents.append((tensor, content)) }
    }
    let plan = MemoryPlan(
      contents.map { tensor, content in
        MemoryPlan.Part(
          // Of eight samples, a multiple of 64 bytes.
          size: (tensor.size + 1) & ~1,
          life: isShared
            ? lives[content.rawValue][ObjectIdentifier(tensor)]! : StepTimeline.whole(layers.count))
      })
    let samples = workers * inferenceTile
    let regions = max(samples, isByTile ? Tile.count(of: batchSize) * Tile.size : 0)
    let shared = arena.floats(regions, plan.size)
    for ((tensor, content), offset) in zip(contents, plan.offsets) {
      tensor.place(content, in: shared, offset: offset, stride: plan.size)
    }
    for tensor in tensors where tensor.wholeBatch {
      tensor.allocate(samples: max(samples, batchSize), in: arena)
    }
    for tensor in tensors { tensor.placeView() }
    return TensorMemory(
      plan: plan, contents: contents,
      bytesSaved: ByteCount.product(4, regions, plan.sizeUnshared - plan.size))
  }

  /// For each content, from when to when each tensor is needed in a training step.
  private func lives(of tensors: [Activations]) -> [[ObjectIdentifier: ClosedRange<Int>]] {
    let timeline = StepTimeline(layers: layers.count)
    let trains = trains
    var lives = Activations.Content.allCases.map { _ in [ObjectIdentifier: ClosedRange<Int>]() }
    func need(_ content: Activations.Content, of tensor: Activations, at moment: Int) {
      let tensor = ObjectIdentifier(content == .values ? tensor.root : tensor)
      let life = lives[content.rawValue][tensor] ?? moment...moment
      lives[content.rawValue][tensor] =
        min(life.lowerBound, moment)...max(life.upperBound, moment)
    }
    need(.values, of: input, at: timeline.fill)
    need(.values, of: logits, at: timeline.loss)
    if trains { need(.gradients, of: logits, at: timeline.loss) }
    for (i, built) in layers.enumerated() {
      let (forward, backward) = (timeline.forward(i), timeline.backward(i))
      let reads = built.layer.backwardReads
      for input in built.layer.inputs {
        need(.values, of: input, at: forward)
        guard built.output.hasGradient else { continue }
        if reads.contains(.inputs) { need(.values, of: input, at: backward) }
        need(.gradients, of: input, at: backward)
      }
      need(.values, of: built.output, at: forward)
      need(.winners, of: built.output, at: forward)
      guard built.output.hasGradient else { continue }
      if reads.contains(.output) { need(.values, of: built.output, at: backward) }
      need(.gradients, of: built.output, at: backward)
      need(.winners, of: built.output, at: backward)
    }
    return lives
  }
}
