import ConvNet
import Storage

extension Numerics {
  /// What a spec means that says nothing of it: the newest, but in the resolved.json of a run, which says
  /// everything, the first, for there were no others then.
  package static func unsaid(in file: String) -> Numerics {
    file.split(separator: "/").last == "resolved.json" ? .first : .newest
  }
}

extension JSONNode {
  /// Says which numerics an experiment is of where it says nothing of that: the newest in a spec that is
  /// written down for later, the first in a resolved one, which was made when there were no others.
  package mutating func add(_ numerics: Numerics) {
    if numerics == .first { addTensorsApart() }
    guard case .object(var members) = content else { return }
    let place = members.firstIndex { $0.key == "compute" && !$0.value.isNull }
    var section: [Member] = []
    if let place {
      guard case .object(let said) = members[place].value.content else { return }
      section = said
    }
    guard section.first(where: { $0.key == "numerics" })?.value.isNull ?? true else { return }
    section.removeAll { $0.key == "numerics" }
    let origin = place.map { members[$0].value.origin } ?? self.origin
    section.append(
      Member(
        key: "numerics", keyOrigin: origin,
        value: JSONNode(JSONValue(numerics.rawValue), origin: origin)))
    let compute = JSONNode(origin: origin, content: .object(section))
    if let place {
      members[place].value = compute
    } else {
      members.removeAll { $0.key == "compute" }
      members.append(Member(key: "compute", keyOrigin: origin, value: compute))
    }
    content = .object(members)
  }
}
