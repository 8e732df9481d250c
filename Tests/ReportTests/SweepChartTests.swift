import Foundation
import Testing

@testable import Report

struct SweepChartTests {
  typealias TrialRow = SweepTable.TrialRow

  static let pictures: [(name: String, draw: @Sendable (SweepTable) -> String)] = [
    ("parallel", { ParallelCoordinates($0).svg() }),
    ("parameters", { ParameterPanels($0).svg() }),
    ("best-so-far", { BestSoFarChart($0).svg() }),
  ]

  static func table(_ name: String) -> SweepTable {
    SweepGallery.tables.first { $0.name == name }!.table
  }

  /// Well-formed, all texts within the picture and none over another.
  private static func check(_ svg: String, name: String) throws {
    if let folder = ProcessInfo.processInfo.environment["REPORT_GALLERY"] {
      try svg.write(toFile: "\(folder)/\(name).svg", atomically: true, encoding: .utf8)
    }
    let read = ReadSVG(svg)
    #expect(read.problem == nil)
    let root = try #require(read.items.first)
    let width = try #require(Double(root.attributes["width"] ?? ""))
    let height = try #require(Double(root.attributes["height"] ?? ""))
    #expect(
      Set(read.items.map(\.name)).isSubset(of: [
        "svg", "g", "path", "rect", "circle", "text", "title", "desc", "defs", "linearGradient",
        "stop",
      ]))
    for box in try read.textBoxes() {
      #expect(box.left >= 0 && box.right <= width, "\(box)")
      #expect(box.top >= 0 && box.bottom <= height, "\(box)")
    }
    let boxes = try read.textBoxes(tightness: 0.9)
    for (i, a) in boxes.enumerated() {
      for b in boxes[..<i] { #expect(!a.overlaps(b), "\(a) \(b)") }
    }
    for path in read.named("path") {
      let numbers = try #require(path.attributes["d"]).split { !"0123456789.-".contains($0) }
      #expect(!numbers.isEmpty && numbers.allSatisfy { Double($0).map(\.isFinite) ?? false })
    }
    for circle in read.named("circle") {
      let x = try #require(Double(circle.attributes["cx"] ?? ""))
      let y = try #require(Double(circle.attributes["cy"] ?? ""))
      #expect((0...width).contains(x) && (0...height).contains(y))
    }
    #expect(!svg.contains("nan") && !svg.contains("inf"))
  }

  @Test(arguments: SweepGallery.tables.map(\.name), pictures.map(\.name))
  func isWellFormedAndWithinItsBounds(name: String, picture: String) throws {
    let draw = Self.pictures.first { $0.name == picture }!.draw
    try Self.check(draw(Self.table(name)), name: "\(name)-\(picture)")
  }

  @Test func equalTablesGiveEqualBytes() {
    for (first, second) in zip(SweepGallery.tables, SweepGallery.makeTables()) {
      for picture in Self.pictures {
        #expect(picture.draw(first.table) == picture.draw(second.table))
      }
    }
  }

