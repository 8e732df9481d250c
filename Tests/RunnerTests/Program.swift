import Foundation
import Testing

/// The built program, run as a user would run it.
enum Program {
  /// Beside the test bundle in the build folder.
  static let path: String = {
    var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      let candidate = folder.appending(path: "runner").path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return candidate
      }
    }
    return "runner"
  }()

  struct Result {
    var status: Int32
    var output: String
    var errors: String
    /// The signal that ended the process, if one did.
    var signal: Int32?
  }

  /// A process under way, in a folder of its own.
  final class Running {
    let process = Process()
    private let output: URL
    private let errors: URL
    private let outputHandle: FileHandle
    private let errorHandle: FileHandle

    init(_ executable: String, _ arguments: [String], in folder: TemporaryFolder) throws {
      let id = UUID().uuidString
      output = folder.url.appending(path: ".stdout-\(id)")
      errors = folder.url.appending(path: ".stderr-\(id)")
      try Data().write(to: output)
      try Data().write(to: errors)
      outputHandle = try FileHandle(forWritingTo: output)
      errorHandle = try FileHandle(forWritingTo: errors)
      process.executableURL = URL(filePath: executable)
      process.arguments = arguments
      process.currentDirectoryURL = folder.url
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = outputHandle
      process.standardError = errorHandle
      var environment = ProcessInfo.processInfo.environment
      environment["OPENBLAS_CORETYPE"] = nil
      environment["RUNNER_KERNEL_SET"] = nil
      environment["RUNNER_DATA"] = nil
      process.environment = environment
      try process.run()
    }

    func send(_ signals: Int32...) {
      for signal in signals { kill(process.processIdentifier, signal) }
    }

    func wait() throws -> Result {
      process.waitUntilExit()
      let ended = process.terminationReason == .uncaughtSignal
      return Result(
        status: process.terminationStatus,
        output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
        errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self),
        signal: ended ? process.terminationStatus : nil)
    }
  }

  static func start(_ arguments: String..., in folder: TemporaryFolder) throws -> Running {
    try Running(path, arguments, in: folder)
  }

  static func run(_ arguments: String..., in folder: TemporaryFolder) throws -> Result {
    try Running(path, arguments, in: folder).wait()
  }

  /// Runs a line of the shell's, in which `$RUNNER` is the program.
  static func shell(_ line: String, in folder: TemporaryFolder) throws -> Result {
    try Running("/bin/sh", ["-c", "RUNNER='\(path)'; \(line)"], in: folder).wait()
  }
}

/// A folder that is gone when the test ends.
final class TemporaryFolder {
  let url: URL
  var path: String { url.path }

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "runner-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: url.appending(path: name))
  }

  func data(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

  func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: url.appending(path: name).path)
  }

  /// The lengths of all files in a folder and the folders in it.
  func bytes(under name: String) throws -> Int {
    let folder = url.appending(path: name)
    return try FileManager.default.subpathsOfDirectory(atPath: folder.path).reduce(0) {
      let values = try folder.appending(path: $1).resourceValues(forKeys: [.fileSizeKey])
      return $0 + (values.fileSize ?? 0)
    }
  }

  /// The folders of an experiment's runs, `results/<name>/<id>`, by id.
  func runs(of name: String, under output: String = "results") throws -> [String] {
    let folder = url.appending(path: "\(output)/\(name)").path
    guard FileManager.default.fileExists(atPath: folder) else { return [] }
    return try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0 != "latest" }.sorted().map { "\(output)/\(name)/\($0)" }
  }

  /// The one run of an experiment.
  func run(of name: String, under output: String = "results") throws -> String {
    let runs = try runs(of: name, under: output)
    return try #require(runs.count == 1 ? runs[0] : nil, "\(runs)")
  }
}

/// Specs of small experiments on the built-in digits.
enum Specs {
  /// Fifteen steps that use all that has a state of its own: batch normalisation, dropout,
  /// augmentation, a schedule that remembers, a best epoch.
  static let small = """
    {
      "name": "small",
      "dataset": {
        "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2,
        "stratified": true
      },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
        { "layer": "max_pool", "size": 4 },
        { "layer": "batch_norm", "momentum": 0.7 },
        { "layer": "flatten" },
        { "layer": "dropout", "rate": 0.2 },
        { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "schedule": { "name": "reduce_on_plateau", "factor": 0.5, "patience": 1 },
      "augmentation": [ { "op": "rotate", "degrees": 10 }, { "op": "shift", "fraction": 0.1 } ],
      "training": { "epochs": 3, "batch_size": 10 }
    }
    """

  /// All files of a run whose bytes are a function of the spec.
  static let reproducible = [
    "metrics.csv", "summary.json", "resolved.json", "checkpoints/best.safetensors",
    "checkpoints/last.safetensors", "model.safetensors",
  ]
}

/// Checks that two runs left the same bytes.
func expectSameRecord(
  _ a: String, _ b: String, in folder: TemporaryFolder, except left: String? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  for file in Specs.reproducible where file != left {
    let same = try folder.data("\(a)/\(file)") == folder.data("\(b)/\(file)")
    #expect(same, "\(file) of \(a) and \(b)", sourceLocation: sourceLocation)
  }
}

/// Waits until a condition holds, a minute at most.
func waitUntil(
  _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () throws -> Bool
) throws {
  for _ in 0..<12_000 {
    if try condition() { return }
    usleep(5000)
  }
  Issue.record("waited in vain: \(what)", sourceLocation: sourceLocation)
}
