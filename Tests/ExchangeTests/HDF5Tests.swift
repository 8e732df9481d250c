import Testing

@testable import Exchange
@testable import ONNX

@Suite struct HDF5Tests {
  private static let file: [UInt8] = {
    let one = HDF5Object.array(Tensor([1], shape: [1]))
    let many = HDF5Object.array(Tensor((0..<1000).map { Float($0) }, shape: [10, 100]))
    return HDF5File.encoded(.group([("a", many), ("b", one), ("c", one)]))
  }()

  /// Where the link of a name says what it leads to.
  private static func link(_ name: Character) throws -> Int {
    let mark: [UInt8] = [1, 1, 1, 0, name.asciiValue!]
    let first = try #require(
      (0..<file.count - 13).last { file[$0..<$0 + mark.count].elementsEqual(mark) })
    return first + mark.count
  }

  private static func number(_ place: Int, _ count: Int) -> Int {
    (0..<count).reversed().reduce(0) { $0 << 8 | Int(file[place + $1]) }
  }

  @Test func readsWhatWasWritten() throws {
    let arrays = try HDF5Reader.arrays(in: Self.file)
    #expect(arrays.keys.sorted() == ["a", "b", "c"])
    #expect(arrays["a"]?.shape == [10, 100] && arrays["a"]?.values.last == 999)
  }

  /// Three links to one array of almost all bytes would come to three times the file.
  @Test func linksToOnePlaceAreRefused() throws {
    var bytes = Self.file
    let large = try Self.link("a")
    for name in ["b", "c"] as [Character] {
      let place = try Self.link(name)
      bytes.replaceSubrange(place..<place + 8, with: Self.file[large..<large + 8])
    }
    let root = Self.number(36, 8)
    let end = root + 10 + Self.number(root + 6, 4)
    let checksum = HDF5File.checksum(Array(bytes[root..<end]))
    for i in 0..<4 { bytes[end + i] = UInt8(truncatingIfNeeded: checksum >> (8 * i)) }
    #expect {
      _ = try HDF5Reader.arrays(in: bytes)
    } throws: {
      "\($0)".contains("it holds more than it has bytes")
    }
  }
}
