import TerminalText
import Testing

@Suite struct FittingTests {
  private let line = FittedLine([
    .init("epoch 1/2"), .init([("accuracy 98.00 %", 1), ("acc 98.00 %", 3)], then: ""),
    .init("loss 0.1", worth: 4), .init("1.0 s", worth: 2), .init("best"),
  ])

  @Test func whatMattersLeastGivesWayFirst() {
    #expect(line.text(columns: nil) == "epoch 1/2  accuracy 98.00 %  loss 0.1  1.0 s  best")
    #expect(line.text(columns: 50) == line.text(columns: nil))
    #expect(line.text(columns: 49) == "epoch 1/2  acc 98.00 %  loss 0.1  1.0 s  best")
    #expect(line.text(columns: 44) == "epoch 1/2  acc 98.00 %  loss 0.1  best")
    #expect(line.text(columns: 37) == "epoch 1/2  loss 0.1  best")
    #expect(line.text(columns: 24) == "epoch 1/2  best")
    #expect(line.text(columns: 10) == "epoch 1/2…")
    #expect(line.fits(50) && !line.fits(49) && line.fits(nil))
  }

  @Test func fitsEveryWidth() {
    let wide = FittedLine([
      .init("猫"), .init("犬と猫", worth: 1), .init([("日本語のクラス名", 2)], then: "日本"),
    ])
    for columns in 1...60 {
      #expect(line.text(columns: columns).columns <= columns)
      #expect(wide.text(columns: columns).columns <= columns)
    }
    #expect(wide.text(columns: 28) == "猫  犬と猫  日本語のクラス名")
    #expect(wide.text(columns: 27) == "猫  日本語のクラス名")
    #expect(wide.text(columns: 19) == "猫  日本")
  }

  @Test func sentencesBreakBetweenWords() {
    let text = "expected       test_accuracy 0.825 is below the 0.999 expected"
    #expect(
      WrappedText.hanging(text, columns: 50) == [
        "expected       test_accuracy 0.825 is below the", "               0.999 expected",
      ])
    #expect(WrappedText.hanging(text, columns: 62) == [text])
    #expect(
      WrappedText.hanging("  one two three four", columns: 10) == [
        "  one two", "  three", "  four",
      ])
    // A word that no line has room for is the terminal's.
    #expect(
      WrappedText.hanging("curves  results/lenet/curves.svg", columns: 20) == [
        "curves  results/lenet/curves.svg"
      ])
    #expect(WrappedText.fitted("a\nb c\n", columns: 2) == "a\nb\nc\n")
    #expect(WrappedText.fitted("a\nb c\n", columns: nil) == "a\nb c\n")
    #expect(
      WrappedText.lines(ofItems: ["a 1", "b 2", "c 3"], columns: 9) == ["a 1, b 2,", "c 3"])
  }

  @Test func headersBreakBehindDotsAndUnderscores() {
    #expect(
      WrappedText.pieces(of: "optimizer.learning_rate", columns: 13) == [
        "optimizer.", "learning_rate",
      ])
    #expect(
      WrappedText.pieces(of: "optimizer.learning_rate", columns: 10) == [
        "optimizer.", "learning_", "rate",
      ])
    #expect(WrappedText.pieces(of: "learning", columns: 3) == ["lea", "rni", "ng"])
    #expect(WrappedText.pieces(of: "", columns: 3) == [""])
    #expect(WrappedText.pieces(of: "猫猫", columns: 1) == ["猫", "猫"])
    #expect(WrappedText.pieces(of: "two words", columns: 5) == ["two", "words"])
    #expect(WrappedText.longestAtom(of: "optimizer.learning_rate") == 10)
  }
}
