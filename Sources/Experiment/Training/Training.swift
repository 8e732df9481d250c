import ConvNet
import Datasets
import Glibc
import Storage
import Watching

extension Run {
  /// Trains from the folder's last checkpoint, or from the start where there is none, to the end.
  ///
  /// Every epoch trains on all images, the last batch holding what is left over. Its learning rate
  /// is the schedule's at each step; what metrics.csv records is that of the epoch's last step.
  ///
  /// - Parameter note: is told what it began with, where that isn't fresh weights.
  func train(note: (BeginningNote) throws -> Void) throws -> RunOutcome {
    let team = try Team(threads: options.threads)
    let isResumed = Files.exists(folder.last)
    let plan = try NetworkPlan(spec.network)
    let images = data.train.count
    let extent = TrainingExtent(spec, images: images)
    let stepsPerEpoch = extent.stepsPerEpoch
    func freezing(epoch: Int) -> Freezing {
      spec.freezing(epoch: epoch, stepsPerEpoch: stepsPerEpoch, of: plan)
    }
    let teachers = try Teachers(spec, places: options.teacherPlaces)
    // What a trainer is replaced by where layers begin to learn is made when it is gone.
    var current: Trainer? =
      try isResumed
      ? Trainer(
        spec, classWeights: data.record.classWeights, freezing: freezing(epoch: trainedEpoch()),
        teachers: teachers, team: team)
      : Trainer(
        spec, trainedOn: data, places: options.initialPlaces, teachers: teachers, team: team,
        note: note)
    var learningRate = LearningRate(
      base: spec.optimizer.learningRate, schedule: spec.schedule, warmup: spec.warmup,
      stepsPerEpoch: stepsPerEpoch)

    var state = TrainingState()
    state.watch = watched
    let sparsity = spec.pruning?.schedule(stepsPerEpoch: stepsPerEpoch)
    if isResumed {
      state = try restore(current!, from: state, learningRate, in: extent)
    } else {
      prune(current!, to: sparsity?.sparsity(after: 0))
    }
    learningRate.plateau = state.plateau
    var metrics = try openMetrics(at: isResumed ? state.metricsLength : nil)
    var timing = try openTiming(before: state.epoch)
    (state.metricsLength, state.metricsDigest) = (metrics.length, metrics.digest)
    var display = Display(options.display, epochs: spec.training.epochs, images: images)
    defer { display.clear() }

    let (source, held) = try read(by: current!)
    var checkpoints = CheckpointWriter(folder, isSparing: current!.freezing.features != nil)
    var batches = Batches(
      of: images, size: current!.imagesPerStep, seed: spec.seed, epoch: state.epoch,
      stepInEpoch: state.stepInEpoch, step: state.step)
    var row: (epoch: Int, text: String)?
    while state.finish == nil {
      if try isToStop(before: state, after: row) {
        return .interrupted(signal: 0, step: state.step)
      }
      let now = freezing(epoch: state.epoch)
      if now != current!.freezing {
        let taken = current!.taken
        current = nil
        current = try Trainer(
          spec, classWeights: data.record.classWeights, freezing: now, teachers: teachers,
          team: team)
        current!.goOn(from: taken)
        if options.display != .quiet { Display.say("epoch \(state.epoch): \(Self.unfrozen(now))") }
      }
      let trainer = current!
      let (seenBefore, watch) = (state.seen, Stopwatch())
      display.beginEpoch(seen: seenBefore)

      while state.stepInEpoch < stepsPerEpoch {
        let batch = batches.take()
        let result = trainer.train(
          on: batch, of: source, learningRate: learningRate.rate(step: state.step),
          momentum: learningRate.momentum(step: state.step))
        guard result.isFinite else { return .diverged(divergence(of: trainer, state)) }
        state.step += 1
        state.stepInEpoch += 1
        prune(trainer, to: sparsity?.sparsity(after: state.step))
        if let averaging = spec.optimizer.averaging,
          averaging.includes(step: state.step, stepsPerEpoch: stepsPerEpoch)
        {
          trainer.average()
        }
        state.lossSum += result.lossSum
        state.correct += result.correct
        state.seen += batch.samples.count

        if state.step == options.killAtStep { kill(getpid(), SIGKILL) }
        if state.step == options.stopAtStep { Interruption.request(SIGUSR1) }
        if state.stepInEpoch < stepsPerEpoch {
          if Interruption.signal != nil || state.step == options.stopAfterStep {
            try checkpoints.save(state, trainer, isNeeded: true)
            return .interrupted(signal: Interruption.signal ?? 0, step: state.step)
          }
          if let every = spec.checkpoint.everySteps, state.step % every == 0 {
            try checkpoints.save(state, trainer, isNeeded: true)
          }
        }
        display.update(state)
      }
      let trainSeconds = watch.seconds

      let validationWatch = Stopwatch()
      display.validating(state)
      let measured = trainer.withAverage {
        held.map {
          MeasuredImages(trainer.inference, $0, loss: trainer.lossDescription, data.metrics)
        }
      }
      let validation = measured?.result
      if let validation, !validation.lossSum.isFinite {
        return .diverged("the validation loss after step \(state.step) is not finite")
      }
      let figures = EpochRow(
        epoch: state.epoch, step: state.step,
        learningRate: learningRate.rate(step: state.step - 1),
        trainLoss: state.lossSum / Double(images),
        trainAccuracy: Double(state.correct) / Double(images),
        valLoss: validation?.loss, valAccuracy: validation?.accuracy,
        metrics: measured?.metrics ?? [])
      let pace = TimingRow(
        epoch: state.epoch, trainSeconds: trainSeconds, valSeconds: validationWatch.seconds,
        imagesPerSecond: Double(images - seenBefore) / trainSeconds)

      let verdict = state.finishEpoch(
        figures, &learningRate, of: spec.training.epochs, unwatched: extent.unwatched,
        stopsEarly: spec.earlyStopping != nil)
      if verdict == .improved {
        try trainer.withAverage { try checkpoints.keepBest(trainer, epoch: state.epoch) }
      }

      let text = figures.csv(with: spec.metrics)
      row = (state.epoch, text)
      try metrics.append(text)
      try timing.append(pace.csv)
      display.endEpoch(figures, pace, isBest: verdict == .improved)
      (state.metricsLength, state.metricsDigest) = (metrics.length, metrics.digest)
      state.beginNextEpoch()
      try checkpoints.save(
        state, trainer,
        isNeeded: state.finish != nil || Interruption.signal != nil || options.mayStop)
      if state.finish == nil, let signal = Interruption.signal {
        return .interrupted(signal: signal, step: state.step)
      }
    }
    return .completed(try finish(current!, state))
  }

