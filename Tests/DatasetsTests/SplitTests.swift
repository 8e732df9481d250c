import ConvNet
import Testing

@testable import Datasets

@Suite struct SplitTests {
  /// 100 labels: 50 of class 0, 30 of 1, 15 of 2, 5 of 3, mixed.
  let labels = Labels(
    (0..<100).map { i in
      let place = i * 37 % 100
      return place < 50 ? 0 : place < 80 ? 1 : place < 95 ? 2 : 3
    })

  func counts(_ indices: [Int32]) -> [Int] {
    (0..<4).map { c in indices.count { labels[Int($0)] == c } }
  }

  @Test(arguments: [false, true], [0, 4, 10, 33, 99])
  func partsTheSet(stratified: Bool, count: Int) throws {
    let split = try HoldoutSplit(labels: labels, validation: count, stratified: stratified, seed: 1)
    #expect(split.validation.count == count)
    #expect((split.training + split.validation).sorted() == (0..<100).map { Int32($0) })
    #expect(split.training == split.training.sorted())
    #expect(
      split
        == (try HoldoutSplit(labels: labels, validation: count, stratified: stratified, seed: 1)))
  }

  @Test func dependsOnTheSeed() throws {
    let splits = try (0..<20 as Range<UInt64>).map {
      try HoldoutSplit(labels: labels, validation: 10, seed: $0).validation
    }
    #expect(Set(splits).count == 20)
  }

  @Test func everyImageIsAsLikely() throws {
    var times = [Int](repeating: 0, count: 100)
    for seed in 0..<500 as Range<UInt64> {
      for i in try HoldoutSplit(labels: labels, validation: 20, seed: seed).validation {
        times[Int(i)] += 1
      }
    }
    // 100 expected, deviation 9.
    #expect(times.allSatisfy { $0 > 55 && $0 < 145 })
  }

  @Test func keepsProportions() throws {
    #expect(
      counts(try HoldoutSplit(labels: labels, validation: 20, stratified: true, seed: 5).validation)
        == [10, 6, 3, 1])
    // 5, 3, 1.5, 0.5: the lower class gets the image that two would share.
    #expect(
      counts(try HoldoutSplit(labels: labels, validation: 10, stratified: true, seed: 5).validation)
        == [5, 3, 2, 0])
  }

  @Test func refusesNonsense() throws {
    #expect(
      throws: DatasetError(
        .invalid, "a validation split of 100 images leaves none of the 100 images to train on")
    ) { try HoldoutSplit(labels: labels, validation: 100, seed: 1) }
    #expect(throws: DatasetError.self) { try HoldoutSplit(labels: labels, validation: -1, seed: 1) }
    #expect(throws: DatasetError.self) {
      try HoldoutSplit(labels: labels, validation: 3, stratified: true, seed: 1)
    }
    for fraction in [-0.1, 1, 2, .nan, .infinity] {
      #expect(throws: DatasetError.self) { try HoldoutSplit.count(fraction: fraction, of: 100) }
    }
  }

  @Test func countsFractions() throws {
    #expect(try HoldoutSplit.count(fraction: 0.2, of: 60_000) == 12_000)
    #expect(try HoldoutSplit.count(fraction: 0.1, of: 60_000) == 6_000)
    #expect(try HoldoutSplit.count(fraction: 0.29, of: 100) == 29)
    #expect(try HoldoutSplit.count(fraction: 0.5, of: 5) == 2)
    #expect(try HoldoutSplit.count(fraction: 0.001, of: 100) == 1)
    #expect(try HoldoutSplit.count(fraction: 0, of: 100) == 0)
    #expect(try HoldoutSplit.count(fraction: 0.999_999, of: 100) == 99)
  }
}
