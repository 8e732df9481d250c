/// Pixels of a BMP file (Microsoft's "Bitmap Storage", and OS/2's first header), as Pillow makes them: one
/// channel where its palette is black and white or the greys of their numbers, else three. Palettes of 1,
/// 4 and 8 bits, also run-length coded, and colours of 16, 24 and 32 bits, whose fourth byte is dropped.
package enum BMPFile: ImageFormat {
  package static func begins(_ file: [UInt8]) -> Bool { file.starts(with: [0x42, 0x4D]) }

  package static func header(_ file: [UInt8]) throws(ImageProblem) -> ImageHeader {
    let bitmap = try Bitmap(file)
    return ImageHeader(
      shape: ImageShape(
        height: bitmap.height, width: bitmap.width, channels: bitmap.isGrey ? 1 : 3))
  }

  package static func pixels(_ file: [UInt8], _ header: ImageHeader) throws(ImageProblem) -> [UInt8]
  {
    let bitmap = try Bitmap(file)
    return bitmap.bits <= 8 ? try bitmap.painted(file) : try bitmap.masked(file)
  }
}

/// What the headers of a BMP file say.
private struct Bitmap {
  /// How the pixels are stored; the numbers are the form's own.
  private enum Compression: Int {
    case none, runs8, runs4, masks
  }

  let width: Int, height: Int, bits: Int
  private let compression: Compression
  /// Whether the first row is the upper one.
  private let isTopDown: Bool
  /// Where the pixels begin.
  private let offset: Int
  /// Blue, green, red of each colour.
  private let palette: [[UInt8]]
  /// Of the bits of red, green and blue in a pixel of 16, 24 or 32 bits.
  private let masks: [UInt32]

  /// Pillow's rule, so that a file of the same pixels is of the same kind there and here.
  var isGrey: Bool {
    guard bits <= 8 else { return false }
    let greys = palette.count == 2 ? [0, 255] : Array(palette.indices)
    return zip(palette, greys).allSatisfy { colour, grey in colour.allSatisfy { Int($0) == grey } }
  }

