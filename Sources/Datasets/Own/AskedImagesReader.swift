import Elements
import Glibc
import Images
import Storage

/// Reads what a user names to be predicted: image files, folders of them, arrays, IDX files, tables.
public struct AskedImagesReader {
  private let prepare: FilePreparation?
  private let preparation: ImagePreparation
  private let shape: ImageShape
  private let classes: ClassNames
  private let turns: Bool
  private let threads: Int
  private let table: TableReading
  private var images: [AskedImages.Image] = []
  private var pixels: [UInt8] = []
  private var problems: [String] = []
  private var notes: [DatasetNote] = []

  /// - Parameters:
  ///   - prepare: what is made of each image first; nil for nothing.
  ///   - preparation: how an image becomes what the model takes; it has a shape.
  ///   - turns: whether pictures are turned upright where their files note how they are held.
  ///   - table: how tables and arrays of numbers are read.
  public init(
    _ prepare: FilePreparation?, _ preparation: ImagePreparation, classNames: [String],
    turns: Bool, table: TableReading = TableReading(), threads: Int
  ) {
    self.prepare = prepare
    self.preparation = preparation
    shape = preparation.shape!
    classes = ClassNames(classNames, areGiven: true)
    self.turns = turns
    self.table = table
    self.threads = threads
  }

  /// What is known of tables and arrays of numbers, where they don't tell it for certain.
  public struct TableReading: Sendable {
    /// The column of a table that holds the labels.
    public var labelColumn: LabelColumn?
    /// The number that is white.
    public var pixelMax: Double?

    public init(labelColumn: LabelColumn? = nil, pixelMax: Double? = nil) {
      self.labelColumn = labelColumn
      self.pixelMax = pixelMax
    }
  }

  /// All that was read.
  public var asked: AskedImages {
    AskedImages(
      images, shape: shape, pixels: pixels, problems: problems.map(Self.asOptions),
      notes: notes.map { DatasetNote(place: $0.place, text: Self.asOptions($0.text)) })
  }

  /// A message of the readers, whose advice is a key of a spec, with the option that says the same here.
  private static func asOptions(_ message: String) -> String {
    message.replacing("dataset.label_column", with: "--label-column")
      .replacing("dataset.pixel_max", with: "--pixel-max")
  }

  /// Reads a file or a folder, whose images come in the order of their names' bytes.
  /// - Parameter name: what the user calls it, where that isn't its path.
  public mutating func read(_ path: String, name: String? = nil) {
    let name = name ?? path
    do throws(DatasetError) {
      switch FileKind(of: path) {
      case .folder: try readFolder(path)
      case .file: try readFile(path, name, label: nil)
      case nil: problems.append("\(name): there is no such file")
      case let kind?:
        problems.append(
          "\(name): \(FileError("read", name, found: kind).reason); for the standard input give -")
      }
    } catch {
      problems.append(error.message.replacing(path, with: name))
    }
  }

  /// Reads an image or an array of images from memory, just as a file of these bytes is read.
  /// - Parameters:
  ///   - name: what messages call it.
  ///   - mostPixels: a picture that announces more, height times width, is refused before any is decoded.
  public mutating func read(bytes: [UInt8], name: String, mostPixels: Int = .max) {
    do throws(DatasetError) {
      if ContentKind(first: bytes) == .numpy {
        let images = try NPY.images(
          MemoryStream(bytes, path: name), expected: shape, pixelMax: table.pixelMax,
          mayBeOne: true, noted: { notes.append(DatasetNote(place: name, text: $0)) })
        try add(images, labels: [], name)
        return
      }
      do throws(ImageProblem) {
        let file = try ImageFile(bytes)
        let announced = file.header.shape
        guard announced.height * announced.width <= mostPixels else {
          throw ImageProblem(
            "it claims \(announced.width)x\(announced.height) pixels; the limit is \(mostPixels)")
        }
        let stored = try file.decode(turned: turns)
        pixels += try preparation.asked(try prepare?.prepare(stored) ?? stored).pixels
        images.append(AskedImages.Image(name: name, label: nil))
        if file.header.orientation != .upright, !turns {
          notes.append(
            DatasetNote(
              place: name,
              text: "it notes a turn (EXIF) and is read as it is stored; --turn turns it upright"))
        }
      } catch {
        problems.append("\(name): \(error.message)")
      }
    } catch {
      problems.append(error.message)
    }
  }

