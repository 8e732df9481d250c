import ConvNet

/// What a training is taught by besides the labels: what models make of the same images.
public struct TeacherSpec: Hashable, Sendable {
  /// How many models there may be.
  static let most = 16

  /// Where each is: a model.safetensors, or the folder of a run or of a sweep.
  public var models: [String]
  /// SHA-256 of the weights of each; nil for those of whatever models are there.
  public var weightsDigests: [String]?
  public var description: DistillationDescription

  public init(
    models: [String], weightsDigests: [String]? = nil,
    description: DistillationDescription = DistillationDescription()
  ) {
    self.models = models
    self.weightsDigests = weightsDigests
    self.description = description
  }
}
