import HTTPTypes
import Storage

/// Numbers in nested lists, as JSON has tensors: their sizes, and all in order.
struct NestedNumbers {
  private(set) var sizes: [Int]
  private(set) var values: [Float] = []

  /// - Throws: `Refusal` where lists of one level differ in length, or something is no finite number.
  init(_ json: JSONValue, name: String) throws(Refusal) {
    var sizes: [Int] = []
    var level = json
    while let list = level.array {
      sizes.append(list.count)
      guard let first = list.first else { break }
      level = first
    }
    self.sizes = sizes
    values.reserveCapacity(sizes.reduce(1) { ByteLimit.product($0, $1) })
    try add(json, depth: 0, name)
  }

  private mutating func add(_ json: JSONValue, depth: Int, _ name: String) throws(Refusal) {
    switch json {
    case .number(let number) where depth == sizes.count:
      let value = number.float
      guard value.isFinite else {
        throw Refusal(.unprocessableContent, "\(name): \(number.text) is beyond 32-bit floats")
      }
      values.append(value)
    case .array(let list) where depth < sizes.count && list.count == sizes[depth]:
      for item in list { try add(item, depth: depth + 1, name) }
    default:
      throw Refusal(
        .unprocessableContent,
        "\(name): it must be numbers in lists of equal lengths, here "
          + sizes.map(String.init).joined(separator: "x"))
    }
  }
}

enum ByteLimit {
  /// At most a million, for what is reserved ahead.
  static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? 1 << 20 : min(product, 1 << 20)
  }
}

extension ServedModel {
  /// How many images numbers of these sizes are: (N, H, W, C), (N, H, W) of one channel, or (N, H·W·C).
  /// - Throws: `Refusal` with the sizes that there may be.
  func images(ofSizes sizes: [Int], name: String) throws(Refusal) -> Int {
    let own = inputSizes
    let isOwn =
      sizes.count >= 2
      && (Array(sizes[1...]) == own || own[2] == 1 && Array(sizes[1...]) == Array(own[..<2])
        || Array(sizes[1...]) == [inputCount])
    guard isOwn else {
      throw Refusal(
        .unprocessableContent,
        "\(name): it is \(sizes.map(String.init).joined(separator: "x")), and \(self.name) takes "
          + "Nx\(own.map(String.init).joined(separator: "x")), pixels of 0 to 255")
    }
    guard sizes[0] > 0 else { throw Refusal(.unprocessableContent, "\(name): there is no image") }
    return sizes[0]
  }
}
