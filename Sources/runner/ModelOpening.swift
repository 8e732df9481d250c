import ConvNet
import Datasets
import Experiment

/// A model as the user names it: the folder of a run or of a sweep, or a model.safetensors.
/// - Parameter weights: of a run, which of its weights; nil for those that it was tested with.
func openModel(_ path: String, weights: Summary.Weights? = nil) throws -> ModelFile {
  guard Files.exists(path) else { throw UsageError("\(path): there is no such model") }
  guard Files.isFolder(path) else {
    if weights != nil { throw UsageError("--weights is for the folder of a run") }
    return try ModelFile(reading: path)
  }
  let left = "\(path)/model.safetensors"
  // A sweep has a model, too, but is no run.
  if weights == nil, Files.exists(left) { return try ModelFile(reading: left) }
  return try openRun(path).modelFile(weights)
}

/// Makes this process compute with the kernel that a model was trained with, where this processor runs it:
/// then answers have the bits of the run's own.
func useKernel(of file: ModelFile) throws {
  var kernel = file.kernel
  do { kernel = try Kernel.resolve(kernel) } catch {
    kernel = Kernel.automatic
    Display.say(
      "note: the model was trained with the kernel \(file.kernel), which this processor doesn't run; "
        + "with \(kernel) probabilities may differ in their last digits")
  }
  try ComputeOptions(threads: 1, data: nil, quiet: true).useKernel(kernel)
}
