import ConvNet
import Datasets
import Storage

/// Classical methods on an experiment's data, so that a network's result can be placed. What a method
/// leaves open (a penalty, a number of neighbours) the validation images choose; the test images choose
/// nothing. Every one learns from the training images as they are, without augmentation.
public final class Baselines {
  public enum Method: String, Hashable, Sendable, CaseIterable {
    case mostFrequent = "most_frequent"
    case leastSquares = "least_squares"
    case ridge
    case logisticRegression = "logistic_regression"
    case nearestNeighbours = "k_nearest_neighbours"
    case componentsAndNeighbours = "pca_k_nearest_neighbours"
    case componentsAndLogistic = "pca_logistic_regression"
    case randomConvolutions = "random_convolutions_ridge"
  }

  /// What came of a method.
  public struct Result: Sendable {
    public let method: Method
    /// What the validation images chose: `alpha = 50`, `k = 3`.
    public let chosen: String
    /// The numbers that it keeps of the training images.
    public let parameters: Int
    public let validationAccuracy: Double
    /// Nil where the spec reads no test images.
    public let testAccuracy: Double?
    /// Of fitting, choosing and testing.
    public let seconds: Double
  }

  /// What is tried: penalties α of ridge regression and λ of logistic regression, the latter per
  /// sample; numbers of neighbours; components.
  public static let alphas = [10_000.0, 1000, 100, 10, 1, 0.1, 0.01]
  public static let penalties = [1e-2, 1e-3, 1e-4, 1e-5]
  public static let neighbours = [1, 3, 5, 7, 9, 15]
  public static let components = [16, 32, 64, 128]

  private let train: any SampleSource
  private let validation: any SampleSource
  private let test: (any SampleSource)?
  private let classes: Int
  private let seed: UInt64
  private let team: Team

  /// - Throws: `RecordError` where no images are held out, for they choose; `ThreadRefused`.
  public init(_ spec: ExperimentSpec, data: RunData, threads: Int) throws {
    guard let validation = data.validation else {
      throw RecordError(
        "dataset.validation",
        "holds no images out, and these are what chooses a method's penalty or neighbours")
    }
    train = data.train
    self.validation = validation
    test = data.test
    classes = data.classNames.count
    seed = spec.seed
    team = try Team(threads: threads)
  }

  /// Refuses to begin what will not fit into memory: the images; as floats, all that neighbours are
  /// looked for among; and the moments of their pixels, with what LAPACK takes for them.
  /// - Throws: `MemoryShortage`.
  public static func checkMemory(_ spec: ExperimentSpec) throws {
    let (pixels, images) = (spec.dataset.imageShape.count, spec.dataset.loadedCount ?? 0)
    let bytes = ByteCount.sum(
      ByteCount.product(images, pixels, 1 + MemoryLayout<Float>.stride),
      ByteCount.product(6, MemoryLayout<Double>.stride, pixels, pixels))
    guard let (bound, needed) = AvailableMemory().broken(by: bytes) else { return }
    throw MemoryShortage(
      MemoryShortage.sentence("learning from \(images) images takes", needed, bound)
        + "\n  a smaller dataset.shape or dataset.train_count needs less")
  }

  /// Fits a method, chooses by the validation images, and tests the one that was chosen.
  public func result(of method: Method) throws -> Result {
    let watch = Stopwatch()
    let fit = try fit(method)
    return Result(
      method: method, chosen: fit.chosen, parameters: fit.parameters,
      validationAccuracy: fit.validationAccuracy,
      testAccuracy: try test.map { $0.accuracy(of: try fit.predict($0)) }, seconds: watch.seconds)
  }

  /// A method that was fitted.
  private struct Fit {
    var chosen: String
    var parameters: Int
    let validationAccuracy: Double
    let predict: (any SampleSource) throws -> Labels
  }

  /// How a method sees a source.
  private typealias View = (any SampleSource) throws -> any SampleSource

