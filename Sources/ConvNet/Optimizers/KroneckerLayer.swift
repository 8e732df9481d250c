// Letters: A and S the moments of a layer's inputs and of the gradients by its outputs; N samples, P
// positions of each.

/// A layer's Fisher matrix as the Kronecker product of two second moments; see `KFACDescription`.
final class KroneckerLayer: KernelRule {
  enum Side: CaseIterable { case inputs, outputs }

  /// Where the products of a batch are found.
  enum Source {
    /// The inputs and gradients of the whole batch are at hand.
    case batch(any WholeBatchLayer)
    /// Each tile's part, at these offsets, which the layer takes in with its backward pass.
    case tiles(Partials, inputs: Int, outputs: Int)
  }

  let parameters: [Int]
  /// How many steps it had been frozen for before it began to learn.
  let after: Int
  let direction = KernelDirection.gradient
  /// ⟨U, V⟩
  private(set) var alignment = 0.0
  /// Whether the blocks of a backward pass are to be taken in.
  var takesBlocks = false

  private let inputs: SecondMoment
  private let outputs: SecondMoment
  private let positions: Int
  private let source: Source
  /// Inputs without the bias's.
  private let patch: Int
  /// Floats from the kernel's gradient to the bias's, if there is one.
  private let biasDistance: Int?
  /// V and U, (inputs, outputs), and what lies between them.
  private let gradient: Buffer
  private let half: Buffer

  init(
    kernel: Int, bias: Int?, in parameters: [Parameter], positions: Int,
    layer: (any WholeBatchLayer)?, tiles: Int,
    arena: Arena
  ) {
    self.parameters = [kernel] + (bias.map { [$0] } ?? [])
    after = parameters[kernel].after
    self.positions = positions
    patch = parameters[kernel].rows
    biasDistance = bias.map { parameters[$0].slot - parameters[kernel].slot }
    inputs = SecondMoment(order: patch + (bias == nil ? 0 : 1), arena: arena)
    outputs = SecondMoment(order: parameters[kernel].columns, arena: arena)
    if let layer {
      source = .batch(layer)
    } else {
      let partials = Partials()
      source = .tiles(
        partials, inputs: partials.reserve(inputs.order * inputs.order),
        outputs: partials.reserve(outputs.order * outputs.order))
      partials.allocate(tiles: tiles, in: arena)
    }
    gradient = arena.floats(inputs.order, outputs.order)
    half = arena.floats(inputs.order, outputs.order)
  }

  var state: [(name: String, values: Buffer)] {
    [("inputs", inputs), ("outputs", outputs)].flatMap { side, moment in
      [(side, moment.average), ("\(side)_inverse", moment.inverse)]
    }
  }

  func moment(_ side: Side) -> SecondMoment { side == .inputs ? inputs : outputs }

  // MARK: moments

  /// Takes the products of a block of a tile in: its columns, (positions, patch), and the gradients,
  /// (positions, outputs).
  func take(_ columns: Matrix, _ gradients: Matrix, of tile: Tile, isFirst: Bool) {
    guard takesBlocks, case .tiles(let partials, let input, let output) = source else { return }
    let part = partials.pointer(tile.index)
    let products = Matrix(part + input, rows: inputs.order, columns: inputs.order)
    Gram.multiply(columns, into: products, accumulate: !isFirst)
    if biasDistance != nil { takeOnes(columns, into: products, accumulate: !isFirst) }
    Gram.multiply(
      gradients, into: Matrix(part + output, rows: outputs.order, columns: outputs.order),
      accumulate: !isFirst)
  }

  /// The last row of AᵀA for inputs with a 1: their sums, and how many they are.
  private func takeOnes(_ x: Matrix, into products: Matrix, accumulate: Bool) {
    let row = products.base + patch * products.stride
    if !accumulate { row.update(repeating: 0, count: patch + 1) }
    addColumnSums(of: x.base, rows: x.rows, columns: patch, to: row)
    row[patch] += Float(x.rows)
  }

  /// Takes some rows of the products of a pass in, and into the average if the pass is the last.
  func take(_ pass: MomentPass, _ side: Side, rows: Range<Int>) {
    let moment = moment(side)
    let sum = Matrix(moment.sum.base, rows: moment.order, columns: moment.order)
    switch source {
    case .batch(let dense):
      let x = side == .inputs ? dense.inputs(of: pass.count) : dense.gradients(of: pass.count)
      Gram.multiply(
        x, rows: rows.clamped(to: 0..<x.columns), into: sum, accumulate: !pass.isFirst)
      if rows.upperBound > x.columns { takeOnes(x, into: sum, accumulate: !pass.isFirst) }
    case .tiles(let partials, let input, let output):
      let offset = side == .inputs ? input : output
      for row in rows {
        let at = row * moment.order
        let target = sum.base + at
        if pass.isFirst { target.update(repeating: 0, count: row + 1) }
        for tile in 0..<Tile.count(of: pass.count) {
          addRun(partials.pointer(tile) + offset + at, to: target, count: row + 1)
        }
      }
    }
    guard let total = pass.total else { return }
    // A is of sums over N samples. The gradients are by the mean loss, each N times too small.
    let (n, p) = (Float(total), Float(positions))
    moment.takeSum(rows: rows, kept: pass.kept, scale: side == .inputs ? 1 / n : n / p)
  }

  func invert(_ side: Side, damping: Double) {
    let ratio = inputs.meanEigenvalue / outputs.meanEigenvalue
    let pi = ratio > 0 && ratio < .infinity ? ratio.squareRoot() : 1
    let root = damping.squareRoot()
    moment(side).invert(damping: side == .inputs ? root * pi : root / pi)
  }

  // MARK: direction

  /// V ← U = A⁻¹·V·S⁻¹
  func direct(_ kernel: UnsafeMutablePointer<Float>, _ moments: MomentRun, at step: KernelStep) {
    let columns = outputs.order
    let v = Matrix(gradient.base, rows: inputs.order, columns: columns)
    let x = Matrix(half.base, rows: inputs.order, columns: columns)
    v.base.update(from: kernel, count: patch * columns)
    let bias = biasDistance.map { kernel + $0 }
    if let bias { (v.base + patch * columns).update(from: bias, count: columns) }
    gemm(v, outputs.inverted, into: x)
    gemm(inputs.inverted, x, into: v)
    var dot = 0.0
    for i in 0..<patch * columns { dot += Double(kernel[i]) * Double(v.base[i]) }
    kernel.update(from: v.base, count: patch * columns)
    if let bias {
      let u = v.base + patch * columns
      for i in 0..<columns { dot += Double(bias[i]) * Double(u[i]) }
      bias.update(from: u, count: columns)
    }
    alignment = dot
  }
}
