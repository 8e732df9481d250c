import ConvNet

/// A network as people write it: layers in a row, residual blocks, branches and repeats where they are
/// plain, names where they are not.
struct Arrangement {
  private(set) var items: [ModelItem] = []
  /// The nodes of the graph whose tensors the layers have, in the order of the plan.
  private(set) var places: [Int] = []

  private let layers: [ReadableLayer]
  /// Who reads each layer, and at -1 + 1 the images, an entry for each time.
  private let readers: [[Int]]
  /// The first layer that all ways from each lead to.
  private let meetings: [Int]

  /// How deep blocks lie in one another.
  private static let mostDepth = 12

  init(_ graph: Graph) {
    layers = ReadableLayer.all(of: graph)
    var readers = [[Int]](repeating: [], count: layers.count + 1)
    for (place, layer) in layers.enumerated() {
      for input in layer.inputs { readers[input + 1].append(place) }
    }
    self.readers = readers
    var meetings = [Int](repeating: layers.count, count: layers.count + 1)
    for place in meetings.indices.reversed() {
      var meeting: Int?
      for reader in readers[place] {
        guard var known = meeting else {
          meeting = reader
          continue
        }
        var other = reader
        while known != other {
          if known < other {
            known = known < layers.count ? meetings[known + 1] : layers.count
          } else {
            other = other < layers.count ? meetings[other + 1] : layers.count
          }
        }
        meeting = known
      }
      meetings[place] = meeting ?? layers.count
    }
    self.meetings = meetings
    if let whole = row(after: -1, until: layers.count, depth: 0) {
      (items, places) = (Self.repeating(whole.items), whole.places)
    } else {
      (items, places) = flat(layers.indices, after: -1)
    }
  }

  private typealias Row = (items: [ModelItem], places: [Int])

  /// The layers between one and another that all of them lead to; nil where others read or are read on
  /// the way, and names are needed.
  private func row(after start: Int, until end: Int, depth: Int) -> (
    items: [ModelItem], places: [Int], last: Int
  )? {
    var (items, places): ([ModelItem], [Int]) = ([], [])
    var current = start
    while true {
      let next = readers[current + 1]
      guard let first = next.first, first != end || next.count > 1 else {
        return (items, places, current)
      }
      if next.count == 1 {
        guard layers[first].inputs.count == 1 else { return nil }
        items.append(.layer(layers[first].layer))
        places.append(layers[first].place)
        current = first
        continue
      }
      let meeting = meetings[current + 1]
      guard meeting < end, meeting < layers.count, depth < Self.mostDepth else { return nil }
      if let block = block(from: current, to: meeting, depth: depth) {
        items.append(block.item)
        places += block.places
      } else {
        // Names are known in their own list.
        guard depth == 0 else { return nil }
        let region = current + 1...meeting
        if current >= 0 {
          guard let last = items.indices.last else { return nil }
          items[last].name = items[last].name ?? name(current)
        }
        let isOwn = region.allSatisfy { place in
          layers[place].inputs.allSatisfy { $0 >= current }
        }
        guard isOwn else { return nil }
        let row = flat(current + 1..<meeting + 1, after: current)
        items += row.items
        places += row.places
      }
      current = meeting
    }
  }

  private func block(from start: Int, to end: Int, depth: Int) -> (item: ModelItem, places: [Int])?
  {
    guard case .merge(let merge) = layers[end].layer else { return nil }
    let inputs = layers[end].inputs
    var branches = [Row?](repeating: nil, count: inputs.count)
    for (i, input) in inputs.enumerated() where input == start { branches[i] = ([], []) }
    for reader in Set(readers[start + 1]).sorted() where reader != end {
      guard layers[reader].inputs == [start],
        let rest = row(after: reader, until: end, depth: depth + 1),
        let place = inputs.indices.first(where: { inputs[$0] == rest.last && branches[$0] == nil })
      else { return nil }
      branches[place] = (
        Self.repeating([.layer(layers[reader].layer)] + rest.items),
        [layers[reader].place] + rest.places
      )
    }
    var rows: [Row] = []
    for branch in branches {
      guard let branch else { return nil }
      rows.append(branch)
    }
    if merge.merge == .add, rows.count == 2 {
      let isSwapped = rows[1].places.count > rows[0].places.count
      let (body, shortcut) = isSwapped ? (rows[1], rows[0]) : (rows[0], rows[1])
      if !body.items.isEmpty {
        return (
          .residual(body.items, shortcut: shortcut.items, activation: merge.activation),
          body.places + shortcut.places + [layers[end].place]
        )
      }
    }
    guard (2...64).contains(rows.count) else { return nil }
    return (
      .branch(rows.map(\.items), merge: merge.merge, activation: merge.activation),
      rows.flatMap(\.places) + [layers[end].place]
    )
  }

  private func name(_ layer: Int) -> String { layer < 0 ? ModelItem.imagesName : "layer_\(layer)" }

  /// Layers by names, but where each reads the one before it.
  private func flat(_ range: Range<Int>, after start: Int) -> Row {
    var items: [ModelItem] = []
    for place in range {
      let layer = layers[place]
      let before = place == range.lowerBound ? start : place - 1
      let follows = layer.inputs == [before]
      let isNamed = readers[place + 1].contains { $0 != place + 1 || layers[$0].inputs.count > 1 }
      items.append(
        .layer(
          layer.layer, name: isNamed && place < range.upperBound - 1 ? name(place) : nil,
          inputs: follows ? [] : layer.inputs.map(name)))
    }
    return (items, range.map { layers[$0].place })
  }

  // MARK: repeats

  /// Items that come several times, once: blocks, or several layers in a row.
  private static func repeating(_ items: [ModelItem]) -> [ModelItem] {
    var result: [ModelItem] = []
    var place = 0
    while place < items.count {
      var best = (length: 1, times: 1)
      for length in 1...max(1, min(8, (items.count - place) / 2)) {
        let window = items[place..<min(place + length, items.count)]
        guard window.allSatisfy({ $0.name == nil && $0.inputs.isEmpty }) else { break }
        var times = 1
        while place + (times + 1) * length <= items.count,
          items[place + times * length..<place + (times + 1) * length].elementsEqual(window)
        {
          times += 1
        }
        let isPlain = length == 1 && times < 3 && !window.contains(where: \.isBlock)
        if times > 1, !isPlain, (times - 1) * length > (best.times - 1) * best.length {
          best = (length, times)
        }
      }
      if best.times > 1 {
        result.append(.repeated(best.times, Array(items[place..<place + best.length])))
      } else {
        result.append(items[place])
      }
      place += best.times * best.length
    }
    return result
  }
}

extension ModelItem {
  fileprivate var isBlock: Bool { if case .layer = content { false } else { true } }
}
