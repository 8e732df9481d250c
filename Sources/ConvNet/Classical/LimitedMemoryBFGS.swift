/// Finds the minimum of a convex function of many numbers by L-BFGS: the inverse Hessian from the last
/// steps alone (Nocedal and Wright, "Numerical optimization", 2006, algorithm 7.4), with a line search
/// that halves the step until Armijo's condition holds.
enum LimitedMemoryBFGS {
  /// Steps that are remembered.
  private static let memory = 10

  private struct Step {
    let s, y: [Double]
    /// sᵀy
    let product: Double
  }

  /// - Parameter tolerance: the search ends when no entry of the gradient is larger.
  static func minimum(
    from start: [Double], iterations: Int, tolerance: Double,
    of function: ([Double]) -> (value: Double, gradient: [Double])
  ) -> [Double] {
    var x = start
    var (value, gradient) = function(x)
    var steps: [Step] = []
    for _ in 0..<iterations {
      guard gradient.contains(where: { abs($0) > tolerance }) else { break }
      let direction = direction(gradient, steps)
      let slope = dot(direction, gradient)
      guard slope < 0 else { break }
      // The first step has no scale to go by.
      var scale = steps.isEmpty ? min(1, 1 / dot(gradient, gradient).squareRoot()) : 1
      var next: (x: [Double], value: Double, gradient: [Double])?
      for _ in 0..<30 {
        let there = zip(x, direction).map { $0 + scale * $1 }
        let found = function(there)
        if found.value <= value + 1e-4 * scale * slope {
          next = (there, found.value, found.gradient)
          break
        }
        scale /= 2
      }
      guard let next else { break }
      let s = zip(next.x, x).map(-)
      let y = zip(next.gradient, gradient).map(-)
      let product = dot(s, y)
      if product > 1e-14 * dot(y, y) {
        if steps.count == memory { steps.removeFirst() }
        steps.append(Step(s: s, y: y, product: product))
      }
      (x, value, gradient) = next
    }
    return x
  }

  /// −H·g, H the inverse Hessian that the steps tell of.
  private static func direction(_ gradient: [Double], _ steps: [Step]) -> [Double] {
    var q = gradient.map { -$0 }
    var shares: [Double] = []
    for step in steps.reversed() {
      let share = dot(step.s, q) / step.product
      for i in q.indices { q[i] -= share * step.y[i] }
      shares.append(share)
    }
    if let last = steps.last {
      let scale = last.product / dot(last.y, last.y)
      for i in q.indices { q[i] *= scale }
    }
    for (step, share) in zip(steps, shares.reversed()) {
      let rest = share - dot(step.y, q) / step.product
      for i in q.indices { q[i] += rest * step.s[i] }
    }
    return q
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }
}
