import ConvNet
import Datasets
import Experiment
import Glibc
import NIOCore
import Storage
import Synchronization

/// The server's log: a `LogLine` for each image that a model answered, and for each label that came back,
/// as `runner monitor` reads them.
///
/// Of several images in one request each has a number behind the request's id: `3k9-17/2`. With
/// `--log-pixels` a request has `pixels` and `shape`, too: what the network saw, in base64.
///
/// What is observed of an image, its figures and its features' distance, and the lines are made by a
/// thread of the log's own, which no answer waits for. A file that is full is renamed by the time, so that
/// the order of the names is that of the lines; of so many the oldest goes. Where the thread or the disk
/// is slower than the requests, lines are left out and counted.
final class LogWriter: Sendable {
  struct Options: Sendable {
    var path: String
    /// Bytes of a file.
    var size = 64 << 20
    /// Files, with the one being written.
    var files = 8
    var keepsPixels = false
  }

  /// What lines are made of.
  private enum Event: Sendable {
    case answers(
      id: String, time: String, latency: Double, model: ServedModel, outputs: Outputs,
      route: String)
    case feedback(LoggedFeedback)

    var lines: Int {
      switch self {
      case .answers(_, _, _, _, let outputs, _): outputs.count
      case .feedback: 1
      }
    }

    /// About so many bytes.
    var size: Int {
      switch self {
      case .answers(_, _, _, let model, let outputs, _):
        256 + outputs.inputs.bytes(each: model.inputCount)
          + 4 * (2 * outputs.scores.count + outputs.features.count)
      case .feedback(let feedback): 256 + (feedback.image?.pixels.count ?? 0)
      }
    }
  }

  /// Bytes that wait to be written.
  private static let most = 16 << 20

  private let options: Options
  private let waiting = Mutex<(events: [Event], size: Int, isClosed: Bool)>(([], 0, false))
  private let lost = Atomic<Int>(0)
  private let thread = Mutex<SystemThread?>(nil)
  private let tell: @Sendable (String) -> Void

  var dropped: Int { lost.load(ordering: .relaxed) }

  /// - Throws: `FileError` where the file cannot be opened.
  init(_ options: Options, tell: @escaping @Sendable (String) -> Void) throws {
    self.options = options
    self.tell = tell
    let file = try LogFile(options)
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
    let elapsed = Double((NIODeadline.now() - request.arrived).nanoseconds) / 1e6
    add(
      .answers(
        id: request.id, time: LogTime.now, latency: (elapsed * 1000).rounded() / 1000,
        model: model, outputs: outputs, route: "/" + request.path.joined(separator: "/")))
  }

  func labelled(_ feedback: LoggedFeedback) { add(.feedback(feedback)) }

  /// What an image of a request is called.
  static func id(_ request: String, _ image: Int, of count: Int) -> String {
    count == 1 ? request : "\(request)/\(image)"
  }

  private func add(_ event: Event) {
    let isKept = waiting.withLock { waiting in
      guard !waiting.isClosed, waiting.size + event.size <= Self.most else { return false }
      waiting.events.append(event)
      waiting.size += event.size
      return true
    }
    if !isKept { lost.wrappingAdd(event.lines, ordering: .relaxed) }
  }

  private func write(to file: LogFile) {
    var isBroken = false
    while true {
      let (events, _, isClosed) = waiting.withLock { waiting in
        defer { (waiting.events, waiting.size) = ([], 0) }
        return waiting
      }
      for event in events {
        let text = text(of: event)
        do {
          try file.write(Array(text.utf8))
          if isBroken { tell("the log \(options.path) can be written again") }
          isBroken = false
        } catch {
          lost.wrappingAdd(event.lines, ordering: .relaxed)
          if !isBroken { tell("WARNING: \(error); lines of the log are left out") }
          isBroken = true
        }
      }
      if events.isEmpty, isClosed { return }
      if !isClosed { sleepMilliseconds(50) }
    }
  }

  private func text(of event: Event) -> String {
    switch event {
    case .feedback(let feedback): return LogLine.feedback(feedback).text
    case .answers(let id, let time, let latency, let model, let outputs, let route):
      var text = ""
      let (classes, features) = (outputs.classes, outputs.featureCount)
      for image in 0..<outputs.count {
        let pixels = outputs.inputs.bytes(of: image, of: model.inputCount)
        let seen = model.observer.observe(
          scores: outputs.scores[image * classes..<(image + 1) * classes],
          features: outputs.features[image * features..<(image + 1) * features],
          pixels: pixels[...])
        text +=
          LogLine.request(
            LoggedRequest(
              id: Self.id(id, image, of: outputs.count), time: time, model: model.digest,
              image: SHA256.hex(of: pixels), className: model.classNames[seen.prediction],
              latency: latency, seen: seen,
              pixels: options.keepsPixels
                ? LoggedImage(pixels: pixels, shape: model.imageShape) : nil,
              route: route)
          ).text
      }
      return text
    }
  }
}

extension Inputs {
  /// How many bytes they take.
  func bytes(each size: Int) -> Int {
    switch self {
    case .pixels(_, let count): count * size
    case .numbers(_, let count): 4 * count * size
    }
  }

  /// What the network saw of an image as bytes: numbers are rounded.
  func bytes(of image: Int, of size: Int) -> [UInt8] {
    let range = image * size..<(image + 1) * size
    switch self {
    case .pixels(let pixels, 1): return pixels
    case .pixels(let pixels, _): return Array(pixels[range])
    case .numbers(let numbers, _):
      return numbers[range].map { UInt8(min(255, max(0, $0.rounded()))) }
    }
  }
}

/// The file that lines are added to, and those that were full before it. One thread's alone.
private final class LogFile: @unchecked Sendable {
  private let options: LogWriter.Options
  private var descriptor: Int32 = -1
  private var size = 0

  init(_ options: LogWriter.Options) throws {
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
      // 2026-11-30T12:00:00.123Z
      let now = LogTime.now.filter(\.isNumber)
      let (day, rest) = (now.prefix(8), now.dropFirst(8))
      let place = "\(stem)-\(day)-\(rest.prefix(6))-\(rest.dropFirst(6)).jsonl"
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
