import Storage

// What a spec leaves to the model that it begins with is written into it before it is checked, so that a
// resolved spec says what it began with.

extension JSONNode {
  /// The model that an experiment begins with; nil for fresh weights, and where the spec says no path.
  /// - Parameter spec: the file of the spec, from whose folder a path may be meant.
  /// - Throws: what is wrong with it, at its place.
  func readInitialModel(of spec: String) throws(SpecChecker.Problem) -> InitialModel? {
    guard let member = self["initial"]?.value["model"],
      case .string(let path) = member.value.content,
      TextForm.path.matches(path)
    else { return nil }
    func problem(_ message: String) -> SpecChecker.Problem {
      SpecChecker.Problem(
        origin: member.value.origin, path: Path() + "initial" + "model", message: message)
    }
    let beside = specPath(path, besides: spec)
    guard let place = [path, beside].first(where: Files.exists) else {
      let looked = beside == path ? "" : "; looked for in the current folder and in the spec's"
      throw problem("there is no model \(shortened(path))\(looked)")
    }
    do { return try InitialModel(opening: place) } catch { throw problem("\(error)") }
  }

  /// Writes where a model was found and what its digest is into an experiment, where that isn't said.
  mutating func add(_ model: InitialModel) {
    guard case .object(var members) = content,
      let place = members.firstIndex(where: { $0.key == "initial" }),
      case .object(var section) = members[place].value.content
    else { return }
    let origin = members[place].value.origin
    func set(_ key: String, _ text: String) {
      let before = section.first { $0.key == key }
      section.removeAll { $0.key == key }
      section.append(
        Member(
          key: key, keyOrigin: before?.keyOrigin ?? origin,
          value: JSONNode(origin: before?.value.origin ?? origin, content: .string(text))))
    }
    set("model", model.path)
    if section.first(where: { $0.key == "weights_sha256" })?.value.isNull ?? true {
      set("weights_sha256", model.file.weightsDigest)
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

  /// Writes the model of a sweep's base into it, whose trials then all begin with one.
  /// - Parameter told: the base with the values that the sweep sets.
  /// - Throws: what is wrong with the model, at its place.
  package mutating func addInitialModel(
    told: JSONNode, of spec: String
  ) throws(SpecChecker.Problem) {
    // One that is known already need not be there: a sweep that is over is looked at without it.
    guard told["initial"]?.value["weights_sha256"]?.value.isNull ?? true else { return }
    if let model = try told.readInitialModel(of: spec) { add(model) }
  }
}
