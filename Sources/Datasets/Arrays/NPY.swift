import Elements
import Images
import Storage

/// Arrays of images and of labels in the NPY form.
enum NPY {
  /// Images of any type of number: (N, H, W), (N, H, W, C), (N, C, H, W) or (N, H·W·C), in C's order or
  /// Fortran's.
  ///
  /// - Parameters:
  ///   - pixelMax: the number that is white, where the spec says it.
  ///   - mayBeOne: whether an array may be one image, (H, W) or (H, W, C): one that is of the shape
  ///     expected, or of which no row is an image.
  ///   - noted: told what was taken for granted.
  static func images(
    _ stream: any ByteStream, expected: ImageShape, pixelMax: Double? = nil,
    mayBeOne: Bool = false, noted: (String) -> Void = { _ in }
  ) throws(DatasetError) -> StoredImages {
    var header = try NPYHeader(stream)
    if mayBeOne, isOneImage(header.shape, expected) { header.shape.insert(1, at: 0) }
    let path = stream.path
    guard !"SU".contains(header.element.kind) else {
      throw DatasetError(
        .damaged, "\(path): it holds \(header.described), which are texts, not images")
    }
    let layout = try ImageLayout(header, expected: expected, path: path, noted: noted)
    let shape = layout.shape
    try shape.check(path)
    let count = header.shape[0]
    guard count > 0, count <= Limit.images else {
      throw DatasetError(.damaged, "\(path): it holds \(header.described): no images, or too many")
    }
    let elements = try NPYElements(stream, header, "images")
    var scan = PixelScan(isReal: header.element.kind == "f")
    if header.element == .byte {
      scan.add(bytes: elements.bytes)
    } else {
      elements.withNumbers { number in
        for place in 0..<header.count { scan.add(number(place), place) }
      }
    }
    if let place = scan.notFinite {
      throw DatasetError(
        .damaged,
        "\(path): image \(layout.image(of: place)) has a pixel that is no finite number")
    }
    let range = scan.range
    let scale: PixelScale
    do throws(PixelScale.Refusal) {
      // True is white.
      scale = try PixelScale(range, given: pixelMax ?? (header.element.kind == "b" ? 1 : nil))
    } catch {
      throw DatasetError(.damaged, "\(path): \(error.message)")
    }
    var worst = 0.0
    let pixels: [UInt8]
    if header.element == .byte, scale.maximum == 255, layout.isPlain {
      pixels = elements.bytes
    } else {
      pixels = elements.withNumbers { number in
        layout.gather { scale.byte(number($0), worst: &worst)! }
      }
    }
    if let note = scale.note(range, worst: worst) { noted(note) }
    return StoredImages(shape: shape, pixels: pixels)
  }

  private static func isOneImage(_ sizes: [Int], _ expected: ImageShape) -> Bool {
    switch sizes.count {
    case 2:
      sizes == [expected.height, expected.width]
        || ImageShape(flat: sizes[1], expected: expected) == nil
    case 3: sizes == [expected.height, expected.width, expected.channels]
    default: false
    }
  }

  /// Labels: (N) or (N, 1) of whole numbers, however they are stored, or of texts; or one-hot rows,
  /// (N, classes).
  static func labels(
    _ stream: any ByteStream, classes: ClassNames, noted: (String) -> Void = { _ in }
  ) throws(DatasetError) -> Labels {
    let header = try NPYHeader(stream)
    let path = stream.path
    let sizes = header.shape
    if try isOneHot(header, path) {
      guard sizes[1] == classes.names.count, !"SU".contains(header.element.kind) else {
        throw DatasetError(
          .damaged,
          "\(path): it holds \(header.described); for one-hot rows there must be as many numbers in "
            + "each as there are classes, \(classes.names.count)")
      }
      return try oneHot(try NPYElements(stream, header, "labels"), header, path, noted)
    }
    return try collected(stream, header)
      .classes(of: classes, place: { "\(path): label \($0)" }, noted: noted)
  }

