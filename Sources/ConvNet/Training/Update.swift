/// Some rows of one parameter: a worker sums their gradient and updates them while they are in
/// cache. Cut by the parameter's shape alone.
struct UpdateTile {
  let parameter: Int
  let rows: Range<Int>

  private static let floats = 6144

  /// Rows that are transposed together; a tile of fewer leaves that to a phase of its own, for it
  /// would write a little of many lines.
  static let transposedTogether = 16

  /// Where a transposed copy is renewed after the update.
  static func transposes(_ parameters: [Parameter]) -> [UpdateTile] {
    parameters.enumerated().flatMap { index, parameter -> [UpdateTile] in
      guard parameter.transposed != nil, parameter.transposesApart else { return [] }
      let panel = 2 * transposedTogether
      return stride(from: 0, to: parameter.rows, by: panel).map {
        UpdateTile(parameter: index, rows: $0..<min($0 + panel, parameter.rows))
      }
    }
  }

  static func rowsTogether(_ columns: Int) -> Int { max(1, floats / columns) }

  static func cut(_ parameters: [Parameter]) -> [UpdateTile] {
    parameters.enumerated().flatMap { index, parameter in
      let panel = rowsTogether(parameter.columns)
      return stride(from: 0, to: parameter.rows, by: panel).map {
        UpdateTile(parameter: index, rows: $0..<min($0 + panel, parameter.rows))
      }
    }
  }
}

extension Network {
  /// The last part of a step: sums the gradient and updates the parameters. A tile does both at once,
  /// while it is in cache, unless the update needs something of the whole gradient.
  ///
  /// - Parameter again: goes forward and back once more, where the gradient is wanted elsewhere.
  func update(step: Int, learningRate: Float, momentum: Float?, again: () -> Void) {
    current.update = OptimizerStep(
      optimizer, learningRate: learningRate, step: step, momentum: momentum)
    for (i, factor) in factors.enumerated() {
      slowUpdates[i] = OptimizerStep(
        optimizer, learningRate: learningRate * factor, step: step, momentum: momentum)
    }
    current.momentum = momentum
    current.updateStep = step
    current.gradientScale = 1
    penalize()
    defer {
      transpose()
      bound()
    }
    guard needsWholeGradient else { return runUpdate(Self.updatePhase) }
    runUpdate(Self.gatherPhase)
    if let radius = optimizer.sharpness {
      current.gradientScale = Float(Double(radius) / (gradientNorm + 1e-12))
      runUpdate(Self.displacePhase)
      transpose()
      again()
      penalize()
      runUpdate(Self.gatherPhase)
      current.gradientScale = 1
    }
    if let bound = optimizer.clipping.norm {
      let norm = gradientNorm
      if !(norm <= Double(bound)) { current.gradientScale = Float(Double(bound) / norm) }
    }
    if !kernelRules.isEmpty {
      kfac?.invert(team: team)
      team.run(self, phase: Self.kernelPhase, tiles: kernelRules.count)
      current.directionScale = kfac?.scale(learningRate: learningRate) ?? 1
    }
    runUpdate(Self.applyPhase)
  }

  /// Takes a pass's gradient into the sum of those before it.
  func accumulate(isFirst: Bool) {
    current.hasAccumulated = !isFirst
    runUpdate(Self.accumulatePhase)
    current.hasAccumulated = true
  }

  /// Works out the gradients of penalties that take a whole kernel.
  private func penalize() {
    team.run(self, phase: Self.penaltyPhase, tiles: penalties.count)
  }

  /// Holds kernels within their bounds.
  private func bound() { team.run(self, phase: Self.boundPhase, tiles: bounded.count) }

  /// Renews those transposed kernels that tiles of the update leave alone.
  private func transpose() {
    team.run(self, phase: Self.transposePhase, tiles: transposeTiles.count)
  }

  private func runUpdate(_ phase: Int) { team.run(self, phase: phase, tiles: updateTiles.count) }

  static let updatePhase = -1
  static let gatherPhase = -3
  static let applyPhase = -4
  static let accumulatePhase = -6
  static let displacePhase = -7
  static let kernelPhase = -8
  static let penaltyPhase = -9
  static let boundPhase = -10
  static let transposePhase = -11

  func perform(update phase: Int, tile index: Int, worker: Int) {
    switch phase {
    case Self.kernelPhase: return direct(kernelRules[index])
    case Self.penaltyPhase: return penalties[index].update()
    case Self.boundPhase: return bound(index)
    case Self.transposePhase:
      let tile = transposeTiles[index]
      guard factor(of: tile.parameter) != 0 else { return }
      return parameterList[tile.parameter].copyTransposed(weights.base, rows: tile.rows)
    default: break
    }
    let tile = updateTiles[index]
    guard factor(of: tile.parameter) != 0 else {
      if phase == Self.gatherPhase { gradientSquares[index] = 0 }
      return
    }
    switch phase {
    case Self.updatePhase:
      gatherGradient(tile, worker: worker)
      apply(tile, worker: worker)
    case Self.gatherPhase:
      gatherGradient(tile, worker: worker)
      gradientSquares[index] = sumOfSquares(of: tile)
    case Self.accumulatePhase:
      sumGradient(tile, worker: worker)
      let (at, count) = parameterList[tile.parameter].run(of: tile)
      accumulated.base.advanced(by: at).update(from: gradients.base + at, count: count)
    case Self.displacePhase: displace(tile)
    case Self.applyPhase: apply(tile, worker: worker)
    default: preconditionFailure("no phase of an update")
    }
  }

