import ConvNet
import Datasets
import FoundationEssentials

/// What a run trains, validates and tests on, as its spec asks for it.
public struct RunData: Sendable {
  public let train: any SampleSource
  public let validation: (any SampleSource)?
  public let test: any SampleSource
  public let classNames: [String]
  public let record: RunRecord.Data

  /// Reads the data from disk, downloads it or makes it.
  ///
  /// - Parameters:
  ///   - recorded: what a run that has begun trained on, and which alone will do: a set that stood
  ///     in for another does so again, and nothing stands in for what was the real one.
  ///   - dataFolder: looked into before `$RUNNER_DATA` and `data/`.
  ///   - progress: told how far a download is.
  ///   - notice: told, as sentences to the user, what they must know of the data.
  public static func load(
    _ spec: ExperimentSpec, recorded: RunRecord.Data?, dataFolder: String?, threads: Int,
    progress: @escaping (DownloadProgress) -> Void, notice: (String) -> Void
  ) throws -> RunData {
    let locator = DatasetLocator(
      dataFolder: dataFolder, environment: ProcessInfo.processInfo.environment)
    let section = spec.dataset
    var request = DatasetRequest(
      section.name.rawValue, trainCount: section.trainCount, testCount: section.testCount,
      syntheticSeed: section.syntheticSeed, whenUnavailable: section.whenUnavailable?.rawValue)
    if let recorded {
      request.whenUnavailable = nil
      if recorded.standsInFor != nil { request.name = recorded.name }
    }
    let hasOwnTest = section.test == nil || section.test == section.name
    if !hasOwnTest { request.testCount = nil }
    let set = try locator.load(request, threads: threads, progress: progress)
    var test = set.test
    if let other = section.test, !hasOwnTest {
      let otherRequest = DatasetRequest(
        other.rawValue, testCount: section.testCount, syntheticSeed: section.syntheticSeed)
      test = try locator.load(otherRequest, threads: threads, progress: progress).test
    }
    let standsInFor = recorded?.standsInFor ?? set.substitution?.name
    if let standsInFor {
      let reason = set.substitution.map { "\($0.reason)\n" } ?? ""
      notice(
        "\(reason)WARNING: \(set.name) stands in for \(standsInFor). Whatever this run measures, it "
          + "measures on \(set.name), not on \(standsInFor).")
    }

    let split = try Split(
      labels: set.train.labels, validation: section.validation.count(of: set.train.count),
      stratified: section.stratified, seed: spec.seed)
    let augmenter =
      spec.augmentation.isEmpty
      ? nil
      : Augmenter(
        ops: spec.augmentation, height: set.train.height, width: set.train.width,
        channels: set.train.channels, seed: spec.seed, workers: threads)
    let digest = SHA256.hex(of: Array((set.train.digest + test.digest).utf8))
    return RunData(
      train: ImageSource(set.train, indices: split.training, augmenter: augmenter),
      validation: split.validation.isEmpty
        ? nil : ImageSource(set.train, indices: split.validation),
      test: ImageSource(test), classNames: set.classNames,
      record: .init(
        name: set.name, test: hasOwnTest ? nil : section.test?.rawValue, digest: digest,
        source: set.provenance.description, standsInFor: standsInFor))
  }
}
