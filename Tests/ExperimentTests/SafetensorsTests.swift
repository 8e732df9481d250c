import Foundation
import Storage
import TestSupport
import Testing

@testable import Experiment

@Suite struct SafetensorsTests {
  static let fixture = Fixture.url("python.safetensors")

  @Test func readsAndWritesThePythonPackagesBytes() throws {
    let bytes = try [UInt8](Data(contentsOf: Self.fixture))
    let file = try Safetensors(parsing: bytes, path: "python.safetensors")
    #expect(file["dense_1/kernel"]?.shape == [2, 3])
    #expect(
      file["dense_1/kernel"]?.floats.map(\.bitPattern)
        == [0, -0.0, 1.5, 3.4e38, .leastNonzeroMagnitude, Float.infinity].map(\.bitPattern))
    #expect(file["conv2d_0/bias"]?.floats == [0.1, -2.25])
    #expect(file["adam/m"]?.shape == [0, 4])
    #expect(file["scalar"]?.shape == [])
    #expect(file["scalar"]?.type == .i64)
    #expect(file["bytes"]?.bytes == [0, 127, 255])
    #expect(file["ünïcode \"quoted\""]?.bytes == [1])
    #expect(file.metadata.keys.sorted() == ["made_with"])
    #expect(file.encoded == bytes)
    #expect(Safetensors(tensors: file.tensors.shuffled(), metadata: file.metadata).encoded == bytes)
  }

  @Test func whatSortOfModelAFileIsIsReadInItsHeaderAlone() throws {
    let folder = try Files.makeTemporaryFolder()
    defer { Files.remove(folder) }
    let mark = Array("\"format\":\"runner-quantized-2\"".utf8)
    let tensor = StoredTensor(name: "x", type: .u8, shape: [mark.count], bytes: mark)
    for (metadata, isOne) in [([:], false), (["format": "runner-quantized-2"], true)] {
      let path = "\(folder)/model-\(isOne)"
      try Safetensors(tensors: [tensor], metadata: metadata).write(to: path)
      #expect(try QuantizedModelFile.isOne(path) == isOne)
    }
    let short = "\(folder)/short"
    for count in [0, 7, 8, 9] {
      try Data([UInt8](repeating: 0xFF, count: count)).write(to: URL(fileURLWithPath: short))
      #expect(try !QuantizedModelFile.isOne(short))
    }
  }

  @Test func aFileComesBackFromTheDisk() throws {
    let folder = try Files.makeTemporaryFolder()
    defer { Files.remove(folder) }
    let path = "\(folder)/a.safetensors"
    let tensor = StoredTensor(name: "w", type: .u8, shape: [3], bytes: [1, 2, 3])
    let file = Safetensors(tensors: [tensor], metadata: ["b": "2\n\"", "a": "1"])
    try file.write(to: path)
    #expect(try Safetensors(reading: path) == file)
    // Beside it is the mark of the temporary folder alone.
    #expect(try Files.names(in: folder) == [".temporary", "a.safetensors"])
  }

  /// A file of a header and data as given.
  static func file(_ header: String, data: Int = 0, claim: UInt64? = nil) -> [UInt8] {
    withUnsafeBytes(of: (claim ?? UInt64(header.utf8.count)).littleEndian, Array.init)
      + Array(header.utf8) + [UInt8](repeating: 0, count: data)
  }

  @Test(arguments: [
    (file(""), "header"),
    ([1, 2, 3], "it has 3 bytes, fewer than 8"),
    (file("{}", claim: 3), "a header of 3 bytes in a file of 10"),
    (file("{}", claim: .max), "a header of 18446744073709551615 bytes in a file of 10"),
    (file("[]"), "its header is not a JSON object"),
    (file("{\"a\":1}"), "\"a\" needs dtype, shape and data_offsets, and nothing else"),
    (file("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}"), "\"a\" needs dtype"),
    (
      file(#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}"#, data: 2),
      "\"a\" has elements of type F16; read are U8, I8, I32, F32, I64"
    ),
    (
      file(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, data: 4),
      "\"a\" has 4 bytes, but its shape and type take 8"
    ),
    (
      file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 3),
      "the data_offsets of \"a\" do not lie inside the file"
    ),
    (
      file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, data: 4),
      "do not lie inside"
    ),
    (
      file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, data: 4),
      "do not lie inside"
    ),
    (
      file(
        #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, data: 0),
      "the shape of \"a\" is too large"
    ),
    (
      file(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}"#),
      "the shape of \"a\" is not a list of sizes"
    ),
    (
      file(#"{"a":{"dtype":"F32","shape":"1","data_offsets":[0,0]}}"#),
      "the shape of \"a\" is not a list of sizes"
    ),
    (
      file(
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
        data: 3), "\"b\" overlaps the tensor before it"
    ),
    (
      file(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, data: 3),
      "there is a gap before \"a\""
    ),
    (
      file(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, data: 5),
      "3 bytes follow the last tensor"
    ),
    (file(#"{"__metadata__":{"a":1}}"#), "\"__metadata__\": the value of \"a\" is not a string"),
    (
      file(
        #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#
      ), "header:1:"
    ),
    (file(String(repeating: "[", count: 100_000)), "header:1:"),
  ])
  func refusesWhatIsNotSound(bytes: [UInt8], reason: String) {
    let error = #expect(throws: RecordError.self) {
      try Safetensors(parsing: bytes, path: "x.safetensors")
    }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("x.safetensors: is not a sound safetensors file: "))
    #expect(text.contains(reason), "\(text)")
  }

  /// No cut and no single changed byte of a sound file may crash the reader.
  @Test func survivesDamage() throws {
    let bytes = try [UInt8](Data(contentsOf: Self.fixture))
    for length in stride(from: 0, to: bytes.count, by: 3) {
      #expect(throws: RecordError.self) {
        try Safetensors(parsing: Array(bytes[..<length]), path: "x")
      }
    }
    for index in stride(from: 0, to: bytes.count, by: 2) {
      for value in [0, 0x22, 0x7B, 0xFF] as [UInt8] {
        var damaged = bytes
        damaged[index] = value
        _ = try? Safetensors(parsing: damaged, path: "x")
      }
    }
  }
}
