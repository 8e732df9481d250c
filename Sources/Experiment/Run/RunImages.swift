import ConvNet
import Datasets
import FoundationEssentials

/// The images that an experiment's dataset section stands for, before any of them are held out.
public struct RunImages: Sendable {
  public let train: ImageSet
  /// Nil where the spec reads none.
  public let test: ImageSet?
  public let classNames: [String]
  public let record: RunRecord.Data

  public init(train: ImageSet, test: ImageSet?, classNames: [String], record: RunRecord.Data) {
    self.train = train
    self.test = test
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
    let locator = DatasetLocator(
      dataFolder: dataFolder, environment: ProcessInfo.processInfo.environment)
    var request = section.request()
    if let recorded {
      request.whenUnavailable = nil
      if recorded.standsInFor != nil {
        request.name = recorded.name
        if request.preparation.resize == .none { request.preparation.resize = .bilinear }
      }
    }
    let other: DatasetName? =
      if case .of(let name) = section.test, name != section.name { name } else { nil }
    request.readsTest = other == nil && section.test != .none
    let set = try locator.load(request, threads: threads, progress: progress)
    var test = set.test
    var skipped = set.skipped
    if let other {
      var request = section.request()
      request.name = other.rawValue
      request.trainCount = nil
      request.whenUnavailable = nil
      request.readsTrain = false
      let own = try locator.load(request, threads: threads, progress: progress)
      test = own.test
      skipped += own.skipped
    }
    if let first = skipped.first {
      notice(
        "WARNING: \(skipped.count) image file\(skipped.count == 1 ? "" : "s") cannot be used and "
          + "\(skipped.count == 1 ? "is" : "are") left out, listed in run.json; the first: \(first)"
      )
    }
    let standsInFor = recorded?.standsInFor ?? set.substitution?.name
    if let standsInFor {
      let reason = set.substitution.map { "\($0.reason)\n" } ?? ""
      notice(
        "\(reason)WARNING: \(set.name) stands in for \(standsInFor). Whatever this run measures, it "
          + "measures on \(set.name), not on \(standsInFor).")
    }
    let digest = SHA256.hex(of: Array((set.train.digest + (test?.digest ?? "")).utf8))
    return RunImages(
      train: set.train, test: test, classNames: set.classNames,
      record: .init(
        name: set.name, test: other?.rawValue, digest: digest, training: set.train.digest,
        source: set.provenance.description, standsInFor: standsInFor, skipped: skipped))
  }
}
