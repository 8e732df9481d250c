import Storage

/// The description of what there is, OpenAPI 3.1.
struct OpenAPI {
  /// The models that answer, which paths may name.
  let models: [NamedModel]

  var description: JSONValue {
    [
      "openapi": "3.1.0",
      "info": [
        "title": "runner-serve", "version": .string(ServingVersion.number),
        "description": .string(
          """
          Models that runner has trained answer about images: as they are, by the Open Inference Protocol \
          (KServe, Triton) and by TensorFlow Serving's REST interface. Pixels are numbers of 0 to 255.
          """),
      ],
      "paths": .object(paths),
      "components": [
        "schemas": .object(Self.schemas),
        "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
      ],
      "security": [[:], ["token": []]],
    ]
  }

  private static func reference(_ name: String) -> JSONValue {
    ["$ref": .string("#/components/schemas/\(name)")]
  }

  private static func json(_ schema: JSONValue) -> JSONValue {
    ["application/json": ["schema": schema]]
  }

  /// What any request may get instead of an answer.
  private static func responses(_ ok: JSONValue, _ others: [Int]) -> JSONValue {
    let meanings = [
      400: "The request is no such request.", 401: "The server wants its token.",
      404: "There is no such model, version or answer.",
      405: "The path takes other methods.",
      408: "The request was not whole in time.", 413: "More than the server takes.",
      415: "Neither an image nor an array.", 417: "Only 100-continue is expected.",
      422: "What was sent cannot be used.", 429: "Too many wait; try again.",
      431: "Headers are too long.",
      500: "The model gives no numbers.", 503: "Loading, full or being stopped.",
      504: "There was no answer in time.",
    ]
    var object = JSONObject()
    object["200"] = ok
    for status in others {
      object["\(status)"] = [
        "description": .string(meanings[status]!), "content": json(reference("Error")),
      ]
    }
    return .object(object)
  }

  private static let always = [400, 401, 405, 408, 431, 503]
  private static let asked = [400, 401, 404, 405, 408, 413, 415, 417, 422, 429, 431, 500, 503, 504]

  private static func get(
    _ summary: String, _ schema: JSONValue, _ parameters: [JSONValue] = [], isOpen: Bool = false
  ) -> JSONValue {
    var object = JSONObject()
    object["summary"] = .string(summary)
    if !parameters.isEmpty { object["parameters"] = .array(parameters) }
    object["responses"] = responses(
      ["description": "So it is.", "content": json(schema)],
      (parameters.isEmpty ? always : always + [404]).sorted())
    if isOpen { object["security"] = [] }
    return .object(object)
  }

  private static func post(
    _ summary: String, _ body: JSONValue, _ answer: JSONValue, _ parameters: [JSONValue] = []
  ) -> JSONValue {
    var object = JSONObject()
    object["summary"] = .string(summary)
    if !parameters.isEmpty { object["parameters"] = .array(parameters) }
    object["requestBody"] = ["required": true, "content": body]
    object["responses"] = responses(
      ["description": "The answer.", "content": answer], asked)
    return .object(object)
  }

  private var name: JSONValue {
    Self.path("model", .array(models.map { .string($0.name) }))
  }

  private var version: JSONValue {
    let versions = Set(models.flatMap(\.versions).map(\.version)).sorted()
    return Self.path("version", .array(versions.map { JSONValue($0) }), "integer")
  }

  private var label: JSONValue {
    let labels = Set(models.flatMap(\.labels).map(\.name)).sorted()
    return Self.path("label", .array(labels.map { .string($0) }))
  }

  /// - Parameter values: those that there are; none for any.
  private static func path(
    _ name: String, _ values: JSONValue, _ type: String = "string"
  ) -> JSONValue {
    var schema: JSONValue = ["type": .string(type)]
    if values != [] { schema["enum"] = values }
    return ["name": .string(name), "in": "path", "required": true, "schema": schema]
  }

  private static func query(
    _ name: String, _ description: String, _ schema: JSONValue
  ) -> JSONValue {
    [
      "name": .string(name), "in": "query", "description": .string(description), "schema": schema,
    ]
  }

