/// A network as a value: what it is, the numbers it has learned, and what is done to an image before its
/// first layer. `Inference` lets it answer, `Trainer` teaches it.
public struct Model: Sendable {
  public let plan: NetworkPlan
  /// The tensors by name, and where each lies in `weights`.
  public let tensors: [TensorInfo]
  /// What is trained, then what layers keep of batches (moving means and variances).
  public var weights: [Float]
  /// What is done to every image before the first layer; nil for nothing.
  public var normalization: Normalization?

  /// - Parameter weights: as many as the plan's tensors take, with what lies between them.
  init(_ plan: NetworkPlan, weights: [Float], normalization: Normalization?) {
    self.plan = plan
    let layout = TensorLayout(plan)
    precondition(weights.count == layout.count)
    tensors = layout.tensors
    self.weights = weights
    self.normalization = normalization
  }

  /// The tensors that a plan's model has, without their numbers.
  public static func tensors(of plan: NetworkPlan) -> [TensorInfo] { TensorLayout(plan).tensors }

  /// A model that has learned nothing: all its weights are 0.
  public init(_ plan: NetworkPlan) {
    let count = TensorLayout(plan).count
    self.init(plan, weights: Array(repeating: 0, count: count), normalization: nil)
  }

  /// A model whose tensors are given one after another, in the order of `tensors`. Memory is taken as it
  /// is filled, so that what they come from can go tensor by tensor.
  package init(
    _ plan: NetworkPlan, filling fill: (TensorInfo, UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let layout = TensorLayout(plan)
    let slack = Self.slack
    let weights = [Float](unsafeUninitializedCapacity: layout.count + slack) { buffer, count in
      var end = 0
      func clear(until place: Int) {
        buffer[end..<place].initialize(repeating: 0)
        end = place
      }
      for tensor in layout.tensors {
        clear(until: tensor.range.lowerBound)
        fill(tensor, UnsafeMutableBufferPointer(rebasing: buffer[tensor.range]))
        end = tensor.range.upperBound
      }
      clear(until: layout.count)
      count = layout.count
    }
    self.init(plan, weights: weights, normalization: nil)
  }

  /// Floats that vector code may read behind the last one.
  static let slack = 16

  /// A model with the weights that training begins with.
  /// - Throws: `NetworkError` where an orthogonal kernel cannot be made.
  public init(_ plan: NetworkPlan, seed: UInt64) throws(NetworkError) {
    self.init(plan)
    let layout = TensorLayout(plan)
    try weights.withUnsafeMutableBufferPointer { (buffer) throws(NetworkError) in
      try layout.draw(buffer.baseAddress!, seed: seed)
    }
  }

  /// The model up to a layer, whose scores are what that layer gives, its channels running fastest: what
  /// the whole knows of an image, before it says what that means.
  /// - Throws: `NetworkError` where no layer has this label.
  public func ending(in label: String) throws(NetworkError) -> Model {
    var part = Model(try plan.ending(in: label))
    part.normalization = normalization
    let names = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
    for tensor in part.tensors { part[tensor] = self[names[tensor.name]!] }
    return part
  }

  /// A tensor's numbers, in the order of its shape, the last index running fastest.
  public subscript(tensor: TensorInfo) -> ArraySlice<Float> {
    get { weights[tensor.range] }
    set { weights.replaceSubrange(tensor.range, with: newValue) }
  }
}
