import ConvNet
import Experiment
import HTTPTypes
import Storage
import Synchronization

/// The versions of a model that answer.
struct NamedModel: Sendable {
  let name: String
  /// From the oldest to the newest.
  let versions: [ServedModel]
  let labels: [VersionLabel]

  func version(_ number: Int) -> ServedModel? { versions.first { $0.version == number } }

  func labelled(_ label: String) -> ServedModel? {
    labels.first { $0.name == label }.flatMap { version($0.version) }
  }

  /// The version that answers where none is asked for.
  /// - Parameter ticket: of the request; tickets are spread evenly over [0, 1).
  func version(forTicket ticket: Double) -> ServedModel {
    var upper = 0.0
    for label in labels where label.share > 0 {
      upper += label.share
      if ticket < upper, let version = version(label.version) { return version }
    }
    return labelled("stable") ?? versions.last!
  }
}

/// The models that answer. A new version is read, checked and warmed up beside those that answer, and takes
/// its place in one step; requests that are under way keep the version that they began with.
final class Shelf: Sendable {
  /// What answers at a moment.
  struct Content: Sendable {
    var models: [NamedModel] = []
    fileprivate var stamps: [String: ModelPlaces.Stamp] = [:]
  }

  private let places: ModelPlaces
  private let lanes: Int
  private let loops: Int
  private let keepsFeatures: Bool
  private let shares: [String: Double]
  private let tell: @Sendable (String) -> Void
  private let content = Mutex<Content?>(nil)
  private let tickets = Atomic<UInt64>(0)
  private let loading = Mutex<Void>(())
  private let told = Mutex<Set<String>>([])
  private let failures = Atomic<Int>(0)
  private let swaps = Atomic<Int>(0)

  /// - Parameters:
  ///   - shares: of labels, the part of the requests that ask for no version.
  ///   - keepsFeatures: whether answers keep what the log writes of them.
  ///   - tell: takes what happens to models, a sentence each.
  init(
    _ places: ModelPlaces, lanes: Int, loops: Int, shares: [String: Double],
    keepsFeatures: Bool = false, tell: @escaping @Sendable (String) -> Void
  ) {
    self.places = places
    self.shares = shares
    self.lanes = lanes
    self.loops = loops
    self.keepsFeatures = keepsFeatures
    self.tell = tell
  }

  /// Nil while nothing was loaded yet.
  var models: [NamedModel]? { content.withLock { $0?.models } }
  var isLoaded: Bool { content.withLock { $0 != nil } }
  var loadFailures: Int { failures.load(ordering: .relaxed) }
  var changes: Int { swaps.load(ordering: .relaxed) }

  /// Looks at the models' folders and takes in what has changed. What cannot be read is told, once, and what
  /// answered before in its place goes on.
  /// - Parameter known: models that are read already, by their paths.
  /// - Returns: whether nothing was wrong.
  @discardableResult
  func refresh(known: [String: AnsweringModel] = [:]) -> Bool {
    loading.withLock { _ in
      let found = places.find()
      let before = content.withLock { $0 } ?? Content()
      var now = Content()
      var versions: [String: [ServedModel]] = [:]
      var problems = found.problems
      var isChanged = false
      for place in found.places {
        let old = before.models.lazy.flatMap(\.versions).first { $0.path == place.path }
        var model = old
        if old == nil || before.stamps[place.path] != place.stamp {
          do {
            let file = try known[place.path] ?? ModelPlaces.read(place.path)
            model = try ServedModel(
              file, name: place.name ?? file.name, version: place.version, path: place.path,
              lanes: lanes, loops: loops, keepsFeatures: keepsFeatures)
            isChanged = true
          } catch {
            problems.append("\(error)" + (old == nil ? "" : "; what answered before goes on"))
            failures.wrappingAdd(1, ordering: .relaxed)
          }
        }
        guard let model else { continue }
        if versions[model.name]?.contains(where: { $0.version == model.version }) ?? false {
          problems.append(
            "\(place.path): another model is called \(model.name), too; give NAME=\(place.path)")
          continue
        }
        now.stamps[place.path] = place.stamp
        versions[model.name, default: []].append(model)
      }
      for (name, list) in versions.sorted(by: { $0.key < $1.key }) {
        let sorted = list.sorted { $0.version < $1.version }
        var labels: [VersionLabel] = []
        if let folder = found.labelled.first(where: { $0.name == name }) {
          let old = before.models.first { $0.name == name }?.labels ?? []
          do {
            labels = try VersionLabel.read(
              folder.path, versions: Set(sorted.map(\.version)), shares: shares)
          } catch {
            problems.append("\(error)")
            labels = old.filter { label in sorted.contains { $0.version == label.version } }
          }
          if labels != old { isChanged = true }
        }
        now.models.append(NamedModel(name: name, versions: sorted, labels: labels))
      }
      let count = { (content: Content) in content.models.reduce(0) { $0 + $1.versions.count } }
      if count(now) != count(before) { isChanged = true }
      content.withLock { $0 = now }
      if isChanged {
        swaps.wrappingAdd(1, ordering: .relaxed)
        for model in now.models { tell("serving \(Self.line(model))") }
      }
      told.withLock { told in
        for problem in problems where !told.contains(problem) { tell("WARNING: \(problem)") }
        told = Set(problems)
      }
      return problems.isEmpty
    }
  }

