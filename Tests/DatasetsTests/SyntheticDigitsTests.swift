import Testing

@testable import Datasets

@Suite struct SyntheticDigitsTests {
  /// The same bits on every machine: nothing but correctly rounded operations draws them.
  @Test func theImagesArePinned() {
    let set = SyntheticDigits(seed: 1).images(40, part: .train, threads: 1)
    #expect(set.digest == "91896503b7574965c872e879f8318f645c81bd93e5d6d0a981dbf60c51960b38")
    let test = SyntheticDigits(seed: 1).images(40, part: .test, threads: 1)
    #expect(test.digest == "25f9d4cac59a0122ee12dd6f1cb52d193f8aba1020eecccbc17ec859c4a598c1")
  }

  @Test func threadsAndLengthChangeNothing() {
    let digits = SyntheticDigits(seed: 9)
    let long = digits.images(50, part: .train, threads: 1)
    #expect(digits.images(50, part: .train, threads: 3).digest == long.digest)
    let short = digits.images(17, part: .train, threads: 2)
    #expect(short.pixels[0..<17 * 784] == long.pixels[0..<17 * 784])
    #expect(Array(short.labels) == Array(long.labels[..<17]))
    #expect(long.prefix(17).digest == short.digest)
    #expect(SyntheticDigits(seed: 10).images(17, part: .train, threads: 2).digest != short.digest)
  }

  @Test func everyDigitComesEquallyOften() {
    let set = SyntheticDigits(seed: 2).images(100, part: .test, threads: 1)
    #expect(set.classCounts == [Int](repeating: 10, count: 10))
    #expect(Array(set.labels[..<10]) != Array(set.labels[10..<20]))
  }

  /// As in MNIST: ink in a box of 20 pixels, its centre of mass in the middle.
  @Test func theInkIsWhereMNISTHasIt() {
    let set = SyntheticDigits(seed: 3).images(100, part: .train, threads: 1)
    for i in 0..<100 {
      let image = Array(set.image(i))
      var (mass, rows, columns) = (0.0, 0.0, 0.0)
      var (left, right, top, bottom) = (28, 0, 28, 0)
      for y in 0..<28 {
        for x in 0..<28 where image[y * 28 + x] > 0 {
          let ink = Double(image[y * 28 + x])
          mass += ink
          rows += ink * Double(y)
          columns += ink * Double(x)
          if ink > 127 {
            (left, right) = (min(left, x), max(right, x))
            (top, bottom) = (min(top, y), max(bottom, y))
          }
        }
      }
      #expect(mass > 255 * 20 && mass < 255 * 300)
      #expect(abs(rows / mass - 13.5) < 1.5 && abs(columns / mass - 13.5) < 1.5, "image \(i)")
      let extent = max(right - left, bottom - top) + 1
      #expect(extent >= 17 && extent <= 22, "image \(i): \(extent)")
    }
  }
}