  private func fit(_ method: Method) throws -> Fit {
    switch method {
    case .mostFrequent:
      let counts = train.labels.counts(ofClasses: classes)
      let most = counts.firstIndex(of: counts.max()!)!
      return try fit("class \(most)", parameters: 1) { Labels(repeating: most, count: $0.count) }
    case .leastSquares:
      let moments = ClassMoments(train, classes: classes, team: team)
      let components = try PrincipalComponents(moments)
      return try fit("", LinearClassifier(leastSquares: components, moments)) { $0 }
    case .ridge: return try ridge { $0 }
    case .randomConvolutions:
      let (seed, workers) = (seed, team.count)
      return try ridge { try RandomConvolutions($0, seed: seed, workers: workers) }
    case .logisticRegression: return try logistic { $0 }
    case .nearestNeighbours: return try neighbours { $0 }
    case .componentsAndLogistic: return try onComponents { try logistic($0) }
    case .componentsAndNeighbours: return try onComponents { try neighbours($0) }
    }
  }

  private func ridge(_ view: @escaping View) throws -> Fit {
    let moments = ClassMoments(try view(train), classes: classes, team: team)
    var fits: [Fit] = []
    for alpha in Self.alphas {
      fits.append(
        try fit("alpha = \(text(alpha))", LinearClassifier(ridge: alpha, moments), view))
    }
    return best(of: fits)
  }

  private func logistic(_ view: @escaping View) throws -> Fit {
    let source = try view(train)
    var fits: [Fit] = []
    var last: LinearClassifier?
    for penalty in Self.penalties {
      let classifier = LinearClassifier(
        logistic: source, classes: classes, penalty: penalty, from: last, team: team)
      fits.append(try fit("lambda = \(text(penalty))", classifier, view))
      last = classifier
    }
    return best(of: fits)
  }

  private func neighbours(_ view: @escaping View) throws -> Fit {
    let team = team
    let model = NearestNeighbours(try view(train), classes: classes, team: team)
    let counts = Self.neighbours.filter { $0 <= train.count }
    let kept = counts.last!
    let seen = try view(validation)
    let nearest = model.nearest(kept, to: seen, team: team)
    return best(
      of: counts.map { k in
        let voted = model.predictions(of: nearest, kept: kept, voting: k)
        return Fit(
          chosen: "k = \(k)", parameters: model.parameters,
          validationAccuracy: seen.accuracy(of: voted)
        ) { source in
          let nearest = model.nearest(k, to: try view(source), team: team)
          return model.predictions(of: nearest, kept: k, voting: k)
        }
      })
  }

  /// A method on the principal components, of which the validation images choose how many too.
  private func onComponents(_ method: (@escaping View) throws -> Fit) throws -> Fit {
    let basis = try PrincipalComponents(ClassMoments(train, classes: classes, team: team))
    let most = max(1, basis.variances.count(where: { $0 > 0 }))
    let team = team
    var fits: [Fit] = []
    for count in Set(Self.components.map { min($0, most) }).sorted() {
      var fit = try method { ProjectedSource($0, to: count, of: basis, team: team) }
      fit.chosen = "\(count) components, \(fit.chosen)"
      fit.parameters += (count + 1) * basis.mean.count
      fits.append(fit)
    }
    return best(of: fits)
  }

  private func fit(
    _ chosen: String, _ classifier: LinearClassifier, _ view: @escaping View
  ) throws -> Fit {
    let team = team
    return try fit(chosen, parameters: classifier.parameters) {
      classifier.predictions(of: try view($0), team: team)
    }
  }

  private func fit(
    _ chosen: String, parameters: Int, _ predict: @escaping (any SampleSource) throws -> Labels
  ) throws -> Fit {
    Fit(
      chosen: chosen, parameters: parameters,
      validationAccuracy: validation.accuracy(of: try predict(validation)), predict: predict)
  }

  /// The first of those with the highest accuracy on the validation images.
  private func best(of fits: [Fit]) -> Fit {
    let highest = fits.map(\.validationAccuracy).max()!
    return fits.first { $0.validationAccuracy == highest }!
  }

  private func text(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : value.description
  }
}
