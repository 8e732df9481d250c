import Foundation
import TestSupport
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
    let file = Fixture.url("small.svg")
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

  // MARK: Seeds, metrics, the tested epoch

  private static func seeds() -> [CurvesChart.Run] {
    let values = [[0.90, 0.94, 0.95], [0.92, 0.93, 0.99], [0.94, 0.98]]
    return values.enumerated().map { seed, accuracies in
      let text = accuracies.enumerated().map { epoch, value in
        "\(epoch + 1),1,0.1,\(1 - value),\(value),\(1 - value),\(value)\n"
      }.joined()
      var run = Gallery.run("seed-\(seed + 1)", Gallery.header + text)
      run.configuration = "t0"
      run.testedEpoch = Double(2)
      return run
    }
  }

  /// Three seeds are one line of means, which ends with the shortest, in a band of all values.
  @Test func seedsAreAMeanInABand() throws {
    let chart = CurvesChart(title: "t0", runs: Self.seeds()).chart()
    let accuracy = try #require(chart.panels[1].series.first)
    #expect(chart.panels[1].series.count == 2 && accuracy.name == "t0")
    let means = accuracy.points.map(\.y)
    #expect(abs(means[0] - 0.92) < 1e-12 && abs(means[1] - 0.95) < 1e-12 && means[2].isNaN)
    #expect(
      accuracy.band == [.init(1, 0.90, 0.94), .init(2, 0.93, 0.98), .init(3, 0.95, 0.99)])
    #expect(accuracy.marks == [.init(2, 0.94), .init(2, 0.93), .init(2, 0.98)])
    #expect(
      chart.subtitle
        == "3 runs, best validation accuracy 99.00% (seed-2, epoch 3); lines are means over 3 seeds"
    )
    let read = ReadSVG(chart.svg())
    #expect(read.items.count { $0.attributes["class"] == "band" } == 4)
    let texts = read.named("text").map(\.text)
    #expect(texts.contains("least to greatest of the seeds") && texts.contains("tested"))
    // One colour for all that is of one configuration.
    var others = Gallery.runs(3)
    for i in others.indices { others[i].configuration = "t1" }
    let two = ReadSVG(CurvesChart(title: "two", runs: Self.seeds() + others).svg())
    let bands = two.items.filter { $0.attributes["class"] == "band" }
    #expect(bands.count == 4 && Set(bands.compactMap { $0.attributes["fill"] }).count == 2)
    #expect(
      Set(two.items.compactMap { $0.attributes["stroke"] }.filter(Palette.lines.contains)).count
        == 2)
  }

  @Test func theTestedEpochHasARing() throws {
    var run = Gallery.run("lenet", Gallery.metrics(epochs: 10))
    run.testedEpoch = 7
    let chart = CurvesChart(title: "lenet", runs: [run]).chart()
    #expect(chart.subtitle.hasSuffix("; tested: epoch 7"))
    #expect(chart.panels.allSatisfy { $0.series[0].marks.map(\.x) == [7] })
    #expect(chart.panels.allSatisfy { $0.series[1].marks.isEmpty })
    let rings = ReadSVG(chart.svg()).named("path").filter {
      $0.attributes["fill"] == "none" && $0.attributes["stroke-width"] == "1.8"
    }
    #expect(rings.count == 3)  // one a panel, one in the legend
  }

  /// Each metric that a spec asks for has a panel of its own; more than nine are named.
  @Test func metricsHavePanels() {
    let names = (0..<11).map { "f1_\($0)" } + ["top_3_accuracy"]
    let header = Gallery.header.dropLast() + names.map { ",val_\($0)" }.joined() + "\n"
    let cells = names.map { _ in ",0.5" }.joined()
    let run = Gallery.run("a", header + "1,1,1,1,0.5,1,0.9\(cells)\n2,2,1,1,0.5,1,0.9\(cells)\n")
    let measures = names.map {
      CurvesChart.Measure($0, .number, solid: "val_\($0)")
    }
    let chart = CurvesChart(title: "a", runs: [run], measures: [.loss, .accuracy] + measures)
      .chart()
    #expect(
      chart.panels.map(\.title) == ["Loss", "Accuracy"] + (0..<9).map { "f1_\($0)" })
    #expect(chart.subtitle.hasSuffix("; not drawn: val_f1_9, val_f1_10, val_top_3_accuracy"))
  }

  // MARK: Text

  @Test func titlesKeepTheirNumbers() throws {
    let subtitle = "121,930 parameters, 24.5 MFLOP for one image, of a network with a long story"
    let chart = NetworkChart(
      title: "net", subtitle: subtitle, boxes: [.init([.init("input", "28x28x1")], inputs: [])])
    let texts = ReadSVG(chart.svg()).named("text").map(\.text)
    #expect(!texts.contains { $0.contains("…") })
    #expect(texts.joined(separator: " ").contains(subtitle))
  }

  @Test func namesInALegendKeepWhatTellsThemApart() {
    let names = (0..<12).map {
      "lenet/optimizer.learning_rate=3e-4,model[0].filters=\($0 + 8),seed=\($0)"
    }
    let short = DistinctNames.short(names, to: 250, size: 12)
    #expect(short[0] == "model[0].filters=8, seed=0" && short[11] == "model[0].filters=19, seed=11")
    #expect(DistinctNames.short(["a", "b"], to: 250, size: 12) == ["a", "b"])
    let long = String(repeating: "x", count: 80)
    #expect(
      DistinctNames.short(["\(long)_one", "\(long)_two"], to: 100, size: 12) == ["…one", "…two"])
    let equal = DistinctNames.short([long, long], to: 100, size: 12)
    #expect(equal[1] == equal[0] + " (2)")
  }

  @Test(arguments: [2, 10, 40, 100]) func confusionNamesEveryClass(classes: Int) throws {
    let words = ["T-shirt/top", "spruce sapling", "猫", "sneaker", "Größenvergleich"]
    let names = (0..<classes).map { "\(words[$0 % words.count]) \($0)" }
    let counts = (0..<classes).map { i in (0..<classes).map { $0 == i ? 980 : ($0 + i) % 3 } }
    let svg = ConfusionChart(title: "sheet", classNames: names, counts: counts).svg()
    if let folder = ProcessInfo.processInfo.environment["REPORT_GALLERY"] {
      try svg.write(
        toFile: "\(folder)/confusion-\(classes).svg", atomically: true, encoding: .utf8)
    }
    let read = ReadSVG(svg)
    let texts = read.named("text").map(\.text)
    for name in names { #expect(texts.count { $0 == name } == 2) }
    let width = try #require(Double(read.items[0].attributes["width"] ?? ""))
    #expect(width < (classes == 100 ? 1500 : 1300))
    #expect(texts.contains("980") == (classes < 100))
  }
}
