import Testing

@testable import Report

struct SweepScaleTests {
  typealias Parameter = SweepTable.Parameter

  private static func metric(higher: Bool) -> SweepTable.Metric {
    SweepTable.Metric("m", higherIsBetter: higher)
  }

  @Test func theBetterHalfTakesAtLeastAnEighthOfTheAxis() {
    var noise = Noise(state: 21)
    for _ in 0..<2000 {
      let count = 1 + Int(abs(noise.next()) * 40)
      let values = (0..<count).map { _ in
        let x = noise.next()
        return abs(noise.next()) < 0.3 ? x * 1e4 : x
      }
      for higher in [true, false] {
        let scale = MetricScale(values, metric: Self.metric(higher: higher), intervals: 6)
        let sorted = higher ? values.sorted(by: >) : values.sorted()
        let (best, median) = (sorted[0], sorted[count / 2])
        #expect(scale.axis.low <= min(best, median) && scale.axis.high >= max(best, median))
        #expect(!scale.isClipped(best) && !scale.isClipped(median))
        // Rounding to whole steps costs at most two of six intervals.
        if best != median {
          #expect(abs(best - median) / (scale.axis.high - scale.axis.low) > 1 / 8.0 / 2)
        }
        #expect(scale.clippedCount == values.count { scale.isClipped($0) })
        #expect(scale.clippedCount <= count / 2)
      }
    }
  }

  @Test func nothingIsClippedWithoutNeed() {
    for values in [[1], [1, 1], [0.1, 0.98], [3, 2, 1], Array(repeating: 0.5, count: 9)] {
      for higher in [true, false] {
        let scale = MetricScale(values, metric: Self.metric(higher: higher), intervals: 6)
        #expect(scale.clippedCount == 0 && scale.note("are cut") == nil)
      }
    }
  }

  @Test func clippedValuesLieAtTheEdge() {
    let scale = MetricScale(
      [0.98, 0.985, 0.99, 0.1, 0.983], metric: Self.metric(higher: true), intervals: 6)
    #expect(scale.clippedCount == 1 && scale.isClipped(0.1) && scale.fraction(0.1) == 0)
    #expect(scale.badness(0.1) == 1 && scale.badness(0.99) < 0.2)
    #expect(scale.note("are cut")?.hasPrefix("1 trial below 0.9") == true)
    let loss = MetricScale(
      [0.05, 0.04, 0.03, 1e9, 0.045], metric: Self.metric(higher: false), intervals: 6)
    #expect(loss.clippedCount == 1 && loss.fraction(1e9) == 1 && loss.badness(1e9) == 1)
    #expect(loss.note("are cut")?.hasPrefix("1 trial above 0.0") == true)
  }

