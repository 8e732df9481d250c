/// What is wrong with one image, without its file's name.
package struct ImageProblem: Error, Hashable {
  package let message: String
  package init(_ message: String) { self.message = message }

  /// Refuses sizes beyond the limit, before anything of the size is allocated.
  package static func check(width: Int, height: Int) throws(ImageProblem) {
    guard width > 0, height > 0 else { throw ImageProblem("it is \(width)x\(height), empty") }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= Limit.pixels else {
      throw ImageProblem(
        "it claims \(width)x\(height) pixels; the limit is \(Limit.pixels), as of 8192x8192")
    }
  }
}

extension ImageProblem {
  /// Calls a C library's reader or writer with room for its message, which is thrown where the code is 0.
  package static func check(_ body: (UnsafeMutablePointer<CChar>) -> Int32) throws(ImageProblem) {
    var message = [CChar](repeating: 0, count: 256)
    let code = message.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    guard code != 0 else {
      throw ImageProblem(
        String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
  }
}
