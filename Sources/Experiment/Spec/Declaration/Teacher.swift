import Storage

extension SpecDescription {
  /// What a training is taught by besides the labels.
  static let teacher = Declaration(TeacherSpec(models: [])) {
    Key(
      "model", \.models, oneOrMore(.form(.path), "models"), otherwise: .required,
      aliases: ["models", "file", "path", "ensemble", "from"],
      "The teacher, or a list of several, whose answers count by their mean: each a model.safetensors or "
        + "the folder of a run or of a sweep, for images of the same shape and the same classes, looked for "
        + "from the current folder, then from the spec's. It sees what the network sees of an image, "
        + "distorted and mixed, normalised as its own images were.")
    Key(
      "weights_sha256", \.weightsDigests, oneOrMore(.form(digest), "digests"),
      aliases: ["sha256", "digest"],
      "SHA-256 of the weights of each, as its metadata has it: another model at that place is refused. "
        + "Null for whatever is there; resolved.json says what it was.")
    Key(
      "temperature", \.description.temperature, .float(.above(0, to: 1000)),
      aliases: ["t", "tau"],
      "T, which scores are divided by, so that what is unlikely counts for more (Hinton, Vinyals and Dean "
        + "2015).")
    Key(
      "weight", \.description.weight, .float(.from(0, to: 1)), aliases: ["alpha", "a"],
      "α of the loss (1 − α)·L + α·T²·KL(q ‖ softmax(z/T)): L is that by the label, q what the teachers "
        + "give as softmax(z/T).")
  }

  /// Values of which a single one is written without a list.
  private static func oneOrMore<Element>(
    _ one: Notation<Element>, _ noun: String
  ) -> Notation<[Element]> {
    let list = Notation<[Element]>.list(of: one, count: 1...TeacherSpec.most, noun: noun)
    return Notation(
      .either([one.type, list.type]),
      decode: { json in json.array == nil ? one.decode(json).map { [$0] } : list.decode(json) },
      encode: { $0.count == 1 ? one.encode($0[0]) : list.encode($0) })
  }
}