  /// The classes that an array of labels is of, where nobody says them: as many as a one-hot row has
  /// numbers, or those of the labels.
  static func classes(_ stream: any ByteStream) throws(DatasetError) -> OwnFiles.Classes {
    let header = try NPYHeader(stream)
    if try isOneHot(header, stream.path) { return .count(header.shape[1]) }
    return try collected(stream, header).found(stream.path)
  }

  /// The shape of an array's images, where nobody says it.
  static func shape(_ stream: any ByteStream) throws(DatasetError) -> ImageShape {
    let layout = try ImageLayout(
      try NPYHeader(stream), expected: nil, path: stream.path, noted: { _ in })
    try layout.shape.check(stream.path)
    return layout.shape
  }

  /// Whether labels are rows of numbers, one for each class.
  private static func isOneHot(_ header: NPYHeader, _ path: String) throws(DatasetError) -> Bool {
    let sizes = header.shape
    guard sizes.count == 1 || sizes.count == 2 && sizes[1] > 0 else {
      throw DatasetError(
        .damaged, "\(path): it holds \(header.described); labels are (N), (N, 1) or (N, classes)")
    }
    guard sizes[0] > 0, sizes[0] <= Limit.images else {
      throw DatasetError(.damaged, "\(path): it holds \(header.described): none, or too many")
    }
    return sizes.count == 2 && sizes[1] > 1
  }

  /// The labels of an array that has one of each image.
  private static func collected(
    _ stream: any ByteStream, _ header: NPYHeader
  ) throws(DatasetError) -> ClassLabels {
    let (path, count) = (stream.path, header.shape[0])
    let elements = try NPYElements(stream, header, "labels")
    var labels = ClassLabels()
    if "SU".contains(header.element.kind) {
      for place in 0..<count { labels.append(elements.text(place)) }
    } else {
      let numbers = elements.withNumbers { number in (0..<count).map(number) }
      for (place, value) in numbers.enumerated() {
        guard let whole = Int(exactly: value) else {
          throw DatasetError(
            .damaged, "\(path): label \(place) is \(value); labels are whole numbers or names")
        }
        labels.append(whole)
      }
    }
    return labels
  }

  private static func oneHot(
    _ elements: NPYElements, _ header: NPYHeader, _ path: String, _ noted: (String) -> Void
  ) throws(DatasetError) -> Labels {
    let (rows, columns) = (header.strides[0], header.strides[1])
    let classes = header.shape[1]
    var problem: String?
    let labels = elements.withNumbers { number in
      (0..<header.shape[0]).map { row -> Int in
        let values = (0..<classes).map { number(row * rows + $0 * columns) }
        let ones = values.count { $0 == 1 }
        if ones != 1 || values.count(where: { $0 == 0 }) != classes - 1 {
          problem =
            problem
            ?? "label \(row) is no one-hot row, of one 1 and else 0; an image is of one class: save "
            + "y.argmax(axis=1) if its greatest number is that"
        }
        return values.firstIndex(of: 1) ?? 0
      }
    }
    if let problem { throw DatasetError(.damaged, "\(path): \(problem)") }
    noted("labels are one-hot rows of \(classes)")
    return Labels(labels)
  }
}

extension NPYHeader.Element {
  static let byte = NPYHeader.Element(kind: "u", size: 1, isBigEndian: false)
}

/// What numbers an array holds.
private struct PixelScan {
  private(set) var range = PixelRange()
  /// The place of the first that is none.
  private(set) var notFinite: Int?

  init(isReal: Bool) { range.isReal = isReal }

  mutating func add(bytes: [UInt8]) {
    range.least = Double(bytes.min()!)
    range.greatest = Double(bytes.max()!)
  }

