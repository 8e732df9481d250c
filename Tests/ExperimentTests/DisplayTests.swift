import Testing

@testable import Experiment

@Suite struct DisplayTests {
  @Test func numbersForPeople() {
    #expect(fixed(0.03851, 4) == "0.0385")
    #expect(fixed(-0.00004, 4) == "0.0000")
    #expect(fixed(-1.25, 1) == "-1.3")
    #expect(fixed(2.7, 0) == "3")
    #expect(fixed(.nan, 2) == "nan")
    #expect(fixed(1e300, 2) == "1e+300")
    #expect(percent(0.98765) == "98.77 %")
    #expect(percent(1) == "100.00 %")
    #expect(
      [0, 999, 1000, 1_234_567, -1000].map(grouped) == ["0", "999", "1,000", "1,234,567", "-1,000"])
    #expect(
      [0, 59.6, 725, 11045, .infinity].map(duration) == [
        "0:00", "1:00", "12:05", "3:04:05", "-:--",
      ])
  }

  @Test func expectationsAreInclusive() {
    let expectation = Expectation(.testAccuracy, min: 0.985, max: 1)
    func isMet(_ value: Double) -> Bool {
      Summary.Check(expectation: expectation, value: value).isMet
    }
    #expect(isMet(0.985) && isMet(1) && !isMet(0.98499) && !isMet(.nan))
    #expect(
      Summary.Check(expectation: expectation, value: 0.9).description
        == "test_accuracy 0.9 is below the 0.985 expected")
  }
}
