import ConvNet
import Datasets

/// The images that an experiment's dataset section stands for, before any of them are held out.
public struct RunImages: Sendable {
  public let train: ImageSet
  /// Nil where the spec reads none.
  public let test: ImageSet?
  /// How many of the training images, the last of them, are there to validate on.
  public let validationCount: Int
  public let classNames: [String]
  public let record: RunRecord.Data

  public init(
    train: ImageSet, test: ImageSet?, validationCount: Int = 0, classNames: [String],
    record: RunRecord.Data
  ) {
    self.train = train
    self.test = test
    self.validationCount = validationCount
    self.classNames = classNames
    self.record = record
  }

  /// Reads the images from disk, downloads them or makes them.
  ///
  /// - Parameters:
  ///   - recorded: what a run that has begun trained on, and which alone will do: a set that stood
  ///     in for another does so again, and nothing stands in for what was the real one.
  ///   - dataFolder: looked into before `$RUNNER_DATA` and `data/`.
  ///   - progress: told how far a download is.
  ///   - notice: told, as sentences to the user, what they must know of the data.
  public static func load(
    _ section: DatasetSpec, recorded: RunRecord.Data?, dataFolder: String?, threads: Int,
    progress: @escaping (DownloadProgress) -> Void, notice: (String) -> Void
  ) throws -> RunImages {
    let locator = DatasetLocator.standard(dataFolder: dataFolder)
    let request = section.request(recorded: recorded)
    let other = section.otherTest
    let set = try locator.load(request, threads: threads, progress: progress)
    var test = set.test
    var (skipped, notes) = (set.skipped, set.notes)
    if let other {
      let own = try locator.load(
        section.testRequest(of: other.rawValue), threads: threads, progress: progress)
      test = own.test
      skipped += own.skipped
      notes += own.notes
    }
    tell(notes: notes, skipped: skipped, "listed in run.json", notice)
    let standsInFor = recorded?.standsInFor ?? set.substitution?.name
    tell(of: set, for: standsInFor, notice)
    let digest = digest(
      training: set.train.digest, test: test?.digest, validationCount: set.validationCount)
    return RunImages(
      train: set.train, test: test, validationCount: set.validationCount,
      classNames: set.classNames,
      record: .init(
        name: set.name, test: other?.rawValue, digest: digest, training: set.train.digest,
        testImages: test?.digest, source: set.provenance.description, standsInFor: standsInFor,
        skipped: skipped, notes: notes, classNames: set.classNames))
  }

  /// Tells of a set that stands in for another.
  static func tell(of set: Dataset, for other: String?, _ notice: (String) -> Void) {
    guard let other else { return }
    let reason = set.substitution.map { "\($0.reason)\n" } ?? ""
    notice(
      "\(reason)WARNING: \(set.name) stands in for \(other). Whatever this run measures, it measures "
        + "on \(set.name), not on \(other).")
  }

  /// Tells what was taken for granted, and what was left out.
  /// - Parameter place: where the files that were left out are listed.
  static func tell(
    notes: [String], skipped: [String], _ place: String, _ notice: (String) -> Void
  ) {
    for note in notes { notice("note: \(note)") }
    guard let first = skipped.first else { return }
    notice(
      "WARNING: \(skipped.count) image file\(skipped.count == 1 ? "" : "s") cannot be used and "
        + "\(skipped.count == 1 ? "is" : "are") left out, \(place); the first: \(first)")
  }
}
