import ConvNet
import Datasets
import Images
import Storage

/// A dataset by the name that specs give it, with what a spec may rely on before it is read: one of the
/// catalog's, or `files`, the user's own, of which nothing is known but what the spec says.
public struct DatasetName: RawRepresentable, Hashable, Sendable, CaseIterable {
  public let rawValue: String

  public init?(rawValue: String) {
    guard rawValue == OwnFiles.name || DatasetCatalog[rawValue] != nil else { return nil }
    self.rawValue = rawValue
  }

  private init(_ entry: CatalogEntry) { rawValue = entry.name }

  public static let mnist = DatasetName(DatasetCatalog.mnist)
  public static let syntheticDigits = DatasetName(DatasetCatalog.syntheticDigits)
  public static let files = DatasetName(rawValue: OwnFiles.name)!
  public static let allCases = DatasetCatalog.all.map { DatasetName($0) } + [files]

  /// Nil for `files`.
  var entry: CatalogEntry? { DatasetCatalog[rawValue] }

  public var imageShape: ImageShape? {
    entry.map { ImageShape(height: $0.height, width: $0.width, channels: $0.channels) }
  }
  public var classCount: Int? { classNames?.count }
  public var classNames: [String]? { entry?.classNames }
  /// The training images there are when a spec doesn't say; the synthetic ones have no end.
  public var trainCount: Int? { entry?.trainCount }
  public var testCount: Int? { entry?.testCount }
  public var isUnlimited: Bool { self == .syntheticDigits }
}

public struct DatasetSpec: Hashable, Sendable {
  public var name: DatasetName
  /// What is held out of the training images.
  public var validation: ValidationSplit
  /// Whether the validation images keep the proportions of the classes.
  public var stratified: Bool
  /// Only so many training images, before the validation split; nil for all.
  public var trainCount: Int?
  /// Only so many test images; nil for all. 0 for none, where `test` is a share of the images, which is
  /// kept apart nonetheless.
  public var testCount: Int?
  public var test: TestSet
  /// What is done to the images before the first layer, fitted on those that are trained on; nil for
  /// bytes divided by 255.
  public var normalization: NormalizationDescription?
  /// The seed of `synthetic_digits`, wherever it is used; apart from the experiment's own.
  public var syntheticSeed: UInt64
  /// What to train on, and say so, when this dataset is neither on disk nor to be downloaded.
  public var whenUnavailable: DatasetName?
  /// The user's own files, where `name` or `test` is `files`.
  public var files: OwnFiles?
  /// How the images become what the network sees; without a shape, they keep the dataset's own.
  public var preparation = ImagePreparation.asTheyAre
  /// What is done about image files that cannot be read.
  public var corrupt = CorruptImages.stop
  /// Which of the training images are trained on.
  public var selection = Selection()

  public init(
    name: DatasetName, validation: ValidationSplit = .none, stratified: Bool = false,
    trainCount: Int? = nil, testCount: Int? = nil, test: TestSet = .own,
    normalization: NormalizationDescription? = nil, syntheticSeed: UInt64 = 1,
    whenUnavailable: DatasetName? = nil
  ) {
    self.name = name
    self.validation = validation
    self.stratified = stratified
    self.trainCount = trainCount
    self.testCount = testCount
    self.test = test
    self.normalization = normalization
    self.syntheticSeed = syntheticSeed
    self.whenUnavailable = whenUnavailable
  }

  /// What the network sees. The checker has made sure that one of the two says it.
  public var imageShape: ImageShape { preparation.shape ?? name.imageShape! }
  /// The preparation with what it comes to.
  var inputPreparation: ImagePreparation {
    var preparation = preparation
    preparation.shape = imageShape
    return preparation
  }
  public var sampleShape: Shape {
    .image(height: imageShape.height, width: imageShape.width, channels: imageShape.channels)
  }
  public var classCount: Int { name.classCount ?? files!.classes.count }
  /// Nil where only a folder's own folders will tell.
  public var classNames: [String]? {
    if let names = name.classNames { return names }
    switch files!.classes {
    case .names(let names): return names
    case .count(let count): return files!.format == .images ? nil : (0..<count).map(String.init)
    }
  }

  /// How the images are brought to their shape, behind what they are: " as 28x28x1, bilinear, inverted";
  /// empty where they stay as they are.
  public var formText: String {
    if preparation == .asTheyAre { return "" }
    let how = [
      preparation.resize == .none ? nil : preparation.resize.rawValue,
      preparation.keepsAspect ? "their aspect kept" : nil, preparation.inverts ? "inverted" : nil,
    ]
    return " as " + (["\(imageShape)"] + how.compactMap { $0 }).joined(separator: ", ")
  }

