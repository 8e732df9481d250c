import ArgumentParser
import Glibc
import Storage

/// Starts `runner-serve`, a program of its own, so that this one needn't hold a server.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Let models answer over HTTP: to browsers, curl, and clients of KServe, Triton and "
      + "TensorFlow Serving.",
    discussion: """
      This starts the program runner-serve, which `make serve` builds and `make install` installs beside \
      this one, and hands it all that follows; runner serve --help shows its options.

      EXAMPLES
        runner serve results/lenet/latest
        curl --data-binary @digit.png localhost:8000/predict
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp(
      "Models (files, runs, folders of versions) and options of the server.", valueName: "model"))
  var arguments: [String] = []

  func run() throws {
    let name = "runner-serve"
    let places = [Self.own.map { "\(Files.parent(of: $0))/\(name)" }, Self.builtBeside, name]
      .compactMap { $0 }
    for place in places {
      let all = [name] + arguments
      var pointers = all.map { strdup($0) } + [nil]
      // Returns only where there is no such program.
      if place.contains("/") { execv(place, &pointers) } else { execvp(place, &pointers) }
      guard errno == ENOENT || errno == ENOTDIR else {
        throw FileError("start", place, code: errno)
      }
      for pointer in pointers { free(pointer) }
    }
    throw UsageError(
      "the server is a program of its own, \(name), which is neither beside this one nor in the PATH: "
        + "make serve builds it, make install installs it")
  }

  private static var own: String? {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    guard count > 0 else { return nil }
    return String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Where `make serve` builds it: .build-serve beside the .build that this program is in.
  private static var builtBeside: String? {
    guard let own, let range = own.ranges(of: "/.build/").last else { return nil }
    return own[..<range.lowerBound] + "/.build-serve/release/runner-serve"
  }
}