  /// - Parameter label: the class whose folder it lies in.
  private mutating func readFile(
    _ path: String, _ name: String, label: Int?
  ) throws(DatasetError) {
    if ImageFile.isOne(path) || ImageFile.hasEnding(path) {
      return readPictures([(path, name, label)], in: nil)
    }
    let lowercase = path.lowercased()
    switch try ContentKind(of: path) {
    case .numpy:
      let images = try NPY.images(
        try PlainStream(path), expected: shape, pixelMax: table.pixelMax, mayBeOne: true,
        noted: { notes.append(DatasetNote(place: name, text: $0)) })
      try add(
        images, labels: label.map { Labels(repeating: $0, count: images.count) } ?? [], name)
    case .zip where !lowercase.hasSuffix(".csv.zip"):
      try readArrays(try NPZSource(path), name)
    case .idx: try readIDX(path, name)
    case .gzip where lowercase.hasSuffix("-ubyte.gz") || lowercase.hasSuffix(".idx.gz"):
      try readIDX(path, name)
    case let kind:
      guard OwnFiles.Format.of(path) == .csv else {
        let what = kind == .unknown ? "it is no image, array or table that is read" : kind.advice
        problems.append("\(name): \(what)")
        return
      }
      let (images, labels, told) = try PixelCSV.readAsked(
        path, expected: shape, classes: classes, labelColumn: table.labelColumn,
        pixelMax: table.pixelMax)
      notes += told.map { DatasetNote(place: name, text: $0.replacing(path, with: name)) }
      try add(images, labels: labels, name)
    }
  }

  private mutating func readFolder(_ path: String) throws(DatasetError) {
    if let (images, _) = try? IDXFolder.files(path, .test, isOwn: true) {
      noteChoice(of: images, in: path)
      return try readIDX(images, images)
    }
    let arrays = NPYFolder(path: path)
    if let pair = ArrayNames.pair(.test, isOwn: true, in: arrays) {
      noteChoice(of: "\(pair.images).npy with \(pair.labels).npy", in: path)
      return try readArrays(arrays, path)
    }
    var found = PictureFolder(path, classes)
    try found.list()
    problems += found.unnamed
    notes += found.notes
    if found.files.isEmpty, found.others.isEmpty, found.unnamed.isEmpty {
      problems.append("\(path): there is no \(ImageFile.formNames) file, array or table in it")
    }
    readPictures(found.files.map { ($0.path, $0.path, $0.label) }, in: path)
    for file in found.others {
      do throws(DatasetError) {
        try readFile(file.path, file.path, label: file.label)
      } catch {
        problems.append(error.message)
      }
    }
  }

  /// Says that of a folder laid out as a dataset its test images are asked about, and nothing else.
  private mutating func noteChoice(of images: String, in folder: String) {
    notes.append(
      DatasetNote(
        place: folder,
        text: "it is laid out as a dataset: its test images are read, \(images), and nothing else"))
  }

  /// Decodes files, several at once.
  /// - Parameter folder: the folder that they are from, for what is told of several.
  private mutating func readPictures(
    _ files: [(path: String, name: String, label: Int?)], in folder: String?
  ) {
    do throws(DatasetError) {
      try checkMemory(ofImages: ByteCount.product(2, files.count, shape.count))
    } catch {
      problems.append("\(folder ?? files.first?.name ?? "the images"): \(error.message)")
      return
    }
    let (prepare, preparation) = (prepare, preparation)
    let decoded = DecodedPictures(
      files.map(\.path), shape: shape, turned: turns, threads: threads
    ) { (stored) throws(ImageProblem) in
      try preparation.asked(try prepare?.prepare(stored) ?? stored)
    }
    for (index, file) in files.enumerated() {
      if let problem = decoded.problems[index] {
        self.problems.append("\(file.name): \(problem)")
        continue
      }
      images.append(AskedImages.Image(name: file.name, label: file.label))
      pixels += decoded.pixels[index * shape.count..<(index + 1) * shape.count]
    }
    let held = files.indices.filter {
      decoded.headers[$0].map { $0.orientation != .upright } ?? false
    }
    if !turns, let first = held.first {
      notes.append(
        DatasetNote(
          place: folder ?? files[first].name,
          text: held.count == 1
            ? "\(files[first].name) notes a turn (EXIF) and is read as it is stored; --turn turns it "
              + "upright"
            : "\(held.count) images note a turn (EXIF) and are read as they are stored, such as "
              + "\(files[first].name); --turn turns them upright"))
    }
  }

