import Elements

/// Splashes of mud, where smoothed noise is high: n = G(blur) ∗ N(mean, deviation²);
/// m = G(edge) ∗ [n > threshold], and 0 where that is less than 0.8; v ← (1 − m)·v + m·63/255.
struct Spatter {
  let mean: Double, deviation: Double, blur: Double, threshold: Double, edge: Double

  static let levels = [
    Spatter(mean: 0.65, deviation: 0.3, blur: 4, threshold: 0.69, edge: 0.6),
    Spatter(mean: 0.65, deviation: 0.3, blur: 3, threshold: 0.68, edge: 0.6),
    Spatter(mean: 0.65, deviation: 0.3, blur: 2, threshold: 0.68, edge: 0.5),
    Spatter(mean: 0.65, deviation: 0.3, blur: 1, threshold: 0.65, edge: 1.5),
    Spatter(mean: 0.67, deviation: 0.4, blur: 1, threshold: 0.65, edge: 1.5),
  ]

  /// (H, W), standard normal.
  static func draw(for canvas: Canvas, _ random: inout RandomStream) -> [Float] {
    (0..<canvas.height * canvas.width).map { _ in random.normal() }
  }

  func apply(_ noise: [Float], to canvas: inout Canvas) {
    var mud = Canvas(height: canvas.height, width: canvas.width, channels: 1)
    // A wider blur leaves less of the noise: so much more there must be of it.
    let deviation = deviation * canvas.unit
    mud.values = noise.map { mean + deviation * Double($0) }
    mud.blur(sigma: blur * canvas.unit)
    mud.change { $0 > threshold ? 1 : 0 }
    mud.blur(sigma: edge * canvas.unit)
    mud.change { $0 < 0.8 ? 0 : $0 }
    canvas.combine(with: mud.values) { (1 - $1) * $0 + $1 * (63 / 255) }
  }
}
