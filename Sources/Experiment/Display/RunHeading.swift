import ConvNet
import Datasets

/// What a run tells before it begins: on what it trains, what, and with what.
public struct RunHeading: Hashable, Sendable {
  public let lines: [String]

  public init(_ spec: ExperimentSpec, data: RunData, folder: RunFolder, threads: Int) throws {
    let plan = try NetworkPlan(spec.network)
    let images = data.train.count
    var counts = ["\(grouped(images)) images to train on"]
    if let held = data.validation { counts.append("\(grouped(held.count)) to validate on") }
    if let test = data.test { counts.append("\(grouped(test.count)) to test on") }
    let perStep = spec.training.batchSize * spec.optimizer.accumulation
    let steps = (images + perStep - 1) / perStep
    let network =
      "\(counted(plan.parameters, "parameter")), from \(plan.description.input) to "
      + "\(data.classNames.count) classes"
    let optimizer = spec.resolved()["optimizer"]?["name"]?.string ?? ""
    let training =
      "\(counted(spec.training.epochs, "epoch")) of \(counted(steps, "step")) of "
      + "\(counted(perStep, "image"))"
    lines =
      [
        "\(spec.name): \(folder.path)",
        "  data      \(data.record.name): \(counts.joined(separator: ", "))",
        "  network   \(network)",
        "  training  \(training), by \(optimizer)",
        "  compute   \(counted(threads, "thread")), kernel \(BLASCore.current)",
      ] + (spec.pruningSentence(of: plan).map { ["  pruning   \($0)"] } ?? [])
  }
}
