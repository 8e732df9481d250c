/// How a network learns from what others make of its images (Hinton, Vinyals and Dean 2015). With
/// softened probabilities qᵀ = softmax(z/T) of its scores z, and q̄ᵀ the mean of what as many teachers give of
/// the same image,
///
///     L = (1 − α)·L₀ + α·T²·KL(q̄ᵀ ‖ qᵀ)      dz = (1 − α)·dz₀ + α·T·(qᵀ − q̄ᵀ)
///
/// where L₀ is the loss by the label. T² keeps both parts of one size, whatever the temperature.
public struct DistillationDescription: Hashable, Sendable {
  /// T, above 0.
  public var temperature: Float
  /// α, from 0 to 1.
  public var weight: Float

  public init(temperature: Float = 4, weight: Float = 0.9) {
    self.temperature = temperature
    self.weight = weight
  }
}

/// Teachers at work beside the network that they teach: each sees the image that it sees, as it was distorted and
/// mixed, normalised as the teacher's own were.
final class Distillation {
  let description: DistillationDescription
  private let classes: Int
  /// Numbers of an image.
  private let size: Int
  private let teachers: [Inference]
  /// A tile's images before they are normalised, per worker.
  private let images: Buffer
  /// q̄ᵀ of each sample of a batch, (batchSize, classes)
  private let targets: Buffer
  /// qᵀ of one sample, per worker.
  private let softened: Buffer

  /// - Throws: `OutOfMemory`.
  init(
    _ description: DistillationDescription, teachers: [Model], of plan: NetworkPlan,
    batchSize: Int, team: Team
  ) throws(OutOfMemory) {
    precondition(description.temperature > 0 && (0...1).contains(description.weight))
    precondition(!teachers.isEmpty)
    self.description = description
    classes = plan.description.classes
    size = plan.description.input.count
    var networks: [Inference] = []
    for teacher in teachers {
      precondition(teacher.plan.description.input == plan.description.input)
      precondition(teacher.plan.description.classes == plan.description.classes)
      networks.append(try Inference(teacher, team: team, tilesAreWide: false))
    }
    self.teachers = networks
    images = Buffer(team.count * Tile.size * size)
    targets = Buffer(batchSize * classes)
    softened = Buffer(team.count * classes)
  }

  /// Bytes of all that it holds.
  var memory: Int {
    let own = 4 * (images.count + targets.count + softened.count)
    return teachers.reduce(own) { ByteCount.sum($0, $1.arena.bytes, $1.normalizer?.bytes ?? 0) }
  }

  /// The same, known before any of it is taken, but for what normalises the teachers' images.
  static func bytes(of teachers: [NetworkPlan], batchSize: Int, workers: Int) -> Int {
    guard let first = teachers.first?.description else { return 0 }
    let own = ByteCount.sum(
      ByteCount.product(4, workers, Tile.size, first.input.count),
      ByteCount.product(4, ByteCount.sum(batchSize, workers), first.classes))
    return teachers.reduce(own) {
      ByteCount.sum($0, Inference.bytes(of: $1, workers: workers, tilesAreWide: false))
    }
  }

  /// Keeps a tile's images, which are not normalised yet, until its worker's next.
  func take(_ values: UnsafePointer<Float>, of tile: Tile) {
    (images.base + tile.worker * Tile.size * size).update(from: values, count: tile.count * size)
  }

  /// What the teachers make of the images that were kept.
  /// - Parameter change: does to normalised images what is done to the learner's.
  func teach(_ tile: Tile, changing change: (UnsafeMutablePointer<Float>) -> Void) {
    let own = images.base + tile.worker * Tile.size * size
    let targets = self.targets.base + tile.first * classes
    let softened = self.softened.base + tile.worker * classes
    let share = 1 / Float(teachers.count)
    targets.update(repeating: 0, count: tile.count * classes)
    for teacher in teachers {
      let scores = teacher.scores(
        of: own, count: tile.count, worker: tile.worker, changing: change)
      for i in 0..<tile.count {
        _ = soften(scores + i * classes, to: softened)
        for c in 0..<classes { targets[i * classes + c] += share * softened[c] }
      }
    }
  }

  /// softmax(z/T), with the largest z/T and Σ e^(z/T − largest).
  private func soften(
    _ z: UnsafePointer<Float>, to q: UnsafeMutablePointer<Float>
  ) -> (maximum: Float, sum: Float) {
    for c in 0..<classes { q[c] = z[c] / description.temperature }
    return softmax(q, to: q, count: classes)
  }

  /// Makes a sample's loss and its gradient by its scores, those by the label, what they are with the teachers'.
  /// - Parameters:
  ///   - place: of the sample in its batch.
  ///   - scale: what the gradient was multiplied by.
  func mix(
    _ loss: inout Float, _ gradient: UnsafeMutablePointer<Float>, _ z: UnsafePointer<Float>,
    of place: Int, scale: Float, worker: Int
  ) {
    let (alpha, temperature) = (description.weight, description.temperature)
    let target = targets.base + place * classes
    let q = softened.base + worker * classes
    let (maximum, sum) = soften(z, to: q)
    let logSum = Elementary.log(sum)
    var divergence: Float = 0
    let factor = alpha * temperature * scale
    for c in 0..<classes {
      if target[c] > 0 {
        let logarithm = z[c] / temperature - maximum - logSum
        divergence += target[c] * (Elementary.log(target[c]) - logarithm)
      }
      gradient[c] = (1 - alpha) * gradient[c] + factor * (q[c] - target[c])
    }
    loss = (1 - alpha) * loss + alpha * temperature * temperature * divergence
  }
}
