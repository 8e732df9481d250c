import Glibc
import Storage

/// What an image's file says before any pixel of it is decoded.
package struct ImageHeader: Hashable {
  /// Of what `pixels(of:_:)` gives: one channel where the file is grey, else three.
  package var shape: ImageShape
  /// How the picture is held, where the file notes it and its pixels are as they were taken.
  package var orientation = Orientation.upright
  /// Whether the file has more pictures, of which this is the first: frames or pages.
  package var isFirstOfSeveral = false
}

/// A form of image files.
package protocol ImageFormat {
  /// Whether a file is of this form, by its first bytes.
  static func begins(_ file: [UInt8]) -> Bool

  /// Checks what a file announces, its sizes against `Limit.pixels` before anything of them is allocated.
  static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader

  /// Decodes the pixels, height·width·channels bytes.
  static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8]
}

extension ImageFormat {
  package static func decode(_ file: [UInt8]) throws(ImageProblem) -> StoredImages {
    let header = try header(file)
    return StoredImages(shape: header.shape, pixels: try pixels(file, header))
  }
}

/// A file of any of the forms that are read, told apart by their first bytes, whatever it is called.
package struct ImageFile {
  /// In small letters.
  package static let endings: Set<String> = [
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif",
  ]
  /// For messages.
  package static let formNames = "PNG, JPEG, WebP, BMP, TIFF or GIF"

  private static var formats: [any ImageFormat.Type] {
    [PNGFile.self, JPEGFile.self, WebPFile.self, TIFFFile.self, GIFFile.self, BMPFile.self]
  }

  /// Whether a file of these first bytes is of a form that is read.
  package static func begins(_ file: [UInt8]) -> Bool { formats.contains { $0.begins(file) } }

  /// Whether a file's name says that it is an image.
  package static func hasEnding(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: ".") else { return false }
    return endings.contains(name[dot...].lowercased())
  }

  private let format: any ImageFormat.Type
  private let bytes: [UInt8]
  package let header: ImageHeader

  /// Reads a file and its header.
  package init(_ path: String) throws(ImageProblem) {
    do throws(FileError) {
      let file = try FileDescriptor.reading(path)
      let size = try file.size()
      guard size <= Limit.file else { throw FileError("read", path, code: EFBIG) }
      bytes = try file.read(size, at: 0)
    } catch {
      throw ImageProblem("\(error.reason)")
    }
    (format, header) = try Self.announced(by: bytes)
  }

  /// The same of a file's bytes that are in memory already.
  package init(_ bytes: [UInt8]) throws(ImageProblem) {
    self.bytes = bytes
    (format, header) = try Self.announced(by: bytes)
  }

  private static func announced(
    by bytes: [UInt8]
  ) throws(ImageProblem) -> (any ImageFormat.Type, ImageHeader) {
    guard let format = formats.first(where: { $0.begins(bytes) }) else {
      throw ImageProblem(
        bytes.isEmpty ? "it is empty" : "its first bytes are those of no \(formNames) file")
    }
    return (format, try format.header(bytes))
  }

  /// - Parameter turned: whether the picture is turned upright, where its header notes a turn.
  package func decode(turned: Bool = false) throws(ImageProblem) -> StoredImages {
    let image = StoredImages(shape: header.shape, pixels: try format.pixels(bytes, header))
    return turned ? image.turned(header.orientation) : image
  }
}
