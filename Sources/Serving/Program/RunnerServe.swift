import ArgumentParser
import ConvNet
import Experiment
import Glibc
import NIOCore
import Serving
import Storage

@main
struct RunnerServe: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runner serve",
    abstract: "Let models answer over HTTP.",
    discussion: """
      A model is a model.safetensors, the folder of a run or of a sweep; NAME=MODEL calls it so. A folder \
      with 1/, 2.safetensors, … holds versions of one model, named as the folder, and labels.json in it \
      says which are called what: {"labels": {"stable": 3, "canary": 4}}; with --share canary=0.1 one request \
      in ten that asks for no version gets the canary, the others the stable one. A folder of such folders holds several models. What is new there is \
      read, checked and warmed up beside what answers, then takes its place at once; to go back is to \
      change labels.json.

      Answers have the bits of `runner predict` asked about the image alone, in whatever company it is \
      computed and by whichever protocol it is asked:

        POST /predict      an image, as it is or in a form under any name, several at once; .npy arrays;
                           ?top=3, ?prepare=digit, ?resize=bilinear, ?invert=true, ?turn=true,
                           ?show=true, ?model=, ?version=, ?label=
        /v2/…              Open Inference Protocol (KServe, Triton), JSON and binary tensors
        /v1/models/…       TensorFlow Serving's REST: :predict, :classify, metadata
        POST /feedback     {"id": …, "label": …}: what an image really shows
        GET /              a page to draw on; /health, /metrics, /openapi.json, /models

      By default only this machine's own programs reach it. Let others do so by --host 0.0.0.0 only with \
      --token-file, and behind a proxy that does TLS: this server speaks plain HTTP.

      SIGTERM and Ctrl-C stop it once what is under way is answered; SIGHUP looks for new models at once.

      EXAMPLES
        runner serve results/lenet/latest
        curl --data-binary @digit.png localhost:8000/predict
        curl -F image=@digit.png -F other=@photo.jpg 'localhost:8000/predict?prepare=digit'
        runner serve models/ --log requests.jsonl --feedback labelled/

      EXIT STATUS
        0   stopped as told, with all requests answered
        1   it could not go on, or requests were cut off when it was stopped
        2   a mistake in the command, or no model
        69  the model's kernel needs another processor
      """, version: Environment.programVersion)

  @Argument(help: "Models: files, of floats or of 8-bit integers, runs, folders of versions.")
  var models: [String]

  @Option(help: "The address to listen at.")
  var host = "127.0.0.1"

  @Option(help: "The port; 0 for any that is free, which is told.")
  var port = 8000

  @Option(
    help: ArgumentHelp(
      "The port for gRPC, of the Open Inference Protocol. (default: none)", valueName: "port"))
  var grpcPort: Int?

  @Option(
    help: ArgumentHelp(
      "How many threads compute; changes no bit of an answer. (default: one per core)",
      valueName: "n"))
  var threads: Int?

  @Option(help: ArgumentHelp("The most megabytes of a request's body.", valueName: "MB"))
  var maxBody = 32

  @Option(help: ArgumentHelp("The most connections at a time.", valueName: "n"))
  var maxConnections = 1024

  @Option(
    help: ArgumentHelp(
      "The most images that may wait; more are told to come again (429).", valueName: "n"))
  var queue = 1024

  @Option(
    help: ArgumentHelp(
      "The most images of one request; a picture may have --max-pixels.", valueName: "n"))
  var maxImages = 1024

  @Option(help: ArgumentHelp("The most megapixels of a picture.", valueName: "MP"))
  var maxPixels = 16

  @Option(
    help: ArgumentHelp(
      "The most seconds from a request's first byte to its answer.", valueName: "s"))
  var deadline = 10.0

  @Option(
    help: ArgumentHelp("How long a connection may be silent between requests.", valueName: "s"))
  var idle = 60.0

  @Option(
    help: ArgumentHelp(
      "How long requests that are under way have when the server is stopped.", valueName: "s"))
  var drain = 30.0

  @Option(
    help: ArgumentHelp(
      "How often the models' folders are looked at; 0 for only upon SIGHUP.", valueName: "s"))
  var poll = 5.0

  @Option(
    name: .customLong("share"),
    help: ArgumentHelp(
      "The part of the requests without a version that goes to the version of a label, such as canary=0.1; may be given several times.",
      valueName: "label=part"))
  var shareTexts: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with the token that clients must show, as Authorization: Bearer …", valueName: "file")
  )
  var tokenFile: String?

  @Option(
    help: ArgumentHelp("Write a line of JSON for each request here.", valueName: "file"))
  var log: String?

  @Option(
    help: ArgumentHelp(
      "The most megabytes of the log; a full one is renamed by the time, FILE-20261130-120000.jsonl.",
      valueName: "MB"))
  var logSize = 64

  @Option(help: ArgumentHelp("How many files of the log are kept.", valueName: "n"))
  var logFiles = 8

  @Flag(help: "Keep in the log what the network saw of each image.")
  var logPixels = false

  @Option(
    help: ArgumentHelp(
      "Keep images that /feedback labels here, in a folder per class.", valueName: "folder"))
  var feedback: String?

  func validate() throws {
    guard !models.isEmpty else { throw ValidationError("there is no model to serve") }
    for (name, port) in [("--port", port), ("--grpc-port", grpcPort ?? 0)]
    where !(0...65535).contains(port) {
      throw ValidationError("\(name) must be from 0 to 65535, not \(port)")
    }
    for (name, value, range) in [
      ("--max-body", maxBody, 1...4096), ("--max-connections", maxConnections, 1...1_000_000),
      ("--queue", queue, 1...1_000_000), ("--max-images", maxImages, 1...100_000),
      ("--max-pixels", maxPixels, 1...64), ("--log-size", logSize, 1...1_000_000),
      ("--log-files", logFiles, 1...10_000), ("--threads", threads ?? 1, 1...Team.most),
    ] where !range.contains(value) {
      throw ValidationError(
        "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
    _ = try shares()
    for (name, value, least) in [
      ("--deadline", deadline, 0.01), ("--idle", idle, 0.1), ("--drain", drain, 0),
      ("--poll", poll, 0),
    ] where !(value >= least && value <= 86400) {
      throw ValidationError("\(name) must be from \(least) to 86400 seconds, not \(value)")
    }
  }

  private func shares() throws -> [String: Double] {
    var shares: [String: Double] = [:]
    for text in shareTexts {
      guard let sign = text.lastIndex(of: "="), sign > text.startIndex,
        let part = Double(text[text.index(after: sign)...]), (0...1).contains(part)
      else { throw ValidationError("--share takes label=part, as canary=0.1, not \(text)") }
      shares[String(text[..<sign])] = part
    }
    guard shares.values.reduce(0, +) <= 1 else {
      throw ValidationError("--share: the parts come to more than 1")
    }
    return shares
  }

  func run() throws {
    let (path, file) = try firstModel(models)
    try useCore(of: file)
    var options = ServerOptions(models: models)
    options.host = host
    options.port = port
    options.callPort = grpcPort
    options.threads = threads ?? Team.cores
    options.limits.body = maxBody << 20
    options.limits.bodies = max(256, 2 * maxBody) << 20
    options.limits.connections = maxConnections
    options.limits.queue = queue
    options.limits.images = maxImages
    options.limits.pixels = maxPixels << 20
    options.limits.deadline = .nanoseconds(Int64(deadline * 1e9))
    options.limits.idle = .nanoseconds(Int64(idle * 1e9))
    options.limits.drain = .nanoseconds(Int64(drain * 1e9))
    options.shares = try shares()
    options.token = try token()
    options.log = log
    options.logSize = logSize << 20
    options.logFiles = logFiles
    options.logKeepsPixels = logPixels
    options.feedbackFolder = feedback
    // Taken one by one below; all threads inherit that they are blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    try makeRoomForConnections()
    let server = try Server(options) { Display.say($0) }
    let (port, callPort): (Int, Int?)
    do { (port, callPort) = try server.start() } catch {
      throw Mistake("cannot listen at \(host), port \(self.port): \(error)")
    }
    let shown = host.contains(":") ? "[\(host)]" : host
    server.refresh(known: [path: file])
    guard server.hasModels else {
      _ = server.stop()
      throw Mistake("there is no model that can be read")
    }
    Display.say(
      "listening at http://\(shown):\(port)"
        + (callPort.map { ", and for gRPC at \(shown):\($0)" } ?? ""))
    // What answers comes before what will: of this thread alone, which loads models from here on.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
    let wait = poll > 0 ? poll : 3600
    while true {
      var time = timespec(tv_sec: Int(wait), tv_nsec: Int((wait - wait.rounded(.down)) * 1e9))
      let signal = sigtimedwait(&signals, nil, &time)
      switch signal {
      case SIGINT, SIGTERM:
        // A second one ends at once.
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        Display.say("stopping: what is under way is answered first")
        guard server.stop() else {
          throw Mistake("requests were cut off: they took more than \(drain) s")
        }
        return
      case SIGHUP: server.refresh()
      default: if poll > 0 { server.refresh() }
      }
    }
  }

  /// Each connection takes a descriptor, and models, logs and gRPC's connections some more.
  private func makeRoomForConnections() throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let wanted = rlim_t(maxConnections) + 512
    guard limit.rlim_cur < wanted else { return }
    limit.rlim_cur = min(wanted, limit.rlim_max)
    guard limit.rlim_cur == wanted,
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    else {
      throw Mistake(
        "\(maxConnections) connections take more open files than this process may have (ulimit -n: "
          + "\(limit.rlim_max)); give --max-connections \(max(1, Int(limit.rlim_max) - 512))",
        status: 2)
    }
  }

  private func token() throws -> String? {
    guard let tokenFile else { return nil }
    let text = try Files.readText(tokenFile)
    let token = text.split(whereSeparator: \.isWhitespace)
    guard token.count == 1, token[0].utf8.count >= 16,
      token[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else {
      throw Mistake(
        "\(tokenFile): it must hold one token of at least 16 letters, as from openssl rand -hex 32",
        status: 2)
    }
    return String(token[0])
  }

  /// Makes this process compute with the kernel that the model was trained with, where this processor runs
  /// it, if need be by starting itself anew.
  private func useCore(of file: AnsweringModel) throws {
    var kernel = file.kernel
    do { kernel = try BLASCore.resolve(kernel) } catch {
      kernel = BLASCore.automatic
      Display.say(
        "note: the model was trained with the kernel \(file.kernel), which this processor doesn't run; "
          + "with \(kernel) probabilities may differ in their last digits")
    }
    try BLASCore.ensure(kernel) { Display.say("note: \($0)") }
    BLAS.useOneThread()
    try BLASCore.check()
  }

  private struct Mistake: Error {
    let message: String
    let status: Int32
    init(_ message: String, status: Int32 = 1) {
      self.message = message
      self.status = status
    }
  }

  static func main() {
    // Files must not get the numbers of what is closed.
    for descriptor in 0...2 as ClosedRange<Int32>
    where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
    }
    do {
      let command = try parse()
      try command.run()
    } catch let error as Mistake {
      Display.say("error: \(error.message)")
      Glibc.exit(error.status)
    } catch let error as BLASCore.Failure {
      Display.say("error: \(error)")
      Glibc.exit(error.isUnavailable ? 69 : 1)
    } catch let error as RecordError {
      Display.say("error: \(error)")
      Glibc.exit(2)
    } catch {
      if error is FileError || error is ThreadRefused || error is OutOfMemory {
        Display.say("error: \(error)")
        Glibc.exit(1)
      }
      let code = exitCode(for: error)
      if code == .success {
        print(fullMessage(for: error))
        Glibc.exit(0)
      }
      var text = fullMessage(for: error)
      if text.hasPrefix("Error: ") { text = "error: " + text.dropFirst(7) }
      Display.say(text)
      Glibc.exit(2)
    }
  }
}
