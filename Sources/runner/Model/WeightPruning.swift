import ConvNet
import Datasets
import Experiment
import Report
import Storage

// What `runner prune sparsity=…` does.
extension PruneCommand {
  /// Makes weights 0, step by step, and tells what came of it.
  func makeZeros(
    _ steps: PruningSteps, of path: String, _ data: RunData?
  ) throws -> TextDocument {
    let (spec, opened, files) = (steps.spec, steps.opened, steps.files)
    let plan = opened.model.plan
    if let pattern = spec.weights.unmatched(in: plan).first {
      throw UsageError(
        "layers: no layer with kernels is called \"\(pattern)\"; those with are "
          + plan.layersWithKernels.joined(separator: ", "))
    }
    let chosen = spec.weights.kernels(of: plan)
    // What was 0 before stays so, wherever it is.
    let kernels = opened.isPruned ? PrunedWeights().kernels(of: plan) : chosen
    let early = try spec.rewind.map { try earlyModel(after: $0, steps, of: path, data) }

    var (current, pruned) = (opened, opened)
    var trained: RunFolder?
    for (place, title) in steps.titles.enumerated() {
      let zeroed = current.model.pruned(
        chosen, to: spec.sparsity(step: place + 1), by: spec.weights.scope)
      pruned = ModelFile(
        pruning: current, to: early?.masked(as: zeroed, in: kernels) ?? zeroed, named: title)
      if let rewind = spec.rewind { pruned.epoch = Int(rewind) }
      trained = try steps.leave(pruned, title, on: data)
      if let trained { current = try trained.modelFile() }
    }
    let left = kernels.map { Summary.Zeros.Kernel($0, of: pruned.model) }
    let zeros = left.reduce(0) { $0 + $1.zeros }
    let weights = left.reduce(0) { $0 + $1.weights }
    let already = opened.model.zeros(in: kernels)
    let (before, after) = (opened.encoded.count, (trained == nil ? pruned : current).encoded.count)
    let file = "\(files.path(files.title)).safetensors"
    if zeros == already {
      Display.say(
        "note: \(grouped(already)) of \(counted(weights, "weight")) were 0 before, and sparsity="
          + "\(Bounds.text(spec.sparsity!)) makes none more")
    }
    for warning in Summary.Zeros.warnings(of: left) { Display.say(warning) }
    var told: [TextDocument.Fact] = [
      .init("file", .text(file), line: "pruned         \(file)"),
      .init(
        "zeros", .integer(zeros),
        line: "zeros          \(grouped(zeros)) of \(grouped(weights)) weights, "
          + Summary.Zeros.share(zeros, of: weights)
          + (already > 0 ? "; \(grouped(already)) before" : "")),
      .init("zeros_before", .integer(already)),
      .init("weights", .integer(weights)),
      .init(
        "bytes", .integer(after),
        line: "bytes          \(grouped(after)) of \(grouped(before)), "
          + "\(fixed(Double(before) / Double(after), 2)) times fewer; no fewer operations, and no less time"
      ),
      .init("bytes_before", .integer(before)),
    ]
    if let test = data?.testImages {
      told += try tested(opened, spec.rewind == nil ? pruned : nil, trained, on: test)
    }
    told += further(steps, trained)
    var document = TextDocument()
    document.append(told)
    document.append(table(of: left), key: "kernels")
    return document
  }

  /// The weights that the run had early, or those that it would have begun with by another seed.
  private func earlyModel(
    after epochs: Double, _ steps: PruningSteps, of path: String, _ data: RunData?
  ) throws -> Model {
    guard let run = try RunFolder.ofModel(steps.opened.specDigest, at: path), let data else {
      throw UsageError("rewind: \(path) says of no run that could be trained again")
    }
    let record = try Verification.read(run)
    guard epochs < Double(record.epochs) else {
      throw UsageError(
        "rewind: the run trained \(counted(record.epochs, "epoch")), and can be taken back to less")
    }
    if record.spec.initial.map({ $0.frozen != .layers([]) }) ?? false {
      throw UsageError(
        "rewind: the run kept layers frozen (initial.frozen), and what comes of pruning trains all")
    }
    if epochs > 0, !compute.quiet {
      Display.say("training \(run.path) again, as far as epoch \(Bounds.text(epochs))")
    }
    return try record.model(
      after: epochs, seed: steps.spec.seed, data: data, options: compute.runOptions())
  }

  private func table(of kernels: [Summary.Zeros.Kernel]) -> TextTable {
    var table = TextTable([
      .init("kernel"), .init("weights", .right), .init("zeros", .right),
      .init("share", title: "", .right),
    ])
    for kernel in kernels {
      table.append([
        .text(kernel.name), .integer(kernel.weights, grouped(kernel.weights)),
        .integer(kernel.zeros, grouped(kernel.zeros)),
        .number(Double(kernel.zeros) / Double(kernel.weights), kernel.share),
      ])
    }
    return table
  }
}
