import Datasets
import HTTPTypes
import Images
import Storage

// POST /predict: images as they are, and what they are taken for.
extension Service {
  /// What a request wishes.
  private struct Wishes: Sendable {
    var top = 1
    var images = ImageWishes()
    var shows = false

    init(_ request: Request) throws(Refusal) {
      for (name, value) in request.query {
        switch name {
        case "top":
          guard let number = Int(value), number >= 1 else {
            throw Refusal(.badRequest, "top takes a whole number of at least 1, not \"\(value)\"")
          }
          top = number
        case "prepare":
          guard let named = FilePreparation(rawValue: value) else {
            let known = FilePreparation.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.badRequest, "prepare takes \(known), not \"\(value)\"")
          }
          images.prepare = named
        case "resize":
          guard let named = ImagePreparation.Resize(rawValue: value) else {
            let known = ImagePreparation.Resize.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.badRequest, "resize takes \(known), not \"\(value)\"")
          }
          images.resize = named
        case "invert": images.inverts = try Self.flag(name, value)
        case "turn": images.turns = try Self.flag(name, value)
        case "show": shows = try Self.flag(name, value)
        case "model", "version", "label": break
        default:
          throw Refusal(
            .badRequest,
            "\"\(name)\" is not known here: model, version, label, top, prepare, resize, invert, turn, show are"
          )
        }
      }
    }

    private static func flag(_ name: String, _ value: String) throws(Refusal) -> Bool {
      switch value {
      case "", "1", "true": return true
      case "0", "false": return false
      default: throw Refusal(.badRequest, "\(name) takes true or false, not \"\(value)\"")
      }
    }
  }

  func predict(
    _ request: Request, _ done: @escaping @Sendable (Answer) -> Void
  ) throws(Refusal) {
    let wishes = try Wishes(request)
    let model = try shelf.model(
      request.query("model"), version: request.query("version"), label: request.query("label"))
    try Self.check(request)
    let asked = Kept<(images: AskedImages, files: [(name: String, bytes: [UInt8])])>()
    try ask(model, request, size: 1) {
      done(Answer($0))
    } prepare: { [limits] model throws(Refusal) in
      let files = try Self.files(request)
      let images = try model.images(files, wishes.images, limits)
      guard images.count > 0 else {
        throw Refusal(
          .unprocessableContent, ImageWishes.asQuery(images.problems.joined(separator: "; ")))
      }
      asked.value = (images, files)
      return .pixels(images.pixels, count: images.count)
    } answer: { outputs throws(Refusal) in
      let (images, files) = asked.value!
      return Answer(
        .ok, Self.json(outputs, images, model, wishes, isOne: files.count == 1, id: request.id))
    }
  }

  /// Refuses what is certainly no image, before anything of it is read.
  private static func check(_ request: Request) throws(Refusal) {
    if let encoding = request.headers.contentEncoding,
      encoding.lowercased() != "identity"
    {
      throw Refusal(.unsupportedMediaType, "bodies are read as they are, not as \(encoding)")
    }
    // curl's --data-binary calls any body a form unless told otherwise.
    let type = request.mediaType ?? "application/octet-stream"
    let known = [
      "multipart/form-data", "application/octet-stream", "binary/octet-stream",
      "application/x-npy", "application/npy", "application/x-www-form-urlencoded",
    ]
    guard known.contains(type) || type.hasPrefix("image/") else {
      throw Refusal(
        .unsupportedMediaType,
        "send an image (PNG, JPEG, WebP, BMP, TIFF, GIF) or a .npy array, as they are or as "
          + "multipart/form-data, not \(type)")
    }
    guard request.body.readableBytes > 0 else {
      throw Refusal(.badRequest, "the body is empty; send an image")
    }
  }

  /// The files of a request.
  private static func files(
    _ request: Request
  ) throws(Refusal) -> [(name: String, bytes: [UInt8])] {
    guard request.mediaType == "multipart/form-data" else { return [("image", request.bytes)] }
    let type = request.headers.contentType!
    // A form may have empty fields beside its files.
    let parts = try Multipart(request.bytes, contentType: type).parts.filter {
      !$0.bytes.isEmpty || !($0.fileName ?? "").isEmpty
    }
    guard !parts.isEmpty else {
      throw Refusal(.badRequest, "the form holds no file; send an image under any name")
    }
    return parts.enumerated().map { place, part in
      let name = part.fileName.flatMap { $0.isEmpty ? nil : $0 } ?? part.name
      return (parts.count > 1 ? "\(name)#\(place)" : name, part.bytes)
    }
  }

  private static func json(
    _ outputs: Outputs, _ asked: AskedImages, _ model: ServedModel, _ wishes: Wishes, isOne: Bool,
    id: String
  ) -> JSONValue {
    func answer(_ place: Int) -> JSONObject {
      let ranking = outputs.likeliest(max(wishes.top, 1), of: place)
      func probability(_ label: Int) -> JSONValue {
        JSONValue(outputs.probabilities[place * outputs.classes + label])
      }
      var object = JSONObject()
      object["prediction"] = JSONValue(ranking[0])
      object["class"] = .string(model.classNames[ranking[0]])
      object["confidence"] = probability(ranking[0])
      if wishes.top > 1 {
        object["top"] = .array(
          ranking.map {
            ["class": .string(model.classNames[$0]), "probability": probability($0)]
          })
      }
      object["probabilities"] = .array((0..<outputs.classes).map(probability))
      if wishes.shows {
        let png = Picture(shape: asked.shape, pixels: Array(asked.pixels(of: place))).png
        object["seen"] = .string("data:image/png;base64," + Base64.encode(png))
      }
      return object
    }
    func end(_ object: inout JSONObject) {
      object["model"] = .string(model.name)
      object["version"] = JSONValue(model.version)
      object["id"] = .string(id)
      let notes = asked.notes.map(ImageWishes.asQuery)
      if !notes.isEmpty { object["notes"] = .array(notes.map { .string($0) }) }
    }
    if isOne, asked.count == 1 {
      var object = answer(0)
      end(&object)
      return .object(object)
    }
    var object = JSONObject()
    object["answers"] = .array(
      (0..<asked.count).map { place in
        var own = JSONObject()
        own["image"] = .string(asked.images[place].name)
        for member in answer(place).members { own[member.key] = member.value }
        return .object(own)
      })
    if !asked.problems.isEmpty {
      object["problems"] = .array(asked.problems.map { .string(ImageWishes.asQuery($0)) })
    }
    end(&object)
    return .object(object)
  }
}

/// What a job's first step leaves to its last, on one thread.
final class Kept<Value>: @unchecked Sendable {
  var value: Value?
}
