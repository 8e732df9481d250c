/// Pixels of ink that hang together, over gaps of a pixel or two.
struct DigitPart {
  private(set) var pixels: [Int] = []
  private(set) var place: DigitRegion
  /// The sum of its ink.
  private(set) var mass: Float = 0
  /// Whether it is something else that reaches into the picture, by which it is cut off: it lies along the
  /// border, as the end of the paper or a shadow does, or goes through from side to side.
  private(set) var isForeign = false
  /// Whether it takes all of one border.
  private(set) var coversBorder = false

  /// All parts, in the order of their first pixels.
  static func all(of mask: DigitMask, _ ink: DigitPlane) -> [DigitPart] {
    let (height, width) = (mask.height, mask.width)
    var open = mask.widened(by: max(1, max(height, width) / 150)).bits
    var parts: [DigitPart] = []
    var stack: [Int] = []
    for start in open.indices where open[start] {
      var pixels: [Int] = []
      open[start] = false
      stack.append(start)
      while let i = stack.popLast() {
        if mask.bits[i] { pixels.append(i) }
        let (y, x) = (i / width, i % width)
        for ny in max(0, y - 1)...min(height - 1, y + 1) {
          for nx in max(0, x - 1)...min(width - 1, x + 1) where open[ny * width + nx] {
            open[ny * width + nx] = false
            stack.append(ny * width + nx)
          }
        }
      }
      parts.append(DigitPart(pixels.sorted(), ink))
    }
    return parts
  }

  private init(_ pixels: [Int], _ ink: DigitPlane) {
    self.pixels = pixels
    var (top, left, bottom, right) = (ink.height, ink.width, 0, 0)
    // Along the top, the bottom, the left and the right.
    var contact = [0, 0, 0, 0]
    for i in pixels {
      let (y, x) = (i / ink.width, i % ink.width)
      (top, left, bottom, right) = (min(top, y), min(left, x), max(bottom, y), max(right, x))
      mass += ink.values[i]
      if y == 0 { contact[0] += 1 }
      if y == ink.height - 1 { contact[1] += 1 }
      if x == 0 { contact[2] += 1 }
      if x == ink.width - 1 { contact[3] += 1 }
    }
    place = DigitRegion(top: top, left: left, height: bottom - top + 1, width: right - left + 1)
    isForeign =
      contact.reduce(0, +) * 2 > place.longest || contact[0] > 0 && contact[1] > 0
      || contact[2] > 0 && contact[3] > 0
    coversBorder =
      max(contact[0], contact[1]) * 20 > ink.width * 19
      || max(contact[2], contact[3]) * 20 > ink.height * 19
  }

  /// Whether they reach all four borders, and cover none: a digit that was cut out closely.
  static func fill(_ parts: [DigitPart], _ ink: DigitPlane) -> Bool {
    // Grey edges lie beyond.
    let near = 1 + ink.longest / 64
    return !parts.contains(where: \.coversBorder)
      && parts.contains { $0.place.top <= near } && parts.contains { $0.place.left <= near }
      && parts.contains { $0.place.top + $0.place.height >= ink.height - near }
      && parts.contains { $0.place.left + $0.place.width >= ink.width - near }
  }

  /// The part with the most ink, and those close to it that are no specks; none where all are specks.
  static func digit(among parts: [DigitPart], in ink: DigitPlane) -> [DigitPart] {
    let smallest = max(5, min(ink.height, ink.width) / 32)
    guard let main = parts.max(by: { $0.mass < $1.mass }), main.place.longest >= smallest
    else { return [] }
    let reach = main.place.longest / 5 + 1
    var digit = [main]
    var place = main.place
    var others = parts.filter { $0.mass >= 0.03 * main.mass && $0.place != main.place }
    // What is close to one that is close belongs to it too.
    while let next = others.firstIndex(where: { $0.place.distance(to: place) <= reach }) {
      let part = others.remove(at: next)
      digit.append(part)
      place = place.union(part.place)
    }
    return digit
  }
}