  private func prune(_ trainer: Trainer, to sparsity: Double?) {
    guard let pruning = spec.pruning, let sparsity else { return }
    let kernels = spec.prunedKernels(of: trainer.model.plan)
    trainer.prune(to: sparsity, by: pruning.weights.scope, in: kernels.map(\.name))
  }

  /// Whether the options end the run here, between two epochs.
  /// - Parameter row: of metrics.csv, the last that this process wrote.
  private func isToStop(
    before state: TrainingState, after row: (epoch: Int, text: String)?
  ) throws -> Bool {
    if let last = options.stopAfterStep, state.step >= last { return true }
    guard state.epoch > 1, state.stepInEpoch == 0 else { return false }
    if let rows = options.expectedRows, let row, rows.indices.contains(row.epoch - 1),
      rows[row.epoch - 1] != row.text
    {
      return true
    }
    if let last = options.stopAfterEpoch, state.epoch > last { return true }
    return try options.bar?.isMissed(by: EpochRow.read(folder.metrics)) ?? false
  }

  /// The rule that says which epoch is best: early stopping's own; else the least val_loss, without
  /// ever stopping; none without validation.
  private var watched: EarlyStopping? {
    if let rule = spec.earlyStopping {
      return EarlyStopping(
        monitor: rule.monitor, patience: rule.patience, minDelta: rule.minDelta)
    }
    return data.validation == nil ? nil : EarlyStopping(monitor: .valLoss, patience: .max)
  }

