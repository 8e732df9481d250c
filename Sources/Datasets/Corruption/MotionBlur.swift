import Elements

/// Smeared along a line, as ImageMagick's `MotionBlurImage` does:
/// out(y, x) = Σᵢ wᵢ·in(y + ⌈i·sin θ − ½⌉, x + ⌈i·cos θ − ½⌉), wᵢ ∝ exp(−i²/2σ²), i = 0 ... 2r, where
/// what lies outside is as the nearest pixel.
struct MotionBlur {
  let radius: Double, sigma: Double

  static let levels = [
    MotionBlur(radius: 10, sigma: 3), MotionBlur(radius: 15, sigma: 5),
    MotionBlur(radius: 15, sigma: 8), MotionBlur(radius: 15, sigma: 12),
    MotionBlur(radius: 20, sigma: 15),
  ]

  /// - Parameter angle: θ, in radians.
  func apply(angle: Float, to canvas: inout Canvas) {
    let (sin, cos) = Elementary.sincos(angle)
    let deviation = sigma * canvas.unit
    let taps = (0...2 * Int((radius * canvas.unit).rounded())).map { i in
      (
        weight: Elementary.exp(-Double(i * i) / (2 * deviation * deviation)),
        rows: Int((Float(i) * sin - 0.5).rounded(.up)),
        columns: Int((Float(i) * cos - 0.5).rounded(.up))
      )
    }
    let sum = taps.reduce(0) { $0 + $1.weight }
    let source = canvas.values
    let (height, width, channels) = (canvas.height, canvas.width, canvas.channels)
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<channels {
          var total = 0.0
          for tap in taps {
            let row = min(max(y + tap.rows, 0), height - 1)
            let column = min(max(x + tap.columns, 0), width - 1)
            total += tap.weight * source[(row * width + column) * channels + c]
          }
          canvas.values[(y * width + x) * channels + c] = total / sum
        }
      }
    }
  }
}
