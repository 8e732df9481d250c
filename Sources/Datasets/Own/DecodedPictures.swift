import Images

/// Image files decoded and made to fit one shape, several at once.
struct DecodedPictures {
  /// (N, H, W, C); zeros where a file cannot be used.
  private(set) var pixels: [UInt8]
  /// Of each file, why it cannot be used; nil where it can.
  private(set) var problems: [String?]
  /// Of each file that could be read.
  private(set) var headers: [ImageHeader?]

  /// - Parameters:
  ///   - turned: whether pictures are turned upright, where their files note how they are held.
  ///   - fit: makes an image what it is to be, of `shape`.
  init(
    _ paths: [String], shape: ImageShape, turned: Bool, threads: Int,
    fit: @escaping @Sendable (StoredImages) throws(ImageProblem) -> StoredImages
  ) {
    problems = Array(repeating: nil, count: paths.count)
    headers = Array(repeating: nil, count: paths.count)
    pixels = Array(repeating: 0, count: paths.count * shape.count)
    guard !paths.isEmpty else { return }
    problems.withUnsafeMutableBufferPointer { problems in
      headers.withUnsafeMutableBufferPointer { headers in
        pixels.withUnsafeMutableBufferPointer { pixels in
          // Each place is written by one thread.
          let (told, noted, made) = (
            SendablePointer(problems.baseAddress!), SendablePointer(headers.baseAddress!),
            SendablePointer(pixels.baseAddress!)
          )
          forEachPart(of: paths.count, threads: threads) { range in
            for index in range {
              do throws(ImageProblem) {
                let file = try ImageFile(paths[index])
                let image = try fit(try file.decode(turned: turned))
                image.pixels.withUnsafeBufferPointer {
                  (made.pointer + index * shape.count).update(
                    from: $0.baseAddress!, count: shape.count)
                }
                noted.pointer[index] = file.header
              } catch {
                told.pointer[index] = error.message
              }
            }
          }
        }
      }
    }
  }
}
