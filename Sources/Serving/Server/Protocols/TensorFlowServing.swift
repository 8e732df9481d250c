import HTTPTypes
import Storage

/// TensorFlow Serving's REST interface, version 1: what its clients send and get, with the signatures of
/// the SavedModels that `runner export` writes.
///
///     serving_default   images -> probabilities
///     predict           images -> scores, probabilities, class
///     classify          inputs, image files -> the names of all classes and their probabilities
///
/// `images` are pixels of 0 to 255, or image files as `{"b64": "…"}`.
enum TensorFlowServing {
  static func status(
    _ shelf: Shelf, _ name: String, version: String?, label: String?
  ) throws(Refusal) -> JSONValue {
    let versions =
      version == nil && label == nil
      ? try shelf.named(name).versions.reversed()
      : [try shelf.model(name, version: version, label: label)]
    return [
      "model_version_status": .array(
        versions.map {
          [
            "version": .string("\($0.version)"), "state": "AVAILABLE",
            "status": ["error_code": "OK", "error_message": ""],
          ]
        })
    ]
  }

  static func metadata(_ model: ServedModel) -> JSONValue {
    func port(_ name: String, _ type: String, _ shape: [Int]) -> JSONValue {
      [
        "dtype": .string(type),
        "tensor_shape": [
          "dim": .array(shape.map { ["size": .string("\($0)"), "name": ""] }),
          "unknown_rank": false,
        ],
        "name": .string("\(name):0"),
      ]
    }
    let images = port("images", "DT_FLOAT", [-1] + model.inputSizes)
    let probabilities = port("probabilities", "DT_FLOAT", [-1, model.classes])
    let scores = port("scores", "DT_FLOAT", [-1, model.classes])
    return [
      "model_spec": [
        "name": .string(model.name), "signature_name": "", "version": .string("\(model.version)"),
      ],
      "metadata": [
        "signature_def": [
          "signature_def": [
            "serving_default": [
              "inputs": ["images": images], "outputs": ["probabilities": probabilities],
              "method_name": "tensorflow/serving/predict",
            ],
            "predict": [
              "inputs": ["images": images],
              "outputs": [
                "scores": scores, "probabilities": probabilities,
                "class": port("class", "DT_INT64", [-1]),
              ],
              "method_name": "tensorflow/serving/predict",
            ],
            "classify": [
              "inputs": ["inputs": port("files", "DT_STRING", [-1])],
              "outputs": [
                "classes": port("names", "DT_STRING", [-1, model.classes]),
                "scores": port("ranked", "DT_FLOAT", [-1, model.classes]),
              ],
              "method_name": "tensorflow/serving/classify",
            ],
          ]
        ]
      ],
    ]
  }

  /// Images as a request has them: a list, of which each is nested numbers, `{"b64": …}`, or an object with
  /// one of these under the input's name.
  static func images(
    _ json: JSONValue, _ model: ServedModel, name: String
  ) throws(Refusal) -> OpenInference.Inference.Images {
    guard let list = json.array, !list.isEmpty else {
      throw Refusal(.badRequest, "\(name): it must be a list of images")
    }
    var rows: [JSONValue] = []
    rows.reserveCapacity(list.count)
    for item in list {
      if let object = item.object, object["b64"] == nil {
        guard object.members.count == 1 else {
          throw Refusal(.badRequest, "\(name): an instance has one input, images")
        }
        rows.append(object.members[0].value)
      } else {
        rows.append(item)
      }
    }
    if rows[0]["b64"] != nil {
      var files: [[UInt8]] = []
      for row in rows {
        guard let text = row["b64"]?.string, let file = Base64.decode(lenient: text) else {
          throw Refusal(.unprocessableContent, "\(name): {\"b64\": …} must be a file in base64")
        }
        files.append(file)
      }
      return .files(files)
    }
    let numbers = try NestedNumbers(.array(rows), name: name)
    let count = try model.images(ofSizes: numbers.sizes, name: name)
    return .inputs(.numbers(numbers.values, count: count))
  }

  /// (N, classes) as lists of lists.
  static func rows(_ values: [Float], _ outputs: Outputs) -> [JSONValue] {
    (0..<outputs.count).map { image in
      .array(
        values[image * outputs.classes..<(image + 1) * outputs.classes].map { JSONValue($0) })
    }
  }
}

extension Service {
  func tensorFlowPredict(
    _ request: Request, _ model: ServedModel, _ done: @escaping @Sendable (Answer) -> Void
  ) throws(Refusal) {
    let kept = Kept<(signature: String, isRows: Bool)>()
    try ask(model, request, size: request.images(of: model)) {
      done(Answer($0))
    } read: { model throws(Refusal) in
      let json = try request.json()
      let signature = json["signature_name"]?.string ?? "serving_default"
      guard ["serving_default", "predict"].contains(signature) else {
        throw Refusal(
          .badRequest,
          "there is no signature \"\(signature)\" to predict; there is serving_default, predict")
      }
      let isRows = json["instances"] != nil
      guard var given = json["instances"] ?? json["inputs"], isRows == (json["inputs"] == nil)
      else {
        throw Refusal(.badRequest, "the body must have \"instances\" or \"inputs\", one of them")
      }
      // By columns an input may be under its name.
      if !isRows, let object = given.object, object["b64"] == nil {
        guard object.members.count == 1 else {
          throw Refusal(.badRequest, "inputs: there is one input, images")
        }
        given = object.members[0].value
      }
      if !isRows, given["b64"] != nil { given = [given] }
      kept.value = (signature, isRows)
      return try TensorFlowServing.images(
        given, model, name: isRows ? "instances" : "inputs")
    } answer: { outputs in
      let (signature, isRows) = kept.value!
      let probabilities = TensorFlowServing.rows(outputs.probabilities, outputs)
      if signature == "serving_default" {
        return Answer(.ok, [isRows ? "predictions" : "outputs": .array(probabilities)])
      }
      let scores = TensorFlowServing.rows(outputs.scores, outputs)
      let classes = (0..<outputs.count).map { JSONValue(outputs.prediction($0)) }
      if !isRows {
        return Answer(
          .ok,
          [
            "outputs": [
              "scores": .array(scores), "probabilities": .array(probabilities),
              "class": .array(classes),
            ]
          ])
      }
      return Answer(
        .ok,
        [
          "predictions": .array(
            (0..<outputs.count).map {
              ["scores": scores[$0], "probabilities": probabilities[$0], "class": classes[$0]]
            })
        ])
    }
  }

  func tensorFlowClassify(
    _ request: Request, _ model: ServedModel, _ done: @escaping @Sendable (Answer) -> Void
  ) throws(Refusal) {
    try ask(model, request, size: request.images(of: model)) {
      done(Answer($0))
    } read: { model throws(Refusal) in
      let json = try request.json()
      let signature = json["signature_name"]?.string ?? "classify"
      guard ["classify", "serving_default"].contains(signature) else {
        throw Refusal(
          .badRequest, "there is no signature \"\(signature)\" to classify; there is classify")
      }
      guard let examples = json["examples"] else {
        throw Refusal(.badRequest, "the body must have \"examples\"")
      }
      return try TensorFlowServing.images(examples, model, name: "examples")
    } answer: { outputs in
      let results = (0..<outputs.count).map { image in
        JSONValue.array(
          outputs.likeliest(outputs.classes, of: image).map { label in
            [
              .string(model.classNames[label]),
              JSONValue(outputs.probabilities[image * outputs.classes + label]),
            ]
          })
      }
      return Answer(.ok, ["results": .array(results)])
    }
  }
}
