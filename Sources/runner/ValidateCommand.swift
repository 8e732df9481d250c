import ArgumentParser
import ConvNet
import Experiment

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Look for mistakes in a spec, and show the network that it describes.",
    discussion: """
      Prints, layer by layer, the shape of what comes out, the trainable numbers and the \
      floating-point operations for one image, then the memory that training takes and the time \
      that an epoch is expected to take here, from a few steps on blank images.
      """)

  @Argument(help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"))
  var spec: String

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let spec = try ExperimentSpec.load(path: spec, overrides: overrides).spec
    try compute.useKernel(spec.compute.kernel)
    let plan = try NetworkPlan(spec.network)
    print(table(plan))
    let probe = try TrainingProbe(spec, threads: compute.threadCount)
    let (held, images) = spec.dataset.split
    let seconds = probe.secondsPerStep * Double(probe.stepsPerEpoch)
    print()
    print(
      "data       \(spec.dataset.name.rawValue): \(grouped(images)) images to train on, "
        + "\(grouped(held)) to validate on")
    print("memory     \(fixed(Double(probe.memory) / 1e6, 1)) MB besides the data")
    print(
      "time       about \(fixed(seconds, seconds < 10 ? 1 : 0)) s per epoch, "
        + "\(duration(seconds * Double(spec.training.epochs))) for \(spec.training.epochs), with "
        + "\(compute.threadCount) thread\(compute.threadCount == 1 ? "" : "s") and the kernel "
        + "\(Kernel.current) (\(probe.stepsPerEpoch) steps of \(spec.training.batchSize) images; "
        + "augmentation not counted)")
    print("\(self.spec): no errors")
  }

  private func table(_ plan: NetworkPlan) -> String {
    var rows: [[String]] = [["", "layer", "output", "parameters", "MFLOP"]]
    rows.append(["", "input", plan.description.input.description, "", ""])
    for (place, layer) in plan.layers.enumerated() {
      rows.append([
        "model[\(place)]", layer.description.kind, layer.output.description,
        layer.parameters == 0 ? "" : grouped(layer.parameters),
        layer.flops == 0 ? "" : fixed(Double(layer.flops) / 1e6, 3),
      ])
    }
    rows.append([
      "total", "", "", grouped(plan.parameters), fixed(Double(plan.forwardFLOPs) / 1e6, 3),
    ])
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.count)
        line += column < 3 ? cell + space : space + cell
        if column < row.count - 1 { line += "  " }
      }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
