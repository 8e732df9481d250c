import ConvNet
import Experiment
import Search
import Storage

extension TrialTemplate {
  /// The experiment of a trial: its configuration's, without the test images and what is expected
  /// of them.
  func trial(_ configuration: Configuration, seed: UInt64) throws(SpecErrors) -> ExperimentSpec {
    var experiment = try confirmation(configuration, seed: seed)
    if case .share = experiment.dataset.test {
      // Kept apart all the same.
      experiment.dataset.testCount = 0
    } else {
      experiment.dataset.test = .none
    }
    return experiment
  }

  /// The experiment of a run that confirms the winner: what the base expects isn't asked of it.
  func confirmation(
    _ configuration: Configuration, seed: UInt64
  ) throws(SpecErrors) -> ExperimentSpec {
    var experiment = try experiment(for: configuration, seed: seed)
    experiment.expect = []
    return experiment
  }
}

extension SweepRun {
  /// What a worker is told to do for a stage.
  /// - Throws: `SpecErrors` when the trial's experiment isn't sound.
  func makeTask(_ stage: Plan.Stage) throws -> TrialTask {
    let configuration = plan.trials[stage.id.trial].configuration
    let isConfirmation = stage.id.stage == StageID.confirmation
    let experiment =
      isConfirmation
      ? try template.confirmation(configuration, seed: stage.id.seed)
      : try template.trial(configuration, seed: stage.id.seed)
    let resolved = experiment.resolved()
    // What begins with another run's weights, or is tested, isn't told by its spec alone; and what a
    // population hands on is a checkpoint in the midst of a training, which no completed run has.
    let isPlain =
      stage.parent == nil && !isConfirmation && plan.generation(of: stage.id.trial) == nil
    var task = TrialTask(
      stage: stage.id, experiment: resolved, folder: "\(folder.path)/\(folder.run(of: stage.id))",
      until: stage.until, bar: stage.bar,
      parent: stage.parent.map { parent in
        let id = StageID(trial: parent, seed: stage.id.seed, stage: 0)
        return "\(folder.path)/\(folder.run(of: id))"
      },
      metric: spec.metric, maximizes: spec.maximizes,
      key: isPlain
        ? TrialKey.make(
          experiment: resolved, images: images.record.training, kernel: BLASCore.current) : "")
    if options.rehearsal.trainsNothing { task.rehearsal = .figures }
    if options.rehearsal.trapTrial == stage.id.trial { task.rehearsal = .trap }
    if isConfirmation, options.rehearsal.trapConfirmation == stage.id.seed {
      task.rehearsal = .trap
    }
    return task
  }
}

/// The winner's runs on fresh seeds, which are tested.
enum Confirmation {
  /// None when no trial has a result.
  static func stages(of plan: Plan) -> [Plan.Stage] {
    guard let winner = plan.winner else { return [] }
    return plan.spec.confirmationSeeds.map { seed in
      Plan.Stage(
        id: StageID(trial: winner, seed: seed, stage: StageID.confirmation), until: nil, bar: nil,
        parent: nil)
    }
  }
}
