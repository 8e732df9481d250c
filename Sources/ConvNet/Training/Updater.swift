/// Moves the weights at the end of a step, and owns all that optimizers remember: moments, what whole
/// kernels keep, the sum of the passes of a step, the average of the weights, which of them stay 0.
public final class Updater: TeamWork {
  let optimizer: OptimizerDescription
  let parameters: [Parameter]
  private let weights: Buffer
  let gradients: Buffer
  private let partials: Partials
  private let team: Team

  private let moments: [Buffer]
  let tiles: [UpdateTile]
  private let transposeTiles: [UpdateTile]
  private let roundTiles: [UpdateTile]
  private let winogradTiles: [UpdateTile]
  /// Σg² of each tile.
  private let gradientSquares: UnsafeMutablePointer<Double>
  /// The gradient of the passes of a step so far, and the weights as they were before they were
  /// displaced; both empty where nothing asks for them.
  private let accumulated: Buffer
  private let displaced: Buffer
  private let rules: ParameterRules
  /// What moves whole kernels; and, for each parameter that is of one, what its direction is for.
  private let kernelRules: [any KernelRule]
  private let kernelDirections: [KernelDirection?]
  private let kfac: KFAC?
  /// The orthogonal penalties, and, for each parameter, which of them is its own.
  private let penalties: [OrthogonalPenalty]
  private let penaltyPlaces: [Int?]
  /// Parameters whose columns are bounded; and, of each, a number for every column.
  private let bounded: [Int]
  private let columnNorms: [Buffer]
  public let averaging: AveragedWeights?
  /// Nil where no weight may be masked.
  let masks: WeightMasks?

  var profile: Profile?
  /// What the phases of an update share; written by the caller of one only.
  private var current = UpdateState()

  /// - Parameters:
  ///   - curvatures: what K-FAC knows of layers.
  ///   - masked: the tensors, by name, whose weights may be made 0 for good.
  ///   - arena: what its memory is a piece of.
  init(
    _ optimizer: OptimizerDescription, of parameters: [Parameter], weights: Buffer,
    gradients: Buffer, partials: Partials, curvatures: [KroneckerLayer], masked: Set<String>,
    team: Team, arena: Arena
  ) {
    self.optimizer = optimizer
    self.parameters = parameters
    self.weights = weights
    self.gradients = gradients
    self.partials = partials
    self.team = team
    let learning = gradients.count
    let initial = optimizer.rule.initialMoment
    moments = optimizer.rule.moments.map { _ in
      let moment = arena.floats(learning)
      if initial != 0, arena.holdsMemory { moment.all.update(repeating: initial) }
      return moment
    }
    averaging = optimizer.averaging.map {
      AveragedWeights($0, of: weights, team: team, arena: arena)
    }
    masks =
      masked.isEmpty
      ? nil
      : WeightMasks(
        masked, of: parameters, weights: weights, averaging: averaging, arena: arena)
    tiles = UpdateTile.cut(parameters)
    transposeTiles = UpdateTile.transposes(parameters)
    roundTiles = UpdateTile.roundedKernels(parameters)
    winogradTiles = UpdateTile.winogradKernels(parameters)
    gradientSquares = arena.take(Double.self, tiles.count)
    accumulated = arena.floats(optimizer.accumulation > 1 ? learning : 0)
    displaced = arena.floats(optimizer.sharpness == nil ? 0 : learning)
    let rules = ParameterRules(optimizer, of: parameters)
    self.rules = rules
    let kernels = optimizer.rule.kernelRules(of: parameters, arena: arena) + curvatures
    kernelRules = kernels
    kernelDirections = parameters.indices.map { place in
      kernels.first { $0.parameters.contains(place) }?.direction
    }
    kfac = KFAC(
      curvatures.filter { rules.factor(of: $0.parameters[0]) != 0 }, optimizer.rule)
    var penalties: [OrthogonalPenalty] = []
    penaltyPlaces = parameters.map { parameter in
      let weight = parameter.regularization.orthogonal
      guard weight != 0, !parameter.isFrozen else { return nil }
      penalties.append(OrthogonalPenalty(parameter, weight: weight, in: weights, arena: arena))
      return penalties.count - 1
    }
    self.penalties = penalties
    bounded = parameters.indices.filter {
      parameters[$0].regularization.maxNorm != nil && !parameters[$0].isFrozen
    }
    columnNorms = bounded.map { arena.floats(parameters[$0].columns) }
  }

  /// What it remembers, by name: its moments, each as long as the part of the weights that learns, what
  /// else it keeps of whole kernels, the average of all weights and their masks. A checkpoint must hold it.
  public var state: [(name: String, values: UnsafeMutableBufferPointer<Float>)] {
    zip(optimizer.rule.moments, moments).map { (name: $0, values: $1.all) } + others
  }

