import Foundation
import Storage
import Testing

@testable import Exchange
@testable import ONNX

/// The operators of quantised networks by ONNX's own node tests; see Fixtures/make_onnx_integers.py.
@Suite struct ONNXIntegerTests {
  private static func fixture(_ name: String) throws -> [UInt8] {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/\(name)")
    return Array(try Data(contentsOf: url))
  }

  @Test func nodeTests() throws {
    let file = try ONNXFile(parsing: Self.fixture("onnx_integers.onnx"))
    let listed = try JSONValue(parsing: Self.fixture("onnx_integers.json"), name: "tests")
    let names = listed["tests"]?.array?.compactMap(\.string) ?? []
    #expect(file.nodes.map(\.name) == names && !names.isEmpty)
    let constants = Dictionary(uniqueKeysWithValues: file.constants.map { ($0.name, $0.value) })
    let evaluator = ONNXEvaluator(opset: file.opset)
    for node in file.nodes {
      let found = try evaluator.evaluate(
        node, node.inputs.map { $0.isEmpty ? nil : constants[$0] })
      let expected = try #require(constants["\(node.name)/expected"])
      #expect(found.shape == expected.shape, "\(node.name)")
      #expect(found.integers == expected.integers, "\(node.name)")
      #expect(found.numbers == expected.numbers, "\(node.name)")
      if !expected.content.isFloat { #expect(found.whole == expected.whole, "\(node.name)") }
    }
  }

  /// What does not fit is refused, whatever it is.
  @Test func whatDoesNotFit() throws {
    let evaluator = ONNXEvaluator(opset: 21)
    func integers(_ shape: [Int], _ whole: ONNXArray.Whole = .int8) -> ONNXArray {
      ONNXArray(
        .ints(Array(repeating: 1, count: shape.reduce(1, *))), shape: shape, whole: whole)
    }
    func floats(_ shape: [Int], _ value: Float = 0.5) -> ONNXArray {
      ONNXArray(.floats(Array(repeating: value, count: shape.reduce(1, *))), shape: shape)
    }
    for (op, inputs, attributes) in [
      ("QuantizeLinear", [integers([2]), floats([])], [:]),
      ("QuantizeLinear", [floats([2])], [:]),
      ("QuantizeLinear", [floats([2]), floats([], 0)], [:]),
      ("QuantizeLinear", [floats([2]), floats([], .nan)], [:]),
      ("QuantizeLinear", [floats([2, 2]), floats([3])], [:]),
      ("QuantizeLinear", [floats([2, 2]), floats([2])], ["axis": .int(5)]),
      (
        "QuantizeLinear", [floats([2, 2]), floats([2, 2])],
        ["axis": .int(1), "block_size": .int(2)]
      ),
      ("QuantizeLinear", [floats([2]), floats([]), integers([2])], [:]),
      ("DequantizeLinear", [integers([2], .int64), floats([])], [:]),
      ("DequantizeLinear", [floats([2]), floats([])], [:]),
      ("ConvInteger", [integers([1, 2, 3, 3]), integers([1, 1, 1, 1])], [:]),
      ("ConvInteger", [integers([1, 1, 3, 3]), integers([1, 1, 4, 4])], [:]),
      ("ConvInteger", [integers([3, 3]), integers([3, 3])], [:]),
      ("MatMulInteger", [integers([2, 3]), integers([2, 3])], [:]),
      ("QLinearMatMul", [integers([2, 2])], [:]),
    ] as [(String, [ONNXArray?], [String: ONNXFile.Attribute])] {
      let node = ONNXFile.Node(
        op: op, name: op, inputs: [], outputs: ["y"], attributes: attributes)
      #expect(throws: ExchangeError.self, "\(op) \(inputs)") {
        try evaluator.evaluate(node, inputs)
      }
    }
    // What is no number, or beyond all, is held.
    let node = ONNXFile.Node(op: "QuantizeLinear", name: "", inputs: [], outputs: [])
    let held = try evaluator.evaluate(
      node,
      [
        ONNXArray(.floats([.infinity, -.infinity, .nan, 2.5, 3.5]), shape: [5]), floats([], 1),
        ONNXArray(.ints([0]), shape: [], whole: .int8),
      ])
    #expect(held.integers == [127, -128, -128, 2, 4])
  }
}
