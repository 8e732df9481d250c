import Experiment
import Testing

@testable import Sweep

@Suite struct ComparisonTests {
  private func values(_ values: [Double], from seed: UInt64 = 1) -> [SeedValue] {
    values.enumerated().map { SeedValue(seed: seed + UInt64($0.offset), value: $0.element) }
  }

  @Test func pairsTheSeedsThatAreCommon() throws {
    let comparison = try #require(
      Comparison.all([values([1, 2, 3, 4]), values([2.5, 3.1, 4.6], from: 2)]).first)
    #expect(comparison.commonSeeds == [2, 3, 4])
    #expect(comparison.test?.kind == .paired)
    #expect(comparison.test == TTest(ofDifferences: [0.5, 3.1 - 3, 4.6 - 4]))
    #expect(comparison.effect == EffectSize(ofDifferences: [0.5, 3.1 - 3, 4.6 - 4]))
    #expect(comparison.wilcoxon?.count == 3)
    #expect(comparison.firstSample.count == 4)
  }

  @Test func testsIndependentSamplesByWelch() throws {
    let comparison = try #require(
      Comparison.all([values([1, 2, 4]), values([3, 4, 7], from: 3)]).first)
    #expect(comparison.commonSeeds == [3])
    #expect(comparison.test?.kind == .welch)
    #expect(comparison.wilcoxon == nil)
    let further = try #require(comparison.further)
    let groups = [comparison.firstSample, comparison.secondSample].map {
      Power.Group(count: 3, deviation: $0.deviation!)
    }
    let difference = comparison.difference
    #expect(further.power == Power.welch(groups[0], groups[1], difference: difference))
    #expect(further.more == Power.moreNeeded(groups[0], groups[1], difference: difference))
  }

  /// Three values far apart beside twenty close ones: by the pooled deviation three of each would do;
  /// Welch's test, which goes by the three, needs ten more of each (Fixtures/make_power.py).
  @Test func plansWithDeviationsAndCountsOfTheTest() throws {
    let few = [-2.0, 0, 2]
    let unit = [-1.0, 1].map { $0 * (0.25 * 19 / 20).squareRoot() }
    let many = (0..<20).map { 1.778 + unit[$0 % 2] }
    let comparison = try #require(Comparison.all([values(few), values(many, from: 9)]).first)
    #expect(comparison.test?.kind == .welch)
    #expect(comparison.test!.p > 0.05)
    let further = try #require(comparison.further)
    expectNear(further.power, 0.16851895663468822, relative: 1e-8, "power")
    #expect(further.more == 10)
    let pairs = try #require(Comparison.all([values(few), values(many)]).first?.further)
    #expect(pairs.more.map { $0 > 0 } == true)
  }

  /// Nothing is shown, though these seeds are enough for a difference as large as was asked about.
  @Test func enoughSeedsForWhatWasNotFound() throws {
    let (a, b) = (values([0, 1, 2, 3]), values([0.2, 0.9, 2.1, 3.1]))
    let comparison = try #require(Comparison.all([a, b], difference: 5).first)
    #expect(comparison.adjustedP! > 0.05)
    #expect(comparison.further?.more == 0)
    #expect(comparison.further!.power > 0.8)
  }

  /// What is shown is settled, whatever its power was; a lesser difference asked about need not be.
  @Test func whatIsShownIsSettled() throws {
    let (a, b) = (values([1, 2, 3]), values([1.6, 3.2, 4.0]))
    let shown = try #require(Comparison.all([a, b]).first)
    #expect(shown.adjustedP! < 0.05)
    #expect(shown.further!.power < 0.8 && shown.further?.more == 0)
    let asked = try #require(Comparison.all([a, b], difference: 0.1).first?.further)
    #expect(asked.more.map { $0 > 10 } == true)
  }

  /// Each comparison is planned at the level at which Holm's correction will judge it.
  @Test func plansAtTheLevelOfTheCorrection() throws {
    let groups = [
      values([1, 2, 3.5]), values([1.5, 2.2, 4.4]), values([5, 6.1, 7.7]), values([5.1, 6.0, 9.7]),
    ]
    let all = Comparison.all(groups)
    let p = all.map { $0.test!.p }
    #expect(all.map { $0.further!.alpha } == Holm.levels(p, alpha: 0.05))
    for comparison in all {
      let (further, test) = (comparison.further!, comparison.test!)
      #expect((comparison.adjustedP! <= 0.05) == (test.p <= further.alpha))
      let d = abs(test.difference) / comparison.effect!.deviation
      #expect(further.power == Power.paired(pairs: 3, effect: d, alpha: further.alpha))
    }
    #expect(Set(all.map { $0.further!.alpha }).count > 1)
  }

  @Test func saysHowManySeedsWouldSettleADifference() throws {
    let (a, b) = (values([0.1, 0.2, 0.3]), values([0.15, 0.22, 0.41]))
    let observed = try #require(Comparison.all([a, b]).first)
    let d = observed.effect!.d
    #expect(observed.further?.more == Power.pairsNeeded(effect: d)! - 3)
    let smaller = try #require(
      Comparison.all([a, b], alpha: 0.01, power: 0.9, difference: 0.01).first?.further)
    #expect(smaller.difference == 0.01)
    let needed = Power.pairsNeeded(
      effect: 0.01 / observed.effect!.deviation, alpha: 0.01, power: 0.9)
    #expect(smaller.more == needed! - 3)
  }

  @Test func whereLittleCanBeSaid() throws {
    let single = try #require(Comparison.all([values([1]), values([2])]).first)
    #expect(single.test == nil && single.adjustedP == nil && single.further == nil)
    #expect(single.difference == 1)
    let equal = try #require(Comparison.all([values([1, 2]), values([1, 2])]).first)
    #expect(equal.test?.p == 1 && equal.effect == nil && equal.further == nil)
    let shifted = try #require(Comparison.all([values([1, 2]), values([2, 3])]).first)
    #expect(shifted.test?.p == 0 && shifted.further == nil)
    #expect(Comparison.all([values([1, 2])]).isEmpty)
    #expect(Comparison.all([values([1, 2]), []]).isEmpty)
  }

  @Test func correctsForAllComparisonsTogether() {
    let groups = [values([1, 2, 3.5]), values([2, 3.2, 4]), values([5, 6.1, 7.7])]
    let all = Comparison.all(groups)
    #expect(all.map { [$0.first, $0.second] } == [[0, 1], [0, 2], [1, 2]])
    #expect(all.map { $0.adjustedP! } == Holm.adjusted(all.map { $0.test!.p }))
    let baseline = Comparison.all(groups, againstFirst: true)
    #expect(baseline.map { [$0.first, $0.second] } == [[0, 1], [0, 2]])
  }

  @Test func showsOnlyWhatDiffers() {
    let first: JSONValue = [
      "seed": 1, "optimizer": ["name": "adam", "beta": 0.9],
      "model": [
        ["layer": "conv2d", "filters": 32, "kernel": [3, 3]], ["layer": "flatten"],
        ["layer": "dense", "units": 10],
      ],
      "early_stopping": .null,
    ]
    let second: JSONValue = [
      "seed": 1, "optimizer": ["name": "sgd", "momentum": 0.5],
      "model": [
        ["layer": "conv2d", "filters": 32, "kernel": [5, 5]],
        ["layer": "conv2d", "filters": 64, "kernel": [3, 3]], ["layer": "flatten"],
        ["layer": "dense", "units": 20],
      ],
      "early_stopping": ["monitor": "val_loss", "patience": 3, "restore_best": true],
    ]
    let rows = SpecDifferences([first, second]).rows.map { row in
      ([row.path] + row.values.map { SpecDifferences.text($0) }).joined(separator: " | ")
    }
    #expect(
      rows == [
        "optimizer.name | adam | sgd",
        "optimizer.beta | 0.9 | –",
        "optimizer.momentum | – | 0.5",
        "model[0].kernel | [3, 3] | [5, 5]",
        "model[1] | – | conv2d filters 64, kernel [3, 3]",
        "model[2].units | 10 | 20",
        "early_stopping | null | monitor val_loss, patience 3, …",
      ])
    #expect(SpecDifferences([first, first, first]).rows.isEmpty)
    #expect(SpecDifferences([first]).rows.isEmpty)
  }

  @Test func alignsThreeLists() {
    func model(_ layers: String...) -> JSONValue {
      ["model": .array(layers.map { ["layer": JSONValue($0)] })]
    }
    let rows = SpecDifferences([
      model("a", "b", "c"), model("b", "c", "d"), model("a", "c", "d"),
    ]).rows
    #expect(rows.map(\.path) == ["model[0]", "model[1]", "model[2]"])
    #expect(
      rows.map { $0.values.map { $0?["layer"]?.string ?? "–" } } == [
        ["a", "–", "a"], ["b", "b", "–"], ["–", "d", "d"],
      ])
  }

  @Test func figuresHaveNames() {
    #expect(Figure(name: "test_accuracy") == Figure(.testAccuracy))
    #expect(Figure(name: "best_val_loss") == Figure(.valLoss, .best))
    #expect(Figure(name: "last_train_accuracy") == Figure(.trainAccuracy, .last))
    #expect(Figure(name: "best_test_loss") == nil)
    #expect(Figure(name: "accuracy") == nil)
    #expect(Figure.always.count == 14)
    #expect(Figure.always.allSatisfy { Figure(name: $0.name) == $0 })
  }
}
