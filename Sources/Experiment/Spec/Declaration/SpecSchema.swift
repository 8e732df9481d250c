import Storage

extension ExperimentSpec {
  /// The JSON Schema of a spec (draft 2020-12), for editors; `experiments/experiment.schema.json`.
  /// It says all that can be said of one key at a time.
  public static func schema() -> JSONValue {
    SpecDescription.root.document(title: "An experiment of runner")
  }
}

extension ObjectType {
  /// A whole schema, for documents of this type.
  package func document(title: String) -> JSONValue {
    var definitions = JSONObject()
    let root = self.schema(&definitions)
    var schema = JSONObject()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = .string(title)
    for member in root.members { schema[member.key] = member.value }
    if !definitions.isEmpty { schema["$defs"] = .object(definitions) }
    return .object(schema)
  }

  func schema(_ definitions: inout JSONObject) -> JSONObject {
    var schema = FieldType.objectSchema(fields, others: others, &definitions)
    if needsKey { schema["minProperties"] = 1 }
    return schema
  }
}

extension FieldType {
  /// The schema of this type; what is named goes to `definitions`.
  func schema(_ definitions: inout JSONObject) -> JSONObject {
    var schema = JSONObject()
    switch self {
    case .boolean: schema["type"] = "boolean"
    case .integer(let range):
      schema["type"] = "integer"
      schema["minimum"] = JSONValue(range.lowerBound)
      schema["maximum"] = JSONValue(range.upperBound)
    case .seed:
      schema["type"] = "integer"
      schema["minimum"] = 0
      schema["maximum"] = JSONValue(UInt64.max)
    case .number(let bounds), .float(let bounds):
      schema["type"] = "number"
      schema[bounds.includesLower ? "minimum" : "exclusiveMinimum"] = Bounds.value(bounds.lower)
      schema[bounds.includesUpper ? "maximum" : "exclusiveMaximum"] = Bounds.value(bounds.upper)
    case .text: schema["type"] = "string"
    case .folderName:
      schema["type"] = "string"
      schema["pattern"] = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
    case .choice(let choice):
      schema["enum"] = .array(choice.names.map(JSONValue.string))
    case .fractionOrCount(let limit):
      schema["anyOf"] = [
        ["type": "number", "minimum": 0, "exclusiveMaximum": 1],
        ["type": "integer", "minimum": 1, "maximum": JSONValue(limit)],
      ]
    case .pair(let item, _):
      schema["type"] = "array"
      schema["items"] = .object(item.schema(&definitions))
      schema["minItems"] = 2
      schema["maxItems"] = 2
    case .list(let item, let count, _):
      schema["type"] = "array"
      schema["items"] = .object(item.schema(&definitions))
      schema["minItems"] = JSONValue(count.lowerBound)
      schema["maxItems"] = JSONValue(count.upperBound)
    case .object(let object): return object.schema(&definitions)
    case .variants(let variants):
      schema["type"] = "object"
      if let key = variants.key { schema["required"] = [.string(key)] }
      schema["oneOf"] = .array(
        variants.cases.map { variant in
          var object = Self.objectSchema(variants.fields(of: variant.name)!, &definitions)
          if let key = variants.key {
            object["properties"]![key] = [
              "const": .string(variant.name), "description": .string(variant.doc),
            ]
          }
          var titled = JSONObject()
          titled["title"] = .string(variant.name)
          titled["description"] = .string(variant.doc)
          for member in object.members { titled[member.key] = member.value }
          return .object(titled)
        })
    case .either(let types):
      schema["anyOf"] = .array(types.map { .object($0.schema(&definitions)) })
    case .named(let name, let type):
      if definitions[name] == nil {
        definitions[name] = .null  // Holds the place while the type is worked out.
        definitions[name] = .object(type.schema(&definitions))
      }
      schema["$ref"] = .string("#/$defs/\(name)")
    case .recursive(let name, let type):
      return FieldType.named(name, type()).schema(&definitions)
    case .form(let form):
      schema["type"] = "string"
      schema["pattern"] = .string(form.pattern)
      if !form.examples.isEmpty { schema["examples"] = .array(form.examples.map(JSONValue.string)) }
    case .map(let map):
      schema["type"] = "object"
      schema["additionalProperties"] = .object(map.values.schema(&definitions))
      if map.count.lowerBound > 0 { schema["minProperties"] = JSONValue(map.count.lowerBound) }
      if map.count.upperBound < .max { schema["maxProperties"] = JSONValue(map.count.upperBound) }
    case .anything: break
    }
    return schema
  }

  fileprivate static func objectSchema(
    _ fields: [Field], others: [OtherKeys] = [], _ definitions: inout JSONObject
  ) -> JSONObject {
    var properties = JSONObject()
    var required: [JSONValue] = []
    for field in fields {
      properties[field.name] = field.schema(&definitions)
      if case .required = field.fallback { required.append(.string(field.name)) }
    }
    var schema = JSONObject()
    schema["type"] = "object"
    schema["properties"] = .object(properties)
    if !others.isEmpty {
      var patterns = JSONObject()
      for keys in others { patterns[keys.form.pattern] = keys.field.schema(&definitions) }
      schema["patternProperties"] = .object(patterns)
    }
    if !required.isEmpty { schema["required"] = .array(required) }
    schema["additionalProperties"] = false
    return schema
  }
}

extension Field {
  fileprivate func schema(_ definitions: inout JSONObject) -> JSONValue {
    var doc = self.doc
    if case .derived(let sentence, _) = fallback { doc += " " + sentence }
    var schema = JSONObject()
    schema["description"] = .string(doc)
    for member in type.schema(&definitions).members { schema[member.key] = member.value }
    if case .none = fallback {
      schema.allowNull()
      schema["default"] = .null
    }
    if case .value(let value) = fallback { schema["default"] = value }
    return .object(schema)
  }
}

extension JSONObject {
  /// Lets a schema take null as well.
  fileprivate mutating func allowNull() {
    if case .array(let names)? = self["enum"] {
      self["enum"] = .array(names + [.null])
    } else if let type = self["type"] {
      self["type"] = [type, "null"]
      if case .array(let cases)? = self["oneOf"] {
        self["oneOf"] = .array(cases + [["type": "null"]])
      }
    } else if case .array(let types)? = self["anyOf"] {
      self["anyOf"] = .array(types + [["type": "null"]])
    } else {
      preconditionFailure("a schema without a type cannot be made nullable")
    }
  }
}