  private static let binary: JSONValue = ["type": "string", "format": "binary"]
  private static let flag: JSONValue = ["type": "string", "enum": ["true", "false", "1", "0"]]
  private static let numbers: JSONValue = ["type": "array", "items": ["type": "number"]]
  private static let anything: JSONValue = ["type": "object"]

  private var paths: JSONObject {
    var paths = JSONObject()
    paths["/predict"] = [
      "post": Self.post(
        "What do images show?",
        [
          "image/png": ["schema": Self.binary], "image/jpeg": ["schema": Self.binary],
          "application/octet-stream": ["schema": Self.binary],
          "application/x-npy": ["schema": Self.binary],
          "multipart/form-data": [
            "schema": ["type": "object", "additionalProperties": Self.binary, "minProperties": 1]
          ],
        ], Self.json(["anyOf": [Self.reference("Prediction"), Self.reference("Predictions")]]),
        [
          Self.query("model", "Which model, where there are several.", ["type": "string"]),
          Self.query("version", "Which version of it.", ["type": "string"]),
          Self.query("label", "Which version, by a label.", ["type": "string"]),
          Self.query("top", "Name so many classes.", ["type": "integer", "minimum": 1]),
          Self.query(
            "prepare",
            "digit: make of photos and drawings of digits what MNIST was made of first.",
            ["type": "string", "enum": ["digit"]]),
          Self.query(
            "resize", "How images of another size are made to fit.",
            ["type": "string", "enum": ["none", "bilinear", "area"]]),
          Self.query("invert", "Take white for black.", Self.flag),
          Self.query("turn", "Turn pictures upright as their EXIF notes say.", Self.flag),
          Self.query("show", "Give what the network saw as a PNG file, too.", Self.flag),
        ])
    ]
    paths["/feedback"] = [
      "post": Self.post(
        "Say what an image really shows.", Self.json(Self.reference("Feedback")),
        Self.json(Self.anything))
    ]
    paths["/models"] = ["get": Self.get("The models that answer.", Self.anything)]
    paths["/health"] = ["get": Self.get("Whether the server answers.", Self.anything, isOpen: true)]
    paths["/metrics"] = [
      "get": [
        "summary": "What is counted, for Prometheus.",
        "responses": Self.responses(
          [
            "description": "So it is.",
            "content": ["text/plain": ["schema": ["type": "string"]]],
          ], Self.always),
      ]
    ]
    paths["/v2"] = ["get": Self.get("The server.", Self.anything)]
    paths["/v2/health/live"] = ["get": Self.get("Whether it runs.", Self.anything, isOpen: true)]
    paths["/v2/health/ready"] = [
      "get": Self.get("Whether it answers.", Self.anything, isOpen: true)
    ]
    paths["/v2/repository/index"] = [
      "post": [
        "summary": "The models.",
        "responses": Self.responses(
          [
            "description": "So it is.",
            "content": Self.json(["type": "array", "items": Self.anything]),
          ], Self.always + [413, 417]),
      ]
    ]
    let inference: JSONValue = [
      "application/json": ["schema": Self.reference("InferenceRequest")]
    ]
    for (place, parameters) in [
      ("/v2/models/{model}", [name]),
      ("/v2/models/{model}/versions/{version}", [name, version]),
    ] {
      paths[place] = ["get": Self.get("A model's tensors.", Self.anything, parameters)]
      paths["\(place)/ready"] = ["get": Self.get("Whether it answers.", Self.anything, parameters)]
      paths["\(place)/infer"] = [
        "post": Self.post(
          "Open Inference Protocol, with JSON or binary tensors.", inference,
          [
            "application/json": ["schema": Self.reference("InferenceResponse")],
            "application/octet-stream": ["schema": Self.binary],
          ], parameters)
      ]
    }
    for (place, parameters) in [
      ("/v1/models/{model}", [name]),
      ("/v1/models/{model}/versions/{version}", [name, version]),
      ("/v1/models/{model}/labels/{label}", [name, label]),
    ] {
      paths[place] = ["get": Self.get("TensorFlow Serving: versions.", Self.anything, parameters)]
      paths["\(place)/metadata"] = [
        "get": Self.get("TensorFlow Serving: signatures.", Self.anything, parameters)
      ]
      paths["\(place):predict"] = [
        "post": Self.post(
          "TensorFlow Serving: instances or inputs.",
          Self.json([
            "oneOf": [
              [
                "type": "object", "required": ["instances"],
                "properties": [
                  "instances": ["type": "array", "minItems": 1],
                  "signature_name": ["type": "string"],
                ],
              ],
              [
                "type": "object", "required": ["inputs"],
                "properties": ["inputs": [:], "signature_name": ["type": "string"]],
              ],
            ]
          ]), Self.json(Self.anything), parameters)
      ]
      paths["\(place):classify"] = [
        "post": Self.post(
          "TensorFlow Serving: examples.",
          Self.json([
            "type": "object", "required": ["examples"],
            "properties": ["examples": ["type": "array", "minItems": 1]],
          ]), Self.json(Self.anything), parameters)
      ]
    }
    return paths
  }

