/// What moves a whole kernel at once, as a matrix of inputs and outputs: it makes the kernel's gradient
/// the direction in which it moves. One worker does a whole kernel.
protocol KernelRule: AnyObject {
  /// The places of the kernel, first, and of what moves with it, in the parameters.
  var parameters: [Int] { get }
  /// What the update does with the direction.
  var direction: KernelDirection { get }
  /// What it remembers besides the moments; a checkpoint must hold it.
  var state: [(name: String, values: Buffer)] { get }

  /// - Parameter gradient: the kernel's, clipped.
  func direct(_ gradient: UnsafeMutablePointer<Float>, _ moments: MomentRun, at step: KernelStep)
}

enum KernelDirection {
  /// w −= η·scale·d
  case step(scale: Float)
  /// It is to the rule of all else what the gradient is.
  case gradient
}

/// A step as such a rule sees it.
struct KernelStep {
  /// From 1.
  let number: Int
  /// The schedule's, where that has a say in it.
  let momentum: Float?
}

extension OptimizerRule {
  /// The kernels that this rule moves so; all else is updated by its `elsewhere`.
  func kernelRules(of parameters: [Parameter], arena: Arena) -> [any KernelRule] {
    parameters.enumerated().compactMap { place, parameter in
      let (rows, columns) = (parameter.rows, parameter.columns)
      guard parameter.role == .kernel, !parameter.isFrozen else { return nil }
      return switch self {
      case .muon(let muon): Muon(parameter: place, rows: rows, columns: columns, muon, arena: arena)
      case .shampoo(let shampoo):
        Shampoo(parameter: place, rows: rows, columns: columns, shampoo, arena: arena)
      default: nil
      }
    }
  }

  /// The rule of what no such rule moves.
  var elsewhere: OptimizerRule {
    switch self {
    case .muon(let muon): muon.other
    case .shampoo(let shampoo): shampoo.other
    case .kfac(let kfac): kfac.other
    default: self
    }
  }
}
