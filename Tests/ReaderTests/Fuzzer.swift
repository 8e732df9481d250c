import Glibc

// `make fuzz` builds this beside the readers: libFuzzer's loop (llvm.org/docs/LibFuzzer.html) around
// the one that TARGET in the environment names, so that all arguments are libFuzzer's. What it finds is
// fit for `corpus/NAME`.

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

@main enum Fuzzer {
  nonisolated(unsafe) private static var reader = Reader.all[0]

  static func main() {
    let name = getenv("TARGET").map { String(cString: $0) } ?? ""
    guard let found = Reader.all.first(where: { $0.name == name }) else {
      print("fuzz: TARGET is one of \(Reader.all.map(\.name).joined(separator: " "))")
      exit(2)
    }
    reader = found
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    exit(
      runFuzzer(&count, &arguments) { bytes, count in
        _ = Fuzzer.reader.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
      })
  }
}
