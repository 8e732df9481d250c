import Datasets
import HTTPTypes
import NIOCore
import NIOPosix
import Storage

/// What answers requests, whatever protocol they are in: the models, the queue before them, and what is kept
/// of each answer.
final class Service: Sendable {
  let shelf: Shelf
  let limits: Limits
  let metrics: Metrics
  let queue: WorkQueue
  let log: LogWriter?
  let feedback: Feedback
  private let lanes: Lanes

  /// - Parameter group: of the connections, which answers what takes a moment.
  init(
    _ shelf: Shelf, _ limits: Limits, lanes: Int, _ group: MultiThreadedEventLoopGroup,
    log: LogWriter?, feedbackFolder: String?
  ) throws {
    self.shelf = shelf
    self.limits = limits
    self.log = log
    queue = WorkQueue(limit: limits.queue)
    metrics = Metrics()
    feedback = Feedback(folder: feedbackFolder)
    self.lanes = try Lanes(lanes, group, queue, metrics)
    metrics.watch(queue)
    metrics.watch(shelf, log)
  }

  /// Lets what waits be answered, and ends the lanes.
  func stop() {
    queue.close()
    lanes.join()
    log?.close()
  }

  func answer(
    _ request: Request, _ route: Route, isDraining: Bool,
    _ done: @escaping @Sendable (Answer) -> Void
  ) {
    do throws(Refusal) {
      switch route {
      case .live: return done(Answer(.ok, ["live": true]))
      case .ready, .health:
        let isReady = shelf.isLoaded && !isDraining && !(shelf.models ?? []).isEmpty
        var json: JSONValue = [
          "status": .string(isReady ? "ok" : isDraining ? "draining" : "loading")
        ]
        if case .ready = route { json["ready"] = .bool(isReady) }
        return done(Answer(isReady ? .ok : .serviceUnavailable, json))
      case .metrics:
        return done(
          Answer(
            .ok, type: "text/plain; version=0.0.4; charset=utf-8", Array(metrics.text.utf8)))
      default: break
      }
      if isDraining {
        throw Refusal(.serviceUnavailable, "the server is being stopped", retryAfter: 5)
      }
      switch route {
      case .page(let name): done(try Page.answer(name))
      case .description: done(Answer(.ok, OpenAPI(models: shelf.models ?? []).description))
      case .models: done(Answer(.ok, try modelsJSON()))
      case .predict: try predict(request, done)
      case .feedback: done(try take(feedback: request))
      case .server: done(Answer(.ok, OpenInference.server))
      case .index: done(Answer(.ok, try OpenInference.index(shelf)))
      case .model(let name, let version, let task):
        let model = try shelf.model(name, version: version)
        switch task {
        case .ready: done(Answer(.ok, ["name": .string(model.name), "ready": true]))
        case .metadata:
          done(
            Answer(
              .ok, OpenInference.metadata(model, try shelf.named(name).versions.map(\.version))))
        case .infer: try infer(request, model, done)
        }
      case .tensorflow(let name, let version, let label, let task):
        switch task {
        case .status:
          done(
            Answer(.ok, try TensorFlowServing.status(shelf, name, version: version, label: label)))
        case .metadata:
          done(
            Answer(
              .ok,
              TensorFlowServing.metadata(
                try shelf.model(name, version: version, label: label))))
        case .predict, .classify:
          let model = try shelf.model(name, version: version, label: label)
          if case .predict = task {
            try tensorFlowPredict(request, model, done)
          } else {
            try tensorFlowClassify(request, model, done)
          }
        }
      case .live, .ready, .health, .metrics: break
      }
    } catch {
      done(Answer(error))
    }
  }

  /// Has a model answer, and keeps what it said.
  /// - Parameters:
  ///   - size: images to be expected.
  ///   - prepare: makes the images, on the thread that answers.
  ///   - answer: what is sent, made there too.
  func ask<Reply: Sendable>(
    _ model: ServedModel, _ request: Request, size: Int,
    _ done: @escaping @Sendable (Result<Reply, Refusal>) -> Void,
    prepare: @escaping @Sendable (ServedModel) throws(Refusal) -> Inputs,
    answer: @escaping @Sendable (Outputs) throws(Refusal) -> Reply
  ) throws(Refusal) {
    let job = Job(model, size: size, deadline: request.deadline, prepare: prepare) {
      [self] result in
      do throws(Refusal) {
        let outputs = try result.get()
        let answer = try answer(outputs)
        metrics.predicted(model, outputs)
        feedback.remember(request.id, model, outputs)
        // Before anybody can say that it was wrong.
        log?.answered(request, model, outputs)
        done(.success(answer))
      } catch {
        done(.failure(error))
      }
    }
    guard lanes.add(job, isShort: request.isShort) else {
      metrics.refusedForQueue()
      throw Refusal(
        .tooManyRequests, "\(queue.waiting) images wait already, and no more may", retryAfter: 1)
    }
  }

  private func modelsJSON() throws(Refusal) -> JSONValue {
    guard let models = shelf.models else {
      throw Refusal(.serviceUnavailable, "models are being loaded", retryAfter: 1)
    }
    return [
      "models": .array(
        models.map { model in
          [
            "name": .string(model.name),
            "versions": .array(
              model.versions.map { version in
                [
                  "version": JSONValue(version.version),
                  "labels": .array(
                    model.labels.filter { $0.version == version.version }
                      .map { .string($0.name) }),
                  "weights_sha256": .string(version.digest),
                  "input": .array(version.inputSizes.map { JSONValue($0) }),
                  "classes": .array(version.classNames.map { .string($0) }),
                  "prepare": JSONValue(version.prepare?.rawValue),
                  "resize": .string(version.preparation.resize.rawValue),
                  "kernel": .string(version.kernel),
                  "test_accuracy": version.testAccuracy.map { JSONValue($0) } ?? .null,
                ]
              }),
          ]
        })
    ]
  }
}
