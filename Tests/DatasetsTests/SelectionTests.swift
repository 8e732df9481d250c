import ConvNet
import TestSupport
import Testing

@testable import Datasets
@testable import Images

@Suite struct SelectionTests {
  /// 100 labels: 50 of class 0, 30 of 1, 15 of 2, 5 of 3, mixed.
  let labels = Labels(
    (0..<100).map { i in
      let place = i * 37 % 100
      return place < 50 ? 0 : place < 80 ? 1 : place < 95 ? 2 : 3
    })

  func counts(_ indices: [Int32]) -> [Int] {
    (0..<4).map { c in indices.count { labels[Int($0)] == c } }
  }

  @Test func subsets() throws {
    #expect(try Selection().chosen(labels: labels, classes: 4) == nil)
    let few = Selection(subset: .perClass(5))
    let chosen = try #require(try few.chosen(labels: labels, classes: 4))
    #expect(counts(chosen) == [5, 5, 5, 5] && chosen == chosen.sorted())
    #expect(Set(chosen).count == 20 && few.count(of: 100, classes: 4) == 20)
    #expect(try few.chosen(labels: labels, classes: 4) == chosen)
    #expect(
      try Selection(subset: .perClass(5), seed: 2).chosen(labels: labels, classes: 4) != chosen)
    #expect(
      throws: DatasetError(.invalid, "class 3 has 5 training images; 6 were asked for")
    ) { try Selection(subset: .perClass(6)).chosen(labels: labels, classes: 4) }
    let tenth = try #require(
      try Selection(subset: .fraction(0.1)).chosen(labels: labels, classes: 4))
    #expect(counts(tenth) == [5, 3, 2, 1])
  }

  @Test func balances() throws {
    let all = labels.indices.map { Int32($0) }
    #expect(try Selection().balanced(all, labels: labels, classes: 4) == all)
    let under = try Selection(balance: .undersample).balanced(all, labels: labels, classes: 4)
    #expect(counts(under) == [5, 5, 5, 5] && Set(under).count == 20)
    let over = try Selection(balance: .oversample).balanced(all, labels: labels, classes: 4)
    #expect(counts(over) == [50, 50, 50, 50] && Set(over).count == 100)
    // Every image of a class as often as another, but for one turn.
    let times = Dictionary(grouping: over, by: { $0 }).mapValues(\.count)
    for label in 0..<4 {
      let of = times.filter { labels[Int($0.key)] == label }.values
      #expect(of.max()! - of.min()! <= 1)
    }
    #expect(throws: DatasetError.self) {
      try Selection(balance: .oversample).balanced(all, labels: labels, classes: 5)
    }
  }

  /// Of rows that come class by class, a count is a mixture; of what was published shuffled, the first.
  @Test func countsOfSortedImagesAreDrawn() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<90).map { "\($0 / 30),\($0),1,2,3" }.joined(separator: "\n")
    let path = try folder.file("sorted.csv", Array(rows.utf8))
    func set(seed: UInt64) throws -> Dataset {
      var request = DatasetRequest("files", trainCount: 30, testCount: 12)
      request.files = OwnFiles(path: path, testPath: path, classes: .count(3))
      request.preparation = ImagePreparation(shape: ImageShape(height: 2, width: 2, channels: 1))
      request.subsetSeed = seed
      return try DatasetLocator(dataFolder: nil, environment: [:]).load(request, progress: nil)
    }
    let drawn = try set(seed: 1)
    #expect(drawn.train.count == 30 && drawn.test?.count == 12)
    #expect(drawn.train.classCounts.allSatisfy { $0 > 4 })
    #expect(drawn.test?.classCounts.allSatisfy { $0 > 0 } == true)
    let firsts = (0..<30).map { drawn.train.image($0)[0] }
    #expect(firsts == firsts.sorted() && Set(firsts).count == 30)
    // Each with its own label.
    #expect(zip(firsts, drawn.train.labels).allSatisfy { $0 / 30 == $1 })
    #expect(try set(seed: 1).digest == drawn.digest)
    #expect(try set(seed: 2).train.digest != drawn.train.digest)
    #expect(DatasetCatalog.mnist.isShuffled)
    #expect(DatasetCatalog.all.filter { !$0.isShuffled }.map(\.name) == ["emnist_letters"])
  }

  /// What comes twice is distorted in two ways, the first of them as though it came once.
  @Test func copiesAreDistortedApart() {
    let set = smallSet(6, height: 8, width: 8)
    func source(_ indices: [Int32]) -> ImageSource {
      ImageSource(
        set, indices: indices,
        augmenter: Augmenter(
          ops: [.rotate(degrees: 90)], height: 8, width: 8, channels: 1, seed: 1, workers: 1))
    }
    func image(_ source: ImageSource, _ sample: Int) -> [Float] {
      [Float](unsafeUninitializedCapacity: 64) { buffer, count in
        source.fill(buffer.baseAddress!, sample: sample, epoch: 1, worker: 0)
        count = 64
      }
    }
    let repeated = source([1, 3, 3, 5])
    #expect(image(repeated, 1) != image(repeated, 2))
    let plain = source([1, 3, 5])
    #expect(image(repeated, 1) == image(plain, 1) && image(repeated, 3) == image(plain, 2))
  }
}
