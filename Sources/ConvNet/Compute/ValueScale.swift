/// Real numbers as eight bits have them: x ≈ s(q − z), q in −128...127.
public struct ValueScale: Hashable, Sendable {
  public let scale: Float
  /// −128...127
  public let zeroPoint: Int

  /// One whose −128...127 are a range, 0 one of them; of what is always 0 any scale will do.
  public init(low: Float, high: Float) {
    let (low, high) = (Double(min(low, 0)), Double(max(high, 0)))
    let scale = high > low ? max(Float((high - low) / 255), 1e-30) : 1 / 255
    self.init(scale: scale, zeroPoint: -128 - low / Double(scale))
  }

  /// One that is learned, by its scale's binary logarithm, so that a step of an optimizer is a share of it
  /// (Jain et al. 2020), and by its zero point, which is rounded.
  init(logarithm: Float, zeroPoint: Float) {
    let scale = Float(Elementary.exp(Double(logarithm) * Self.logOfTwo))
    self.init(scale: max(scale, 1e-30), zeroPoint: Double(zeroPoint))
  }

  private init(scale: Float, zeroPoint: Double) {
    self.scale = scale
    // A number that is none is not asked for its integer.
    let zero = zeroPoint.rounded()
    self.zeroPoint = zero > -128 ? (zero < 127 ? Int(zero) : 127) : -128
  }

  static let logOfTwo = 0.693_147_180_559_945_309_4

  /// log₂ s.
  var logarithm: Float { Float(Elementary.log(Double(scale)) / Self.logOfTwo) }

  /// What round(x/s) is held in, so that it and z come to −128...127.
  var limits: (low: Float, high: Float) { (Float(-128 - zeroPoint), Float(127 - zeroPoint)) }
}