  /// metrics.csv, to go on after `length` bytes, or from its beginning. What a run that was killed
  /// before its first checkpoint wrote is begun anew.
  private func openMetrics(at length: Int?) throws -> CSVLog {
    if let length { return try CSVLog.resume(folder.metrics, at: length) }
    Files.remove(folder.metrics)
    return try CSVLog.create(folder.metrics, header: EpochRow.header(with: spec.metrics))
  }

  /// What is known of where the loss stopped being finite.
  private func divergence(of trainer: Trainer, _ state: TrainingState) -> String {
    let layer = trainer.firstNonFiniteLayer()
    let tensor = trainer.tensors.first { tensor in
      !trainer.parameters[tensor.range].allSatisfy(\.isFinite)
    }
    var text = "the loss of step \(state.step + 1) (epoch \(state.epoch)) is not finite"
    if let layer { text += "; the first output that isn't is that of \(layer)" }
    if let tensor { text += "; the weights \(tensor.name) are not finite either" }
    return text
  }

  /// Tests the weights that the spec asks for, and writes summary.json.
  private func finish(_ trainer: Trainer, _ state: TrainingState) throws -> Summary {
    let lastDigest = Checkpoint.digest(of: trainer)
    let rows = try EpochRow.read(folder.metrics)
    var testedEpoch = rows.count
    var bestDigest: String?
    // What never had a value has no best epoch.
    let watch = state.watch.flatMap { $0.bestEpoch > 0 ? $0 : nil }
    let wantsBest = watch != nil && spec.earlyStopping?.restoreBest ?? false
    var model = trainer.withAverage { trainer.model }
    if let watch {
      let (best, epoch) = try Checkpoint.model(
        folder.best, trainer.plan, epochs: spec.training.epochs)
      guard epoch == watch.bestEpoch else {
        throw RecordError(
          folder.best, "holds the weights of epoch \(epoch), not of \(watch.bestEpoch), the best")
      }
      bestDigest = Checkpoint.digest(of: best)
      if wantsBest { (testedEpoch, model) = (epoch, best) }
    }
    // Nothing is trained any more: what answered while it was answers now.
    trainer.model = model
    let inference = trainer.inference
    let measured = data.test.map {
      MeasuredImages(inference, $0, loss: trainer.lossDescription, data.metrics)
    }
    var summary = Summary(
      testLoss: measured?.result.loss, testAccuracy: measured?.result.accuracy,
      testMetrics: measured?.metrics ?? [],
      testedWeights: wantsBest ? .best : .last, stopReason: state.finish!.rawValue,
      last: rows.last!, tested: rows[testedEpoch - 1],
      monitor: state.watch?.monitor, best: watch?.best, bestEpoch: watch?.bestEpoch,
      parameters: model.plan.parameters, weightsDigest: lastDigest,
      bestWeightsDigest: bestDigest, metricsDigest: state.metricsDigest!, dataset: data.record.name,
      testDataset: data.record.test, standsInFor: data.record.standsInFor)
    if let augmentation = spec.testTimeAugmentation, let test = data.testImages {
      summary.averaged = AveragedViews(
        inference, test.views(augmentation, of: spec, threads: options.threads))
    }
    if let validation = data.validation as? ImageSource {
      let digest = Checkpoint.digest(of: model)
      // One for sixteen that were trained on: a twentieth of the training's time.
      try ValidationProfile(
        validation, by: inference, modelDigest: digest, seed: spec.seed,
        spoiled: rows.count * data.train.count / 16
      )?.write(to: folder.profile)
    }
    let file = modelFile(of: model, summary)
    try file.write(to: folder.model)
    if spec.pruning != nil {
      summary.zeros = Summary.Zeros(file, spec.maskedKernels(of: model.plan))
    }
    summary.integers = try finishIntegers(file, team: trainer.team)
    if data.record.standsInFor == nil { summary.checks = try checks(of: summary, file) }
    try AtomicFile.write(summary.json.pretty, to: folder.summary)
    return summary
  }
}
