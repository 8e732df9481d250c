import ConvNet

extension SpecDescription {
  static let normalizations = Kinds<NormalizationDescription>(
    key: "name", doc: "The kind of normalisation.", noun: "a normalisation"
  ) {
    Kind(
      "per_channel", .perChannel(), as: NormalizationDescription.perChannel,
      held: { if case .perChannel(let epsilon) = $0 { epsilon } else { nil } },
      aliases: ["channel", "standard"], "(x − μ)/(σ + ε), with the μ and σ of each channel."
    ) { epsilon(.from(0, to: 1000)) }
    Kind(
      "per_pixel", .perPixel(), as: NormalizationDescription.perPixel,
      held: { if case .perPixel(let epsilon) = $0 { epsilon } else { nil } },
      aliases: ["featurewise", "pixel"], "(x − μ)/(σ + ε), with a μ and σ for each pixel."
    ) { epsilon(.from(0, to: 1000)) }
    Kind(
      "zca", .zca(), as: NormalizationDescription.zca,
      held: { if case .zca(let epsilon) = $0 { epsilon } else { nil } },
      aliases: ["whitening", "zca_whitening"],
      "ZCA whitening, W·(x − μ) with W = U·(Λ + ε)^(−1/2)·Uᵀ."
    ) { epsilon(.above(0, to: 1000)) }
  }

  /// A name, or an object with its constant.
  static let normalization = Notation<NormalizationDescription>.nameOrKind(of: normalizations) {
    _ in false
  }

  private static func epsilon(_ bounds: Bounds) -> Key<Float> {
    Key(
      "epsilon", \.self, .float(bounds), aliases: ["eps", "zca_epsilon"],
      "ε, against dividing by next to nothing.")
  }
}
