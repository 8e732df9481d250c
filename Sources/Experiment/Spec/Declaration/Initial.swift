import Storage

extension SpecDescription {
  /// What a training begins with instead of fresh weights.
  static let initial = Declaration(InitialSpec(model: "")) {
    Key(
      "model", \.model, .form(.path), otherwise: .required,
      aliases: ["file", "path", "weights", "checkpoint", "pretrained", "from"],
      "The model: a model.safetensors of a run, a sweep or runner import, or the folder of a run or of "
        + "a sweep, as runner predict takes it; looked for from the current folder, then from the "
        + "spec's.")
    Key(
      "weights_sha256", \.weightsDigest, .form(digest), aliases: ["sha256", "digest"],
      "SHA-256 of the model's weights, as its metadata has it: another model at that place is refused. "
        + "Null for whatever is there; resolved.json says what it was.")
    Key(
      "layers", \.layers, patterns(1...1000), aliases: ["take", "only"],
      "The layers whose tensors are taken, all of which must be in the model with the same names and "
        + "shapes; null for all tensors that fit. What is not taken begins fresh, by initializer and "
        + "seed. " + naming)
    Key(
      "whole_layers", \.wholeLayers, wholeLayers, writesNull: false,
      "Whether a layer that is another there, with a tensor of another shape or without the kernel, begins "
        + "fresh as a whole; false: each tensor that fits is taken, as a bias without its kernel. In the "
        + "resolved.json of a run that says nothing of it: false.")
    Key(
      "normalization", \.normalization, .choice("a normalisation"),
      otherwise: .derived("The default is dataset where dataset.normalize is given, else model.") {
        let own = $0.root["dataset"]?.value["normalize"]?.value
        return .string(own.map { !$0.isNull } ?? false ? "dataset" : "model")
      },
      "By whose figures images are normalised: model takes those with which the model was trained, or "
        + "none where it was trained without; dataset does what dataset.normalize says, with figures of "
        + "the training images.")
    Key(
      "frozen", \.frozen, frozen, aliases: ["freeze", "non_trainable"],
      "The layers that keep what they have: no gradient, no update, no weight decay; a batch_norm among "
        + "them goes by its moving statistics in training too, and keeps them (PyTorch's "
        + "requires_grad=False and eval()). Nothing is worked out back below the lowest layer that "
        + "learns. all_but_last are all layers with weights but the last of them. " + naming)
    Key(
      "unfreeze_at", \.unfreezeAt, .integer(2...1_000_000), aliases: ["unfreeze_epoch", "thaw_at"],
      "The epoch with which frozen layers begin to learn, with an optimizer that remembers nothing of "
        + "them; the schedule goes on. Null for never.")
    Key(
      "unfreeze", \.unfreeze, patterns(1...1000), aliases: ["thaw"],
      "Which of them do; null for all. Batch norms are often left as they are.")
    Key(
      "features", \.features, .text, aliases: ["cache", "bottleneck"],
      "A layer up to which all is frozen: what it gives is worked out once for each image and kept in "
        + "memory, and each epoch trains only what follows, to the same bits (on processors with AVX2 "
        + "alone, to the last digits). Not with augmentation, dropout or noise up to there, or "
        + "unfreeze_at. Checkpoints are written as often as they take a twentieth of the time.")
  }

  static let naming =
    "A layer is called as in model.safetensors: by its name, or by its kind and number among its kind, "
    + "from 0; * stands for any characters, .. before a name for all layers up to that one: "
    + "\"conv2d_*\", \"..conv2d_7\"."

  /// False is not written, as those who knew nothing else did not write it.
  private static let wholeLayers = Notation<Bool>(
    .boolean, decode: \.bool, encode: { $0 ? .bool(true) : .null }, brief: { .bool($0) })

  static let digest = TextForm(
    pattern: "^[0-9a-f]{64}$", expectation: "64 hexadecimal digits in lower case"
  ) { text in
    text.utf8.count == 64
      && text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
  }

  private static func patterns(_ count: ClosedRange<Int>) -> Notation<[String]> {
    .list(of: .text, count: count, noun: "names of layers")
  }

  private static let frozen: Notation<InitialSpec.Frozen> = {
    let list = patterns(0...1000)
    let name = InitialSpec.Frozen.allButLastName
    return Notation(
      .either([.choice(Choice(noun: "what to freeze", names: [name])), list.type]),
      decode: { json in
        json.string == name ? .allButLast : list.decode(json).map { .layers($0) }
      },
      encode: {
        switch $0 {
        case .allButLast: .string(name)
        case .layers(let patterns): list.encode(patterns)
        }
      })
  }()
}