  /// What it remembers besides moments.
  var others: [(name: String, values: UnsafeMutableBufferPointer<Float>)] {
    var state: [(name: String, values: UnsafeMutableBufferPointer<Float>)] = []
    for rule in kernelRules {
      let kernel = parameters[rule.parameters[0]].name
      state += rule.state.map { (name: "\(optimizer.rule.name)/\(kernel)/\($0)", values: $1.all) }
    }
    if let averaging { state.append((name: "average", values: averaging.values)) }
    if let masks { state.append((name: "masks", values: masks.values)) }
    return state
  }

  /// Of each parameter that learns, by name, its part of each moment.
  var momentsByParameter: [String: [[Float]]] {
    var parts: [String: [[Float]]] = [:]
    for parameter in parameters where !parameter.isFrozen {
      let part = parameter.slot..<parameter.slot + parameter.count
      parts[parameter.name] = moments.map { Array($0.all[part]) }
    }
    return parts
  }

  /// Those parts of what it remembers; all else stays as it is.
  func takeMoments(_ parts: [String: [[Float]]]) {
    for parameter in parameters where !parameter.isFrozen {
      for (moment, part) in zip(moments, parts[parameter.name] ?? []) {
        (moment.base + parameter.slot).update(from: part, count: parameter.count)
      }
    }
  }

  /// Renews kernels in another form, after the weights were written from outside.
  func weightsChanged() {
    parameters.renewCopies(weights.base)
  }

  /// Before the passes of a step, from 1.
  func begin(step: Int) {
    current.hasAccumulated = false
    kfac?.begin(step: step)
  }

  /// After a pass over `count` of the step's `total` samples, which has left its gradient.
  func takePass(count: Int, of total: Int, isFirst: Bool, isLast: Bool) {
    current.batch = count
    kfac?.takePass(count: count, of: total, isFirst: isFirst, isLast: isLast, team: team)
    guard !isLast else { return }
    current.hasAccumulated = !isFirst
    run(.accumulate)
    current.hasAccumulated = true
  }

  /// The last part of a step: sums the gradient and updates the parameters. A tile does both at once,
  /// while it is in cache, unless the update needs something of the whole gradient.
  ///
  /// - Parameter again: goes forward and back once more, where the gradient is wanted elsewhere.
  func update(step: Int, learningRate: Float, momentum: Float?, again: () -> Void) {
    current.rule = OptimizerStep(
      optimizer, learningRate: learningRate, step: step, momentum: momentum)
    rules.begin(optimizer, learningRate: learningRate, step: step, momentum: momentum)
    current.momentum = momentum
    current.step = step
    current.gradientScale = 1
    run(.penalize)
    defer {
      run(.transpose)
      run(.bound)
      run(.round)
      run(.filter)
    }
    guard needsWholeGradient else { return run(.update) }
    run(.gather)
    if let radius = optimizer.sharpness {
      current.gradientScale = Float(Double(radius) / (gradientNorm + 1e-12))
      run(.displace)
      run(.transpose)
      run(.round)
      run(.filter)
      again()
      run(.penalize)
      run(.gather)
      current.gradientScale = 1
    }
    if let bound = optimizer.clipping.norm {
      let norm = gradientNorm
      if !(norm <= Double(bound)) { current.gradientScale = Float(Double(bound) / norm) }
    }
    if !kernelRules.isEmpty {
      kfac?.invert(team: team)
      run(.direct)
      current.directionScale = kfac?.scale(learningRate: learningRate) ?? 1
    }
    run(.apply)
  }

  /// What a team does between two meetings of its workers.
  enum Phase: Int {
    /// Sums the gradient of a tile and updates it.
    case update
    /// Sums it, and its squares; the update follows when all are there.
    case gather
    case apply
    /// Takes a pass's gradient into the sum of those before it.
    case accumulate
    /// Moves the weights to where the gradient is wanted (sharpness-aware minimisation).
    case displace
    /// Makes directions of the gradients of whole kernels.
    case direct
    /// Works out the gradients of penalties that take a whole kernel.
    case penalize
    /// Holds kernels within their bounds.
    case bound
    /// Renews those transposed kernels that tiles of the update leave alone.
    case transpose
    /// Renews kernels that are rounded, and their transposed copies.
    case round
    /// Renews kernels in the form for minimal filtering.
    case filter
  }

