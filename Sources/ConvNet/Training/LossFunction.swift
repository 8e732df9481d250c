/// The loss of one sample's scores, and its gradient by them; see `LossDescription` for the formulas.
///
///     softmax cross-entropy:  L = ln Σ eᶻ − Σ qₖzₖ     dz = softmax(z) − q
///     focal:                  L = −α(1−p)^γ ln p       dzₖ = α(1−p)^γ (γp ln p/(1−p) − 1)(δₖᵧ − pₖ)
///     binary cross-entropy:   L = Σ ln(1 + eᶻ) − qz    dz = ((1 − q)·σ(z) − q·σ(−z)) / K
struct LossFunction {
  let classes: Int
  private let kind: LossDescription.Kind
  private let weights: Buffer?

  /// - Parameter arena: what its memory is a piece of; nil for memory of its own.
  init(_ description: LossDescription, classes: Int, in arena: Arena? = nil) {
    self.classes = classes
    kind = description.kind
    let ones =
      description.balancesClasses ? Array(repeating: Float(1), count: classes) : nil
    weights = (description.classWeights ?? ones).map { weights in
      precondition(weights.count == classes)
      let buffer = arena?.floats(classes) ?? Buffer(classes)
      if arena?.holdsMemory ?? true { _ = buffer.all.update(fromContentsOf: weights) }
      return buffer
    }
  }

  /// One sample's loss, and its most likely class (the first of equals). What `gradient` needs of it
  /// is left in `scratch`, as many floats as there are classes.
  @inline(__always)
  func loss(
    _ z: UnsafePointer<Float>, of sample: Int, in labels: Labels,
    scratch: UnsafeMutablePointer<Float>
  ) -> (loss: Float, prediction: Int) {
    let label = labels[sample]
    var prediction = 0
    for c in 1..<classes where z[c] > z[prediction] { prediction = c }
    var loss = unweightedLoss(z, label: label, scratch: scratch)
    if let weights { loss *= weights.base[label] }
    return (loss, prediction)
  }

  private func unweightedLoss(
    _ z: UnsafePointer<Float>, label: Int, scratch: UnsafeMutablePointer<Float>
  ) -> Float {
    switch kind {
    case .softmaxCrossEntropy(let smoothing):
      let target = z[label]
      let (maximum, sum) = softmax(z, to: scratch, count: classes)
      let loss = Elementary.log(sum) - (target - maximum)
      guard smoothing != 0 else { return loss }
      var rest: Float = 0
      for c in 0..<classes { rest += target - z[c] }
      // Σ q(ln Σe − z) is the loss of the label, and what the others' scores are less than its.
      return loss + smoothing / Float(classes) * rest
    case .focal(let description):
      let target = z[label]
      let (maximum, sum) = softmax(z, to: scratch, count: classes)
      let far = Elementary.log(sum) - (target - maximum)
      let focal = Focal(
        description.gamma, scratch, label: label, classes: classes, negativeLog: far)
      return Float(Double(description.alpha) * focal.power * focal.negativeLog)
    case .meanSquaredError:
      var sum: Float = 0
      for c in 0..<classes {
        let d = z[c] - (c == label ? 1 : 0)
        sum += d * d
      }
      return sum / Float(classes)
    case .huber(let delta):
      var sum: Float = 0
      for c in 0..<classes {
        let d = abs(z[c] - (c == label ? 1 : 0))
        sum += d <= delta ? 0.5 * d * d : delta * (d - 0.5 * delta)
      }
      return sum / Float(classes)
    case .binaryCrossEntropy(let smoothing):
      var sum: Float = 0
      for c in 0..<classes {
        let q = 0.5 * smoothing + (c == label ? 1 - smoothing : 0)
        let positive = z[c] > 0 ? z[c] : 0
        sum += positive - z[c] * q + Elementary.logOnePlus(Elementary.exp(-abs(z[c])))
      }
      return sum / Float(classes)
    }
  }

  /// dz times `scale` in `scratch`, which `loss` has filled.
  @inline(__always)
  func gradient(
    _ z: UnsafePointer<Float>, of sample: Int, in labels: Labels,
    scratch: UnsafeMutablePointer<Float>, scale: Float
  ) {
    let label = labels[sample]
    let scale = weights.map { scale * $0.base[label] } ?? scale
    switch kind {
    case .softmaxCrossEntropy(let smoothing):
      if smoothing == 0 {
        scratch[label] -= 1
      } else {
        let share = smoothing / Float(classes)
        for c in 0..<classes { scratch[c] -= c == label ? 1 - smoothing + share : share }
      }
      for c in 0..<classes { scratch[c] *= scale }
    case .focal(let description):
      let target = z[label]
      var maximum = z[0]
      for c in 1..<classes where z[c] > maximum { maximum = z[c] }
      let far = -Elementary.log(scratch[label])
      let focal = Focal(
        description.gamma, scratch, label: label, classes: classes,
        negativeLog: far.isFinite ? far : maximum - target)
      let factor = Float(Double(description.alpha) * focal.power * focal.slope) * scale
      for c in 0..<classes { scratch[c] *= -factor }
      scratch[label] = factor * Float(focal.rest)
    case .meanSquaredError:
      let factor = 2 * scale / Float(classes)
      for c in 0..<classes { scratch[c] = factor * (z[c] - (c == label ? 1 : 0)) }
    case .huber(let delta):
      let factor = scale / Float(classes)
      for c in 0..<classes {
        let d = z[c] - (c == label ? 1 : 0)
        scratch[c] = factor * (d > delta ? delta : (d < -delta ? -delta : d))
      }
    case .binaryCrossEntropy(let smoothing):
      let factor = scale / Float(classes)
      for c in 0..<classes {
        let q = 0.5 * smoothing + (c == label ? 1 - smoothing : 0)
        // σ(|z|) and σ(−|z|); σ(z) − 1 would lose what σ(−z) keeps.
        let small = Elementary.exp(-abs(z[c]))
        let (near, far) = (1 / (1 + small), small / (1 + small))
        let (up, down) = z[c] > 0 ? (near, far) : (far, near)
        scratch[c] = factor * ((1 - q) * up - q * down)
      }
    }
  }
}

/// The parts of the focal loss of a sample with probability p of its class.
private struct Focal {
  /// 1 − p, added up from the other classes, since the difference cancels.
  let rest: Double
  /// −ln p
  let negativeLog: Double
  /// (1 − p)^γ
  let power: Double
  /// γp ln p/(1 − p) − 1
  let slope: Double

  /// - Parameter negativeLog: −ln p as the scores give it, good where p is not near 1.
  init(
    _ gamma: Float, _ probabilities: UnsafePointer<Float>, label: Int, classes: Int,
    negativeLog far: Float
  ) {
    var rest = 0.0
    for c in 0..<classes where c != label { rest += Double(probabilities[c]) }
    self.rest = rest
    negativeLog = rest < 0.5 ? -Elementary.log(1 - rest) : Double(far)
    let gamma = Double(gamma)
    guard rest != 0 else {
      power = gamma == 0 ? 1 : 0
      slope = -gamma - 1
      return
    }
    power = gamma == 0 ? 1 : Elementary.exp(gamma * Elementary.log(rest))
    // ln p/(1 − p) goes to −1 where p goes to 1, and so does its quotient in floating point.
    let quotient = rest < 1e-5 ? 1 + rest / 2 : negativeLog / rest
    slope = -gamma * Double(probabilities[label]) * quotient - 1
  }
}
