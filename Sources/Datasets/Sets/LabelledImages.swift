import Elements
import Images

extension StoredImages {
  static func badLabel(_ label: Int, at place: String, classes: Int) -> DatasetError {
    DatasetError(
      .damaged,
      "\(place) is \(label); there are \(classes) classes, 0 to \(classes - 1)"
        + (label < Labels.mostClasses ? "" : "; \(tooLargeAdvice)"))
  }

  /// What to do about a label that is larger than that of any class can be.
  static let tooLargeAdvice =
    "no class's number is above \(Labels.mostClasses - 1): number them from 0 without gaps, as "
    + "numpy.unique(labels, return_inverse=True)[1] does"

  /// The set that they make with their labels.
  func set(labels: Labels, classes: Int) -> ImageSet {
    ImageSet(
      height: shape.height, width: shape.width, channels: shape.channels, classes: classes,
      pixels: pixels, labels: labels)
  }
}