  @Test func orderOfTheTrialsDoesNotMatter() {
    let table = Self.table("eight-parameters")
    let turned = SweepTable(
      title: table.title, metric: table.metric, parameters: table.parameters,
      trials: table.trials.reversed())
    for picture in Self.pictures { #expect(picture.draw(table) == picture.draw(turned)) }
  }

  @Test func everyTrialAndEveryAxisIsThere() {
    let table = Self.table("eight-parameters")
    func count(_ svg: String, _ kind: String) -> Int {
      ReadSVG(svg).items.count { $0.attributes["class"] == kind }
    }
    let parallel = ParallelCoordinates(table).svg()
    #expect(count(parallel, "trial") == 30 && count(parallel, "axis") == 9)
    let panels = ParameterPanels(table).svg()
    #expect(count(panels, "trial") == 8 * 30 && count(panels, "panel") == 8)
    let best = BestSoFarChart(table).svg()
    #expect(count(best, "trial") == 30 && count(best, "best-so-far") == 1)
    for svg in [parallel, panels] {
      let titles = Set(ReadSVG(svg).named("title").map(\.text))
      for parameter in table.parameters { #expect(titles.contains(parameter.name)) }
    }
  }

  @Test func aHundredThousandTrialsAreSampledQuicklyAndSmall() throws {
    let table = SweepGallery.repeated(Self.table("thousand-trials"), count: 100_000)
    let best = table.trials[table.ranking()[0]]
    for picture in Self.pictures {
      let svg = picture.draw(table)
      #expect(svg.utf8.count < 3_000_000, "\(picture.name)")
      let read = ReadSVG(svg)
      #expect(read.problem == nil)
      #expect(read.items.count { $0.attributes["class"] == "trial" } >= 300)
      #expect(read.named("text").contains { $0.text.contains("of 100,000 trials drawn: the best") })
      #expect(
        read.named("text").contains {
          $0.text == "best: trial \(best.number)"
            || $0.text.hasPrefix("best 3: trials \(best.number),")
        })
    }
  }

  @Test func onlyBadTrialsAreClippedAndThePictureSaysSo() {
    let texts = ReadSVG(BestSoFarChart(Self.table("bad-ones")).svg()).named("text").map(\.text)
    #expect(
      texts.contains { $0.contains("5 trials below 98") && $0.contains("drawn at the edge") })
    #expect(!texts.contains("10.0%") && !texts.contains("0%"))
  }

  @Test func linesOfTheBestAreDrawnLast() throws {
    let table = Self.table("eight-parameters")
    let ranking = table.ranking()
    let lines = ReadSVG(ParallelCoordinates(table).svg()).items.filter {
      $0.attributes["class"] == "trial"
    }
    #expect(lines.suffix(3).allSatisfy { $0.attributes["stroke-width"] == "2.8" })
    #expect(lines.count { $0.attributes["stroke-width"] == "2.8" } == 3)
    let hints = ReadSVG(ParallelCoordinates(table).svg()).named("title").map(\.text)
      .filter { $0.hasPrefix("trial ") }
    #expect(hints.last?.hasPrefix("trial \(table.trials[ranking[0]].number): ") == true)
  }

  @Test func textComesBackAsItWasGiven() {
    let name = "a<b>&\"c\"'d' é 損失 🎉"
    let table = SweepTable(
      title: name, metric: .init(name, higherIsBetter: false),
      parameters: [.init(name, .choice([name]))],
      trials: [TrialRow(number: 0, values: [0], metric: 1, state: .completed)])
    for picture in Self.pictures {
      let read = ReadSVG(picture.draw(table))
      #expect(read.named("title").map(\.text).first == name)
      #expect(read.named("text").count { $0.text == name } >= 2, "\(picture.name)")
    }
  }

  @Test func theBestSoFarNeverGetsWorse() throws {
    for (name, sign) in [("eight-parameters", 1.0), ("loss", -1)] {
      let read = ReadSVG(BestSoFarChart(Self.table(name)).svg())
      let line = try #require(read.items.first { $0.attributes["class"] == "best-so-far" })
      let path = try #require(line.attributes["d"])
      let heights = path.split(separator: "V").dropFirst().compactMap {
        Double($0.prefix { $0 != "H" })
      }
      #expect(heights.count >= 2)
      #expect(zip(heights, heights.dropFirst()).allSatisfy { ($0 - $1) * sign > 0 })
    }
  }

  // MARK: Bars

  static let bars: [(name: String, bars: ImportanceBars)] = [
    (
      "importance",
      ImportanceBars(
        title: "t0-sweep", subtitle: "importance by fANOVA: part of the variance of val_accuracy",
        bars: [
          .init("training.batch_size", 0.081), .init("optimizer.learning_rate", 0.612),
          .init("model[2].regularization.l2", 0.004), .init("$dropout", 0.03), .init("model", 0.19),
        ])
    ),
    ("importance-one", ImportanceBars(title: "one", subtitle: "", bars: [.init("a", 1)])),
    ("importance-none", ImportanceBars(title: "none", subtitle: "of nothing", bars: [])),
    (
      "importance-odd",
      ImportanceBars(
        title: Gallery.hostile, subtitle: Gallery.hostile,
        bars: [
          .init(Gallery.hostile, 0), .init("unknown", .nan), .init("below", -0.05),
          .init("boundless", .infinity), .init(String(repeating: "W", count: 5000), 0.5),
        ])
    ),
    (
      "importance-many",
      ImportanceBars(
        title: "many", subtitle: "by a forest",
        bars: (0..<100).map { .init("model[\($0)].filters", 1 / Double($0 + 2)) })
    ),
  ]

