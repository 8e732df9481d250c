import ConvNet
import Datasets
import Experiment
import Storage

/// The images that a quantisation looks at, and those that it is tested on.
struct CalibrationImages {
  let calibration: any ImageSamples
  /// Nil where there are none.
  let test: TestImages?
  /// "500 training images of mnist"
  let description: String

  /// Those of the run that a model is of, or others.
  /// - Throws: `UsageError` for a model of no run without others; `DatasetError`.
  init(
    of path: String, _ model: ModelFile, on other: String?, values: [String], count: Int,
    _ compute: ComputeOptions
  ) throws {
    if let other {
      let images = try EvaluatedImages(other, values: values, for: .floats(model), compute).images
      let chosen = Self.spread(count, of: images.count)
      calibration = ImageSource(images.images, indices: chosen)
      test = images
      description = "\(chosen.count) images of \(images.name), which it is tested on as well"
      return
    }
    guard let folder = try RunFolder.ofModel(model.specDigest, at: path),
      Files.exists(folder.record)
    else {
      throw UsageError(
        "\(path): says of no run on whose images its ranges could be looked up; --on names others")
    }
    let spec = try folder.readResolved()
    let record = try RunRecord(reading: folder.record)
    let loaded = try compute.loadImages(spec.dataset, recorded: record.data)
    let data = try compute.data(of: spec, loaded)
    let chosen = Self.spread(count, of: data.plain.count)
    calibration = ChosenSamples(data.plain, chosen)
    test = loaded.testImages
    let name = record.data?.name ?? spec.dataset.name.rawValue
    description = "\(chosen.count) training images of \(name)"
  }

  /// So many places at equal distances.
  static func spread(_ count: Int, of all: Int) -> [Int32] {
    let count = min(count, all)
    return (0..<count).map { Int32($0 * all / count) }
  }
}

/// Some of a source's samples.
private final class ChosenSamples: ImageSamples {
  private let source: any ImageSamples
  private let chosen: [Int32]

  init(_ source: any ImageSamples, _ chosen: [Int32]) {
    self.source = source
    self.chosen = chosen
  }

  var sampleShape: Shape { source.sampleShape }
  var count: Int { chosen.count }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    source.fill(destination, sample: Int(chosen[sample]), epoch: epoch, worker: worker)
  }
}
