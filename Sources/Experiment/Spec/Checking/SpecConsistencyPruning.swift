import ConvNet
import Storage

// What making weights 0 in training asks of the rest of a spec.

extension SpecChecker {
  mutating func checkPruning(_ spec: JSONValue, _ plan: NetworkPlan) {
    guard let section = spec["pruning"], !section.isNull,
      let pruning = SpecDescription.trainingPruning.decode(section)
    else { return }
    let path = Path() + "pruning"
    let initial = spec["initial"].flatMap { $0.isNull ? nil : SpecDescription.initial.decode($0) }
    if pruning.initialSparsity > pruning.sparsity {
      report(
        at: path + "initial_sparsity",
        "\(Bounds.text(pruning.initialSparsity)) is more than the sparsity that it leads to, "
          + Bounds.text(pruning.sparsity))
    }
    let last = spec["training"]?["epochs"]?.double ?? .infinity
    if pruning.begin > last {
      report(
        at: path + "begin",
        "\(Bounds.text(pruning.begin)) comes after the last epoch, \(Bounds.text(last))")
    } else if pruning.begin > pruning.end {
      report(
        at: path + "begin",
        "\(Bounds.text(pruning.begin)) comes after the end, \(Bounds.text(pruning.end))")
    } else if pruning.end > last {
      report(
        at: path + "end",
        "\(Bounds.text(pruning.end)) comes after the last epoch, \(Bounds.text(last))")
    }
    if initial?.unfreezeAt != nil {
      report(
        at: Path() + "initial" + "unfreeze_at",
        "layers that learn later would not be pruned with the others; leave this or \"pruning\" out"
      )
    }
    checkPruned(pruning, initial?.frozenLayers(of: plan) ?? [], plan)
  }

  /// That there are kernels to be pruned, which learn.
  private mutating func checkPruned(
    _ pruning: TrainingPruningSpec, _ frozen: Set<String>, _ plan: NetworkPlan
  ) {
    let path = Path() + "pruning" + "layers"
    let labels = plan.layersWithKernels
    let told = problems.count
    check(pruning.weights.layers ?? [], at: path, among: labels, having: "kernels", of: plan)
    for (place, pattern) in (pruning.weights.layers ?? []).enumerated() {
      let named = LayerPattern.matches([pattern], among: labels)
      if !named.isEmpty, named.isSubset(of: frozen) {
        report(
          at: path + place, "\(shortened(pattern)) is frozen (initial.frozen), and stays as it is")
      }
    }
    if problems.count == told, pruning.weights.kernels(of: plan, except: frozen).isEmpty {
      report(at: Path() + "pruning", "no layer with kernels learns, so that none can be pruned")
    }
  }
}
