import TestSupport
import Testing

@testable import Report

/// Accuracy over cost: who is on the front, and a picture that holds together.
struct TradeoffChartTests {
  @Test func whoIsOnTheFront() {
    // As good at less, better at more, worse at more; equal ones are both on it.
    for (costs, values, expected) in [
      ([1, 2], [0.9, 0.8], [true, false]), ([1, 2], [0.8, 0.9], [true, true]),
      ([1, 1], [0.9, 0.9], [true, true]), ([1, 1], [0.9, 0.8], [true, false]),
      ([2, 1], [0.9, 0.9], [false, true]),
      ([3, 1, 2, 4], [0.95, 0.8, 0.9, 0.94], [true, true, true, false]), ([5], [0.1], [true]),
    ] as [([Double], [Double], [Bool])] {
      #expect(TradeoffChart.front(costs: costs, values: values) == expected)
    }
  }

  private func chart(_ count: Int) -> TradeoffChart {
    TradeoffChart(
      title: "Trade-off <of> \"models\"", subtitle: "10,000 test images",
      models: (0..<count).map { i in
        let accuracy = 0.95 + 0.04 * Double(i % 7) / 7
        return TradeoffChart.Model(
          "results/t\(i)/latest/model.int8.safetensors", accuracy: accuracy,
          interval: accuracy - 0.003...accuracy + 0.002,
          microseconds: 10 * Double(1 + i * i), bytes: 9_000 + 30_000 * i)
      })
  }

  @Test(arguments: [1, 2, 9, 30]) func isWellFormedAndWithinItsBounds(_ count: Int) throws {
    let svg = chart(count).svg()
    #expect(chart(count).svg() == svg)
    let read = ReadSVG(svg)
    #expect(read.problem == nil)
    let root = try #require(read.items.first)
    let width = try #require(Double(root.attributes["width"] ?? ""))
    let height = try #require(Double(root.attributes["height"] ?? ""))
    for box in try read.textBoxes() {
      #expect(box.left >= 0 && box.right <= width, "\(box.text)")
      #expect(box.top >= 0 && box.bottom <= height + 1, "\(box.text)")
    }
    #expect(!svg.contains("nan") && !svg.contains("inf"))
    // A ring for each of the front in both panels, and one in the legend.
    let chart = chart(count)
    let rings = [chart.models.map(\.microseconds), chart.models.map { Double($0.bytes) }].map {
      TradeoffChart.front(costs: $0, values: chart.models.map(\.accuracy)).count { $0 }
    }
    let drawn = read.named("path").count {
      $0.attributes["fill"] == "none" && $0.attributes["stroke-width"] == "1.8"
    }
    #expect(drawn == rings[0] + rings[1] + 1)
  }
}
