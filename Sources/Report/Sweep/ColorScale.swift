/// Colours from the best to the worst, equally far apart to the eye, in grey and to people with any
/// kind of colour vision too: viridis (van der Walt and Smith 2015), without its brightest end,
/// which is too faint for a line on white. The best are the darkest.
enum ColorScale {
  /// viridis at 0, 0.1 … 1.
  private static let anchors: [(red: Double, green: Double, blue: Double)] = [
    (68, 1, 84), (72, 36, 117), (65, 68, 135), (53, 95, 141), (42, 120, 142), (33, 145, 140),
    (34, 168, 132), (68, 191, 112), (122, 209, 81), (189, 223, 38), (253, 231, 37),
  ]
  private static let faintest = 0.9

  /// The colour at `badness`, 0 for the best and 1 for the worst.
  static func color(_ badness: Double) -> String {
    let place = min(max(badness, 0), 1) * faintest * 10
    let below = min(Int(place), anchors.count - 2)
    let part = place - Double(below)
    func mixed(_ a: Double, _ b: Double) -> String {
      let digits = String(Int((a + (b - a) * part).rounded()), radix: 16, uppercase: true)
      return digits.count == 1 ? "0" + digits : digits
    }
    let (low, high) = (anchors[below], anchors[below + 1])
    return "#" + mixed(low.red, high.red) + mixed(low.green, high.green)
      + mixed(low.blue, high.blue)
  }

  /// A bar with the best at its top, or at its bottom, to be filled with `url(#id)`.
  static func gradient(id: String, bestOnTop: Bool) -> Element {
    let stops = (0...18).map { i in
      let offset = Double(i) / 18
      return Element(
        "stop",
        [
          "offset": DecimalText.text(offset, decimals: 4, trimmed: true),
          "stop-color": color(bestOnTop ? offset : 1 - offset),
        ])
    }
    return Element("linearGradient", ["id": id, "x2": "0", "y2": "1"], children: stops)
  }
}
