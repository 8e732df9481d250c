// How a convolution of narrow groups lays out its channels: each as a plane of its own, rows and
// samples one after another, with as few zeros between them as the window can reach into.

/// One axis of a convolution, cut by its stride s: with k·d − before = e·s + b, 0 ≤ b < s,
///
///     y[p] = Σ_k x_b[p + e]·w[k]     dx_b[u] = Σ_k dy[u − e]·w[k]
///
/// where x_b[u] = x[u·s + b] is the b-th phase of x.
struct PhasedAxis {
  struct Tap {
    let shift: Int
    let phase: Int
  }

  /// For each of the window's positions e and b.
  let taps: [Tap]
  /// How many of x each phase has.
  let counts: [Int]
  let outputs: Int
  /// The furthest that y looks back and ahead.
  let before: Int
  let after: Int
  /// From one line to the next, so that what is read beyond a line's ends is zeros between lines.
  let pitch: Int

  init(input: Int, outputs: Int, window: Int, stride: Int, dilation: Int, padding: Int) {
    taps = (0..<window).map { k in
      let at = k * dilation - padding
      let phase = ((at % stride) + stride) % stride
      return Tap(shift: (at - phase) / stride, phase: phase)
    }
    counts = (0..<stride).map { max(0, input - $0 + stride - 1) / stride }
    self.outputs = outputs
    before = max(0, -taps[0].shift)
    after = max(0, taps[window - 1].shift)
    pitch = max(outputs + after, counts[0] + before)
  }
}

/// The planes of some samples: of x, and of y and its gradient.
///
/// A plane begins with the zeros before its first line. Position (n, r, c) is then
/// n·`sample` + r·`pitch` + c, of x_b, of y and of dx_b alike: what one window reads for all of them
/// is a run of each plane, and each of its taps another shift of that run.
struct PlaneGrid {
  let vertical: PhasedAxis
  let horizontal: PhasedAxis
  /// Floats from one line and from one sample to the next.
  let pitch: Int
  let sample: Int
  /// Samples that are worked on together.
  let samples: Int
  /// Planes of each channel of x.
  let phases: Int
  /// Floats before position 0 of a plane of x and of one of y.
  let leadOfInput: Int
  let leadOfOutput: Int
  /// Floats from one plane to the next.
  let plane: Int

  /// Positions of a block: of so few planes as a loop reads at once they fit the first-level cache.
  private static let positions = 1024

  init(geometry: WindowGeometry, input: Extent, output: Extent) {
    vertical = PhasedAxis(
      input: input.height, outputs: output.height, window: geometry.window.height,
      stride: geometry.stride.height, dilation: geometry.dilation.height, padding: geometry.top)
    horizontal = PhasedAxis(
      input: input.width, outputs: output.width, window: geometry.window.width,
      stride: geometry.stride.width, dilation: geometry.dilation.width, padding: geometry.left)
    pitch = horizontal.pitch
    sample = vertical.pitch * pitch
    samples = max(1, min(Tile.size, Self.positions / sample))
    phases = vertical.counts.count * horizontal.counts.count
    leadOfInput = Self.rounded(vertical.before * pitch + horizontal.before, to: 16)
    leadOfOutput = Self.rounded(vertical.after * pitch + horizontal.after, to: 16)
    let positions = Self.rounded(samples * sample, to: PlaneCorrelation.widest)
    let floats = leadOfInput + positions + leadOfOutput
    // Not a multiple of 4096 bytes, lest all planes lie in the same lines of the cache.
    plane = floats % 1024 == 0 ? floats + 16 : floats
  }

  /// From position 0 of a plane of x to what a tap reads for position 0 of y.
  func offset(_ row: PhasedAxis.Tap, _ column: PhasedAxis.Tap) -> Int {
    row.shift * pitch + column.shift
  }

  func phase(_ row: PhasedAxis.Tap, _ column: PhasedAxis.Tap) -> Int {
    row.phase * horizontal.counts.count + column.phase
  }

  private static func rounded(_ count: Int, to multiple: Int) -> Int {
    (count + multiple - 1) / multiple * multiple
  }
}
