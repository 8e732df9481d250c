import ConvNet

extension GaussianProcess {
  /// What is believed of the hyperparameters before there are data: independent normal
  /// distributions of their logarithms.
  struct Prior {
    /// Of ln ℓ_g.
    var lengthscale = (mean: -0.5, deviation: 1.0)
    /// Of ln(η − `leastNoise`).
    var noise = (mean: -9.0, deviation: 2.0)
    /// Single precision factors no matrix of a few hundred points with less.
    var leastNoise = 1e-6
  }

  /// The process with the hyperparameters of the largest posterior density, the best of several
  /// local searches, whose starts are fixed.
  ///
  /// - Parameter values: mean 0 and deviation 1.
  static func fitted(_ points: Points, values: [Double], prior: Prior = Prior()) -> GaussianProcess
  {
    let groups = points.groups.count
    let squares = points.squares
    func hyperparameters(_ theta: [Double]) -> Hyperparameters {
      Hyperparameters(
        lengthscales: theta.prefix(groups).map { Elementary.exp($0) },
        noise: prior.leastNoise + Elementary.exp(theta[groups]))
    }
    func objective(_ theta: [Double]) -> (value: Double, gradient: [Double])? {
      guard theta.allSatisfy({ abs($0) < 30 }),
        let likelihood = negativeLogLikelihood(
          points, squares: squares, values: values, hyperparameters(theta))
      else { return nil }
      var value = likelihood.value
      var gradient = likelihood.byLogLengthscales
      gradient.append(likelihood.byNoise * Elementary.exp(theta[groups]))
      for i in theta.indices {
        let (mean, deviation) = i < groups ? prior.lengthscale : prior.noise
        let z = (theta[i] - mean) / deviation
        value += 0.5 * z * z
        gradient[i] += z / deviation
      }
      return (value, gradient)
    }
    var best: QuasiNewton.Point?
    for (lengthscale, noise) in [(-0.5, -6.0), (0.7, -9.0), (-1.5, -3.0)] {
      let start = Array(repeating: lengthscale, count: groups) + [noise]
      guard let found = QuasiNewton.minimum(from: start, of: objective) else { continue }
      if found.value < best?.value ?? .infinity { best = found }
    }
    var chosen = hyperparameters(best?.x ?? Array(repeating: -0.5, count: groups) + [-3])
    while true {
      if let process = try? GaussianProcess(points, values: values, chosen) { return process }
      chosen.noise *= 10
    }
  }
}
