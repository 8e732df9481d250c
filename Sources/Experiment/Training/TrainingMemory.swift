import ConvNet
import Datasets
import Storage

/// The bytes that an experiment's training takes, known from its spec before any of them is taken.
public struct TrainingMemory: Hashable, Sendable {
  public let network: NetworkFootprint
  /// The images and their labels, as they are kept in memory; 0 where only the files will tell.
  public let images: Int
  /// What is kept of each image instead of working it out again; 0 where only the files will tell.
  public let features: Int
  /// Of the networks that teach; but for what normalises their images.
  public let teachers: Int
  /// What a checkpoint takes on its way to the file: a copy of its tensors, and the file.
  public let checkpoint: Int
  private let threads: Int
  private let isBeginning: Bool

  /// - Parameters:
  ///   - teachers: the networks that it is taught by.
  ///   - isBeginning: whether images are still to be read and threads to be started.
  /// - Throws: `NetworkError` where the network cannot be built.
  public init(
    _ spec: ExperimentSpec, threads: Int, teachers: [NetworkPlan] = [], isBeginning: Bool = true
  ) throws(NetworkError) {
    self.threads = threads
    self.isBeginning = isBeginning
    let split = spec.dataset.split
    let tested = spec.dataset.loadedTestCount ?? 0
    let plan = try NetworkPlan(spec.network)
    let freezings = spec.freezings(of: plan)
    // Of one time after another, that which takes most.
    network = freezings.map { freezing in
      NetworkFootprint(
        plan, loss: spec.loss, optimizer: spec.optimizer, mixing: spec.mixing, freezing: freezing,
        masked: Set(spec.maskedKernels(of: plan).map(\.name)),
        batchSize: spec.training.batchSize, workers: threads,
        normalization: spec.initial?.normalization == .model
          ? .perPixel() : spec.dataset.normalization,
        evaluated: max(split?.validation ?? 0, tested))
    }.max { $0.bytes < $1.bytes }!
    features =
      freezings[0].features == nil
      ? 0
      : KeptFeatures.bytes(
        (split?.training ?? 0) + (split?.validation ?? 0), plan.read(freezings[0]))
    images =
      isBeginning
      ? ByteCount.product(
        (split?.validation ?? 0) + (split?.training ?? 0) + tested,
        spec.dataset.imageShape.count + MemoryLayout<UInt16>.stride) : 0
    self.teachers = NetworkFootprint.bytes(
      ofTeachers: teachers, batchSize: spec.training.batchSize, workers: threads)
    // The model that it begins with takes no more while it is read; and where features are kept, the
    // weights of the best epoch may wait to be written. Where integers come of it, copies of it tell the
    // ranges, and in the end the integers.
    checkpoint = ByteCount.product(
      spec.initial == nil ? 2 : spec.quantization == nil ? 3 : 5, network.checkpoint)
  }

  public var total: Int {
    // One after another: the normalisation is fitted, images are validated, a checkpoint is written.
    ByteCount.sum(
      network.bytes, images, features, teachers,
      max(checkpoint, network.fitting, network.evaluation))
  }

  /// What is mapped besides, most of it never touched, where the calling thread has its part: OpenBLAS's
  /// memory for the products of each other thread and, before any is started, its stack and its heap.
  fileprivate static func mapped(threads: Int, areStarted: Bool) -> Int {
    (threads - 1) * (BLAS.bytesPerThread + (areStarted ? 0 : SystemThread.stackSize + heap))
  }

  /// What the C library keeps for each thread that allocates, at the most.
  private static let heap = 64 << 20

  /// The parts of the total, largest first: "41 MB for the network and its optimizer".
  fileprivate var parts: [String] {
    var parts = [
      (network.bytes, "the network and its optimizer"), (images, "the images"),
      (features, "what initial.features keeps of them"), (teachers, "the teachers"),
    ]
    parts.append(
      network.fitting > checkpoint
        ? (network.fitting, "fitting dataset.normalization")
        : (checkpoint, "writing a checkpoint"))
    return parts.filter { $0.0 >= 500_000 }.sorted { $0.0 > $1.0 }
      .map { "\(MemoryShortage.megabytes($0.0)) for \($0.1)" }
  }

