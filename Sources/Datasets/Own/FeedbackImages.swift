import Elements
import Images

/// What people said of a model's answers, as images to learn from: of a server's log each request whose
/// right class somebody told, and whose image was kept with the one or the other.
struct FeedbackImages {
  /// One image of a shape after another, and their classes.
  private(set) var images: StoredImages
  private(set) var labels: [Int] = []
  private(set) var notes: [String] = []

  /// - Throws: `DatasetError` where there is none to learn from, or a class is none of the dataset's.
  init(
    _ path: String, classes: ClassNames, shape expected: ImageShape
  ) throws(DatasetError) {
    let log = try RequestLog(reading: path)
    if let note = log.note { notes.append(note) }
    let count = classes.names.count
    var asked: [String: LoggedImage] = [:]
    for request in log.requests where request.image != nil { asked[request.id] = request.image }
    // Of one request the last that was said, in the order of the first.
    var order: [String] = []
    var said: [String: LoggedFeedback] = [:]
    for feedback in log.feedback {
      if said[feedback.request] == nil { order.append(feedback.request) }
      var feedback = feedback
      feedback.image = feedback.image ?? said[feedback.request]?.image
      said[feedback.request] = feedback
    }
    var shape: ImageShape?
    var pixels: [UInt8] = []
    var without = 0
    for id in order {
      let feedback = said[id]!
      guard let image = feedback.image ?? asked[id] else {
        without += 1
        continue
      }
      guard feedback.label < count else {
        throw DatasetError(
          .damaged,
          "\(path): the feedback to \(id) is of class \(feedback.label) (\(feedback.className)); "
            + "there are \(count) classes, 0 to \(count - 1)")
      }
      if let shape, shape != image.shape {
        throw DatasetError(
          .damaged,
          "\(path): the image of \(id) is \(image.shape), those before it are \(shape); they were asked "
            + "of models of two kinds")
      }
      shape = image.shape
      pixels += image.pixels
      labels.append(feedback.label)
    }
    if without > 0 {
      notes.append(
        "of \(order.count) answers that somebody told the right class of, \(without) have no image that "
          + "was kept, and are left out")
    }
    guard !labels.isEmpty else {
      throw DatasetError(
        .invalid,
        order.isEmpty
          ? "\(path): there is no feedback in it to learn from"
          : "\(path): of \(order.count) feedbacks none has an image that was kept; the server has to "
            + "keep them (\"pixels\" of the log)")
    }
    images = StoredImages(shape: shape ?? expected, pixels: pixels)
  }
}
