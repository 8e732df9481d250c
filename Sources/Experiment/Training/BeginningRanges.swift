import ConvNet
import Quantization

// With what ranges a training with quantisation begins.

extension InitialTensors {
  /// Whether the range of a layer's values was taken from the model.
  func hasRange(of layer: String) -> Bool {
    Self.layers(of: taken).contains(FakeQuantization.label(of: layer))
  }
}

extension Trainer {
  /// Begins ranges by what the values are for some training images, but for those that were taken.
  func beginRanges(
    _ quantization: TrainingQuantizationSpec, except tensors: InitialTensors,
    on images: any ImageSamples
  ) throws {
    var begun = model
    try begun.beginRanges(
      by: quantization.integers.description.method,
      on: CalibrationSamples(images, count: quantization.integers.images), team: team,
      unless: tensors.hasRange)
    model = begun
  }
}

extension TrainingQuantizationSpec {
  /// What is told of it before it begins.
  func lines(of plan: NetworkPlan, beginningWith tensors: InitialTensors) -> [String] {
    let owners = plan.layers.compactMap { layer in
      if case .fakeQuantize(let rounding) = layer.description { rounding.layer } else { nil }
    }
    let taken = Set(owners.filter(tensors.hasRange)).count
    let looked = Set(owners).count - taken
    var lines = [sentence]
    if taken > 0 { lines.append("\(taken) range\(taken == 1 ? "" : "s") of the model's") }
    if looked > 0 {
      lines.append(
        "\(looked) range\(looked == 1 ? "" : "s") by \(integers.description.method) of "
          + "\(grouped(integers.images)) training images, or as many as there are")
    }
    return lines
  }
}
