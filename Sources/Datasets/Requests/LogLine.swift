import Glibc
import Images
import Storage

/// One line of a server's log: a request that was answered, or what somebody said of an answer. A JSON
/// object on a line of its own; keys that aren't known are passed over.
public enum LogLine: Hashable, Sendable {
  case request(LoggedRequest)
  case feedback(LoggedFeedback)

  /// The most classes whose probabilities are written.
  public static let mostScores = 100

  /// The line, with its line feed.
  public var text: String {
    switch self {
    case .request(let request): request.json.compact + "\n"
    case .feedback(let feedback): feedback.json.compact + "\n"
    }
  }

  /// Nil for what is no such line.
  public init?(_ json: JSONValue) {
    if json["feedback"] != nil {
      guard let feedback = LoggedFeedback(json) else { return nil }
      self = .feedback(feedback)
    } else {
      guard let request = LoggedRequest(json) else { return nil }
      self = .request(request)
    }
  }
}

/// An image as a model saw it, before it was normalised.
public struct LoggedImage: Hashable, Sendable {
  /// (H, W, C)
  public let pixels: [UInt8]
  public let shape: ImageShape

  /// - Precondition: the shape has as many pixels.
  public init(pixels: [UInt8], shape: ImageShape) {
    precondition(pixels.count == shape.count)
    self.pixels = pixels
    self.shape = shape
  }

  fileprivate init?(_ json: JSONValue) {
    guard let text = json["pixels"]?.string, let pixels = Base64.decode(text),
      let sizes = json["shape"]?.array?.compactMap(\.int), sizes.count == 3,
      sizes.allSatisfy({ (1...1 << 20).contains($0) })
    else { return nil }
    let shape = ImageShape(height: sizes[0], width: sizes[1], channels: sizes[2])
    guard shape.count == pixels.count else { return nil }
    self.init(pixels: pixels, shape: shape)
  }

  fileprivate func add(to object: inout JSONObject) {
    object["pixels"] = .string(Base64.encode(pixels))
    object["shape"] = [
      JSONValue(shape.height), JSONValue(shape.width), JSONValue(shape.channels),
    ]
  }
}

/// A request that was answered.
public struct LoggedRequest: Hashable, Sendable {
  public var id: String
  /// RFC 3339, in UTC: `2026-11-30T12:34:56.789Z`.
  public var time: String
  /// The digest of the weights that answered.
  public var model: String
  /// SHA-256 of the bytes that the model saw; nil where it wasn't kept.
  public var imageDigest: String?
  /// Of the answer.
  public var className: String
  /// Milliseconds.
  public var latency: Double
  public var seen: SeenImage
  /// What was asked about, where images are kept.
  public var image: LoggedImage?
  /// The path that was asked; nil where there was none.
  public var route: String?

  /// - Parameter keepsFeatures: whether the features are kept, which take about 8 bytes each.
  public init(
    id: String, time: String, model: String, image digest: String?, className: String,
    latency: Double, seen: SeenImage, keepsFeatures: Bool = true,
    pixels: LoggedImage? = nil, route: String? = nil
  ) {
    self.id = id
    self.time = time
    self.model = model
    imageDigest = digest
    self.className = className
    self.latency = latency
    self.seen = seen
    if !keepsFeatures { self.seen.features = [] }
    if seen.probabilities.count > LogLine.mostScores { self.seen.probabilities = [] }
    image = pixels
    self.route = route
  }

  init?(_ json: JSONValue) {
    guard let id = json["id"]?.string, let time = json["time"]?.string, LogTime.isOne(time),
      let model = json["model"]?.string, let prediction = json["prediction"]?.int,
      prediction >= 0, let className = json["class"]?.string,
      let latency = json["latency_ms"]?.double,
      let figures = ImageFigures(json["figures"])
    else { return nil }
    func float(_ key: String) -> Float? {
      json[key]?.number.flatMap { $0.float.isFinite ? $0.float : nil }
    }
    func floats(_ key: String) -> [Float]? {
      guard let items = json[key]?.array else { return [] }
      let values = items.compactMap { $0.number?.float }
      return values.count == items.count && values.allSatisfy(\.isFinite) ? values : nil
    }
    guard let confidence = float("confidence"), let logOdds = float("log_odds"),
      let energy = float("energy"), (0...1).contains(confidence),
      let probabilities = floats("scores"), let features = floats("features"),
      probabilities.isEmpty || prediction < probabilities.count
    else { return nil }
    self.init(
      id: id, time: time, model: model, image: json["image"]?.string, className: className,
      latency: latency,
      seen: SeenImage(
        prediction: prediction, confidence: confidence, logOdds: logOdds, energy: energy,
        distance: float("distance"), figures: figures, probabilities: probabilities,
        features: features),
      pixels: LoggedImage(json), route: json["route"]?.string)
  }