  init(_ file: [UInt8]) throws(ImageProblem) {
    func number(_ place: Int, _ count: Int) throws(ImageProblem) -> Int {
      guard place + count <= file.count else {
        throw ImageProblem("it ends within its header; it is truncated")
      }
      return file[place..<place + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    let size = try number(14, 4)
    let isOld = size == 12
    guard isOld || [40, 52, 56, 64, 108, 124].contains(size) else {
      throw ImageProblem("its header is of \(size) bytes, which is no known form")
    }
    width = try number(18, isOld ? 2 : 4)
    let signed = Int(Int32(truncatingIfNeeded: try number(isOld ? 20 : 22, isOld ? 2 : 4)))
    isTopDown = !isOld && signed < 0
    height = isOld ? try number(20, 2) : abs(signed)
    guard width < 1 << 31 else { throw ImageProblem("it is of a negative width") }
    try ImageProblem.check(width: width, height: height)
    let bits = try number(isOld ? 24 : 28, 2)
    let code = isOld ? 0 : try number(30, 4)
    self.bits = bits
    let form = Compression(rawValue: code)
    let isKnown =
      switch form {
      case .none?: [1, 4, 8, 16, 24, 32].contains(bits)
      case .runs8?: bits == 8
      case .runs4?: bits == 4
      // In the header of OS/2 this is another code.
      case .masks?: [16, 24, 32].contains(bits) && size != 64
      case nil: false
      }
    guard isKnown, let form else {
      throw ImageProblem(
        "its pixels are of \(bits) bits by the method \(code), which is not read; save it as PNG")
    }
    compression = form
    var start = try number(10, 4)
    var palette: [[UInt8]] = []
    if bits <= 8 {
      let told = isOld ? 0 : try number(46, 4)
      let count = told == 0 ? 1 << bits : told
      guard count <= 65_536 else { throw ImageProblem("its palette claims \(count) colours") }
      let entry = isOld ? 3 : 4
      let first = 14 + size
      if start == first { start += entry * count }
      for colour in 0..<count {
        let place = first + colour * entry
        _ = try number(place, 3)
        palette.append(Array(file[place..<place + 3]))
      }
    }
    self.palette = palette
    offset = start
    if form == .masks {
      // After the shortest header, within the others.
      var masks: [UInt32] = []
      for place in [54, 58, 62] { masks.append(UInt32(try number(place, 4))) }
      for mask in masks {
        let value = mask >> UInt32(mask.trailingZeroBitCount & 31)
        guard mask != 0, value & (value &+ 1) == 0, value <= 0xFFFF else {
          throw ImageProblem("its masks of colours are no bits side by side, or too many")
        }
      }
      self.masks = masks
    } else {
      masks = bits == 16 ? [0x7C00, 0x03E0, 0x001F] : [0xFF_0000, 0xFF00, 0xFF]
    }
  }

  /// Rows are of whole words.
  private var stride: Int { (width * bits + 31) / 32 * 4 }

  private func checkLength(_ file: [UInt8]) throws(ImageProblem) {
    guard offset <= file.count, stride * height <= file.count - offset else {
      throw ImageProblem(
        "its pixels take \(stride * height) bytes from byte \(offset) on, but it has \(file.count) in "
          + "all; it is truncated")
    }
  }

  /// Where in the file the row lies that is `y` from above.
  private func start(of y: Int) -> Int { offset + (isTopDown ? y : height - 1 - y) * stride }

  /// Pixels whose colours are given by masks.
  func masked(_ file: [UInt8]) throws(ImageProblem) -> [UInt8] {
    try checkLength(file)
    let bytes = bits / 8
    let fields = masks.map { mask in
      (mask: mask, shift: UInt32(mask.trailingZeroBitCount))
    }.map { ($0.mask, $0.shift, $0.mask >> $0.shift) }
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    var next = 0
    for y in 0..<height {
      var place = start(of: y)
      for _ in 0..<width {
        var pixel: UInt32 = 0
        for b in 0..<bytes { pixel |= UInt32(file[place + b]) << UInt32(8 * b) }
        place += bytes
        for (mask, shift, most) in fields {
          let value = (pixel & mask) >> shift
          pixels[next] = UInt8(most == 255 ? value : value * 255 / most)
          next += 1
        }
      }
    }
    return pixels
  }

  /// Pixels that are numbers of colours.
  func painted(_ file: [UInt8]) throws(ImageProblem) -> [UInt8] {
    let numbers = compression == .none ? try plain(file) : try unrolled(file)
    let isGrey = isGrey
    var pixels: [UInt8] = []
    pixels.reserveCapacity(numbers.count * (isGrey ? 1 : 3))
    for (place, number) in numbers.enumerated() {
      guard Int(number) < palette.count else {
        throw ImageProblem(
          "pixel \(place % width) of row \(place / width) is of colour \(number); its palette has "
            + "\(palette.count)")
      }
      let colour = palette[Int(number)]
      if isGrey {
        pixels.append(colour[0])
      } else {
        pixels.append(colour[2])
        pixels.append(colour[1])
        pixels.append(colour[0])
      }
    }
    return pixels
  }

  private func plain(_ file: [UInt8]) throws(ImageProblem) -> [UInt8] {
    try checkLength(file)
    let mask = UInt8((1 << bits) - 1)
    var numbers: [UInt8] = []
    numbers.reserveCapacity(width * height)
    for y in 0..<height {
      let row = start(of: y)
      for x in 0..<width {
        let bit = x * bits
        numbers.append(file[row + bit / 8] >> UInt8(8 - bits - bit % 8) & mask)
      }
    }
    return numbers
  }

  /// Runs of equal pixels, and what lies between them; what is left out is of colour 0.
  private func unrolled(_ file: [UInt8]) throws(ImageProblem) -> [UInt8] {
    var numbers = [UInt8](repeating: 0, count: width * height)
    // From below, in the order of the file.
    var (x, y, place) = (0, 0, offset)
    func next() throws(ImageProblem) -> Int {
      guard place < file.count else {
        throw ImageProblem("its runs of pixels end before the image; it is truncated")
      }
      defer { place += 1 }
      return Int(file[place])
    }
    func put(_ number: Int) throws(ImageProblem) {
      guard x < width, y < height else {
        throw ImageProblem("its runs of pixels go beyond row \(min(y, height - 1))")
      }
      numbers[(isTopDown ? y : height - 1 - y) * width + x] = UInt8(number)
      x += 1
    }
    /// A pair of pixels in a byte, where they are of 4 bits.
    func put(_ count: Int, _ number: (Int) throws(ImageProblem) -> Int) throws(ImageProblem) {
      var byte = 0
      for i in 0..<count {
        if bits == 8 {
          try put(try number(i))
        } else {
          if i % 2 == 0 { byte = try number(i) }
          try put(i % 2 == 0 ? byte >> 4 : byte & 15)
        }
      }
    }
    while y < height {
      let count = try next()
      let second = try next()
      if count > 0 {
        try put(count) { _ in second }
        continue
      }
      switch second {
      case 0: (x, y) = (0, y + 1)
      case 1: return numbers
      case 2:
        x += try next()
        y += try next()
      default:
        let start = place
        try put(second) { (_) throws(ImageProblem) in try next() }
        // Of whole words.
        if (place - start) % 2 == 1 { place += 1 }
      }
    }
    return numbers
  }
}
