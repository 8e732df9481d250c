import ConvNet
import Datasets
import Statistics

/// What of an image goes into the mean of a window, by which the window is told from others: the features,
/// the class that it was taken for (1 for it and 0 for the others but the last, of at most 64 classes), and
/// its quantities, each less its mean over the validation images, in their deviations, at most 8.
struct ImageTraits: Hashable, Sendable {
  /// Of the features.
  let width: Int
  /// How many classes have a number; none of very many.
  let classes: Int
  private let centres: [Double]
  private let scales: [Double]

  private static let mostClasses = 64

  /// - Parameter values: of the validation images, (count, quantities).
  init(width: Int, classes: Int, values: [Float]) {
    self.width = width
    self.classes = classes <= Self.mostClasses ? classes - 1 : 0
    let quantities = ValidationProfile.quantities.count
    let columns = (0..<quantities).map { quantity in
      Sample(stride(from: quantity, to: values.count, by: quantities).map { Double(values[$0]) })
    }
    centres = columns.map(\.mean)
    scales = columns.map { max($0.deviation ?? 1, 1e-6) }
  }

  /// d, of all, and of those that tell within one condition which answers are right: all but the features.
  var count: Int { width + answers }
  var answers: Int { classes + centres.count }

  /// (d); nil where not all of them are known.
  func of(_ seen: SeenImage) -> [Float]? {
    guard seen.features.count == width, seen.distance != nil else { return nil }
    var traits = seen.features
    traits.reserveCapacity(count)
    for label in 0..<classes { traits.append(seen.prediction == label ? 1 : 0) }
    for (place, value) in ValidationProfile.values(of: seen).enumerated() {
      let z = (Double(value!) - centres[place]) / scales[place]
      traits.append(Float(max(-8, min(8, z))))
    }
    return traits
  }
}