  private static let schemas: JSONObject = {
    var schemas = JSONObject()
    schemas["Error"] = [
      "type": "object", "required": ["error"], "properties": ["error": ["type": "string"]],
    ]
    let answer: [String] = ["prediction", "class", "confidence", "probabilities"]
    let properties: JSONValue = [
      "prediction": ["type": "integer"], "class": ["type": "string"],
      "confidence": ["type": "number"], "probabilities": numbers,
      "top": ["type": "array", "items": anything], "seen": ["type": "string"],
      "image": ["type": "string"], "model": ["type": "string"], "version": ["type": "integer"],
      "id": ["type": "string"], "notes": ["type": "array", "items": ["type": "string"]],
    ]
    schemas["Prediction"] = [
      "type": "object",
      "required": .array((answer + ["model", "version", "id"]).map { .string($0) }),
      "properties": properties,
    ]
    schemas["Predictions"] = [
      "type": "object", "required": ["answers", "model", "version", "id"],
      "properties": [
        "answers": [
          "type": "array",
          "items": [
            "type": "object",
            "required": .array((["image"] + answer).map { .string($0) }),
            "properties": properties,
          ],
        ],
        "problems": ["type": "array", "items": ["type": "string"]],
        "model": ["type": "string"], "version": ["type": "integer"], "id": ["type": "string"],
      ],
    ]
    schemas["Feedback"] = [
      "type": "object", "required": ["id", "label"],
      "properties": [
        "id": ["type": "string"],
        "label": ["type": ["string", "integer"]],
        "image": ["type": "integer", "minimum": 0],
      ],
    ]
    schemas["InferenceRequest"] = [
      "type": "object", "required": ["inputs"],
      "properties": [
        "id": ["type": "string"],
        "inputs": [
          "type": "array", "minItems": 1, "maxItems": 1,
          "items": [
            "type": "object", "required": ["name", "shape", "datatype", "data"],
            "properties": [
              "name": ["const": "images"],
              "shape": ["type": "array", "items": ["type": "integer", "minimum": 0]],
              "datatype": [
                "enum": [
                  "UINT8", "INT8", "UINT16", "INT16", "UINT32", "INT32", "UINT64", "INT64", "FP32",
                  "FP64", "BYTES",
                ]
              ],
              "data": ["type": "array"],
            ],
          ],
        ],
        "outputs": [
          "type": "array",
          "items": [
            "type": "object", "required": ["name"],
            "properties": ["name": ["enum": ["probabilities", "scores", "class"]]],
          ],
        ],
      ],
    ]
    schemas["InferenceResponse"] = [
      "type": "object", "required": ["model_name", "model_version", "outputs"],
      "properties": [
        "model_name": ["type": "string"], "model_version": ["type": "string"],
        "id": ["type": "string"], "outputs": ["type": "array", "items": anything],
      ],
    ]
    return schemas
  }()
}
