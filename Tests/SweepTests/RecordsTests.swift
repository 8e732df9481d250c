import Experiment
import Storage
import Testing

@testable import Sweep

/// What records of runs say, and in what they differ.
@Suite struct RecordsTests {
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
