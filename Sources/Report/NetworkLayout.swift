/// Where a network's boxes and lines go, in rows and lanes.
///
/// A box lies a row below the last that it reads, in the lane of the first where that is free, so
/// that a block's layers stay in one lane. A line past other boxes runs down a lane that is free, or
/// else a track between two lanes.
struct NetworkLayout {
  enum Route: Equatable {
    /// From its row to the next.
    case near
    /// Down the lane.
    case lane(Int)
    /// Down a track to the right of the lane.
    case track(lane: Int, Int)
  }

  struct Line: Equatable {
    let from: Int
    let to: Int
    /// Which of the inputs of `to` it is.
    let input: Int
    let route: Route
  }

  let rows: [Int]
  let lanes: [Int]
  let lines: [Line]
  /// How many tracks there are to the right of each lane.
  let tracks: [Int]

  private struct Place: Hashable {
    let row: Int
    let lane: Int
  }

  /// - Parameter inputs: for each box, the boxes before it that it reads.
  init(_ inputs: [[Int]]) {
    var rows: [Int] = []
    var lanes: [Int] = []
    var taken: Set<Place> = []
    for reads in inputs {
      let row = reads.map { rows[$0] + 1 }.max() ?? 0
      var lane = reads.map { lanes[$0] }.min() ?? 0
      while !taken.insert(Place(row: row, lane: lane)).inserted { lane += 1 }
      rows.append(row)
      lanes.append(lane)
    }
    // The rows that each track is in use between, from the row of one box to that of another.
    var used: [[[Range<Int>]]] = Array(repeating: [], count: (lanes.max() ?? 0) + 1)
    var lines: [Line] = []
    for (to, reads) in inputs.enumerated() {
      for (input, from) in reads.enumerated() {
        let between = rows[from] + 1..<rows[to]
        var route = Route.near
        if !between.isEmpty {
          let free = [lanes[from], lanes[to]].first { lane in
            between.allSatisfy { !taken.contains(Place(row: $0, lane: lane)) }
          }
          if let free {
            for row in between { taken.insert(Place(row: row, lane: free)) }
            route = .lane(free)
          } else {
            let lane = lanes[from]
            let span = rows[from]..<rows[to]
            let track =
              used[lane].firstIndex { $0.allSatisfy { !$0.overlaps(span) } } ?? used[lane].count
            if track == used[lane].count { used[lane].append([]) }
            used[lane][track].append(span)
            route = .track(lane: lane, track)
          }
        }
        lines.append(Line(from: from, to: to, input: input, route: route))
      }
    }
    self.rows = rows
    self.lanes = lanes
    self.lines = lines
    tracks = used.map(\.count)
  }
}