  /// Whether the update of one parameter needs more of the gradient than its own.
  private var needsWholeGradient: Bool {
    optimizer.clipping.norm != nil || optimizer.sharpness != nil || !kernelRules.isEmpty
  }

  private var gradientNorm: Double {
    var squares = 0.0
    for tile in updateTiles.indices { squares += gradientSquares[tile] }
    return squares.squareRoot()
  }

  /// What the learning rate of a parameter is multiplied by.
  private func factor(of parameter: Int) -> Float {
    factors.isEmpty ? 1 : factorPlaces[parameter].map { factors[$0] } ?? 1
  }

  private func bound(_ index: Int) {
    let place = bounded[index]
    let parameter = parameterList[place]
    guard factor(of: place) != 0, let largest = parameter.regularization.maxNorm else { return }
    parameter.bound(weights.base, norm: largest, scratch: columnNorms[index].base)
  }

  /// The gradient of the mean loss by a tile's parameters, over all passes so far.
  private func sumGradient(_ tile: UpdateTile, worker: Int) {
    let start = profile?.now() ?? 0
    let parameter = parameterList[tile.parameter]
    let (at, count) = parameter.run(of: tile)
    let gradient = gradients.base + at
    switch parameter.source {
    case .settled: break
    case .partials(let offset):
      let first = offset + at - parameter.offset
      let tiles = Tile.count(of: current.count)
      gradient.update(from: partials.pointer(0) + first, count: count)
      for tile in 1..<max(tiles, 1) {
        addRun(partials.pointer(tile) + first, to: gradient, count: count)
      }
    case .product(let dense):
      dense.kernelGradient(rows: tile.rows, batch: current.count, into: gradient)
    case .columnSums(let dense): dense.biasGradient(batch: current.count, into: gradient)
    }
    if current.hasAccumulated { addRun(accumulated.base + at, to: gradient, count: count) }
    profile?.addGradient(tile.parameter, since: start, worker: worker)
  }

  /// The gradient of the objective, penalties and all.
  private func gatherGradient(_ tile: UpdateTile, worker: Int) {
    sumGradient(tile, worker: worker)
    let parameter = parameterList[tile.parameter]
    let (at, count) = parameter.run(of: tile)
    let (gradient, w) = (gradients.base + at, weights.base + at)
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
  }

  /// Moves a tile's parameters along the gradient, and keeps where they were.
  private func displace(_ tile: UpdateTile) {
    let parameter = parameterList[tile.parameter]
    let (at, count) = parameter.run(of: tile)
    let (w, gradient, scale) = (weights.base + at, gradients.base + at, current.gradientScale)
    displaced.base.advanced(by: at).update(from: w, count: count)
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
    guard factor(of: rule.parameters[0]) != 0 else { return }
    for place in rule.parameters {
      clip(gradients.base + parameterList[place].offset, count: parameterList[place].count)
    }
    let offset = parameterList[rule.parameters[0]].offset
    let gradient = gradients.base + offset
    rule.direct(
      gradient, MomentRun(moments, at: offset, gradient: gradient),
      at: KernelStep(number: current.updateStep, momentum: current.momentum))
  }

  /// Clips the gradient and updates the parameters.
  private func apply(_ tile: UpdateTile, worker: Int) {
    let start = profile?.now() ?? 0
    let parameter = parameterList[tile.parameter]
    let (at, count) = parameter.run(of: tile)
    let (w, gradient) = (weights.base + at, gradients.base + at)
    if optimizer.sharpness != nil { w.update(from: displaced.base + at, count: count) }
    let place = factors.isEmpty ? nil : factorPlaces[tile.parameter]
    let update = place.map { slowUpdates[$0] } ?? current.update
    switch kernelDirections[tile.parameter] {
    case .step(let scale): update.move(w, along: gradient, scale: scale, count: count)
    case let direction:
      if direction == nil {
        clip(gradient, count: count)
      } else {
        scale(gradient, by: current.directionScale, count: count)
      }
      update.update(
        w, gradient: gradient, MomentRun(moments, at: at, gradient: gradient), count: count,
        decays: parameter.role.isKernel)
    }
    if !parameter.transposesApart { parameter.copyTransposed(weights.base, rows: tile.rows) }
    profile?.addUpdate(since: start, worker: worker)
  }

  /// Σg² of a tile, in an order of its own size only.
  private func sumOfSquares(of tile: UpdateTile) -> Double {
    let (at, count) = parameterList[tile.parameter].run(of: tile)
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

extension Parameter {
  /// Where a tile's numbers lie in the weights, the gradient and the moments, and how many they are.
  func run(of tile: UpdateTile) -> (start: Int, count: Int) {
    (offset + tile.rows.lowerBound * columns, tile.rows.count * columns)
  }
}

extension Parameter {
  var transposesApart: Bool { UpdateTile.rowsTogether(columns) < UpdateTile.transposedTogether }

  /// Renews the transposed copy of some rows.
  func copyTransposed(_ weights: UnsafeMutablePointer<Float>, rows range: Range<Int>) {
    guard let transposed else { return }
    let from = weights + offset
    let to = transposed.base
    let together = 2 * UpdateTile.transposedTogether
    for first in stride(from: range.lowerBound, to: range.upperBound, by: together) {
      let end = min(first + together, range.upperBound)
      for column in 0..<columns {
        for row in first..<end { to[column &* rows &+ row] = from[row &* columns &+ column] }
      }
    }
  }
}