  @inline(__always)
  mutating func add(_ value: Double, _ place: Int) {
    guard value.isFinite else {
      notFinite = notFinite ?? place
      return
    }
    range.least = min(range.least, value)
    range.greatest = max(range.greatest, value)
    if value != value.rounded() { range.hasFractions = true }
  }
}

/// Where in an array each number of each image lies.
private struct ImageLayout {
  let shape: ImageShape
  /// How far apart neighbours are: images, rows, columns, channels.
  private let image: Int, row: Int, column: Int, channel: Int
  private let count: Int
  private let isFortran: Bool

  /// Whether the numbers lie as (N, H, W, C) already.
  var isPlain: Bool {
    channel == 1 && column == shape.channels && row == shape.width * shape.channels
      && image == shape.count
  }

  init(
    _ header: NPYHeader, expected: ImageShape?, path: String, noted: (String) -> Void
  ) throws(DatasetError) {
    let (sizes, strides) = (header.shape, header.strides)
    (count, isFortran) = (sizes.first ?? 0, header.isFortran)
    switch sizes.count {
    case 3:
      shape = ImageShape(height: sizes[1], width: sizes[2], channels: 1)
      (image, row, column, channel) = (strides[0], strides[1], strides[2], 1)
    case 4:
      let last = ImageShape(height: sizes[1], width: sizes[2], channels: sizes[3])
      let first = ImageShape(height: sizes[2], width: sizes[3], channels: sizes[1])
      let (mayBeLast, mayBeFirst) = ([1, 3].contains(sizes[3]), [1, 3].contains(sizes[1]))
      let isFirst: Bool
      if mayBeLast, mayBeFirst, last != expected, first != expected {
        throw DatasetError(
          .damaged,
          "\(path): it holds \(header.described), which may be (N, H, W, C) or (N, C, H, W), "
            + (expected.map { "and neither is of the spec's shape \($0)" } ?? "give dataset.shape")
            + "; save x.transpose(0, 2, 3, 1) if the channels come first")
      } else {
        isFirst = mayBeFirst && (!mayBeLast || last != expected)
      }
      shape = isFirst ? first : last
      let order = isFirst ? [2, 3, 1] : [1, 2, 3]
      (image, row, column, channel) = (
        strides[0], strides[order[0]], strides[order[1]], strides[order[2]]
      )
      if isFirst {
        noted("images are (N, C, H, W), \(header.described): channels come first")
      }
    case 2:
      guard let flat = ImageShape(flat: sizes[1], expected: expected) else {
        throw DatasetError(
          .damaged,
          "\(path): \(sizes[1]) numbers per image make "
            + (expected.map { "neither \($0) nor a square image" }
              ?? "no square image; give dataset.shape"))
      }
      shape = flat
      image = strides[0]
      channel = strides[1]
      column = channel * flat.channels
      row = column * flat.width
      if flat.channels == 3 {
        noted(
          "\(sizes[1]) numbers per image are read as \(flat.height) rows of \(flat.width) with red, "
            + "green and blue side by side; where the colours come one after another, as in CIFAR's "
            + "own files, save x.reshape(-1, 3, \(flat.height), \(flat.width))")
      }
    default:
      throw DatasetError(
        .damaged,
        "\(path): it holds \(header.described); images are (N, H, W), (N, H, W, C), (N, C, H, W) or "
          + "(N, H·W·C)")
    }
  }

  /// The image that an element belongs to.
  func image(of place: Int) -> Int { isFortran ? place % count : place / image }

  /// The bytes of all images as (N, H, W, C).
  func gather(_ byte: (Int) -> UInt8) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count * shape.count) { buffer, initialized in
      var next = 0
      for n in 0..<count {
        for y in 0..<shape.height {
          for x in 0..<shape.width {
            let start = n * image + y * row + x * column
            for c in 0..<shape.channels {
              buffer[next] = byte(start + c * channel)
              next += 1
            }
          }
        }
      }
      initialized = next
    }
  }
}
