import ConvNet
import Datasets
import Storage

extension AugmentationOp {
  init(checked value: JSONValue) {
    switch value["op"]!.string! {
    case "rotate": self = .rotate(degrees: value.float("degrees"))
    case "shift": self = .shift(fraction: value.float("fraction"))
    case "zoom": self = .zoom(fraction: value.float("fraction"))
    case "shear": self = .shear(degrees: value.float("degrees"))
    case "elastic":
      self = .elastic(alpha: value.float("alpha"), sigma: value.float("sigma"))
    case "flip":
      self = .flip(Axis(rawValue: value["axis"]!.string!)!, p: value.float("p"))
    case "crop": self = .crop(padding: value.int("padding"))
    case "perspective":
      self = .perspective(distortion: value.float("distortion"), p: value.float("p"))
    case "rand_augment":
      self = .randAugment(
        RandAugment(
          count: value.int("count"), magnitude: value.int("magnitude"),
          ops: value["ops"]!.array!.map { RandAugment.Op(rawValue: $0.string!)! }))
    case "mixup": self = .mix(.mixup(alpha: value.float("alpha"), p: value.float("p")))
    case "cutmix": self = .mix(.cutmix(alpha: value.float("alpha"), p: value.float("p")))
    default: self = .pixels(PixelOp(checked: value), p: value.float("p"))
    }
  }

  var json: JSONValue {
    switch self {
    case .rotate(let degrees), .shear(let degrees):
      ["op": .string(name), "degrees": JSONValue(degrees)]
    case .shift(let fraction), .zoom(let fraction):
      ["op": .string(name), "fraction": JSONValue(fraction)]
    case .elastic(let alpha, let sigma):
      ["op": .string(name), "alpha": JSONValue(alpha), "sigma": JSONValue(sigma)]
    case .flip(let axis, let p):
      ["op": .string(name), "axis": .string(axis.rawValue), "p": JSONValue(p)]
    case .crop(let padding): ["op": .string(name), "padding": JSONValue(padding)]
    case .perspective(let distortion, let p):
      ["op": .string(name), "distortion": JSONValue(distortion), "p": JSONValue(p)]
    case .randAugment(let policy):
      [
        "op": .string(name), "count": JSONValue(policy.count),
        "magnitude": JSONValue(policy.magnitude),
        "ops": .array(policy.ops.map { .string($0.rawValue) }),
      ]
    case .mix(.mixup(let alpha, let p)), .mix(.cutmix(let alpha, let p)):
      ["op": .string(name), "alpha": JSONValue(alpha), "p": JSONValue(p)]
    case .pixels(let op, let p): op.json(p: p)
    }
  }
}

extension PixelOp {
  init(checked value: JSONValue) {
    func range(_ key: String) -> (Float, Float) {
      (value[key]![0]!.number!.float, value[key]![1]!.number!.float)
    }
    switch value["op"]!.string! {
    case "brightness": self = .brightness(fraction: value.float("fraction"))
    case "contrast": self = .contrast(fraction: value.float("fraction"))
    case "gaussian_noise": self = .noise(deviation: value.float("stddev"))
    case "gaussian_blur":
      let (low, high) = range("sigma")
      self = .blur(kernel: value.int("kernel"), low: low, high: high)
    case "erase":
      let (area, ratio) = (range("area"), range("ratio"))
      self = .erase(
        area: area.0...area.1, ratio: ratio.0...ratio.1, value: value.float("value"))
    case "cutout": self = .cutout(size: value.int("size"))
    case let op: preconditionFailure("undescribed distortion \(op)")
    }
  }

  func json(p: Float) -> JSONValue {
    var json: JSONValue =
      switch self {
      case .brightness(let fraction), .contrast(let fraction):
        ["op": .string(name), "fraction": JSONValue(fraction)]
      case .noise(let deviation): ["op": .string(name), "stddev": JSONValue(deviation)]
      case .blur(let kernel, let low, let high):
        [
          "op": .string(name), "kernel": JSONValue(kernel),
          "sigma": [JSONValue(low), JSONValue(high)],
        ]
      case .erase(let area, let ratio, let value):
        [
          "op": .string(name),
          "area": [JSONValue(area.lowerBound), JSONValue(area.upperBound)],
          "ratio": [JSONValue(ratio.lowerBound), JSONValue(ratio.upperBound)],
          "value": JSONValue(value),
        ]
      case .cutout(let size): ["op": .string(name), "size": JSONValue(size)]
      }
    json["p"] = JSONValue(p)
    return json
  }
}

extension TestTimeAugmentation {
  init?(checked value: JSONValue) {
    if value.isNull { return nil }
    self.init(
      count: value.int("count"),
      ops: value["ops"]?.array?.map(AugmentationOp.init(checked:)))
  }

  var json: JSONValue {
    [
      "count": JSONValue(count),
      "ops": ops.map { .array($0.map(\.json)) } ?? .null,
    ]
  }
}

extension ExperimentSpec {
  /// How its batches are mixed.
  public var mixing: [BatchMixing] {
    augmentation.compactMap { if case .mix(let mixing) = $0 { mixing } else { nil } }
  }
}
