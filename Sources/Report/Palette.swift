/// Colours that people with any kind of colour vision tell apart (Okabe and Ito 2008), without
/// their yellow, which is too faint for a line on white. Ordered so that the first few differ in
/// lightness too.
enum Palette {
  static let lines = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
  ]
  /// The same hues, dark enough for small text (4.5 to 1 on white).
  static let words = [
    "#0068A3", "#B04C00", "#007A58", "#A34D7C", "#8A5E00", "#23749F", "#000000",
  ]
  static let shapes = Marker.allCases.count
  /// How many lines can be told apart by colour and marker; the rest are grey.
  static let distinct = lines.count * shapes

  static let background = "#FFFFFF"
  static let title = "#1A1A1A"
  static let text = "#4D4D4D"
  static let grid = "#E4E4E4"
  static let axis = "#8C8C8C"
  static let rest = "#BDBDBD"
  static let bandOpacity = "0.18"
}

/// The shape of a point. Lines that share a colour differ in it.
enum Marker: Int, CaseIterable {
  case circle, square, triangle

  /// The shape around (x, y) as path data, about 2r across.
  func path(_ x: Double, _ y: Double, radius r: Double) -> String {
    let p = Element.pixels
    switch self {
    case .circle:
      return "M\(p(x - r)) \(p(y))a\(p(r)) \(p(r)) 0 1 0 \(p(2 * r)) 0"
        + "a\(p(r)) \(p(r)) 0 1 0 \(p(-2 * r)) 0z"
    case .square:
      let a = r * 0.9
      return "M\(p(x - a)) \(p(y - a))h\(p(2 * a))v\(p(2 * a))h\(p(-2 * a))z"
    case .triangle:
      let a = r * 1.2
      return "M\(p(x)) \(p(y - a))L\(p(x + a)) \(p(y + a * 0.8))H\(p(x - a))z"
    }
  }
}

/// How the lines of one name look.
struct LineStyle: Equatable {
  let color: String
  let textColor: String
  let marker: Marker
  let isRest: Bool

  init(index: Int) {
    isRest = index >= Palette.distinct
    color = isRest ? Palette.rest : Palette.lines[index % Palette.lines.count]
    textColor = isRest ? Palette.text : Palette.words[index % Palette.words.count]
    marker = isRest ? .circle : Marker(rawValue: index / Palette.lines.count)!
  }
}
