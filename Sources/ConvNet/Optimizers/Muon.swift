/// The orthogonal direction in which Muon moves a kernel, and the memory to work it out.
///
///     X = G/‖G‖,  five times  A = XᵀX,  B = bA + cA²,  X = aX + XB
///
/// or with XXᵀ and BX where that is the smaller product.
final class Muon: KernelRule {
  let parameters: [Int]
  /// By 0.2·√max(rows, columns)
  let direction: KernelDirection
  private let rows: Int
  private let columns: Int
  private let gram: Buffer
  private let polynomial: Buffer
  private let product: Buffer
  private let description: MuonDescription

  init?(
    parameter: Int, rows: Int, columns: Int, _ description: MuonDescription, arena: Arena
  ) {
    guard min(rows, columns) > 1 else { return nil }
    self.description = description
    parameters = [parameter]
    self.rows = rows
    self.columns = columns
    direction = .step(scale: 0.2 * Float(max(rows, columns)).squareRoot())
    let side = min(rows, columns)
    gram = arena.floats(side, side)
    polynomial = arena.floats(side, side)
    product = arena.floats(rows, columns)
  }

  var state: [(name: String, values: Buffer)] { [] }

  /// Takes the gradient into the velocity and makes it the direction.
  func direct(_ gradient: UnsafeMutablePointer<Float>, _ moments: MomentRun, at step: KernelStep) {
    let count = rows * columns
    let velocity = moments.first
    let momentum = step.momentum ?? description.momentum
    let rest = 1 - momentum
    let isNesterov = description.nesterov
    var squares = 0.0
    for i in 0..<count {
      let g = gradient[i]
      let v = velocity[i] + rest * (g - velocity[i])
      velocity[i] = v
      let direction = isNesterov ? g + momentum * (v - g) : v
      gradient[i] = direction
      squares += Double(direction) * Double(direction)
    }
    let inverse = Float(1 / max(squares.squareRoot(), 1e-7))
    for i in 0..<count { gradient[i] *= inverse }
    let side = min(rows, columns)
    let x = Matrix(gradient, rows: rows, columns: columns)
    let y = Matrix(product.base, rows: rows, columns: columns)
    let a = Matrix(gram.base, rows: side, columns: side)
    let b = Matrix(polynomial.base, rows: side, columns: side)
    for _ in 0..<5 {
      if rows > columns { gemm(x.transposed, x, into: a) } else { gemm(x, x.transposed, into: a) }
      gemm(a, a, into: b)
      for i in 0..<side * side { b.base[i] = -4.7750 * a.base[i] + 2.0315 * b.base[i] }
      if rows > columns { gemm(x, b, into: y) } else { gemm(b, x, into: y) }
      for i in 0..<count { gradient[i] = 3.4445 * gradient[i] + y.base[i] }
    }
  }
}
