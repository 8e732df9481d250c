import ConvNet
import Glibc
import NIOCore
import Storage
import Synchronization

/// A line of JSON for each image that a model answered, and for each label that came back, as
/// `runner monitor` reads them:
///
///     {"id": "3k9-17", "time": "2026-11-30T12:00:00.123Z", "model": "<digest of the weights>",
///      "image": "<digest of the bytes that the network saw>", "prediction": 7, "class": "7",
///      "confidence": 0.998, "log_odds": 6.3, "scores": […], "latency_ms": 0.42, "energy": 14.2, …}
///     {"feedback": "3k9-17", "time": "…", "label": 1, "class": "1", "pixels": "…", "shape": [28, 28, 1]}
///
/// Of several images in one request each has a number behind the request's id: `3k9-17/2`. With
/// `--log-pixels` a request has `pixels` and `shape`, too: what the network saw, in base64.
///
/// Lines are written by a thread of the log's own. A file that is full is renamed by the time, so that
/// the order of the names is that of the lines; of so many the oldest goes. Where the disk is slower than
/// the requests, lines are left out and counted.
final class RequestLog: Sendable {
  struct Options: Sendable {
    var path: String
    /// Bytes of a file.
    var size = 64 << 20
    /// Files, with the one being written.
    var files = 8
    var keepsPixels = false
  }

  /// Bytes that wait to be written.
  private static let most = 8 << 20

  private let options: Options
  private let waiting = Mutex<(bytes: [UInt8], isClosed: Bool)>(([], false))
  private let lost = Atomic<Int>(0)
  private let thread = Mutex<SystemThread?>(nil)
  private let tell: @Sendable (String) -> Void

  var dropped: Int { lost.load(ordering: .relaxed) }

  /// - Throws: `FileError` where the file cannot be opened.
  init(_ options: Options, tell: @escaping @Sendable (String) -> Void) throws {
    self.options = options
    self.tell = tell
    let file = try LogFile(options)
    thread.withLock { $0 = nil }
    let thread = try SystemThread { [self] in write(to: file) }
    self.thread.withLock { $0 = thread }
  }

  /// Writes what is left.
  func close() {
    waiting.withLock { $0.isClosed = true }
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
  }

  func answered(_ request: Request, _ model: ServedModel, _ outputs: Outputs) {
    let size = model.inputCount
    let elapsed = Double((NIODeadline.now() - request.arrived).nanoseconds) / 1e6
    let time = Self.time()
    for image in 0..<outputs.count {
      let prediction = outputs.prediction(image)
      let row = image * outputs.classes..<(image + 1) * outputs.classes
      let pixels = outputs.inputs.bytes(of: image, of: size)
      let (energy, logOdds) = Self.figures(outputs.scores[row], prediction)
      var line: JSONValue = [
        "id": .string(Self.id(request.id, image, of: outputs.count)), "time": .string(time),
        "model": .string(model.digest), "image": .string(SHA256.hex(of: pixels)),
        "prediction": JSONValue(prediction), "class": .string(model.classNames[prediction]),
        "confidence": JSONValue(outputs.probabilities[row.lowerBound + prediction]),
        "log_odds": JSONValue(logOdds),
      ]
      if outputs.classes <= Self.mostScores {
        line["scores"] = .array(outputs.probabilities[row].map { JSONValue($0) })
      }
      line["latency_ms"] = JSONValue((elapsed * 1000).rounded() / 1000)
      line["energy"] = JSONValue(energy)
      line["name"] = .string(model.name)
      line["version"] = JSONValue(model.version)
      line["route"] = .string("/" + request.path.joined(separator: "/"))
      if options.keepsPixels {
        line["pixels"] = .string(Base64.encode(pixels))
        line["shape"] = .array(model.inputSizes.map { JSONValue($0) })
      }
      add(line)
    }
  }

  /// What an image of a request is called.
  static func id(_ request: String, _ image: Int, of count: Int) -> String {
    count == 1 ? request : "\(request)/\(image)"
  }

  /// The most classes whose probabilities are written.
  private static let mostScores = 100

  /// ln Σ exp z over the scores, and ln p/(1 − p) of the answer.
  private static func figures(
    _ scores: ArraySlice<Float>, _ prediction: Int
  ) -> (energy: Float, logOdds: Float) {
    let scores = scores.map { Double($0) }
    let most = scores[prediction]
    let mostOther = scores.indices.filter { $0 != prediction }.map { scores[$0] }.max() ?? most
    var (all, others) = (0.0, 0.0)
    for (label, score) in scores.enumerated() {
      all += exp(score - most)
      if label != prediction { others += exp(score - mostOther) }
    }
    return (Float(most + log(all)), Float(most - mostOther - log(others)))
  }

