import ConvNet
import Datasets
import Experiment
import Storage
import Sweep

/// A model as the user names it: the folder of a run or of a sweep, or a model.safetensors.
/// - Parameter weights: of a run, which of its weights; nil for those that it was tested with.
func openModel(_ path: String, weights: Summary.Weights? = nil) throws -> ModelFile {
  guard Files.exists(path) else { throw UsageError("\(path): there is no such model") }
  guard Files.isFolder(path) else {
    if weights != nil { throw UsageError("--weights is for the folder of a run") }
    return try ModelFile(reading: path)
  }
  let left = "\(path)/model.safetensors"
  // A sweep has a model, too, but is no run; and of a run its model is enough.
  if weights == nil, Files.exists(left),
    SweepFolder(path).isSweep || !Files.exists("\(path)/resolved.json")
  {
    return try ModelFile(reading: left)
  }
  let folder = try openRun(path)
  let status = try RunRecord(reading: folder.record).status
  if status != .completed {
    Display.say(
      "note: the run is not complete (\(status.rawValue)): what answers is what its checkpoints "
        + "hold")
  }
  return try folder.modelFile(weights)
}

/// Makes this process compute with the kernel that a model was trained with, where this processor runs it:
/// then answers have the bits of the run's own.
func useCore(of file: ModelFile) throws {
  var kernel = file.kernel
  do { kernel = try BLASCore.resolve(kernel) } catch {
    kernel = BLASCore.automatic
    Display.say(
      "note: the model was trained with the kernel \(file.kernel), which this processor doesn't run; "
        + "with \(kernel) probabilities may differ in their last digits")
  }
  try ComputeOptions(threads: 1, data: nil, quiet: true).useCore(kernel)
}
