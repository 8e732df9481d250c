import Experiment
import Search
import Storage

/// A parameter with where it was written.
struct ReadParameter {
  var parameter: Parameter
  var slot: TrialTemplate.Slot
  /// Where messages say it is.
  var path: Path
  /// The keys of labelled options; nil where they are a list.
  var labels: [String]?
  /// Whether it stands on the command line, where options have no places of their own.
  var isAdHoc: Bool

  var keyOrigin: JSONNode.Origin { slot.keyOrigin }

  func optionPath(_ place: Int) -> Path {
    if isAdHoc { return path }
    let choice = path + "choice"
    return labels.map { choice + $0[place] } ?? choice + place
  }

  /// Whether its value holds what is at a path, or is it.
  func isAround(_ other: Path) -> Bool {
    guard case .path(let path) = slot.target else { return false }
    return other.steps.starts(with: path.steps)
  }
}

extension SweepReader {
  /// The parameters that are right, in the order of the document.
  mutating func readParameters() -> [ReadParameter] {
    guard case .object(let members)? = root["parameters"]?.value.content,
      let checked = checked["parameters"]?.object
    else { return [] }
    var read: [ReadParameter] = []
    for member in members {
      guard let target = TrialTemplate.Slot.Target(member.key) else {
        reportKey(member, "parameters")
        continue
      }
      guard let value = checked[member.key], !value.isNull else { continue }
      let path = place("parameters", member.key)
      if case .path(let target) = target, !isFree(target, member, path, read) { continue }
      if let parameter = parameter(member, target, value, path, read) { read.append(parameter) }
    }
    return read
  }

  /// Whether a key path may be varied, after the parameters before it.
  private mutating func isFree(
    _ target: Path, _ member: JSONNode.Member, _ path: Path, _ before: [ReadParameter]
  ) -> Bool {
    if case .key(let key)? = target.steps.first {
      if key == "seed" {
        report(
          member.keyOrigin, path,
          isAdHoc
            ? "a seed is no parameter but a replicate; give --seeds, such as --seeds 1-3"
            : "a seed is no parameter but a replicate; list them in \"seeds\"")
        return false
      }
      if ["name", "description", "expect", "$schema"].contains(key) {
        report(member.keyOrigin, path, "changes nothing of what is learned")
        return false
      }
    }
    for other in before {
      guard case .path(let earlier) = other.slot.target else { continue }
      if earlier == target {
        report(member.keyOrigin, path, "is given twice")
        return false
      }
      if earlier.steps.starts(with: target.steps) {
        report(
          member.keyOrigin, path,
          "replaces what \(other.parameter.path) has set; move it before that one")
        return false
      }
    }
    return true
  }

  private mutating func parameter(
    _ member: JSONNode.Member, _ target: TrialTemplate.Slot.Target, _ value: JSONValue,
    _ path: Path, _ before: [ReadParameter]
  ) -> ReadParameter? {
    let key: String
    switch target {
    case .path(let path): key = path.description
    case .variable(let name): key = name
    }
    let scale = value["scale"]?.string.flatMap(Domain.Scale.init(rawValue:)) ?? .linear
    var options: [JSONNode] = []
    var labels: [String]?
    var origin = member.value.origin
    let domain: Domain
    if let choice = member.value["choice"]?.value, value["choice"] != nil {
      switch choice.content {
      case .array(let items): options = items
      case .object(let members):
        options = members.map(\.value)
        labels = members.map(\.key)
      default: return nil
      }
      domain = .choice(
        options.enumerated().map { place, node in
          Domain.Option(label: labels?[place] ?? node.value.label, value: node.value)
        })
    } else if let bounds = member.value["range"]?.value, let pair = value["range"]?.array,
      let lower = pair[0].double, let upper = pair[1].double
    {
      origin = bounds.origin
      guard isInterval(lower, upper, scale, bounds, path + "range") else { return nil }
      domain = .range(lower: lower, upper: upper, scale: scale)
    } else if let bounds = member.value["integers"]?.value,
      let pair = value["integers"]?.array, let lower = pair[0].int, let upper = pair[1].int
    {
      origin = bounds.origin
      guard
        isInterval(Double(lower), Double(upper), scale, bounds, path + "integers")
      else { return nil }
      domain = .integers(lower: lower, upper: upper, scale: scale)
    } else {
      return nil
    }
    var condition: Condition?
    if let when = member.value["when"]?.value, !when.isNull {
      guard
        let read = self.condition(
          when, path + "when", of: member.key, before)
      else { return nil }
      condition = read
    }
    let read = ReadParameter(
      parameter: Parameter(key, domain, when: condition, points: value["points"]?.int),
      slot: TrialTemplate.Slot(
        target: target, options: options, origin: origin, keyOrigin: member.keyOrigin),
      path: path, labels: labels, isAdHoc: isAdHoc)
    return areDistinct(read) ? read : nil
  }

