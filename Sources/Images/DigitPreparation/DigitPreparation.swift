/// Makes of a photo or drawing of one digit what MNIST was made of (LeCun, Bottou, Bengio and Haffner 1998):
/// light strokes on black, in a box of 20x20 pixels with its aspect kept, grey where a pixel is covered in
/// part, the centre of mass in the middle of 28x28.
///
/// 1. The picture is reduced to at most 256 pixels a side, its colours to that one axis on which ink and
///    paper differ (`DigitLight`).
/// 2. The light that falls on the paper is taken out: a bent surface first, which also tells dark ink from
///    light, then whatever is wider than a stroke.
/// 3. Lines of ruled paper, its edges, shadows from the border and specks are left out; what remains is
///    the digit (`DigitStrokes`). It is looked at again from nearby where the picture has more to tell.
/// 4. Thin pens are made as wide as MNIST's, and the box is filled (`DigitBox`).
///
/// A pure function of the pixels, the same to the last bit everywhere: of sums, products and comparisons
/// in a fixed order. An image of MNIST stays as it is, but for a hundredth of its contrast and where its
/// pen was narrower than two pixels.
public enum DigitPreparation {
  /// The height and width of what is made.
  public static let side = 28

  /// What is said of an image that has no digit.
  public static let nothingFound = "nothing was found on it: no strokes stand out from the ground"

  /// The most pixels a side that are looked at.
  static let longestSide = 256

  /// - Parameters:
  ///   - pixels: (H, W, C), of one image.
  ///   - shape: its sizes, one or three channels.
  /// - Returns: 28 x 28 bytes; nil where nothing stands out from the ground. It takes four bytes a pixel
  ///   of at most 256 x 256, a few times over, however large the image is.
  public static func prepare(_ pixels: [UInt8], shape: ImageShape) -> [UInt8]? {
    precondition(pixels.count == shape.count && [1, 3].contains(shape.channels))
    let whole = DigitRegion(top: 0, left: 0, height: shape.height, width: shape.width)
    guard
      let seen = look(at: whole, of: pixels, shape, isCutOut: true)
        ?? look(at: whole, of: pixels, shape, isCutOut: false)
    else { return nil }
    let found = seen.place
    let near = found.widened(by: found.longest / 2 + 1, height: shape.height, width: shape.width)
    guard factor(near) < factor(whole),
      let nearer = look(at: near, of: pixels, shape, isCutOut: false),
      nearer.place.distance(to: found) < 0, nearer.place.longest * 3 > found.longest * 2
    else { return seen.strokes.box() }
    return nearer.strokes.box()
  }

  /// How many pixels a side become one.
  private static func factor(_ region: DigitRegion) -> Int {
    (region.longest + longestSide - 1) / longestSide
  }

  private static func look(
    at region: DigitRegion, of pixels: [UInt8], _ shape: ImageShape, isCutOut: Bool
  ) -> (strokes: DigitStrokes, place: DigitRegion)? {
    let factor = factor(region)
    let planes = reduced(region, of: pixels, shape, by: factor)
    guard let strokes = DigitStrokes(DigitLight(planes, isCutOut: isCutOut)) else { return nil }
    let place = DigitRegion(
      top: region.top + strokes.place.top * factor, left: region.left + strokes.place.left * factor,
      height: min(strokes.place.height * factor, region.height - strokes.place.top * factor),
      width: min(strokes.place.width * factor, region.width - strokes.place.left * factor))
    return (strokes, place)
  }

  /// Each channel by the means of squares of so many pixels; those at the right and the bottom may be less.
  private static func reduced(
    _ region: DigitRegion, of pixels: [UInt8], _ shape: ImageShape, by factor: Int
  ) -> [DigitPlane] {
    let channels = shape.channels
    let height = (region.height + factor - 1) / factor
    let width = (region.width + factor - 1) / factor
    var planes = [DigitPlane](repeating: DigitPlane(height: height, width: width), count: channels)
    var sums = [Int](repeating: 0, count: width * channels)
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        for i in sums.indices { sums[i] = 0 }
        let rows = y * factor..<min((y + 1) * factor, region.height)
        sums.withUnsafeMutableBufferPointer { sums in
          for row in rows {
            let line = ((region.top + row) * shape.width + region.left) * channels
            for x in 0..<width {
              for column in x * factor..<min((x + 1) * factor, region.width) {
                for c in 0..<channels {
                  sums[x * channels + c] &+= Int(pixels[line + column * channels + c])
                }
              }
            }
          }
        }
        for x in 0..<width {
          let columns = min((x + 1) * factor, region.width) - x * factor
          for c in 0..<channels {
            planes[c].values[y * width + x] =
              Float(sums[x * channels + c]) / Float(rows.count * columns)
          }
        }
      }
    }
    return planes
  }
}
