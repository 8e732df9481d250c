/// Kernels move by the gradient between two preconditioners (Gupta, Koren and Singer 2018), in the
/// form of Shi et al. 2023, `DistributedShampoo`; m and v as Adam's, β the decay, ε the ridge:
///
///     L = βL + (1−β)GGᵀ     R = βR + (1−β)GᵀG     D = (L̂ + εI)^(−1/4)·m̂·(R̂ + εI)^(−1/4)
///     w −= η·‖A‖/‖D‖·D,     A = m̂/(√v̂ + ε′) Adam's step, whose length it takes over
///
/// L̂, R̂, m̂ and v̂ are corrected for their beginning at zero. With β = 1 the products are summed,
/// and without grafting w −= η·D, as in the first paper. A kernel is the matrix of its layer's product,
/// a convolution's (K·K·C, F): its sides K, K and C alone would be too short to be worth a preconditioner
/// each. A side longer than `largest` has none; the other's power is then −1/2, and a kernel that has
/// none is Adam's, as all else is. The powers are renewed at every so many steps; those before the
/// first are Adam's if there is grafting, and else the first is taken at once.
public struct ShampooDescription: UpdateRule {
  public var beta1: Float
  public var beta2: Float
  /// ε′
  public var epsilon: Float
  /// β
  public var decay: Float
  /// ε
  public var ridge: Float
  public var every: Int
  public var largest: Int
  public var grafts: Bool
  public init(
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, decay: Float = 0.95,
    ridge: Float = 1e-12, every: Int = 10, largest: Int = 1024, grafts: Bool = true
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
    self.ridge = ridge
    self.every = every
    self.largest = largest
    self.grafts = grafts
  }

  /// The rule of all that is no such kernel.
  var other: OptimizerRule {
    .adam(AdamDescription(beta1: beta1, beta2: beta2, epsilon: epsilon, convention: .pytorch))
  }

  package var name: String { "shampoo" }
  package var moments: [String] { ["m", "v"] }
  package var momentumToCycle: Float? { beta1 }
  package func with(momentum: Float) -> ShampooDescription {
    var shampoo = self
    shampoo.beta1 = momentum
    return shampoo
  }
  package var rule: OptimizerRule { .shampoo(self) }
}

/// A kernel's preconditioners, and the memory to work its direction out.
final class Shampoo: KernelRule {
  let parameters: [Int]
  let direction = KernelDirection.step(scale: 1)
  private let description: ShampooDescription
  private let rows: Int
  private let columns: Int
  private let left: Preconditioner?
  private let right: Preconditioner?
  /// (rows, columns)
  private let product: Buffer

  init?(
    parameter: Int, rows: Int, columns: Int, _ description: ShampooDescription, arena: Arena
  ) {
    guard min(rows, columns) > 1, min(rows, columns) <= description.largest else { return nil }
    let power = max(rows, columns) <= description.largest ? -0.25 : -0.5
    parameters = [parameter]
    self.rows = rows
    self.columns = columns
    self.description = description
    left =
      rows <= description.largest ? Preconditioner(rows, power: power, description, arena) : nil
    right =
      columns <= description.largest
      ? Preconditioner(columns, power: power, description, arena) : nil
    product = arena.floats(rows, columns)
  }

  var state: [(name: String, values: Buffer)] {
    [("left", left), ("right", right)].flatMap { side, preconditioner in
      preconditioner.map { [(side, $0.sum), ("\(side)_power", $0.root)] } ?? []
    }
  }

