import Watching

extension Observer {
  /// - Parameter profile: of this model, where there is one; one of other weights is none.
  public init(_ file: ModelFile, profile: ValidationProfile?) {
    self.init(.floats(file), profile: profile)
  }

  /// The same of a model of either kind; of integers there are no features.
  public init(_ model: AnsweringModel, profile: ValidationProfile?) {
    self.init(
      modelDigest: model.weightsDigest, shape: model.preparation.shape!, profile: profile)
  }
}
