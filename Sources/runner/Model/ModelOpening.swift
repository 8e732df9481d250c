import ConvNet
import Datasets
import Experiment
import Glibc
import Quantization
import Storage
import Sweep

/// A model as the user names it: the folder of a run or of a sweep, or a model.safetensors.
/// - Parameter weights: of a run, which of its weights; nil for those that it was tested with.
func openModel(_ path: String, weights: Summary.Weights? = nil) throws -> ModelFile {
  guard Files.exists(path) else { throw UsageError("\(path): there is no such model") }
  guard Files.isFolder(path) else {
    if weights != nil { throw UsageError("--weights is for the folder of a run") }
    guard try !QuantizedModelFile.isOne(path) else {
      throw UsageError(
        "\(path): is a quantised one, which predict, evaluate, serve, export and tradeoff take; this takes the "
          + "model in floats that it was made of")
    }
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

/// The same, or a quantised model.
func openAnswering(_ path: String, weights: Summary.Weights? = nil) throws -> AnsweringModel {
  guard Files.exists(path), !Files.isFolder(path), try QuantizedModelFile.isOne(path) else {
    return .floats(try openModel(path, weights: weights))
  }
  if weights != nil { throw UsageError("--weights is for the folder of a run") }
  return .integers(try QuantizedModelFile(reading: path))
}

extension IntegerPath {
  /// The one that $RUNNER_INT8 names, else the fastest: all give the same bits.
  /// - Throws: `UsageError` for a name that is none, or a path that this processor doesn't run.
  static func chosen() throws -> IntegerPath {
    guard let name = getenv("RUNNER_INT8").map({ String(cString: $0) }), !name.isEmpty else {
      return .fastest
    }
    let known = allCases.map(\.rawValue).joined(separator: ", ")
    guard let path = IntegerPath(rawValue: name) else {
      throw UsageError("RUNNER_INT8=\(name): is no path of integers; there are \(known)")
    }
    guard path.runs else {
      throw UsageError("RUNNER_INT8=\(name): this processor doesn't run it")
    }
    return path
  }
}

/// Makes this process compute with the kernel that a model was trained with, where this processor runs it:
/// then answers have the bits of the run's own.
func useCore(of file: ModelFile) throws { try useCore(ofKernel: file.kernel) }

func useCore(ofKernel name: String) throws {
  var kernel = name
  do { kernel = try BLASCore.resolve(kernel) } catch {
    kernel = BLASCore.automatic
    Display.say(
      "note: the model was trained with the kernel \(name), which this processor doesn't run; "
        + "with \(kernel) probabilities may differ in their last digits")
  }
  try ComputeOptions(threads: 1, data: nil, quiet: true).useCore(kernel)
}
