import Images
import Storage

/// The header of an NPY file (NumPy Enhancement Proposal 1, versions 1.0 to 3.0), every claim of it
/// checked before anything of the size that it claims is allocated.
struct NPYHeader: Hashable {
  /// One element: `u1` is an unsigned byte.
  struct Element: Hashable {
    /// `u` unsigned, `i` signed, `f` floating-point, `b` boolean; `S` and `U` texts of bytes and of
    /// UTF-32.
    let kind: Character
    let size: Int
    let isBigEndian: Bool
  }

  let element: Element
  /// Whether the first index runs fastest.
  let isFortran: Bool
  var shape: [Int]
  /// Bytes before the content.
  let length: Int

  var count: Int { shape.reduce(1, *) }

  /// How many elements lie between neighbours along each index.
  var strides: [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for i in shape.indices.dropFirst() {
      if isFortran {
        strides[i] = strides[i - 1] * shape[i - 1]
      } else {
        let j = shape.count - 1 - i
        strides[j] = strides[j + 1] * shape[j + 1]
      }
    }
    return strides
  }

  /// The longest header that is read.
  private static let limit = 1 << 16

  init(_ stream: any ByteStream) throws(DatasetError) {
    let path = stream.path
    let magic = try stream.take(8, of: "the header")
    guard magic[..<6] == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59] else {
      throw DatasetError(
        .damaged,
        "\(path): not an NPY file: it begins with 0x\(SHA256.hex(Array(magic[..<6]))), where "
          + "0x934e554d5059 was expected")
    }
    guard (1...3).contains(magic[6]) else {
      throw DatasetError(
        .damaged, "\(path): it is of NPY version \(magic[6]); 1 to 3 are read")
    }
    let lengthBytes = magic[6] == 1 ? 2 : 4
    let length = try stream.take(lengthBytes, of: "the header").littleEndian(0, lengthBytes)
    guard length <= Self.limit else {
      throw DatasetError(
        .damaged,
        "\(path): its header claims to be \(length) bytes long; the limit is \(Self.limit)")
    }
    self.length = 8 + lengthBytes + length
    let text = try stream.take(length, of: "the header")
    var parser = Parser(text: text, path: path)
    (element, isFortran, shape) = try parser.header()
    var total = element.size
    // Without its zeros, so that no product of some of its sizes is beyond the limit either.
    for d in shape {
      let (product, overflow) = total.multipliedReportingOverflow(by: max(1, d))
      guard !overflow, product <= Limit.content else {
        throw DatasetError(
          .damaged, "\(path): its header announces \(described); the limit is 4 GiB")
      }
      total = product
    }
  }

  /// `60000 x 28 x 28 of u1`
  var described: String {
    shape.map(String.init).joined(separator: " x ") + " of \(element.kind)\(element.size)"
  }

  /// The Python dictionary that the header is: `{'descr': '|u1', 'fortran_order': False,
  /// 'shape': (60000, 28, 28), }`, and nothing else.
  private struct Parser {
    let text: [UInt8]
    let path: String
    var place = 0

    func error(_ message: String) -> DatasetError {
      DatasetError(.damaged, "\(path): its header is not one of NPY: \(message)")
    }

    mutating func skipSpace() {
      while place < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[place]) { place += 1 }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard place < text.count, text[place] == UInt8(ascii: character) else { return false }
      place += 1
      return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(DatasetError) {
      guard take(character) else { throw error("\"\(character)\" is missing at byte \(place)") }
    }

    /// Letters and digits.
    mutating func word() -> String {
      skipSpace()
      let start = place
      func isWord(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber)
      }
      while place < text.count, isWord(text[place]) { place += 1 }
      return String(decoding: text[start..<place], as: UTF8.self)
    }

    mutating func string() throws(DatasetError) -> String {
      let quote: Unicode.Scalar = take("'") ? "'" : "\""
      if quote == "\"" { try expect("\"") }
      let start = place
      while place < text.count, text[place] != UInt8(ascii: quote) { place += 1 }
      let string = String(decoding: text[start..<min(place, text.count)], as: UTF8.self)
      try expect(quote)
      return string
    }

    mutating func header() throws(DatasetError) -> (Element, Bool, [Int]) {
      var element: Element?
      var isFortran: Bool?
      var shape: [Int]?
      try expect("{")
      while !take("}") {
        let key = try string()
        try expect(":")
        switch key {
        case "descr" where element == nil:
          if take("[") {
            throw DatasetError(
              .damaged, "\(path): it holds records of several fields; one number each is read")
          }
          element = try Self.element(try string(), path)
        case "fortran_order" where isFortran == nil:
          let value = word()
          guard value == "True" || value == "False" else {
            throw error("fortran_order is \(value)")
          }
          isFortran = value == "True"
        case "shape" where shape == nil:
          shape = try tuple()
        default: throw error("a key \"\(key.prefix(40))\" is not expected")
        }
        guard take(",") else {
          try expect("}")
          break
        }
      }
      skipSpace()
      guard place == text.count else { throw error("something follows the dictionary") }
      guard let element, let isFortran, let shape else {
        throw error("descr, fortran_order and shape are not all there")
      }
      return (element, isFortran, shape)
    }

    mutating func tuple() throws(DatasetError) -> [Int] {
      var shape: [Int] = []
      try expect("(")
      while !take(")") {
        let number = word()
        guard let value = Int(number), value >= 0, shape.count < 32 else {
          throw error("a size in the shape is \"\(number.prefix(40))\"")
        }
        shape.append(value)
        guard take(",") else {
          try expect(")")
          break
        }
      }
      return shape
    }

    static func element(_ text: String, _ path: String) throws(DatasetError) -> Element {
      let characters = Array(text)
      if characters.count >= 3, "<>|=".contains(characters[0]),
        let size = Int(String(characters[2...])), size > 0, size <= 1 << 16
      {
        let (kind, isBigEndian) = (characters[1], characters[0] == ">")
        let isNumber =
          "ui".contains(kind) && [1, 2, 4, 8].contains(size)
          || kind == "f" && [2, 4, 8].contains(size) || kind == "b" && size == 1
        if isNumber || kind == "S" {
          return Element(kind: kind, size: size, isBigEndian: isBigEndian)
        }
        if kind == "U" { return Element(kind: kind, size: 4 * size, isBigEndian: isBigEndian) }
      }
      if text.hasSuffix("O") {
        throw DatasetError(
          .damaged,
          "\(path): it holds elements of type \(text.prefix(40)), Python's own objects, which are a "
            + "pickle and not read; save numbers, numpy.stack(list(x)), or texts, y.astype(str)")
      }
      throw DatasetError(
        .damaged,
        "\(path): it holds elements of type \(text.prefix(40)); numbers of at most 8 bytes, and texts "
          + "for labels, are read")
    }
  }
}