  /// The images that are trained and validated on, before the classes are balanced; nil where only the
  /// files will tell.
  public var loadedCount: Int? {
    (trainCount ?? name.trainCount).map { selection.count(of: $0, classes: classCount) }
  }

  /// The images that are tested on; nil where only the files will tell.
  public var loadedTestCount: Int? {
    switch test {
    case .own: testCount ?? name.testCount
    case .of(let other): testCount ?? other.testCount
    case .share: testCount
    case .none: 0
    }
  }

  /// The images held out for validation, and those left to train on; nil where only the files will tell.
  public var split: (validation: Int, training: Int)? {
    if validation == .own { return nil }
    return loadedCount.map { loaded in
      let held = validation.count(of: loaded)
      return (held, loaded - held)
    }
  }

  /// How many images of one's own files come to be trained, validated and tested on, as many as can be.
  /// - Parameter counts: how many there are in the files.
  public func parts(
    of counts: (training: Int, validation: Int?, test: Int?)
  ) -> (training: Int, validation: Int, test: Int) {
    var (total, tested) = (counts.training, counts.test ?? 0)
    switch test {
    case .share(let share):
      tested = Int((share * Double(total)).rounded(.toNearestOrAwayFromZero))
      total -= tested
    case .of(let other): tested = other.testCount ?? tested
    case .own, .none: break
    }
    let loaded = selection.count(of: min(trainCount ?? total, total), classes: classCount)
    let held = validation.count(of: loaded)
    return (loaded - held, counts.validation ?? held, min(testCount ?? tested, tested))
  }

  /// The dataset whose test images are used, if another.
  var otherTest: DatasetName? {
    if case .of(let other) = test, other != name { other } else { nil }
  }

  /// The same for a run that has begun: a set that stood in for another does so again, and nothing stands
  /// in for what was the real one.
  func request(recorded: RunRecord.Data?) -> DatasetRequest {
    var request = request()
    guard let recorded else { return request }
    request.whenUnavailable = nil
    if recorded.standsInFor != nil {
      request.name = recorded.name
      if request.preparation.resize == .none { request.preparation.resize = .bilinear }
    }
    return request
  }

  /// What is to be read of another dataset, the test images alone.
  func testRequest(of name: String) -> DatasetRequest {
    var request = request()
    request.name = name
    request.whenUnavailable = nil
    request.readsTest = true
    return request.withoutTraining
  }

  /// What is to be read for this section, but for another dataset's test images.
  public func request() -> DatasetRequest {
    var request = DatasetRequest(
      name.rawValue, trainCount: trainCount, testCount: testCount, syntheticSeed: syntheticSeed,
      whenUnavailable: whenUnavailable?.rawValue)
    request.files = files
    request.preparation = inputPreparation
    request.corrupt = corrupt
    request.subsetSeed = selection.seed
    request.readsValidation = validation == .own
    request.readsTest = otherTest == nil && test != .none && testCount != 0
    if case .share(let share) = test { request.testShare = share }
    return request
  }
}

/// Whose test images a run is tested on, when its training is over.
public enum TestSet: Hashable, Sendable {
  /// The dataset's own.
  case own
  case of(DatasetName)
  /// A part of the dataset's training images, in (0, 1), by class: never trained on.
  case share(Double)
  /// Nobody's: none are read. So are the trials of a sweep, which choose by the validation images.
  case none

  /// What a spec says for `none`.
  static let noneName = "none"
}

public enum ValidationSplit: Hashable, Sendable {
  case none
  /// Of the training images, in (0, 1).
  case fraction(Double)
  case count(Int)
  /// None of the training images: the files hold others to validate on.
  case own

  /// How many of `total` images are held out; a fraction is rounded to the nearest, halves up.
  public func count(of total: Int) -> Int {
    switch self {
    case .none, .own: 0
    case .fraction(let fraction): Int((fraction * Double(total)).rounded(.toNearestOrAwayFromZero))
    case .count(let count): count
    }
  }

  /// The same of images that were counted.
  /// - Throws: `DatasetError` where a share of them is not even one.
  public func held(of total: Int) throws(DatasetError) -> Int {
    let held = count(of: total)
    if case .fraction(let fraction) = self, held == 0 {
      throw DatasetError(
        .invalid,
        "dataset.validation: \(fraction) of the \(total) training image\(total == 1 ? "" : "s") is not "
          + "even one to validate on; give a greater share, a count, or 0")
    }
    return held
  }
}