  var json: JSONValue {
    var object = JSONObject()
    object["id"] = .string(id)
    object["time"] = .string(time)
    object["model"] = .string(model)
    if let imageDigest { object["image"] = .string(imageDigest) }
    object["prediction"] = JSONValue(seen.prediction)
    object["class"] = .string(className)
    object["confidence"] = JSONValue(seen.confidence)
    object["log_odds"] = JSONValue(seen.logOdds)
    if !seen.probabilities.isEmpty {
      object["scores"] = .array(seen.probabilities.map { JSONValue($0) })
    }
    object["latency_ms"] = JSONValue(latency)
    object["energy"] = JSONValue(seen.energy)
    if let distance = seen.distance { object["distance"] = JSONValue(distance) }
    object["figures"] = seen.figures.json
    if !seen.features.isEmpty {
      object["features"] = .array(seen.features.map { JSONValue($0) })
    }
    if let route { object["route"] = .string(route) }
    image?.add(to: &object)
    return .object(object)
  }
}

/// The right class of an image that was asked about before.
public struct LoggedFeedback: Hashable, Sendable {
  /// The request's id.
  public var request: String
  /// RFC 3339, in UTC.
  public var time: String
  public var label: Int
  public var className: String
  /// What was asked about, so that it can be learned from.
  public var image: LoggedImage?

  public init(
    request: String, time: String, label: Int, className: String, image: LoggedImage? = nil
  ) {
    self.request = request
    self.time = time
    self.label = label
    self.className = className
    self.image = image
  }

  init?(_ json: JSONValue) {
    guard let request = json["feedback"]?.string, let time = json["time"]?.string,
      LogTime.isOne(time), let label = json["label"]?.int, label >= 0,
      let className = json["class"]?.string
    else { return nil }
    self.init(
      request: request, time: time, label: label, className: className, image: LoggedImage(json))
  }

  var json: JSONValue {
    var object = JSONObject()
    object["feedback"] = .string(request)
    object["time"] = .string(time)
    object["label"] = JSONValue(label)
    object["class"] = .string(className)
    image?.add(to: &object)
    return .object(object)
  }
}

/// Moments in UTC as RFC 3339 writes them, such that the order of the texts is that of the moments.
public enum LogTime {
  /// `2026-11-30T12:34:56.789Z`
  public static var now: String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return text(seconds: Int(time.tv_sec), milliseconds: Int(time.tv_nsec) / 1_000_000)
  }

  public static func text(seconds: Int, milliseconds: Int) -> String {
    var moment = time_t(seconds)
    var fields = tm()
    gmtime_r(&moment, &fields)
    func digits(_ value: Int, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let day = [digits(Int(fields.tm_year) + 1900, 4), digits(Int(fields.tm_mon) + 1, 2)]
    let clock = [fields.tm_hour, fields.tm_min, fields.tm_sec].map { digits(Int($0), 2) }
    return (day + [digits(Int(fields.tm_mday), 2)]).joined(separator: "-") + "T"
      + clock.joined(separator: ":") + "." + digits(milliseconds, 3) + "Z"
  }

  /// Whether a text is such a moment, with any number of decimals or none.
  static func isOne(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    let pattern = Array("0000-00-00T00:00:00".utf8)
    guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return false }
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    for (byte, form) in zip(bytes, pattern) {
      guard form == UInt8(ascii: "0") ? isDigit(byte) : byte == form else { return false }
    }
    let rest = bytes[19..<bytes.count - 1]
    return rest.isEmpty
      || rest.first == UInt8(ascii: ".") && rest.count > 1 && rest.dropFirst().allSatisfy(isDigit)
  }
}
