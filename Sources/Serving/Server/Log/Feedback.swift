import Datasets
import HTTPTypes
import Images
import Storage
import Synchronization

/// Answers of late, for somebody to say whether they were right, and the images that were labelled so: in a
/// folder per class, as a dataset is laid out.
final class Feedback: Sendable {
  private struct Remembered {
    let model: String
    let version: Int
    let classNames: [String]
    let shape: ImageShape
    let predictions: [Int]
    let pixels: [[UInt8]]
    let size: Int
  }

  /// Bytes of pixels that are remembered.
  private static let most = 16 << 20

  private let folder: String?
  private let answers = Mutex<(byID: [String: Remembered], order: [String], first: Int, size: Int)>(
    ([:], [], 0, 0))

  /// - Parameter folder: where labelled images are kept; nil for nowhere.
  init(folder: String?) { self.folder = folder }

  func remember(_ id: String, _ model: ServedModel, _ outputs: Outputs) {
    let size = model.inputCount
    let own = Remembered(
      model: model.name, version: model.version, classNames: model.classNames,
      shape: model.imageShape,
      predictions: (0..<outputs.count).map(outputs.prediction),
      pixels: (0..<outputs.count).map { outputs.inputs.bytes(of: $0, of: size) },
      size: outputs.count * size + 256)
    guard own.size <= Self.most else { return }
    answers.withLock { answers in
      if let old = answers.byID.updateValue(own, forKey: id) {
        answers.size -= old.size
      } else {
        answers.order.append(id)
      }
      answers.size += own.size
      while answers.size > Self.most {
        let oldest = answers.order[answers.first]
        answers.first += 1
        if let gone = answers.byID.removeValue(forKey: oldest) { answers.size -= gone.size }
      }
      if answers.first > 4096 {
        answers.order.removeFirst(answers.first)
        answers.first = 0
      }
    }
  }

  /// What is known of a label that somebody gave to an answer.
  struct Told {
    let model: String
    let isRight: Bool
    /// What the log calls the image.
    let image: String
    let label: Int
    let className: String
    let pixels: [UInt8]
    let shape: ImageShape
    let json: JSONValue
  }

  /// Takes `{"id": "…", "label": "7"}`, for one of several images with `"image": 2`, and keeps the image.
  func take(_ json: JSONValue) throws(Refusal) -> Told {
    guard let id = json["id"]?.string, let label = json["label"] else {
      throw Refusal(
        .badRequest,
        "give the answer's \"id\" and the right \"label\", for one of several images \"image\"")
    }
    guard let own = answers.withLock({ $0.byID[id] }) else {
      throw Refusal(
        .notFound, "there is no answer \"\(id)\", or it is too long ago to be remembered")
    }
    let image = json["image"]?.int ?? 0
    guard json["image"] == nil || json["image"]?.int != nil, own.predictions.indices.contains(image)
    else {
      throw Refusal(
        .unprocessableContent, "\"image\" may be 0 to \(own.predictions.count - 1) of that answer")
    }
    guard let number = own.classNames.firstIndex(where: { $0 == label.string }) ?? label.int,
      own.classNames.indices.contains(number)
    else {
      let some = own.classNames.prefix(20).joined(separator: ", ")
      throw Refusal(
        .unprocessableContent,
        "\(label.minified) is no class of \(own.model); classes are \(some)"
          + (own.classNames.count > 20 ? ", …" : ""))
    }
    let name = own.classNames[number]
    var saved: String?
    if let folder {
      // A name that would be no folder's, or another one's.
      let isPlain = !name.isEmpty && !name.hasPrefix(".") && !name.contains("/")
      let place = "\(folder)/\(isPlain ? name : "class \(number)")"
      let pixels = own.pixels[image]
      let path = "\(place)/\(SHA256.hex(of: pixels).prefix(32)).png"
      do {
        try Files.makeFolders(place)
        try AtomicFile.write(Picture(shape: own.shape, pixels: pixels).png, to: path)
      } catch {
        throw Refusal(.internalServerError, "the image cannot be kept: \(error)")
      }
      saved = path
    }
    let isRight = own.predictions[image] == number
    return Told(
      model: own.model, isRight: isRight,
      image: LogWriter.id(id, image, of: own.predictions.count), label: number,
      className: name, pixels: own.pixels[image], shape: own.shape,
      json: [
        "id": .string(id), "image": JSONValue(image), "label": .string(name),
        "class": JSONValue(number), "prediction": JSONValue(own.predictions[image]),
        "right": .bool(isRight), "model": .string(own.model), "version": JSONValue(own.version),
        "saved": JSONValue(saved),
      ])
  }
}

extension Service {
  func take(feedback request: Request) throws(Refusal) -> Answer {
    let told = try feedback.take(try request.json())
    metrics.labelled(told.model, isRight: told.isRight)
    log?.labelled(
      LoggedFeedback(
        request: told.image, time: LogTime.now, label: told.label, className: told.className,
        image: LoggedImage(pixels: told.pixels, shape: told.shape)))
    return Answer(.ok, told.json)
  }
}
