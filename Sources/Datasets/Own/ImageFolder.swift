import Elements
import Images
import Storage

/// A folder with a folder per class, each holding image files, told apart by their first bytes.
enum ImageFolder {
  /// What was read: the set, what was left out of it, each file with the reason, and what to tell.
  struct Contents {
    let set: ImageSet
    let skipped: [String]
    let notes: [DatasetNote]
  }

  /// - Parameter turns: whether pictures are turned upright, where their files note how they are held.
  static func read(
    _ path: String, classNames: [String], prepare: FilePreparation? = nil,
    preparation: ImagePreparation, corrupt: CorruptImages, turns: Bool = false, threads: Int
  ) throws(DatasetError) -> Contents {
    let shape = preparation.shape!
    let listing = try ImageListing(path, classNames: classNames)
    let files = listing.files
    let (total, overflow) = files.count.multipliedReportingOverflow(by: shape.count)
    guard !overflow, total <= Limit.content, files.count <= Limit.images else {
      throw DatasetError(
        .invalid, "\(path): \(files.count) images of \(shape) are more than the limit of 4 GiB")
    }
    try checkMemory(ofImages: total)
    let decoded = DecodedPictures(
      files.map(\.path), shape: shape, turned: turns, threads: threads
    ) { (stored) throws(ImageProblem) in
      let made = try prepare?.prepare(stored) ?? stored
      guard let image = preparation.prepare(made) else {
        throw ImageProblem(preparation.refusal(made.shape))
      }
      return image
    }
    var pixels = decoded.pixels
    let problems = zip(files, decoded.problems).map { file, problem in
      problem.map { "\(file.path): \($0)" }
    }
    let skipped = listing.unnamed + problems.compactMap { $0 }
    var labels = files.map(\.label)
    if let first = skipped.first {
      let others = skipped.count == 1 ? "" : "\n\(skipped.count - 1) more cannot be used"
      guard corrupt == .skip else {
        throw DatasetError(
          .damaged,
          "\(first)\(others)\nremove or repair such files, or give dataset.corrupt \"skip\" to leave "
            + "them out")
      }
      guard skipped.count < listing.unnamed.count + files.count else {
        throw DatasetError(.damaged, "\(first)\(others); that leaves no image")
      }
      var kept = 0
      for index in files.indices where problems[index] == nil {
        if kept < index {
          for i in 0..<shape.count {
            pixels[kept * shape.count + i] = pixels[index * shape.count + i]
          }
          labels[kept] = labels[index]
        }
        kept += 1
      }
      pixels.removeLast((files.count - kept) * shape.count)
      labels.removeLast(files.count - kept)
    }
    func read(_ trait: (ImageHeader) -> Bool) -> [Substring] {
      zip(files, decoded.headers).filter { $1.map(trait) ?? false }.map {
        $0.0.path.dropFirst(path.count + 1)
      }
    }
    var texts: [String] = []
    let several = read(\.isFirstOfSeveral)
    if let first = several.first {
      texts.append(
        several.count == 1
          ? "\(first) holds several pictures, of which the first is read"
          : "\(several.count) images hold several pictures each, of which the first is read, such as "
            + first)
    }
    let turned = read { $0.orientation != .upright }
    if !turns, let first = turned.first {
      texts.append(
        (turned.count == 1
          ? "\(first) notes a turn (EXIF) and is read as it is stored"
          : "\(turned.count) images note a turn (EXIF) and are read as they are stored, such as "
            + first)
          + "; dataset.exif_orientation true turns \(turned.count == 1 ? "it" : "them") upright")
    }
    return Contents(
      set: StoredImages(shape: shape, pixels: pixels).set(
        labels: Labels(labels), classes: classNames.count),
      skipped: skipped,
      notes: listing.notes + texts.map { DatasetNote(place: path, text: $0) })
  }

  /// The one shape of all images in a folder, in colour where any of them is.
  /// - Throws: `.invalid` where they are of several sizes, as soon as two are known.
  static func shape(
    _ path: String, classNames: [String], turns: Bool
  ) throws(DatasetError) -> ImageShape {
    var first: (path: String, shape: ImageShape)?
    var problem: String?
    var channels = 1
    for file in try ImageListing(path, classNames: classNames).files.map(\.path) {
      let header: ImageHeader
      do throws(ImageProblem) {
        header = try ImageFile(file).header
      } catch {
        problem = problem ?? "\(file): \(error.message)"
        continue
      }
      let shape = turns ? header.orientation.shape(of: header.shape) : header.shape
      channels = max(channels, shape.channels)
      let one = first ?? (file, shape)
      first = one
      guard one.shape.height == shape.height, one.shape.width == shape.width else {
        throw DatasetError(
          .invalid,
          "\(path): its images are of several sizes: \(one.path) is \(one.shape.height)x"
            + "\(one.shape.width), \(file) \(shape.height)x\(shape.width); give dataset.shape, "
            + "[height, width, 1 or 3], and dataset.resize")
      }
    }
    guard var shape = first?.shape else {
      throw DatasetError(.damaged, problem ?? "\(path): none of its images can be read")
    }
    shape.channels = channels
    return shape
  }
}
