import Images
import Storage

/// What a network made of one image, and what the image was like: all that a watch over requests
/// needs, so that the images themselves need not be kept.
public struct SeenImage: Hashable, Sendable {
  /// The likeliest class, and its probability.
  public var prediction: Int
  public var confidence: Float
  /// ln p/(1 − p) of the answer, without the rounding of p.
  public var logOdds: Float
  /// ln Σ exp z over the scores z of the classes; the greater the more familiar (Liu et al.,
  /// "Energy-based out-of-distribution detection", 2020, whose energy is its negative).
  public var energy: Float
  /// Mahalanobis distance of the features from those of the validation images (Lee et al. 2018, here
  /// of all classes together); nil where these aren't known.
  public var distance: Float?
  public var figures: ImageFigures
  /// Of all classes; empty where they weren't kept.
  public var probabilities: [Float]
  /// What the last layer reads; empty where it wasn't kept.
  public var features: [Float]

  public init(
    prediction: Int, confidence: Float, logOdds: Float, energy: Float, distance: Float? = nil,
    figures: ImageFigures, probabilities: [Float] = [], features: [Float] = []
  ) {
    self.prediction = prediction
    self.confidence = confidence
    self.logOdds = logOdds
    self.energy = energy
    self.distance = distance
    self.figures = figures
    self.probabilities = probabilities
    self.features = features
  }
}
