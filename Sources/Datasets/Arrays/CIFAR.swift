import Elements
import Images
import Storage

/// CIFAR-10 and CIFAR-100 in their binary form (A. Krizhevsky): a gzip'd tar archive with files of
/// records: one label byte, or a coarse and a fine one, then 1024 bytes each of red, green and blue.
enum CIFAR {
  private static let side = 32
  private static var planeSize: Int { side * side }

  static func read(
    _ stream: any ByteStream, labelBytes: Int, classes: Int
  ) throws(DatasetError) -> (train: ImageSet, test: ImageSet) {
    var files: [String: [UInt8]] = [:]
    let path = stream.path
    var archive = TarReader(stream)
    let recordSize = labelBytes + 3 * planeSize
    while let header = try archive.next() {
      let name = header.name.split(separator: "/").last.map(String.init) ?? ""
      guard name.hasSuffix(".bin") else { continue }
      guard header.size > 0, header.size % recordSize == 0 else {
        throw DatasetError(
          .damaged,
          "\(path): \(name) in it has \(header.size) bytes, no whole number of records of "
            + "\(recordSize)")
      }
      files[name] = try archive.content()
    }
    func set(_ isTest: Bool) throws(DatasetError) -> ImageSet {
      let names = files.keys.filter { $0.hasPrefix("test") == isTest }.sorted()
      guard !names.isEmpty else {
        throw DatasetError(
          .damaged, "\(path): there is no \(isTest ? "test" : "training") batch in it")
      }
      let count = names.reduce(0) { $0 + files[$1]!.count / recordSize }
      var labels = Labels()
      labels.reserveCapacity(count)
      var pixels = [UInt8](repeating: 0, count: count * 3 * planeSize)
      for name in names {
        let records = files[name]!
        for first in stride(from: 0, to: records.count, by: recordSize) {
          // The fine label is the last.
          let label = records[first + labelBytes - 1]
          guard label < classes else {
            throw StoredImages.badLabel(
              Int(label), at: "\(path): label \(first / recordSize) of \(name)", classes: classes)
          }
          let place = labels.count * 3 * planeSize
          for channel in 0..<3 {
            let plane = first + labelBytes + channel * planeSize
            for i in 0..<planeSize { pixels[place + 3 * i + channel] = records[plane + i] }
          }
          labels.append(Int(label))
        }
      }
      return StoredImages(
        shape: ImageShape(height: side, width: side, channels: 3), pixels: pixels
      ).set(labels: labels, classes: classes)
    }
    return (try set(false), try set(true))
  }
}
