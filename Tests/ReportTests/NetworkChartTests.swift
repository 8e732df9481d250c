import Testing

@testable import Report

/// The picture of a network: rows, lanes and ways around.
@Suite struct NetworkChartTests {
  /// A residual block whose layers are two boxes, then one with a shortcut of its own.
  @Test func residualBlocksKeepTheirLane() {
    //  0 - 1 - 2 - 3(2, 0) - 4 - 5 - 7(5, 6),  6 reads 3
    let layout = NetworkLayout([[], [0], [1], [2, 0], [3], [4], [3], [5, 6]])
    #expect(layout.rows == [0, 1, 2, 3, 4, 5, 4, 6])
    #expect(layout.lanes == [0, 0, 0, 0, 0, 0, 1, 0])
    #expect(
      layout.lines.map(\.route) == [
        .near, .near, .near, .track(lane: 0, 0), .near, .near, .near, .near, .lane(1),
      ])
    #expect(layout.tracks == [1, 0])
  }

  /// Lines that run beside one another have tracks of their own; those that follow share one.
  @Test func tracksAreSharedWhereTheyCan() {
    let layout = NetworkLayout([[], [0], [1, 0], [2, 0], [3, 2]])
    #expect(
      layout.lines.map(\.route) == [
        .near, .near, .track(lane: 0, 0), .near, .track(lane: 0, 1), .near,
        .track(lane: 0, 0),
      ])
  }

  @Test func noTwoBoxesLieOnEachOther() {
    // A tree of four branches with branches of their own.
    var inputs: [[Int]] = [[]]
    for i in 1..<60 { inputs.append(i % 7 == 0 ? [i - 1, i - 3, max(0, i - 6)] : [(i - 1) / 2]) }
    let layout = NetworkLayout(inputs)
    let places = zip(layout.rows, layout.lanes).map { [$0, $1] }
    #expect(Set(places).count == places.count)
    for (i, reads) in inputs.enumerated() {
      #expect(reads.allSatisfy { layout.rows[$0] < layout.rows[i] })
    }
  }

  @Test func drawsEveryBoxAndLine() {
    let chart = NetworkChart(
      title: "a <net>", subtitle: "7 parameters",
      boxes: [
        .init([.init("input", "4x4x1")], inputs: []),
        .init(
          [.init("conv2d & stem", "4x4x2 · 20"), .init("relu", "4x4x2")], inputs: [0],
          look: .weights, note: "model[0]"),
        .init([.init("add", "4x4x2")], inputs: [1, 1], look: .merge),
      ])
    let svg = chart.svg()
    #expect(svg == chart.svg())
    #expect(svg.components(separatedBy: "class=\"box\"").count == 4)
    #expect(svg.components(separatedBy: "class=\"line\"").count == 4)
    #expect(svg.contains("conv2d &amp; stem") && svg.contains("a &lt;net&gt;"))
    #expect(svg.contains("A network of 4 layers"))
  }

  @Test func anEmptyNetworkIsAPage() {
    #expect(NetworkChart(title: "none", boxes: []).svg().hasSuffix("</svg>\n"))
  }
}

extension String {
  fileprivate func components(separatedBy text: String) -> [Substring] {
    split(separator: text, omittingEmptySubsequences: false)
  }
}