  private func run(_ phase: Phase) {
    let tiles =
      switch phase {
      case .direct: kernelRules.count
      case .penalize: penalties.count
      case .bound: bounded.count
      case .transpose: transposeTiles.count
      case .round: roundTiles.count
      case .filter: winogradTiles.count
      case .update, .gather, .apply, .accumulate, .displace: tiles.count
      }
    team.run(self, phase: phase.rawValue, tiles: tiles)
  }

  public func perform(phase: Int, tile index: Int, worker: Int) {
    let phase = Phase(rawValue: phase)!
    switch phase {
    case .direct: direct(kernelRules[index])
    case .penalize: penalties[index].update()
    case .bound: bound(index)
    case .transpose:
      let tile = transposeTiles[index]
      guard rules.factor(of: tile.parameter) != 0 else { return }
      parameters[tile.parameter].copyTransposed(weights.base, rows: tile.rows)
    case .round:
      let tile = roundTiles[index]
      guard rules.factor(of: tile.parameter) != 0 else { return }
      parameters[tile.parameter].renewRounded(weights.base, columns: tile.rows)
    case .filter:
      let tile = winogradTiles[index]
      guard rules.factor(of: tile.parameter) != 0 else { return }
      parameters[tile.parameter].renewWinograd(weights.base, part: tile.rows.lowerBound)
    case .update, .gather, .apply, .accumulate, .displace:
      guard rules.factor(of: tiles[index].parameter) != 0 else {
        if phase == .gather { gradientSquares[index] = 0 }
        return
      }
      perform(phase, tiles[index], index, worker: worker)
    }
  }

  private func perform(_ phase: Phase, _ tile: UpdateTile, _ index: Int, worker: Int) {
    switch phase {
    case .update:
      gatherGradient(tile, worker: worker)
      apply(tile, worker: worker)
    case .gather:
      gatherGradient(tile, worker: worker)
      gradientSquares[index] = sumOfSquares(of: tile)
    case .accumulate:
      sumGradient(tile, worker: worker)
      let (_, at, count) = parameters[tile.parameter].run(of: tile)
      accumulated.base.advanced(by: at).update(from: gradients.base + at, count: count)
    case .displace: displace(tile)
    case .apply: apply(tile, worker: worker)
    case .direct, .penalize, .bound, .transpose, .round, .filter:
      preconditionFailure("no phase of tiles")
    }
  }

  /// Whether the update of one parameter needs more of the gradient than its own.
  private var needsWholeGradient: Bool {
    optimizer.clipping.norm != nil || optimizer.sharpness != nil || !kernelRules.isEmpty
  }

  private var gradientNorm: Double {
    var squares = 0.0
    for tile in tiles.indices { squares += gradientSquares[tile] }
    return squares.squareRoot()
  }

  private func bound(_ index: Int) {
    let place = bounded[index]
    let parameter = parameters[place]
    guard rules.factor(of: place) != 0, let largest = parameter.regularization.maxNorm else {
      return
    }
    parameter.bound(weights.base, norm: largest, scratch: columnNorms[index].base)
  }

  /// The gradient by a whole parameter that learns, as the last step left it.
  func gradient(of name: String) -> UnsafeBufferPointer<Float> {
    let parameter = parameters.first { $0.name == name && !$0.isFrozen }!
    return UnsafeBufferPointer(start: gradients.base + parameter.slot, count: parameter.count)
  }

  /// The gradient of the mean loss by a tile's parameters, over all passes so far.
  private func sumGradient(_ tile: UpdateTile, worker: Int) {
    let start = profile?.now() ?? 0
    let parameter = parameters[tile.parameter]
    let (_, at, count) = parameter.run(of: tile)
    let gradient = gradients.base + at
    switch parameter.source {
    case .settled: break
    case .partials(let offset):
      let first = offset + at - parameter.slot
      let tiles = Tile.count(of: current.batch)
      gradient.update(from: partials.pointer(0) + first, count: count)
      for tile in 1..<max(tiles, 1) {
        addRun(partials.pointer(tile) + first, to: gradient, count: count)
      }
    case .product(let dense):
      dense.kernelGradient(rows: tile.rows, batch: current.batch, into: gradient)
    case .columnSums(let dense): dense.biasGradient(batch: current.batch, into: gradient)
    }
    if current.hasAccumulated { addRun(accumulated.base + at, to: gradient, count: count) }
    profile?.addGradient(tile.parameter, since: start, worker: worker)
  }