  @Test(arguments: bars.map(\.name)) func barsAreWellFormed(name: String) throws {
    try Self.check(Self.bars.first { $0.name == name }!.bars.svg(), name: name)
  }

  @Test func barsAreOrderedAndAsLongAsTheirValues() throws {
    let read = ReadSVG(Self.bars[0].bars.svg())
    let texts = read.named("text").map(\.text)
    #expect(texts.firstIndex(of: "optimizer.learning_rate")! < texts.firstIndex(of: "model")!)
    #expect(texts.contains("61.2%"))
    let lengths = try read.items.filter { $0.attributes["class"] == "bar" }
      .map { try #require(Double($0.attributes["width"] ?? "")) }
    #expect(lengths.count == 5 && lengths == lengths.sorted(by: >))
    #expect(abs(lengths[1] / lengths[0] - 0.19 / 0.612) < 1e-3)
    let many = ReadSVG(Self.bars[4].bars.svg())
    #expect(many.items.count { $0.attributes["class"] == "bar" } == 40)
    #expect(many.named("text").contains { $0.text == "the 40 that matter most of 100" })
  }

  @Test func uncertaintyIsDrawnToBothSides() throws {
    let chart = ImportanceBars(
      title: "t", subtitle: "",
      bars: [.init("a", 0.6, deviation: 0.1), .init("b", 0.05, deviation: 0.2)])
    let read = ReadSVG(chart.svg())
    #expect(
      read.named("text").map(\.text).suffix(4) == ["a", "60.0% ± 10.0%", "b", "5.0% ± 20.0%"])
    let whiskers = read.items.filter { $0.attributes["class"] == "deviation" }
      .compactMap { $0.attributes["d"] }
    let bars = try read.items.filter { $0.attributes["class"] == "bar" }
      .map { try #require(Double($0.attributes["width"] ?? "")) }
    // From 0.5 to 0.7, of which the bar is 0.6 long; from 0, not below, to 0.25.
    func ends(_ path: String) -> (Double, Double) {
      let numbers = path.split { "MHvm ".contains($0) }.compactMap { Double($0) }
      return (numbers[0], numbers[5])
    }
    let left = ends(whiskers[1]).0
    #expect(abs((ends(whiskers[0]).0 - left) / bars[0] - 0.5 / 0.6) < 1e-3)
    #expect(abs((ends(whiskers[0]).1 - left) / bars[0] - 0.7 / 0.6) < 1e-3)
    #expect(abs((ends(whiskers[1]).1 - left) / bars[0] - 0.25 / 0.6) < 1e-3)
  }

  /// Of forty parameters the twelve that matter most are drawn, the others named.
  @Test func ofManyParametersThoseThatMatterAreDrawn() throws {
    let whole = Self.table("forty-parameters")
    var importance = [Double](repeating: 0.001, count: 40)
    for place in 20..<32 { importance[place] = Double(place) / 400 }
    let table = SweepTable(
      title: whole.title, metric: whole.metric, parameters: whole.parameters, trials: whole.trials,
      importance: importance)
    for (name, draw) in Self.pictures.prefix(2) {
      let svg = draw(table)
      let read = ReadSVG(svg)
      let titles = Set(read.named("title").map(\.text))
      for place in 0..<40 {
        #expect(titles.contains("model[\(place)].regularization.l2") == (20..<32).contains(place))
      }
      let text = read.named("text").map(\.text).joined(separator: " ")
      #expect(
        text.contains("12 of 40 parameters drawn, those that matter most; not drawn: model[0]."))
      #expect(text.contains("model[39].regularization.l2"))
      let width = try #require(Double(read.items[0].attributes["width"] ?? ""))
      #expect(width < 2100, "\(name)")
    }
    #expect(
      whole.limited().note?.hasPrefix("12 of 40 parameters drawn, the first; not drawn: ") == true)
    #expect(Self.table("eight-parameters").limited().note == nil)
  }
}