  func direct(_ gradient: UnsafeMutablePointer<Float>, _ moments: MomentRun, at step: KernelStep) {
    let count = rows * columns
    let g = Matrix(gradient, rows: rows, columns: columns)
    let isDue =
      step.number % description.every == 0 || step.number == 1 && !description.grafts
    left?.take(g, g.transposed, step: step.number, renews: isDue)
    right?.take(g.transposed, g, step: step.number, renews: isDue)
    let beta1 = step.momentum ?? description.beta1
    let (a, b) = (1 - beta1, 1 - description.beta2)
    let first = Float(1 / (1 - OptimizerStep.power(Double(beta1), step.number)))
    let second = Float(
      1 / (1 - OptimizerStep.power(Double(description.beta2), step.number)).squareRoot())
    let isAdam = description.grafts && step.number < description.every
    var length = 0.0
    for i in 0..<count {
      let m = moments.first[i] + (gradient[i] - moments.first[i]) * a
      let v = moments.second[i] + (gradient[i] * gradient[i] - moments.second[i]) * b
      (moments.first[i], moments.second[i]) = (m, v)
      let adam = first * m / (v.squareRoot() * second + description.epsilon)
      length += Double(adam) * Double(adam)
      gradient[i] = isAdam ? adam : first * m
    }
    guard !isAdam else { return }
    transform(g)
    guard description.grafts else { return }
    var square = 0.0
    for i in 0..<count { square += Double(gradient[i]) * Double(gradient[i]) }
    let factor = Float(length.squareRoot() / (square.squareRoot() + 1e-16))
    for i in 0..<count { gradient[i] *= factor }
  }

  /// M ← L^p·M·R^p
  private func transform(_ m: Matrix) {
    let x = Matrix(product.base, rows: rows, columns: columns)
    if let left {
      gemm(left.power, m, into: x)
    } else {
      x.base.update(from: m.base, count: product.count)
    }
    if let right {
      gemm(x, right.power, into: m)
    } else {
      m.base.update(from: x.base, count: product.count)
    }
  }
}

/// One side's sum of products, and its power.
private final class Preconditioner {
  let order: Int
  /// (order, order)
  let sum: Buffer
  let root: Buffer
  private let exponent: Double
  private let description: ShampooDescription
  private let product: Buffer
  private let eigen: SymmetricEigenSolver
  private let scaled: DoubleBuffer
  private let result: DoubleBuffer

  init(_ order: Int, power: Double, _ description: ShampooDescription, _ arena: Arena) {
    self.order = order
    exponent = power
    self.description = description
    sum = arena.floats(order, order)
    root = arena.floats(order, order)
    product = arena.floats(order, order)
    eigen = SymmetricEigenSolver(order: order, arena: arena)
    scaled = arena.doubles(order, order)
    result = arena.doubles(order, order)
  }

  var power: Matrix { Matrix(root.base, rows: order, columns: order) }

  /// Takes A·B in, and with `renews` takes the power anew.
  func take(_ a: Matrix, _ b: Matrix, step: Int, renews: Bool) {
    let count = order * order
    let isSum = description.decay == 1
    let share = isSum ? 1 : 1 - description.decay
    let kept = isSum ? 1 : description.decay
    gemm(a, b, into: Matrix(product.base, rows: order, columns: order))
    for i in 0..<count { sum.base[i] = kept * sum.base[i] + share * product.base[i] }
    guard renews else { return }
    let correction =
      isSum ? 1 : 1 / (1 - OptimizerStep.power(Double(description.decay), step))
    var isFinite = true
    for i in 0..<count {
      eigen.matrix[i] = correction * Double(sum.base[i])
      isFinite = isFinite && eigen.matrix[i].isFinite
    }
    guard isFinite, eigen.solve() else {
      // The next loss isn't finite either, and says so.
      root.all.update(repeating: .nan)
      return
    }
    // V·diag(λ^p)·Vᵀ, the eigenvectors one after the other.
    let (vectors, values) = (eigen.matrix, eigen.values)
    for k in 0..<order {
      let value = max(values[k], 0) + Double(description.ridge)
      let factor = Elementary.exp(exponent * Elementary.log(value))
      for i in 0..<order { scaled.base[k * order + i] = factor * vectors[k * order + i] }
    }
    gemm(
      MatrixView(vectors, rows: order, columns: order).transposed,
      scaled.matrix(rows: order, columns: order),
      into: result.matrix(rows: order, columns: order))
    for i in 0..<count { root.base[i] = Float(result.base[i]) }
  }
}
