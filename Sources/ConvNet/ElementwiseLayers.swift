// Layers without parameters that map each element, or each position's channels, by itself.

/// An activation as a layer of its own: y = f(x), dx = dy·f′(x). Softmax is over the channels:
/// dx = y·(dy − Σ dy·y).
final class ActivationLayer: Layer {
  private let activation: Activation
  private let input: Activations
  private let output: Activations
  private let channels: Int

  init(_ activation: Activation, channels: Int, input: Activations, output: Activations) {
    self.activation = activation
    self.channels = channels
    self.input = input
    self.output = output
  }

  func forward(_ tile: Tile) {
    let x = input.values(of: tile)
    let y = output.values(of: tile)
    let count = tile.count * input.size
    guard activation == .softmax else { return activation.apply(x, to: y, count: count) }
    for start in stride(from: 0, to: count, by: channels) {
      softmax(x + start, to: y + start, count: channels)
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let y = output.values(of: tile)
    let dy = output.gradients(of: tile)
    let dx = input.gradients(of: tile)
    let count = tile.count * input.size
    guard activation == .softmax else {
      return activation.gradient(
        input: input.values(of: tile), output: y, dy, to: dx, count: count)
    }
    for start in stride(from: 0, to: count, by: channels) {
      var inner: Float = 0
      for c in start..<start + channels { inner += dy[c] * y[c] }
      for c in start..<start + channels { dx[c] = y[c] * (dy[c] - inner) }
    }
  }
}

/// Dropout (Srivastava et al. 2014), inverted: while training, y = x/(1 − p) with probability 1 − p,
/// else 0, p a multiple of 2⁻¹⁶; otherwise y = x.
///
/// Which elements stay is a function of (seed, layer, step, place in the batch, element).
final class Dropout: Layer {
  private let input: Activations
  private let output: Activations
  private let threshold: UInt16
  private let scale: Float
  private let key: SIMD2<UInt32>
  private let purpose: UInt32

  init(rate: Float, layer: Int, seed: UInt64, input: Activations, output: Activations) {
    precondition(rate >= 0 && rate < 1)
    self.input = input
    self.output = output
    threshold = UInt16(min(65_535, (rate * 65_536).rounded()))
    scale = 1 / (1 - Float(threshold) * 0x1p-16)
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    purpose = RandomPurpose.dropout.rawValue | UInt32(layer + 1) << 8
    output.hasWinners = true
  }

  func forward(_ tile: Tile) {
    let x = input.values(of: tile)
    let y = output.values(of: tile)
    guard tile.isTraining else { return y.update(from: x, count: tile.count * input.size) }
    let kept = output.winners(of: tile)
    for sample in 0..<tile.count {
      let at = sample * input.size
      draw(to: kept + at, step: tile.step, sample: tile.first + sample)
    }
    for i in 0..<tile.count * input.size { y[i] = kept[i] != 0 ? x[i] * scale : 0 }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let dy = output.gradients(of: tile)
    let dx = input.gradients(of: tile)
    let kept = output.winners(of: tile)
    for i in 0..<tile.count * input.size { dx[i] = kept[i] != 0 ? dy[i] * scale : 0 }
  }

  /// kept[i] = 1 or 0 for one sample's elements: 16 random bits for each, eight Philox blocks at a
  /// time.
  private func draw(to kept: UnsafeMutablePointer<UInt8>, step: Int, sample: Int) {
    let lanes = SIMD8<UInt32>(0, 1, 2, 3, 4, 5, 6, 7)
    var at = 0
    var block: UInt32 = 0
    while at < input.size {
      let words = RandomStream.philox(
        lanes &+ block, purpose, UInt32(truncatingIfNeeded: step),
        UInt32(truncatingIfNeeded: sample), key: key)
      keep(words.0, to: kept, at)
      keep(words.1, to: kept, at &+ 16)
      keep(words.2, to: kept, at &+ 32)
      keep(words.3, to: kept, at &+ 48)
      at = at &+ 64
      block = block &+ 8
    }
  }

  /// Sixteen elements from eight words: first by their lower halves, then by their upper.
  @inline(__always)
  private func keep(_ words: SIMD8<UInt32>, to kept: UnsafeMutablePointer<UInt8>, _ at: Int) {
    let lower = SIMD8<UInt16>(truncatingIfNeeded: words)
    let upper = SIMD8<UInt16>(truncatingIfNeeded: words &>> 16)
    let halves = SIMD16<UInt16>(lowHalf: lower, highHalf: upper)
    let flags = SIMD16<UInt16>().replacing(with: 1, where: halves .>= threshold)
    let bytes = SIMD16<UInt8>(truncatingIfNeeded: flags)
    if at &+ 16 <= input.size {
      UnsafeMutableRawPointer(kept + at).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
    } else {
      var i = at
      while i < input.size {
        kept[i] = bytes[i &- at]
        i = i &+ 1
      }
    }
  }
}