  private mutating func isInterval(
    _ lower: Double, _ upper: Double, _ scale: Domain.Scale, _ bounds: JSONNode, _ path: Path
  ) -> Bool {
    guard case .array(let ends) = bounds.content else { return false }
    if lower >= upper {
      report(
        bounds.origin, path,
        "the lower bound, \(ends[0].found), is not less than the upper, \(ends[1].found)")
      return false
    }
    if scale == .log, lower <= 0 {
      report(
        ends[0].origin, path + 0,
        "a log scale begins above 0, not at \(ends[0].found)")
      return false
    }
    return true
  }

  /// Whether no two options are alike, or would look alike in a table.
  private mutating func areDistinct(_ read: ReadParameter) -> Bool {
    guard case .choice(let options) = read.parameter.domain else { return true }
    var values: [JSONValue: Int] = [:]
    var labels: [String: Int] = [:]
    var areDistinct = true
    for (place, option) in options.enumerated() {
      let node = read.slot.options[place]
      if let first = values[option.value.canonical] {
        report(
          node.origin, read.optionPath(place),
          read.labels == nil
            ? "\(node.found) is given twice"
            : "is the same as \(shortened(options[first].label))")
        areDistinct = false
      } else if labels[option.label] != nil {
        report(
          node.origin, read.optionPath(place),
          "two options would be called \(option.label) in tables; label them, as in "
            + "{ \"choice\": { \"a\": …, \"b\": … } }")
        areDistinct = false
      }
      values[option.value.canonical] = values[option.value.canonical] ?? place
      labels[option.label] = place
    }
    return areDistinct
  }

  /// What `{ "optimizer.name": ["sgd"] }` refers to.
  private mutating func condition(
    _ node: JSONNode, _ path: Path, of own: String, _ before: [ReadParameter]
  ) -> Condition? {
    guard case .object(let members) = node.content, let member = members.first,
      members.count == 1, case .array(let items) = member.value.content, !items.isEmpty
    else { return nil }
    let place = path + member.key
    let key = Path(parsing: member.key)?.description ?? member.key
    guard let other = before.firstIndex(where: { $0.parameter.path == key }) else {
      if let isEarlier = isEarlier(key, than: own) {
        // One that comes before but isn't here is wrong, which is told there.
        if !isEarlier {
          report(
            member.keyOrigin, place,
            "a condition looks at a parameter before its own; move \(key) before it")
        }
        return nil
      }
      let near = nearMiss(to: key, among: before.map(\.parameter.path))
      report(
        member.keyOrigin, place,
        "is none of the parameters before this one" + (near.map { "; did you mean \($0)?" } ?? ""))
      return nil
    }
    guard case .choice(let options) = before[other].parameter.domain else {
      report(member.keyOrigin, place, "is not a choice, so that no option can be the condition")
      return nil
    }
    var places: [Int] = []
    for (index, item) in items.enumerated() {
      let value = item.value
      let found = options.firstIndex {
        before[other].labels == nil
          ? $0.value.canonical == value.canonical : .string($0.label) == value
      }
      guard let found else {
        let labels = options.map(\.label)
        let near = value.string.flatMap { nearMiss(to: $0, among: labels) }
        report(
          item.origin, place + index,
          "\(item.found) is no option of \(key)"
            + (near.map { "; did you mean \(JSONValue.quoted($0))?" }
              ?? "; they are " + shortList(labels)))
        return nil
      }
      if places.contains(found) {
        report(item.origin, place + index, "\(item.found) is given twice")
        return nil
      }
      places.append(found)
    }
    return Condition(parameter: other, options: places.sorted())
  }

  /// Whether a parameter is described before another; nil when there is none such.
  private func isEarlier(_ key: String, than own: String) -> Bool? {
    guard case .object(let members)? = root["parameters"]?.value.content else { return nil }
    let keys = members.map { Path(parsing: $0.key)?.description ?? $0.key }
    guard let place = keys.firstIndex(of: key),
      let ownPlace = members.firstIndex(where: { $0.key == own })
    else { return nil }
    return place < ownPlace
  }

  private func shortList(_ labels: [String]) -> String {
    let shown = labels.prefix(8).map(shortened).joined(separator: ", ")
    return labels.count > 8 ? shown + ", …" : shown
  }
}

extension JSONValue {
  /// What tables call a value that has no label.
  var label: String { string ?? compact }

  /// The value with its numbers in one form: 1e-3 and 0.001 are one.
  var canonical: JSONValue {
    switch self {
    case .number(let number):
      if let whole = number.uint64 { return JSONValue(whole) }
      if let whole = number.int { return JSONValue(whole) }
      return JSONValue(number.double)
    case .array(let items): return .array(items.map(\.canonical))
    case .object(let object):
      var result = JSONObject()
      for member in object.members { result[member.key] = member.value.canonical }
      return .object(result)
    default: return self
    }
  }
}