  private static func line(_ model: NamedModel) -> String {
    let versions = model.versions.map { version in
      let labels = model.labels.filter { $0.version == version.version }.map { label in
        label.name + (label.share > 0 ? " \(percent(label.share))" : "")
      }
      let kind = version.isOfIntegers ? ["of 8-bit integers"] : []
      let notes =
        labels + kind + [
          version.tested > 0
            ? "tested by \(version.tested) images of its own" : "without test images of its own"
        ]
      return "\(version.version) (\(notes.joined(separator: ", ")))"
    }
    return "\(model.name), version\(versions.count > 1 ? "s" : "") "
      + versions.joined(separator: ", ")
  }

  /// The version that a request asks for.
  /// - Throws: `Refusal` 404 with the names there are, or 503 while nothing is loaded.
  func model(
    _ name: String?, version: String? = nil, label: String? = nil
  ) throws(Refusal) -> ServedModel {
    let named = try named(name)
    // Version 0 is what OpenVINO's clients call none.
    if let version, version != "0" || named.version(0) != nil {
      guard let number = Int(version), let model = named.version(number) else {
        let there = named.versions.map { "\($0.version)" }.joined(separator: ", ")
        throw Refusal(.notFound, "\(named.name) has no version \(version); there is \(there)")
      }
      return model
    }
    if let label {
      guard let model = named.labelled(label) else {
        let there = named.labels.map(\.name).joined(separator: ", ")
        throw Refusal(
          .notFound,
          "\(named.name) has no label \(label)" + (there.isEmpty ? "" : "; there is \(there)"))
      }
      return model
    }
    let number = tickets.wrappingAdd(1, ordering: .relaxed).oldValue
    // Multiples of the golden ratio: any stretch of requests has nearly its share.
    let spread = number &* 0x9E37_79B9_7F4A_7C15
    return named.version(forTicket: Double(spread >> 11) * 0x1p-53)
  }

  /// - Parameter name: nil for the only one.
  func named(_ name: String?) throws(Refusal) -> NamedModel {
    guard let models else {
      throw Refusal(.serviceUnavailable, "models are being loaded", retryAfter: 1)
    }
    let names = models.map(\.name).joined(separator: ", ")
    guard let name else {
      if models.count == 1 { return models[0] }
      throw models.isEmpty
        ? Refusal(.serviceUnavailable, "there is no model that could be read", retryAfter: 5)
        : Refusal(.badRequest, "say which model, as ?model=\(models[0].name); there is \(names)")
    }
    guard let model = models.first(where: { $0.name == name }) else {
      throw Refusal(.notFound, "there is no model \"\(name)\"; there is \(names)")
    }
    return model
  }
}
