import Glibc
import Synchronization

/// What is counted, as Prometheus reads it (text format 0.0.4).
final class Metrics: Sendable {
  /// Upper bounds in seconds.
  private static let bounds: [Double] = [
    0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
  ]
  private static let batches: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024]

  private struct Histogram {
    var counts: [Int]
    var sum = 0.0

    init(_ bounds: [Double]) { counts = Array(repeating: 0, count: bounds.count + 1) }

    mutating func add(_ value: Double, _ bounds: [Double]) {
      counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
      sum += value
    }
  }

  private struct Key: Hashable {
    let route: String
    let status: Int
  }

  private struct Answers {
    let model: String
    let version: Int
    let names: [String]
    var classes: [Int]
    var confidence = 0.0

    init(_ model: ServedModel) {
      self.model = model.name
      version = model.version
      names = model.classNames
      classes = Array(repeating: 0, count: names.count)
    }

    mutating func add(_ outputs: Outputs) {
      for image in 0..<outputs.count {
        let prediction = outputs.prediction(image)
        // The weights of a version may be exchanged for those of a network with other classes.
        guard prediction < classes.count else { continue }
        classes[prediction] += 1
        confidence += Double(outputs.probabilities[image * outputs.classes + prediction])
      }
    }
  }

  private struct Counts {
    var requests: [Key: Int] = [:]
    var seconds: [String: Histogram] = [:]
    var batch = Histogram(Metrics.batches)
    /// By the models' labels.
    var answers: [String: Answers] = [:]
    var refused = 0
    var feedback: [String: (right: Int, wrong: Int)] = [:]
    var connections: @Sendable () -> Int = { 0 }
    var bodies: @Sendable () -> Int = { 0 }
    var waiting: @Sendable () -> Int = { 0 }
    var models: @Sendable () -> [(name: String, version: Int, digest: String)] = { [] }
    var failures: @Sendable () -> Int = { 0 }
    var changes: @Sendable () -> Int = { 0 }
    var dropped: @Sendable () -> Int = { 0 }
  }

  private let counts = Mutex(Counts())
  private let started: Double = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }()

  func watch(connections: @escaping @Sendable () -> Int, bodies: @escaping @Sendable () -> Int) {
    counts.withLock {
      $0.connections = connections
      $0.bodies = bodies
    }
  }

  func watch(_ queue: WorkQueue) { counts.withLock { $0.waiting = { queue.waiting } } }

  func watch(_ shelf: Shelf, _ log: LogWriter?) {
    counts.withLock {
      $0.models = {
        (shelf.models ?? []).flatMap(\.versions).map { ($0.name, $0.version, $0.digest) }
      }
      $0.failures = { shelf.loadFailures }
      $0.changes = { shelf.changes }
      $0.dropped = { log?.dropped ?? 0 }
    }
  }

  /// - Parameter seconds: from the request's first byte; nil where there was no whole request.
  func answered(route: String, status: Int, seconds: Double?) {
    counts.withLock { counts in
      counts.requests[Key(route: route, status: status), default: 0] += 1
      guard let seconds else { return }
      counts.seconds[route, default: Histogram(Self.bounds)].add(seconds, Self.bounds)
    }
  }

  func batch(of images: Int) { counts.withLock { $0.batch.add(Double(images), Self.batches) } }

  func refusedForQueue() { counts.withLock { $0.refused += 1 } }

  func predicted(_ model: ServedModel, _ outputs: Outputs) {
    counts.withLock { $0.answers[model.label, default: Answers(model)].add(outputs) }
  }

  func labelled(_ model: String, isRight: Bool) {
    counts.withLock { counts in
      if isRight {
        counts.feedback[model, default: (0, 0)].right += 1
      } else {
        counts.feedback[model, default: (0, 0)].wrong += 1
      }
    }
  }

  var text: String {
    let counts = counts.withLock { $0 }
    var text = ""
    func family(_ name: String, _ type: String, _ help: String) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }
    func line(_ name: String, _ labels: [(String, String)] = [], _ value: Double) {
      let shown = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
      let number = value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
      text += name + (shown.isEmpty ? "" : "{\(shown)}") + " \(number)\n"
    }
    func lines(
      _ name: String, _ histogram: Histogram, _ bounds: [Double], _ labels: [(String, String)]
    ) {
      var sum = 0
      for (place, bound) in bounds.enumerated() {
        sum += histogram.counts[place]
        let shown = bound == bound.rounded() ? "\(Int(bound))" : "\(bound)"
        line("\(name)_bucket", labels + [("le", shown)], Double(sum))
      }
      sum += histogram.counts.last!
      line("\(name)_bucket", labels + [("le", "+Inf")], Double(sum))
      line("\(name)_sum", labels, histogram.sum)
      line("\(name)_count", labels, Double(sum))
    }
    family("runner_requests_total", "counter", "Requests answered, by route and HTTP status.")
    for (key, count) in counts.requests.sorted(by: {
      ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status)
    }) {
      line(
        "runner_requests_total", [("route", key.route), ("status", "\(key.status)")], Double(count))
    }
    family(
      "runner_request_duration_seconds", "histogram",
      "Time from the first byte of a request to its answer.")
    for (route, histogram) in counts.seconds.sorted(by: { $0.key < $1.key }) {
      lines("runner_request_duration_seconds", histogram, Self.bounds, [("route", route)])
    }
    family("runner_batch_images", "histogram", "Images that went through the network together.")
    lines("runner_batch_images", counts.batch, Self.batches, [])
    family("runner_predictions_total", "counter", "Images by the class that they were taken for.")
    let answers = counts.answers.sorted { $0.key < $1.key }.map(\.value)
    for own in answers {
      // Of very many classes nobody draws a line each.
      for (place, count) in own.classes.enumerated() where count > 0 || own.classes.count <= 100 {
        line(
          "runner_predictions_total",
          [("model", own.model), ("version", "\(own.version)"), ("class", own.names[place])],
          Double(count))
      }
    }
    family(
      "runner_confidence_total", "counter",
      "The probabilities of the classes answered, added up: over the predictions, their mean.")
    for own in answers {
      line(
        "runner_confidence_total", [("model", own.model), ("version", "\(own.version)")],
        own.confidence)
    }
    family("runner_feedback_total", "counter", "Answers that somebody called right or wrong.")
    for (model, count) in counts.feedback.sorted(by: { $0.key < $1.key }) {
      line("runner_feedback_total", [("model", model), ("right", "true")], Double(count.right))
      line("runner_feedback_total", [("model", model), ("right", "false")], Double(count.wrong))
    }
    family("runner_queue_images", "gauge", "Images that wait.")
    line("runner_queue_images", [], Double(counts.waiting()))
    family("runner_queue_refused_total", "counter", "Requests refused since the queue was full.")
    line("runner_queue_refused_total", [], Double(counts.refused))
    family("runner_connections", "gauge", "Connections that are open.")
    line("runner_connections", [], Double(counts.connections()))
    family("runner_body_bytes", "gauge", "Bytes of bodies that are held.")
    line("runner_body_bytes", [], Double(counts.bodies()))
    family("runner_model_info", "gauge", "Versions that answer, by the digest of their weights.")
    for model in counts.models() {
      line(
        "runner_model_info",
        [
          ("model", model.name), ("version", "\(model.version)"), ("weights_sha256", model.digest),
        ], 1)
    }
    family("runner_model_load_failures_total", "counter", "Versions that could not be read.")
    line("runner_model_load_failures_total", [], Double(counts.failures()))
    family("runner_model_changes_total", "counter", "Times that what answers has changed.")
    line("runner_model_changes_total", [], Double(counts.changes()))
    family("runner_log_lines_dropped_total", "counter", "Log lines that could not be kept.")
    line("runner_log_lines_dropped_total", [], Double(counts.dropped()))
    let process = ProcessFigures()
    family("process_cpu_seconds_total", "counter", "Processor time.")
    line("process_cpu_seconds_total", [], process.cpuSeconds)
    family("process_resident_memory_bytes", "gauge", "Resident memory.")
    line("process_resident_memory_bytes", [], Double(process.residentBytes))
    family("process_start_time_seconds", "gauge", "When it was started, since 1970.")
    line("process_start_time_seconds", [], started)
    return text
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}

/// What the system says of this process.
struct ProcessFigures {
  let cpuSeconds: Double
  let residentBytes: Int

  init() {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
    var pages = 0
    if let file = fopen("/proc/self/statm", "r") {
      var line = [CChar](repeating: 0, count: 256)
      if fgets(&line, 256, file) != nil {
        let text = String(
          decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      }
      fclose(file)
    }
    residentBytes = pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
