import ConvNet
import Datasets
import Experiment

extension DataCommand.Show {
  /// A row for each of the first training images: the image, then what each epoch makes of it.
  func showAugmented() throws {
    let compute = ComputeOptions(threads: 1, data: dataFolder, quiet: false)
    let spec = try ExperimentSpec.load(
      path: name, overrides: overrides, locator: compute.locator
    ).spec
    let data = try compute.load(spec)
    let view = TrainingView(spec, data)
    let shape = data.train.sampleShape
    var cells: [PNGSheet.Cell] = []
    for sample in 0..<min(count ?? 12, data.train.count) {
      let label = data.train.labels[sample]
      var plain = [Float](repeating: 0, count: shape.count)
      plain.withUnsafeMutableBufferPointer {
        data.plain.fill($0.baseAddress!, sample: sample, epoch: epoch, worker: 0)
      }
      func name(_ label: Int) -> String { SheetText.name(ofClass: label, data.classNames) }
      cells.append(PNGSheet.Cell(label: name(label), pixels: plain.map(Self.byte)))
      for version in 0..<versions {
        let shown = view.show(sample, epoch: epoch + version)
        let classes =
          shown.other.map { "\(name(shown.label))+\(name($0.label))" } ?? name(shown.label)
        cells.append(PNGSheet.Cell(label: classes, pixels: shown.pixels.map(Self.byte)))
      }
    }
    let path = output ?? "\(spec.name).png"
    try PNGSheet.write(cells, of: shape, columns: versions + 1, to: path)
    try Output.print(path)
  }

  private static func byte(_ x: Float) -> UInt8 { UInt8(min(max(x * 255, 0), 255).rounded()) }
}
