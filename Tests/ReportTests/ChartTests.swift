import Foundation
import Testing

@testable import Report

struct ChartTests {
  @Test(arguments: Gallery.charts().map(\.name))
  func isWellFormedAndWithinItsBounds(name: String) throws {
    let chart = Gallery.charts().first { $0.name == name }!.chart
    let svg = chart.svg()
    if let folder = ProcessInfo.processInfo.environment["REPORT_GALLERY"] {
      try svg.write(toFile: "\(folder)/\(name).svg", atomically: true, encoding: .utf8)
    }
    let read = ReadSVG(svg)
    #expect(read.problem == nil)
    let root = try #require(read.items.first)
    #expect(root.name == "svg")
    let width = try #require(Double(root.attributes["width"] ?? ""))
    let height = try #require(Double(root.attributes["height"] ?? ""))
    #expect(
      Set(read.items.map(\.name)).isSubset(of: [
        "svg", "g", "path", "rect", "text", "title", "desc",
      ]))
    for box in try read.textBoxes() {
      #expect(box.left >= 0 && box.right <= width, "\(box.text)")
      #expect(box.top >= 0 && box.bottom <= height + 1, "\(box.text)")
    }
    for path in read.named("path") {
      let numbers = try #require(path.attributes["d"]).split { !"0123456789.-".contains($0) }
      #expect(!numbers.isEmpty && numbers.allSatisfy { Double($0).map(\.isFinite) ?? false })
    }
    #expect(!svg.contains("nan") && !svg.contains("inf"))
  }

  @Test func equalChartsGiveEqualBytes() {
    for (first, second) in zip(Gallery.charts(), Gallery.charts()) {
      #expect(first.chart.svg() == second.chart.svg())
    }
  }

  /// A small chart, byte for byte. After a change that was meant to change it:
  /// `REPORT_UPDATE=1 swift test --filter ReportTests`, then look at the picture.
  @Test func smallChartIsTheSameAsEver() throws {
    let metrics =
      Gallery.header + "1,2,0.1,0.9,0.6,0.75,0.7\n2,4,0.1,0.5,0.8,,\n3,6,0.1,0.4,0.9,0.5,0.85\n"
    let svg = CurvesChart(title: "Small & <plain>", runs: [Gallery.run("small", metrics)]).svg()
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/small.svg")
    if ProcessInfo.processInfo.environment["REPORT_UPDATE"] != nil {
      try svg.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try svg == String(contentsOf: file, encoding: .utf8))
  }

  @Test func textComesBackAsItWasGiven() throws {
    let name = "a<b>&\"c\"'d' é 損失 🎉"
    let chart = LineChart(
      title: name, xLabel: "x",
      panels: [Panel(name, series: [Series(name, points: [Series.Point(1, 1)])])])
    let read = ReadSVG(chart.svg())
    #expect(read.named("title").map(\.text).first == name)
    #expect(read.named("text").filter { $0.text == name }.count == 2)
  }

  @Test func textThatMarksUpOrReordersIsDisarmed() {
    let escaped = SVGText.escaped(Gallery.hostile)
    #expect(!escaped.contains("<") && !escaped.contains("\u{1B}") && !escaped.contains("\u{0}"))
    #expect(!escaped.unicodeScalars.contains("\u{202E}"))
  }

  @Test func aLineStopsAtAGapAndGoesOnAfterIt() throws {
    let values = [1, 2, .nan, 3, .infinity, 4, 5]
    let points = values.enumerated().map { Series.Point(Double($0.offset), $0.element) }
    let chart = LineChart(
      title: "gaps", xLabel: "x", panels: [Panel("y", series: [Series("a", points: points)])])
    let lines = ReadSVG(chart.svg()).named("path").filter { $0.attributes["stroke-width"] == "2" }
    let line = try #require(lines.first?.attributes["d"])
    #expect(lines.count == 1)
    #expect(line.filter { $0 == "M" }.count == 2 && line.filter { $0 == "L" }.count == 2)
  }

  @Test func legendNamesEveryRunItCanTellApartAndCountsTheRest() {
    let read = ReadSVG(CurvesChart(title: "sweep", runs: Gallery.runs(60)).svg())
    let texts = Set(read.named("text").map(\.text))
    for i in 1...Palette.distinct { #expect(texts.contains("lr=\(i)e-4")) }
    #expect(texts.contains("\(60 - Palette.distinct) more"))
    #expect(texts.contains("validation") && texts.contains("train"))
  }

  @Test func stylesOfTheLegendDifferFromEachOther() {
    let styles = (0..<Palette.distinct).map { LineStyle(index: $0) }
    for (i, a) in styles.enumerated() {
      for b in styles[..<i] { #expect(a != b) }
    }
  }

  @Test func subtitleGivesTheBestOfTheRuns() {
    let text = Gallery.header + "1,1,1,1,0.5,1,0.91\n2,2,1,1,0.5,1,0.975\n3,3,1,1,0.5,1,0.95\n"
    let one = CurvesChart(title: "", runs: [Gallery.run("a", text)]).chart()
    #expect(one.subtitle == "best validation accuracy 97.50% (epoch 2)")
    let untested = Gallery.header + "1,1,1,1,0.5,,\n"
    let two = CurvesChart(title: "", runs: [Gallery.run("b", untested), Gallery.run("a", text)])
    #expect(two.chart().subtitle == "2 runs, best validation accuracy 97.50% (a, epoch 2)")
    let train = CurvesChart(title: "", runs: [Gallery.run("b", untested)])
    #expect(train.chart().subtitle == "best training accuracy 50.00% (epoch 1)")
  }

  @Test func endLabelsKeepTheirDistanceAndTheirOrder() {
    var noise = Noise(state: 11)
    for count in 1...8 {
      for _ in 0..<200 {
        let wanted = (0..<count).map { _ in noise.next() * 60 + 50 }
        let places = PanelDrawing.spread(wanted, apart: 13, within: 0...120)
        let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
        for (a, b) in zip(order, order.dropFirst()) {
          #expect(places[b] - places[a] >= 13 - 1e-9)
        }
        #expect(places.allSatisfy { $0 >= -1e-9 && $0 <= 120 + 1e-9 })
      }
    }
    #expect(PanelDrawing.spread([10, 50], apart: 13, within: 0...100) == [10, 50])
    #expect(PanelDrawing.spread([50, 50], apart: 10, within: 0...100) == [45, 55])
  }
}