  /// The gradient of the objective, penalties and all.
  private func gatherGradient(_ tile: UpdateTile, worker: Int) {
    sumGradient(tile, worker: worker)
    let parameter = parameters[tile.parameter]
    let (at, slot, count) = parameter.run(of: tile)
    let (gradient, w) = (gradients.base + slot, weights.base + at)
    if parameter.l2 != 0 {
      let factor = 2 * parameter.l2
      for i in 0..<count { gradient[i] += factor * w[i] }
    }
    let l1 = parameter.regularization.l1
    if l1 != 0 {
      for i in 0..<count { gradient[i] += w[i] > 0 ? l1 : (w[i] < 0 ? -l1 : 0) }
    }
    if let place = penaltyPlaces[tile.parameter] {
      addRun(
        penalties[place].gradient.base + (at - parameter.offset), to: gradient, count: count)
    }
    masks?.apply(to: gradient, of: tile.parameter, at: at, count: count)
  }

  /// Moves a tile's parameters along the gradient, and keeps where they were.
  private func displace(_ tile: UpdateTile) {
    let parameter = parameters[tile.parameter]
    let (at, slot, count) = parameter.run(of: tile)
    let (w, gradient, scale) = (weights.base + at, gradients.base + slot, current.gradientScale)
    displaced.base.advanced(by: slot).update(from: w, count: count)
    for i in 0..<count { w[i] += scale * gradient[i] }
    if !parameter.transposesApart { parameter.copyTransposed(weights.base, rows: tile.rows) }
  }

  private func scale(_ gradient: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
    if factor != 1 {
      for i in 0..<count { gradient[i] *= factor }
    }
  }

  private func clip(_ gradient: UnsafeMutablePointer<Float>, count: Int) {
    scale(gradient, by: current.gradientScale, count: count)
    if let bound = optimizer.clipping.value {
      for i in 0..<count {
        let g = gradient[i]
        gradient[i] = g > bound ? bound : (g < -bound ? -bound : g)
      }
    }
  }

  /// Makes the gradient of a whole kernel the direction in which it moves.
  private func direct(_ rule: any KernelRule) {
    guard rules.factor(of: rule.parameters[0]) != 0 else { return }
    for place in rule.parameters {
      clip(gradients.base + parameters[place].slot, count: parameters[place].count)
    }
    let slot = parameters[rule.parameters[0]].slot
    let gradient = gradients.base + slot
    rule.direct(
      gradient, MomentRun(moments, at: slot, gradient: gradient),
      at: KernelStep(
        number: max(1, current.step - parameters[rule.parameters[0]].after),
        momentum: current.momentum))
  }

  /// Clips the gradient and updates the parameters.
  private func apply(_ tile: UpdateTile, worker: Int) {
    let start = profile?.now() ?? 0
    let parameter = parameters[tile.parameter]
    let (at, slot, count) = parameter.run(of: tile)
    let (w, gradient) = (weights.base + at, gradients.base + slot)
    if optimizer.sharpness != nil { w.update(from: displaced.base + slot, count: count) }
    let update = rules.rule(of: tile.parameter) ?? current.rule
    switch kernelDirections[tile.parameter] {
    case .step(let scale): update.move(w, along: gradient, scale: scale, count: count)
    case let direction:
      if direction == nil {
        clip(gradient, count: count)
      } else {
        scale(gradient, by: current.directionScale, count: count)
      }
      update.update(
        w, gradient: gradient, MomentRun(moments, at: slot, gradient: gradient), count: count,
        decays: parameter.role.isKernel)
    }
    masks?.apply(to: w, of: tile.parameter, at: at, count: count)
    if !parameter.transposesApart { parameter.copyTransposed(weights.base, rows: tile.rows) }
    profile?.addUpdate(since: start, worker: worker)
  }

  /// Σg² of a tile, in an order of its own size only.
  private func sumOfSquares(of tile: UpdateTile) -> Double {
    let (_, at, count) = parameters[tile.parameter].run(of: tile)
    let gradient = gradients.base + at
    var sums = SIMD16<Double>()
    var i = 0
    while i &+ 16 <= count {
      let g = SIMD16<Double>(load(gradient + i, as: Vector.self))
      sums += g * g
      i = i &+ 16
    }
    var sum = 0.0
    for lane in 0..<16 { sum += sums[lane] }
    while i < count {
      sum += Double(gradient[i]) * Double(gradient[i])
      i = i &+ 1
    }
    return sum
  }
}

/// What the phases of one update share.
private struct UpdateState {
  /// Samples of the last pass.
  var batch = 0
  /// Whether earlier passes have left a gradient to be added to.
  var hasAccumulated = false
  /// From 1.
  var step = 1
  /// The schedule's, if it has a say in it.
  var momentum: Float?
  /// What the gradient is multiplied by before the update.
  var gradientScale: Float = 1
  /// What directions that stand for gradients are multiplied by.
  var directionScale: Float = 1
  var rule = OptimizerStep(
    OptimizerDescription(
      rule: .sgd(SGDDescription()), learningRate: 0),
    learningRate: 0, step: 1)
}
