import Storage

// What a spec leaves to the models that it names is written into it before it is checked, so that a resolved
// spec says what it began with, and what taught it.

/// The models that an experiment names.
struct NamedModels {
  /// What it begins with; nil for fresh weights.
  var initial: FoundModel?
  /// What it is taught by.
  var teachers: [FoundModel] = []
}

extension JSONNode {
  /// The models that an experiment names; none where it says no path.
  /// - Parameter spec: the file of the spec, from whose folder a path may be meant.
  /// - Throws: what is wrong with one, at its place.
  func readModels(of spec: String) throws(SpecChecker.Problem) -> NamedModels {
    var models = NamedModels()
    models.initial = try readModels(.initial, of: spec).first
    models.teachers = try readModels(.teacher, of: spec)
    return models
  }

  private func readModels(
    _ role: FoundModel.Role, of spec: String
  ) throws(SpecChecker.Problem) -> [FoundModel] {
    guard let node = self[role.rawValue]?.value["model"]?.value else { return [] }
    let path = Path() + role.rawValue + "model"
    switch (node.content, role) {
    case (.string(let text), _):
      return try node.readModel(text, at: path, of: spec).map { [$0] } ?? []
    case (.array(let items), .teacher):
      var models: [FoundModel] = []
      for (place, item) in items.enumerated() {
        guard case .string(let text) = item.content,
          let model = try item.readModel(text, at: path + place, of: spec)
        else { return [] }
        models.append(model)
      }
      return models
    default: return []
    }
  }

  private func readModel(
    _ text: String, at path: Path, of spec: String
  ) throws(SpecChecker.Problem) -> FoundModel? {
    guard TextForm.path.matches(text) else { return nil }
    let origin = origin
    func problem(_ message: String) -> SpecChecker.Problem {
      SpecChecker.Problem(origin: origin, path: path, message: message)
    }
    let beside = specPath(text, besides: spec)
    guard let place = [text, beside].first(where: Files.exists) else {
      let looked = beside == text ? "" : "; looked for in the current folder and in the spec's"
      throw problem("there is no model \(shortened(text))\(looked)")
    }
    do { return try FoundModel(opening: place) } catch { throw problem("\(error)") }
  }

  /// Writes where models were found and what their digests are into an experiment, where that isn't said.
  mutating func add(_ models: NamedModels) {
    if let initial = models.initial { add([initial], as: .initial) }
    // Of more than there may be, nothing is said but that.
    if (1...TeacherSpec.most).contains(models.teachers.count) { add(models.teachers, as: .teacher) }
  }

  private mutating func add(_ models: [FoundModel], as role: FoundModel.Role) {
    guard case .object(var members) = content,
      let place = members.firstIndex(where: { $0.key == role.rawValue }),
      case .object(var section) = members[place].value.content
    else { return }
    let sectionOrigin = members[place].value.origin
    func set(_ key: String, _ texts: [String]) {
      let before = section.first { $0.key == key }
      let origin = before?.value.origin ?? sectionOrigin
      // One for one, each stays where it was written.
      var items = texts.map { JSONNode(origin: origin, content: .string($0)) }
      var isListed = texts.count > 1
      if case .array(let written)? = before?.value.content {
        isListed = true
        for (place, item) in written.enumerated() where items.indices.contains(place) {
          items[place].origin = item.origin
        }
      }
      section.removeAll { $0.key == key }
      section.append(
        Member(
          key: key, keyOrigin: before?.keyOrigin ?? sectionOrigin,
          value: isListed ? JSONNode(origin: origin, content: .array(items)) : items[0]))
    }
    set("model", models.map(\.path))
    if section.first(where: { $0.key == "weights_sha256" })?.value.isNull ?? true {
      set("weights_sha256", models.map(\.file.weightsDigest))
    }
    members[place].value.content = .object(section)
    content = .object(members)
  }

  /// Says of a resolved experiment that says nothing of it that a layer's tensors are taken each by itself:
  /// so were all when there was nothing to be said.
  mutating func addTensorsApart() {
    guard case .object(var members) = content,
      let place = members.firstIndex(where: { $0.key == "initial" }),
      case .object(var section) = members[place].value.content,
      !section.contains(where: { $0.key == "whole_layers" })
    else { return }
    let origin = members[place].value.origin
    section.append(
      Member(
        key: "whole_layers", keyOrigin: origin, value: JSONNode(.bool(false), origin: origin)))
    members[place].value.content = .object(section)
    content = .object(members)
  }

  /// Writes the models of a sweep's base into it, which are then those of all trials.
  /// - Parameters:
  ///   - told: the base with the values that the sweep sets.
  ///   - isTried: whether the models of a section are a parameter's, of which each trial reads its own.
  /// - Throws: what is wrong with a model, at its place.
  package mutating func addModels(
    told: JSONNode, of spec: String, exceptWhere isTried: (String) -> Bool
  ) throws(SpecChecker.Problem) {
    for role in [FoundModel.Role.initial, .teacher] where !isTried(role.rawValue) {
      // One that is known already need not be there: a sweep that is over is looked at without it.
      guard told[role.rawValue]?.value["weights_sha256"]?.value.isNull ?? true else { continue }
      let models = try told.readModels(role, of: spec)
      if !models.isEmpty { add(models, as: role) }
    }
  }
}
