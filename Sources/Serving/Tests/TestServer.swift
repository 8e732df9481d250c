import ConvNet
import Datasets
import Experiment
import Glibc
import Images
import Serving
import Storage
import Synchronization
import Watching

/// A server on a port of its own with a small model, in a folder that goes with it.
final class TestServer: @unchecked Sendable {  // nothing of it changes
  /// Writes models into a folder, and says what the command line is to name.
  struct Models {
    let write: (String) throws -> [String]
    init(_ write: @escaping (String) throws -> [String]) { self.write = write }
  }

  let folder: String
  let port: Int
  let callPort: Int?
  private let server: Server
  private let said = Said()

  final class Said: Sendable {
    let lines = Mutex<[String]>([])
  }

  var lines: [String] { said.lines.withLock { $0 } }

  init(
    models: Models? = nil,
    _ change: (inout ServerOptions, String) -> Void = { _, _ in }
  ) throws {
    BLAS.useOneThread()
    var template = Array("/tmp/serving-test-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template)!)
    var paths = ["\(folder)/digits.safetensors"]
    if let models {
      paths = try models.write(folder)
    } else {
      try TestModel.file(seed: 1).write(to: paths[0])
    }
    var options = ServerOptions(models: paths)
    options.port = 0
    options.threads = 2
    change(&options, folder)
    let said = said
    server = try Server(options) { line in said.lines.withLock { $0.append(line) } }
    (port, callPort) = try server.start()
    server.refresh()
  }

  deinit {
    _ = server.stop()
    Files.remove(folder)
  }

  func refresh() -> Bool { server.refresh() }
  func stop() -> Bool { server.stop() }
  func client() throws -> HTTPClient { try HTTPClient(port) }
}

enum TestModel {
  /// A network with weights that were drawn, which tells images apart without having learned anything.
  static func file(
    seed: UInt64, name: String = "digits", classes: Int = 10, channels: Int = 1,
    activation: Activation = .relu
  ) throws -> ModelFile {
    let conv = Conv2DDescription(filters: 8, kernel: Extent(3, 3), activation: activation)
    let description = NetworkDescription(
      input: .image(height: 28, width: 28, channels: channels),
      layers: [.conv2D(conv), .flatten, .dense(DenseDescription(units: classes))], classes: classes)
    return ModelFile(
      importing: try Model(NetworkPlan(description), seed: seed), name: name,
      classNames: (0..<classes).map { "\($0)" },
      ImagePreparation(
        shape: ImageShape(height: 28, width: 28, channels: channels), resize: .bilinear),
      kernel: BLASCore.current)
  }

  /// Writes a model, and beside it what the pictures of 1000 and more look like to it.
  static func writeProfiled(_ file: ModelFile, to path: String, of profiled: ModelFile? = nil)
    throws
  {
    let count = 120
    let images = ImageSet(
      height: 28, width: 28, channels: 1, classes: file.classNames.count,
      pixels: (0..<count).flatMap { pixels(1000 + $0) },
      labels: Labels((0..<count).map { Int32($0 % file.classNames.count) }))
    let profiled = profiled ?? file
    let profile = ValidationProfile(
      ImageSource(images), by: try Inference(profiled.model, team: Team(threads: 1)),
      modelDigest: profiled.weightsDigest, seed: 1)
    try profile!.write(to: ValidationProfile.path(besideModel: path))
    try file.write(to: path)
  }

  /// A grey picture, another for each number.
  static func pixels(_ number: Int, side: Int = 28) -> [UInt8] {
    (0..<side * side).map { UInt8(truncatingIfNeeded: ($0 &* 7 &+ number &* 131) ^ ($0 >> 3)) }
  }

  static func png(_ number: Int, side: Int = 28) -> [UInt8] {
    Picture(
      shape: ImageShape(height: side, width: side, channels: 1), pixels: pixels(number, side: side)
    ).png
  }

  static func npy(_ images: [[UInt8]]) -> [UInt8] {
    var header =
      "{'descr': '|u1', 'fortran_order': False, 'shape': (\(images.count), 28, 28), }"
    header += String(repeating: " ", count: (64 - (header.utf8.count + 11) % 64) % 64) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + [
      UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8),
    ]
      + Array(header.utf8) + images.flatMap { $0 }
  }

  /// What `runner predict` says of a file: the same reader, the same network, the image alone.
  static func predicted(_ model: String, _ file: [UInt8], prepare: FilePreparation? = nil) throws
    -> [Float]
  {
    let model = try ModelFile(reading: model)
    let path = "/tmp/serving-asked-\(getpid())-\(UInt64.random(in: .min ... .max))"
    try AtomicFile.write(file, to: path)
    defer { Files.remove(path) }
    var reader = AskedImagesReader(
      prepare ?? model.prepare, model.preparation, classNames: model.classNames, turns: false,
      threads: 1)
    reader.read(path)
    return try Inference(model.model, team: Team(threads: 2)).probabilities(of: reader.asked)
  }
}

extension JSONValue {
  init(answer: HTTPClient.Answer) throws { try self.init(parsing: answer.body, name: "answer") }

  var floats: [Float] { array?.map { $0.number!.float } ?? [] }
}
