import ArgumentParser
import ConvNet
import Datasets
import Experiment
import FoundationEssentials
import Statistics
import Storage
import Sweep

/// McNemar's test of the runs of compared configurations, from what their weights make of the test
/// images.
struct ImageComparison {
  struct Pair {
    let first: RecordedRun
    let second: RecordedRun
    let comparison: Comparison
    let test: McNemar
  }

  private(set) var pairs: [Pair] = []
  /// Why there are not more.
  private(set) var notes: [String] = []

  /// Tests the runs of each comparison that share a seed; where none do, the first run of each.
  init(_ groups: [RunGroup], _ comparisons: [Comparison], _ compute: ComputeOptions) throws {
    var candidates: [(first: RecordedRun, second: RecordedRun, comparison: Comparison)] = []
    var lacking: [String] = []
    var others: [String] = []
    func hasWeights(_ run: RecordedRun) -> Bool {
      if Self.weights(of: run) != nil { return true }
      if !lacking.contains(run.folder.path) { lacking.append(run.folder.path) }
      return false
    }
    for comparison in comparisons {
      let (a, b) = (groups[comparison.first], groups[comparison.second])
      var couples = a.runs.compactMap { run in
        b.runs.first { $0.seed == run.seed }.map { (run, $0) }
      }
      if couples.isEmpty { couples = [(a.runs[0], b.runs[0])] }
      for (first, second) in couples {
        guard first.testImages == second.testImages else {
          others.append(
            "McNemar's test: \(a.label) was tested on \(first.testImages), \(b.label) on "
              + "\(second.testImages).")
          break
        }
        let has = [hasWeights(first), hasWeights(second)]
        if has == [true, true] { candidates.append((first, second, comparison)) }
      }
    }
    if !lacking.isEmpty {
      let shown = lacking.prefix(3).joined(separator: ", ")
      let rest = lacking.count > 3 ? " and \(lacking.count - 3) more" : ""
      others.append(
        "McNemar's test was left out for \(lacking.count) run\(lacking.count == 1 ? "" : "s") without "
          + "tested weights in checkpoints/: \(shown)\(rest).")
    }
    if !candidates.isEmpty {
      let kernel = candidates[0].first.record.environment.kernel
      try compute.useCore((try? BLASCore.resolve(kernel)) ?? "auto")
    }
    var tester = Tester(compute)
    for (first, second, comparison) in candidates {
      guard let a = try tester.test(first), let b = try tester.test(second) else { continue }
      pairs.append(
        Pair(
          first: first, second: second, comparison: comparison,
          test: McNemar(first: a.predictions, second: b.predictions, labels: a.labels)))
    }
    notes = others + tester.notes
  }

  /// The file of the weights that were tested, where it is still there.
  private static func weights(of run: RecordedRun) -> Summary.Weights? {
    guard let weights = run.testedWeights, run.value(of: Figure(.testAccuracy)) != nil else {
      return nil
    }
    return Files.exists(weights == .best ? run.folder.best : run.folder.last) ? weights : nil
  }

  /// Runs networks over test images, each network and each set of images once.
  private struct Tester {
    private let compute: ComputeOptions
    private var images: [String: TestImages] = [:]
    private var reports: [String: TestReport] = [:]
    private(set) var notes: [String] = []

    init(_ compute: ComputeOptions) { self.compute = compute }

    mutating func test(_ run: RecordedRun) throws -> TestReport? {
      if let report = reports[run.folder.path] { return report }
      guard let weights = ImageComparison.weights(of: run), let images = try testImages(of: run)
      else { return nil }
      let report = try run.folder.test(
        weights, spec: run.spec, images: images, threads: compute.threadCount)
      if let recorded = run.value(of: Figure(.testAccuracy)), recorded != report.accuracy {
        notes.append(
          "\(run.folder.path): its weights recognise \(percent(report.accuracy)) here, not the "
            + "\(percent(recorded)) recorded (kernel \(BLASCore.current), recorded with "
            + "\(run.record.environment.kernel)).")
      }
      reports[run.folder.path] = report
      return report
    }

    /// The images that a run was tested on; nil, and a note, where they aren't on this machine.
    private mutating func testImages(of run: RecordedRun) throws -> TestImages? {
      if let loaded = images[run.testImages] { return loaded }
      let locator = DatasetLocator(
        dataFolder: compute.data, environment: ProcessInfo.processInfo.environment)
      let spec = run.spec
      let other: DatasetName? = if case .of(let name) = spec.dataset.test { name } else { nil }
      let name = other?.rawValue ?? run.record.data?.name ?? spec.dataset.name.rawValue
      if let entry = DatasetCatalog[name], !entry.files.isEmpty, !locator.holdsTestImages(of: entry)
      {
        let note =
          "McNemar's test needs \(entry.name), which is not on this machine; "
          + "`runner data fetch \(entry.name)` downloads it."
        if !notes.contains(note) { notes.append(note) }
        return nil
      }
      let loaded = try TestImages.load(
        ofRun: spec.dataset, recorded: run.record.data, dataFolder: compute.data,
        threads: compute.threadCount, progress: { _ in }, notice: { _ in }
      ).images
      images[run.testImages] = loaded
      return loaded
    }
  }
}