  private mutating func readIDX(_ path: String, _ name: String) throws(DatasetError) {
    let file = try IDXFile(path, ranks: 3...4, threads: threads)
    let sizes = file.dimensions
    let stored = ImageShape(
      height: sizes[1], width: sizes[2], channels: sizes.count == 4 ? sizes[3] : 1)
    try stored.check(path)
    var labels = Labels()
    let plain = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
    let beside = plain.replacingLast("images-idx3", with: "labels-idx1")
    let ending = "-ubyte"
    if beside != plain,
      let beside = beside.hasSuffix(ending)
        ? IDXFolder.labels(String(beside.dropLast(ending.count)))
        : DatasetLocator.existing(beside)
    {
      let classes = classes.names.count
      labels = known(beside) { () throws(DatasetError) in
        try IDX.labels(beside, classes: classes).labels
      }
    }
    try add(StoredImages(shape: stored, pixels: file.content), labels: labels, name)
  }

  private mutating func readArrays(
    _ arrays: any ArraySource, _ name: String
  ) throws(DatasetError) {
    var note: (String, String) = ("", "")
    let pair = ArrayNames.pair(.test, isOwn: true, in: arrays)
    let only = Self.namesOfImages.first(where: arrays.has)
    guard let x = pair?.images ?? only else {
      throw DatasetError(
        .invalid,
        "\(name): there are no images in it: none of \(Self.namesOfImages.joined(separator: ", "))"
          + arrays.contents)
    }
    var labels = Labels()
    if let pair {
      let (classes, place) = (classes, "\(name): \(pair.labels)")
      labels = known(place) { () throws(DatasetError) in
        try NPY.labels(try arrays.stream(pair.labels), classes: classes) {
          note = (pair.labels, $0)
        }
      }
    }
    if !note.1.isEmpty {
      notes.append(DatasetNote(place: "\(name): \(note.0)", text: note.1))
    }
    let images = try NPY.images(
      try arrays.stream(x), expected: shape, pixelMax: table.pixelMax, mayBeOne: true,
      noted: { notes.append(DatasetNote(place: "\(name): \(x)", text: $0)) })
    try add(images, labels: labels, name)
  }

  /// Arrays that hold images, in the order in which they are looked for.
  private static let namesOfImages = ["x_test", "X_test", "x", "X", "images", "data", "arr_0"]

  /// Labels of images that are to be answered in any case: none where they are none that the model knows,
  /// which is said.
  private mutating func known(
    _ place: String, _ read: () throws(DatasetError) -> Labels
  ) -> Labels {
    do throws(DatasetError) { return try read() } catch {
      notes.append(DatasetNote(place: place, text: Self.unused(error.message)))
      return []
    }
  }

  /// What is said of labels that the model doesn't know.
  static func unused(_ reason: String) -> String {
    "its labels are not used, and no accuracy is told: \(reason)"
  }

  private mutating func add(
    _ stored: StoredImages, labels: Labels, _ name: String
  ) throws(DatasetError) {
    let count = stored.count
    guard labels.isEmpty || labels.count == count else {
      throw DatasetError(.damaged, "\(name): there are \(count) images, but \(labels.count) labels")
    }
    try checkMemory(ofImages: ByteCount.product(count, shape.count))
    do throws(ImageProblem) {
      let made = try prepare?.prepare(stored, threads: threads) ?? stored
      pixels += try preparation.asked(made, threads: threads).pixels
    } catch {
      throw DatasetError(.invalid, "\(name): \(error.message)")
    }
    for i in 0..<count {
      images.append(
        AskedImages.Image(
          name: count == 1 ? name : "\(name)[\(i)]", label: labels.isEmpty ? nil : labels[i]))
    }
  }
}

extension ImagePreparation {
  /// The images as a model takes them.
  /// - Throws: `ImageProblem` where their size is wrong and nothing says how to change it.
  func asked(_ images: StoredImages, threads: Int = 1) throws(ImageProblem) -> StoredImages {
    if let prepared = prepare(images, threads: threads) { return prepared }
    throw ImageProblem(
      "it is \(images.shape), and the model takes \(shape ?? images.shape); give --resize bilinear or "
        + "area")
  }
}

extension ImageFile {
  /// Whether a file begins as an image of a form that is read.
  static func isOne(_ path: String) -> Bool {
    guard let file = try? FileDescriptor.reading(path), let size = try? file.size(),
      let first = try? file.read(min(16, size), at: 0)
    else { return false }
    return begins(first)
  }
}

extension String {
  fileprivate func replacingLast(_ part: String, with other: String) -> String {
    guard let range = ranges(of: part).last else { return self }
    return self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}