  /// - Parameter pixels: what the network saw, so that it can be learned from.
  func labelled(
    _ id: String, label: Int, className: String, pixels: [UInt8], sizes: [Int]
  ) {
    add([
      "feedback": .string(id), "time": .string(Self.time()), "label": JSONValue(label),
      "class": .string(className), "pixels": .string(Base64.encode(pixels)),
      "shape": .array(sizes.map { JSONValue($0) }),
    ])
  }

  private func add(_ json: JSONValue) {
    let line = Array((json.minified + "\n").utf8)
    let isKept = waiting.withLock { waiting in
      guard !waiting.isClosed, waiting.bytes.count + line.count <= Self.most else { return false }
      waiting.bytes += line
      return true
    }
    if !isKept { lost.wrappingAdd(1, ordering: .relaxed) }
  }

  private func write(to file: LogFile) {
    var isBroken = false
    while true {
      let (bytes, isClosed) = waiting.withLock { waiting in
        defer { waiting.bytes = [] }
        return waiting
      }
      if !bytes.isEmpty {
        do {
          try file.write(bytes)
          if isBroken { tell("the log \(options.path) can be written again") }
          isBroken = false
        } catch {
          lost.wrappingAdd(bytes.count { $0 == 10 }, ordering: .relaxed)
          if !isBroken { tell("WARNING: \(error); lines of the log are left out") }
          isBroken = true
        }
      } else if isClosed {
        return
      }
      if !isClosed { sleepMilliseconds(50) }
    }
  }

  /// Of now, in UTC, with milliseconds.
  private static func time() -> String {
    let (parts, milliseconds) = UTC.now
    return
      "\(parts.date.joined(separator: "-"))T\(parts.clock.joined(separator: ":")).\(milliseconds)Z"
  }
}

/// The time by the world's clock.
enum UTC {
  /// Digits of a date and of a time of day, and of the milliseconds.
  static var now: (parts: (date: [String], clock: [String]), milliseconds: String) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func digits(_ value: Int, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let date = [
      digits(Int(parts.tm_year) + 1900, 4), digits(Int(parts.tm_mon) + 1, 2),
      digits(Int(parts.tm_mday), 2),
    ]
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0), 2) }
    return ((date, clock), digits(now.tv_nsec / 1_000_000, 3))
  }
}

extension Inputs {
  /// What the network saw of an image as bytes: numbers are rounded.
  func bytes(of image: Int, of size: Int) -> [UInt8] {
    let range = image * size..<(image + 1) * size
    switch self {
    case .pixels(let pixels, _): return Array(pixels[range])
    case .numbers(let numbers, _):
      return numbers[range].map { UInt8(min(255, max(0, $0.rounded()))) }
    }
  }
}

/// The file that lines are added to, and those that were full before it. One thread's alone.
private final class LogFile: @unchecked Sendable {
  private let options: RequestLog.Options
  private var descriptor: Int32 = -1
  private var size = 0

  init(_ options: RequestLog.Options) throws {
    self.options = options
    try open()
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  private func open() throws(FileError) {
    descriptor = Glibc.open(options.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw FileError("write", options.path, code: errno) }
    size = max(0, Int(lseek(descriptor, 0, SEEK_END)))
  }

  func write(_ bytes: [UInt8]) throws(FileError) {
    if descriptor < 0 || size > 0 && size + bytes.count > options.size { try rotate() }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let code = errno
        // No half line: the next begins on its own.
        if written > 0 { ftruncate(descriptor, off_t(size)) }
        throw FileError("write", options.path, code: code)
      }
      written += count
    }
    size += written
  }

  private func rotate() throws(FileError) {
    if descriptor >= 0 {
      Glibc.close(descriptor)
      descriptor = -1
      rename(options.path, fullName())
      removeOldest()
    }
    try open()
  }

  private var stem: String {
    options.path.hasSuffix(".jsonl") ? String(options.path.dropLast(6)) : options.path
  }

  /// `requests-20261130-120000-123.jsonl`, to the millisecond.
  private func fullName() -> String {
    while true {
      let (parts, milliseconds) = UTC.now
      let place =
        "\(stem)-\(parts.date.joined())-\(parts.clock.joined())-\(milliseconds).jsonl"
      if !Files.exists(place) { return place }
      sleepMilliseconds(1)
    }
  }

  /// Leaves so many full ones that with the one being written there are as many as there may be.
  private func removeOldest() {
    let (folder, own) = (Files.parent(of: options.path), Files.name(of: stem) + "-")
    let full = ((try? Files.names(in: folder)) ?? []).filter { name in
      let middle = name.dropFirst(own.count).dropLast(6)
      return name.hasPrefix(own) && name.hasSuffix(".jsonl") && middle.count >= 15
        && middle.allSatisfy { $0.isNumber || $0 == "-" }
    }.sorted()
    for name in full.dropLast(max(0, options.files - 1)) { unlink("\(folder)/\(name)") }
  }
}
