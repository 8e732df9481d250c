import Elements
import Images
import Storage

/// USPS as LIBSVM gives it: a line per image, `label index:value …`, labels from 1 to 10 for the
/// digits 0 to 9, 256 values from −1 to 1. A value v becomes the byte ⌊(v + 1)/2 · 255⌋ in `Float`, as
/// in torchvision.
enum LIBSVM {
  static func read(
    _ stream: any ByteStream, shape: ImageShape, classes: Int
  ) throws(DatasetError) -> ImageSet {
    var lines = LineStream(stream)
    var pixels: [UInt8] = []
    var labels = Labels()
    while let line = try lines.next() {
      let number = lines.number
      func error(_ message: String) -> DatasetError {
        DatasetError(.damaged, "\(stream.path):\(number): \(message)")
      }
      let fields = line.split(separator: 0x20)
      guard fields.count == shape.count + 1 else {
        throw error("it has \(fields.count - 1) values; \(shape.count) were expected")
      }
      let text = UnsafeRawBufferPointer(rebasing: fields[0])
      guard let label = text.wholeNumber(upTo: classes), label > 0 else {
        throw error("the label is \"\(text.text.prefix(40))\"; there are 1 to \(classes)")
      }
      labels.append(label - 1)
      for (index, field) in fields.dropFirst().enumerated() {
        let parts = field.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2,
          UnsafeRawBufferPointer(rebasing: parts[0]).wholeNumber(upTo: 1 << 20) == index + 1,
          let value = Double(UnsafeRawBufferPointer(rebasing: parts[1]).text), abs(value) <= 1
        else {
          throw error(
            "field \(index + 2) is \"\(UnsafeRawBufferPointer(rebasing: field).text.prefix(40))\"; "
              + "\(index + 1):VALUE from -1 to 1 was expected")
        }
        pixels.append(UInt8((Float(value) + 1) / 2 * 255))
      }
    }
    guard !labels.isEmpty else {
      throw DatasetError(.damaged, "\(stream.path): it holds no images")
    }
    return StoredImages(shape: shape, pixels: pixels).set(labels: labels, classes: classes)
  }
}
