import ConvNet
import Storage

/// What a run has begun with and what it is taught by, for its record and for the user.
public struct BeginningNote: Sendable {
  /// Nil for fresh weights.
  public private(set) var initial: RunRecord.Initial?
  public private(set) var teachers: [RunRecord.Teacher] = []
  /// What is told under a word each.
  private var parts: [(label: String, lines: [String])] = []

  /// Whether there is nothing to be told.
  var isEmpty: Bool { parts.isEmpty }

  /// Of fresh weights.
  init() {}

  /// - Parameters:
  ///   - normalization: by what figures the images are normalised.
  ///   - keepsZeros: whether what is 0 stays so.
  ///   - quantization: how it learns to answer in integers, if it does.
  init(
    _ model: FoundModel, _ tensors: InitialTensors, _ initial: InitialSpec, _ plan: NetworkPlan,
    classNames: [String], normalization: String, keepsZeros: Bool,
    quantization: TrainingQuantizationSpec?
  ) {
    let frozen = initial.frozenLayers(of: plan)
    let names = plan.layersWithTensors.filter(frozen.contains)
    self.initial = RunRecord.Initial(model, tensors, initial, frozen: names)
    var lines = tensors.lines
    lines[0] = "\(model.path): \(lines[0])"
    lines.append("images are \(normalization)")
    if let last = plan.layersWithTensors.last, model.file.classNames != classNames,
      InitialTensors.layers(of: tensors.taken).contains(last)
    {
      lines.append("\(last) is taken too, which told other classes apart")
    }
    if model.file.isPruned, !keepsZeros {
      lines.append(
        "\(percent(model.file.model.shareOfZeros)) of its kernels' weights are 0, and are trained as the "
          + "others: \"pruning\": {} keeps them 0")
    }
    parts = [("initial", lines)]
    if let quantization {
      parts.append(("integers", quantization.lines(of: plan, beginningWith: tensors)))
    }
    guard !names.isEmpty else { return }
    lines = [InitialTensors.shown(names)]
    if let epoch = initial.unfreezeAt {
      let later = initial.unfrozenLayers(of: plan)
      lines.append(
        later == frozen
          ? "until epoch \(epoch)"
          : "\(InitialTensors.shown(names.filter(later.contains))) until epoch \(epoch)")
    }
    if let features = initial.features {
      lines.append("what \(features) gives of each image is worked out once")
    }
    let fresh = names.filter(tensors.leavesFresh)
    if !fresh.isEmpty {
      lines.append(
        "WARNING: these stay as they were drawn, for the model has not all of them: "
          + InitialTensors.shown(fresh))
    }
    parts.append(("frozen", lines))
  }

  mutating func add(_ teachers: Teachers, _ dataset: DatasetSpec) {
    self.teachers = teachers.records
    parts.append(("teacher", teachers.lines(dataset)))
  }

  /// For the screen.
  /// - Parameters:
  ///   - indentation: how many spaces each line begins with.
  ///   - column: behind them, where the text begins.
  public func lines(indentation: Int, column: Int) -> [String] {
    func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
    return parts.flatMap { label, lines in
      lines.enumerated().map { place, line in
        let label = place == 0 ? label : ""
        return spaces(indentation) + label + spaces(column - label.count) + line
      }
    }
  }
}

extension InitialSpec {
  /// By what figures images are normalised, as the end of a sentence.
  /// - Parameters:
  ///   - theirs: the model's.
  ///   - own: whether those of the dataset are asked for.
  func normalization(_ theirs: Normalization?, own: Bool) -> String {
    switch normalization {
    case .model:
      theirs == nil
        ? "not normalised, as the model's were not" : "normalised by the model's figures"
    case .dataset:
      (own ? "normalised by figures of their own" : "not normalised")
        + (theirs == nil ? own ? ", where the model's were not" : "" : ", not by the model's")
    }
  }
}

extension ExperimentSpec {
  /// What a run of it would begin with and be taught by; nil for fresh weights and the labels alone.
  /// - Throws: `RecordError` where a model isn't there, or isn't what the spec says; `NetworkError`.
  public func beginning() throws -> BeginningNote? {
    var note = BeginningNote()
    if let initial {
      let model = try FoundModel(initial, places: [])
      note = try beginning(
        model, initial, NetworkPlan(network),
        classNames: dataset.classNames ?? model.file.classNames)
    }
    if let teachers = try Teachers(self, places: []) {
      if let names = dataset.classNames { try teachers.check(classNames: names) }
      note.add(teachers, dataset)
    }
    return note.isEmpty ? nil : note
  }

  func beginning(
    _ model: FoundModel, _ initial: InitialSpec, _ plan: NetworkPlan, classNames: [String]
  ) -> BeginningNote {
    BeginningNote(
      model, initial.tensors(of: model.file.model, for: plan), initial, plan,
      classNames: classNames,
      normalization: initial.normalization(
        model.file.model.normalization, own: dataset.normalization != nil),
      keepsZeros: pruning?.keepsZeros ?? false, quantization: quantization)
  }
}