  fileprivate func broken(
    in available: AvailableMemory, processes: Int
  ) -> (bound: AvailableMemory.Bound, needed: Int)? {
    available.broken(
      by: total, untouched: Self.mapped(threads: threads, areStarted: !isBeginning),
      processes: processes)
  }
}

extension ExperimentSpec {
  /// Refuses to begin what will not fit into memory.
  ///
  /// - Parameters:
  ///   - processes: how many train such a network at once, one thread each where there are several.
  ///   - teachers: the networks that each is taught by.
  ///   - isBeginning: whether images are still to be read and threads to be started.
  /// - Throws: `MemoryShortage`, with what is needed, what there is, and what would fit.
  public func checkMemory(
    threads: Int, processes: Int = 1, teachers: [NetworkPlan] = [], isBeginning: Bool = true,
    available: AvailableMemory = AvailableMemory()
  ) throws {
    let memory = try TrainingMemory(
      self, threads: threads, teachers: teachers, isBeginning: isBeginning)
    guard let (bound, needed) = memory.broken(in: available, processes: processes) else { return }
    var text = MemoryShortage.sentence("training \(name) takes", needed, bound)
    var parts = memory.parts
    let mapped = TrainingMemory.mapped(threads: threads, areStarted: !isBeginning)
    if bound.limit.isOfProcess, mapped > 0 {
      parts.append("\(MemoryShortage.megabytes(mapped)) that \(threads) threads may map")
    }
    text += "\n  needed are \(parts.joined(separator: ", "))"
    if processes > 1, !bound.limit.isOfProcess { text += ", in each of \(processes) jobs at once" }
    text += "\n  " + advice(threads, processes, teachers, isBeginning, available)
    throw MemoryShortage(text)
  }

  /// What would fit.
  private func advice(
    _ threads: Int, _ processes: Int, _ teachers: [NetworkPlan], _ isBeginning: Bool,
    _ available: AvailableMemory
  ) -> String {
    func fits(threads: Int, processes: Int, batchSize: Int) -> Bool {
      var spec = self
      spec.training.batchSize = batchSize
      let memory = try? TrainingMemory(
        spec, threads: threads, teachers: teachers, isBeginning: isBeginning)
      return memory.map { $0.broken(in: available, processes: processes) == nil } ?? false
    }
    let batch = training.batchSize
    for fewer in stride(from: processes - 1, to: 0, by: -1)
    where fits(threads: threads, processes: fewer, batchSize: batch) {
      return "--jobs \(fewer) would fit"
    }
    for fewer in stride(from: threads - 1, to: 0, by: -1)
    where fits(threads: fewer, processes: 1, batchSize: batch) {
      return "--threads \(fewer) would fit, and gives the same bits"
    }
    var smaller = batch
    while smaller > 1 {
      smaller = (smaller + 1) / 2
      if fits(threads: threads, processes: 1, batchSize: smaller) {
        return "training.batch_size=\(smaller) would fit"
      }
    }
    return "no training.batch_size would fit: the model has to be smaller, or dataset.shape"
  }

  /// Refuses to keep of so many images what will not fit into memory: known when they have been read.
  /// - Throws: `MemoryShortage`.
  func checkFeatureMemory(
    _ count: Int, _ shape: Shape, available: AvailableMemory = AvailableMemory()
  ) throws {
    let bytes = KeptFeatures.bytes(count, shape)
    guard let (bound, needed) = available.broken(by: bytes, untouched: 0, processes: 1) else {
      return
    }
    throw MemoryShortage(
      MemoryShortage.sentence(
        "to keep what initial.features gives of \(grouped(count)) images takes", needed, bound)
        + "\n  keep what a later layer gives, of which there is less, or leave initial.features out"
    )
  }
}
