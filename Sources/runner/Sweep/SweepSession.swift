import Datasets
import Experiment
import Storage
import Sweep

/// What a sweep needs before it begins: the kernel, the images, the ears for signals.
struct SweepSession {
  private let compute: ComputeOptions

  init(data: String?, jobs: Int, quiet: Bool) {
    compute = ComputeOptions(threads: jobs, data: data, quiet: quiet)
  }

  /// - Parameter adjust: sets what is particular to the command.
  func sweep(
    _ loaded: LoadedSweep, under output: String, adjust: (inout SweepOptions) -> Void
  ) throws -> SweepRun {
    let first = try loaded.spec.firstExperiment()
    try compute.useCore(first.compute.kernel)
    try loaded.spec.checkMemory(jobs: compute.threadCount)
    let images = try compute.loadImages(first.dataset)
    _ = try compute.data(of: first, images)
    let run = compute.runOptions()
    var options = SweepOptions(
      jobs: compute.threadCount, command: run.command, environment: run.environment)
    options.dataFolder = compute.data
    options.isQuiet = compute.quiet
    adjust(&options)
    Interruption.listen()
    return try SweepRun(loaded, under: output, images: images, options: options)
  }
}