  @Test func optionsLieInEvenBands() {
    let axis = ParameterAxis(
      Parameter("p", .choice(["a", "b", "c", "d"])), values: [], intervals: 6)
    #expect(axis.marks.map(\.position) == [0.125, 0.375, 0.625, 0.875])
    #expect(axis.marks.map(\.label) == ["a", "b", "c", "d"])
    #expect((0..<4).map { axis.position(Double($0)) } == [0.125, 0.375, 0.625, 0.875])
    for value in [nil, -1, 4, 0.5, .nan] as [Double?] { #expect(axis.position(value) == nil) }
    #expect(axis.isChoice && axis.band == 0.125)
  }

  @Test func numbersLieWhereTheirScalePutsThem() throws {
    let logarithmic = ParameterAxis(
      Parameter("p", .number(logarithmic: true), bounds: 1e-4...1e-2), values: [1e-3, nil],
      intervals: 6)
    #expect(logarithmic.position(1e-4) == 0 && logarithmic.position(1e-2) == 1)
    #expect(abs(try #require(logarithmic.position(1e-3)) - 0.5) < 1e-12)
    #expect(logarithmic.position(0) == nil && logarithmic.position(nil) == nil)
    let linear = ParameterAxis(
      Parameter("p", .number(logarithmic: false), bounds: 0.2...0.5), values: [0.9], intervals: 6)
    #expect(linear.position(0.2) == 0 && linear.position(0.9) == 1)
    let whole = ParameterAxis(
      Parameter("p", .whole(logarithmic: false)), values: [1, 2, 3], intervals: 6)
    #expect(whole.marks.map(\.label) == ["1", "2", "3"])
  }

  @Test func spreadIsEvenWithinItsBand() {
    for count in [2, 5, 30, 1000] {
      let sorted = (0..<count).map(ParameterAxis.spread).sorted()
      #expect(sorted[0] >= -0.5 && sorted[count - 1] < 0.5)
      let gaps = zip(sorted, sorted.dropFirst()).map { $1 - $0 }
      // Three gaps at most, none much wider than even ones (Steinhaus).
      #expect(gaps.allSatisfy { $0 > 0 && $0 < 2.7 / Double(count) })
    }
  }

  @Test func coloursGrowLighterFromTheBestToTheWorst() {
    func lightness(_ color: String) -> Double {
      let value = Int(color.dropFirst(), radix: 16)!
      return 0.2126 * Double(value >> 16) + 0.7152 * Double(value >> 8 & 255)
        + 0.0722 * Double(value & 255)
    }
    let colors = (0...50).map { ColorScale.color(Double($0) / 50) }
    #expect(colors[0] == "#440154" && colors[50] == "#BDDF26")
    #expect(colors.allSatisfy { $0.count == 7 })
    #expect(zip(colors, colors.dropFirst()).allSatisfy { lightness($0) < lightness($1) })
    #expect(ColorScale.color(-3) == colors[0] && ColorScale.color(7) == colors[50])
  }

  @Test func theBestAreTheCompletedInOrder() {
    func trial(_ number: Int, _ metric: Double?, _ state: SweepTable.TrialRow.State)
      -> SweepTable.TrialRow
    {
      SweepTable.TrialRow(number: number, values: [], metric: metric, state: state)
    }
    let trials = [
      trial(0, 0.9, .completed), trial(1, 0.99, .stoppedEarly), trial(2, .nan, .completed),
      trial(3, 0.95, .completed), trial(4, 0.95, .completed), trial(5, 0.999, .failed),
    ]
    func ranking(_ trials: [SweepTable.TrialRow], higher: Bool) -> [Int] {
      SweepTable(
        title: "", metric: Self.metric(higher: higher), parameters: [], trials: trials
      ).ranking()
    }
    #expect(ranking(trials, higher: true) == [3, 4, 0])
    #expect(ranking(trials, higher: false) == [0, 3, 4])
    #expect(ranking([trials[1], trials[5]], higher: true) == [0])
    #expect(ranking([trials[2], trials[5]], higher: true) == [])
  }

  @Test func aSampleHasTheBestAndAnEvenPartOfTheRest() {
    let table = SweepGallery.table("many", [SweepGallery.rate], trials: 1000)
    let ranking = table.ranking()
    let sample = TrialSample(of: table, most: 100, ranking: ranking)
    #expect(sample.places.count == 100 && sample.places == sample.places.sorted())
    #expect(Set(ranking.prefix(10)).isSubset(of: sample.places))
    for start in stride(from: 0, to: 1000, by: 100) {
      #expect((8...30).contains(sample.places.count { (start..<start + 100).contains($0) }))
    }
    #expect(
      sample.note == "100 of 1,000 trials drawn: the best 10 and an even sample of the rest")
    #expect(TrialSample(of: table, most: 1000, ranking: ranking).note == nil)
    #expect(
      TrialSample(of: table, most: 30, ranking: []).note
        == "30 of 1,000 trials drawn, evenly sampled")
  }

  @Test func labelsThatHaveNoRoomBesideEachOtherStandUpright() {
    func labels(_ texts: [String], _ length: Double) -> TickLabels {
      TickLabels(
        texts.enumerated().map { place, text in
          .init(position: (Double(place) + 0.5) / Double(texts.count), label: text)
        }, length: length, longest: 96)
    }
    #expect(labels(["32", "64", "128"], 200).areLevel)
    let upright = labels(["two layers", "three layers", "four layers"], 120)
    #expect(!upright.areLevel && upright.shown.count == 3)
    #expect(labels((0..<1000).map { "option \($0)" }, 200).shown.count <= 15)
  }

  @Test(arguments: [
    ("optimizer.learning_rate", "optimizer.", "learning_rate"), ("$dropout", "", "$dropout"),
    ("model[2].regularization.l2", "model[2].regularization.", "l2"), ("model[2]", "", "model[2]"),
    ("a.", "", "a."), ("", "", ""),
  ])
  func pathsAreCutBeforeTheirLastName(path: String, group: String, name: String) {
    #expect(ParallelDrawing.parts(of: path) == (group, name))
  }

  @Test func countsAndNotes() {
    #expect(DecimalText.grouped(0) == "0" && DecimalText.grouped(999) == "999")
    #expect(DecimalText.grouped(1000) == "1,000" && DecimalText.grouped(-1_234_567) == "−1,234,567")
    #expect(SVGText.lines(of: ["a", "b", "c"], to: 24, size: 12) == ["a; b", "c"])
    #expect(SVGText.lines(of: ["a", "b"], to: 1, size: 12) == ["a", "b"])
    let table = SweepChartTests.table("all-failed")
    #expect(table.notes(ranking: [], more: [nil], width: 600) == ["12 trials, all failed"])
  }
}
