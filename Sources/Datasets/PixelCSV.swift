/// Images as rows of a CSV file, as Kaggle's digits: `label,pixel0,…,pixel783` and then a row per
/// image, all fields whole numbers from 0 to 255. The header may be missing; the label is the first
/// field, or that under the header `label` or `class`; it may be a class's name. Plain or `.gz`.
enum PixelCSV {
  static func read(
    _ path: String, expected shape: ImageShape, classNames: [String]
  ) throws(DatasetError) -> (StoredImages, labels: [UInt8]) {
    let stream: any ByteStream =
      path.hasSuffix(".gz") ? try GzipStream(path) : try PlainStream(path)
    var lines = LineStream(stream)
    var labelField = 0
    var fields = 0
    var pixels: [UInt8] = []
    var labels: [UInt8] = []
    var stored: ImageShape?
    let byName = Dictionary(
      classNames.enumerated().map { ($1, UInt8($0)) }, uniquingKeysWith: { first, _ in first })

    func error(_ line: Int, _ message: String) -> DatasetError {
      DatasetError(.damaged, "\(path):\(line): \(message)")
    }

    while let line = try lines.next() {
      let number = lines.number
      if number == 1 {
        let header = line.split(separator: UInt8(ascii: ",")).map {
          UnsafeRawBufferPointer(rebasing: $0).trimmed
        }
        fields = header.count
        let names = header.map { $0.text.lowercased() }
        // A row of numbers, but perhaps for the label, is an image already.
        if header.dropFirst().contains(where: { $0.wholeNumber(upTo: 255) == nil }) {
          labelField = names.firstIndex { $0 == "label" || $0 == "class" } ?? 0
          continue
        }
      }
      if stored == nil {
        guard let shape = ImageShape(flat: fields - 1, expected: shape) else {
          throw error(
            number,
            "\(fields) fields are a label and \(fields - 1) pixels, which make neither \(shape) nor a "
              + "square image")
        }
        try shape.check(path)
        stored = shape
      }
      var field = 0
      var start = 0
      while start <= line.count {
        let end = line[start...].firstIndex(of: UInt8(ascii: ",")) ?? line.count
        let text = UnsafeRawBufferPointer(rebasing: line[start..<end]).trimmed
        if field == labelField {
          guard
            let label = text.wholeNumber(upTo: classNames.count - 1).map({ UInt8($0) })
              ?? byName[text.text]
          else {
            throw error(
              number,
              "the label is \"\(text.text.prefix(40))\"; it must be a class: 0 to "
                + "\(classNames.count - 1)")
          }
          labels.append(label)
        } else if field < fields {
          guard let value = text.wholeNumber(upTo: 255) else {
            throw error(
              number,
              "field \(field + 1) is \"\(text.text.prefix(40))\"; pixels are whole numbers from 0 to "
                + "255")
          }
          pixels.append(UInt8(value))
        }
        field += 1
        start = end + 1
      }
      guard field == fields else {
        throw error(
          number, "it has \(field) field\(field == 1 ? "" : "s") where the first line has \(fields)"
        )
      }
      guard pixels.count <= Limit.content, labels.count <= Limit.images else {
        throw error(number, "the images are more than the limit of 4 GiB")
      }
    }
    guard let stored else { throw DatasetError(.damaged, "\(path): it holds no images") }
    return (StoredImages(shape: stored, pixels: pixels), labels)
  }
}
