import Images
import Storage

/// The elements of an array as numbers, whatever their type and order of bytes.
struct NPYElements {
  let element: NPYHeader.Element
  let bytes: [UInt8]

  init(_ stream: any ByteStream, _ header: NPYHeader, _ part: String) throws(DatasetError) {
    element = header.element
    let total = header.count * header.element.size
    try stream.check(total: header.length + total)
    try checkMemory(ofImages: total)
    bytes = try stream.take(total, of: "the \(part) that its header announces")
    try stream.requireEnd(after: "the \(part)")
  }

  /// Calls `body` with a reader of the element at a place, which is chosen once for the type.
  func withNumbers<R>(_ body: ((Int) -> Double) -> R) -> R {
    bytes.withUnsafeBytes { raw in
      let swaps = element.isBigEndian
      func integer<T: FixedWidthInteger>(_: T.Type) -> (Int) -> Double {
        { place in
          let value = raw.loadUnaligned(fromByteOffset: place * MemoryLayout<T>.size, as: T.self)
          return Double(swaps ? T(bigEndian: value) : T(littleEndian: value))
        }
      }
      func bits<T: FixedWidthInteger>(_: T.Type, _ make: @escaping (T) -> Double) -> (Int) -> Double
      {
        { place in
          let value = raw.loadUnaligned(fromByteOffset: place * MemoryLayout<T>.size, as: T.self)
          return make(swaps ? T(bigEndian: value) : T(littleEndian: value))
        }
      }
      switch (element.kind, element.size) {
      case ("u", 1): return body(integer(UInt8.self))
      case ("u", 2): return body(integer(UInt16.self))
      case ("u", 4): return body(integer(UInt32.self))
      case ("u", _): return body(integer(UInt64.self))
      case ("i", 1): return body(integer(Int8.self))
      case ("i", 2): return body(integer(Int16.self))
      case ("i", 4): return body(integer(Int32.self))
      case ("i", _): return body(integer(Int64.self))
      case ("b", _): return body { raw[$0] == 0 ? 0 : 1 }
      case ("f", 2): return body(bits(UInt16.self, Self.half))
      case ("f", 4): return body(bits(UInt32.self) { Double(Float(bitPattern: $0)) })
      default: return body(bits(UInt64.self) { Double(bitPattern: $0) })
      }
    }
  }

  /// IEEE 754's binary16: a sign, five bits of exponent, ten of fraction.
  static func half(_ bits: UInt16) -> Double {
    let sign: Double = bits & 0x8000 == 0 ? 1 : -1
    let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 0x3FF))
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default:
      return sign * Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
    }
  }

  /// The text at a place, without the zeros that fill it up.
  func text(_ place: Int) -> String {
    let field = bytes[place * element.size..<(place + 1) * element.size]
    guard element.kind == "U" else {
      let end = field.lastIndex { $0 != 0 }.map { $0 + 1 } ?? field.startIndex
      return String(decoding: field[..<end], as: UTF8.self)
    }
    var scalars = String.UnicodeScalarView()
    for start in stride(from: field.startIndex, to: field.endIndex, by: 4) {
      let value = (0..<4).reduce(UInt32(0)) { value, i in
        value << 8 | UInt32(field[start + (element.isBigEndian ? i : 3 - i)])
      }
      if value == 0 { continue }
      scalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
    }
    return String(scalars)
  }
}
