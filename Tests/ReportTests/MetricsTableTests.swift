import Testing

@testable import Report

struct MetricsTableTests {
  @Test func readsWhatARunWrites() throws {
    let text = Gallery.header + "1,750,0.001,0.2,0.94,0.08,0.975\n2,1500,0.001,0.06,0.98,,\n"
    let table = try MetricsTable(parsing: text)
    #expect(table.names.count == 7)
    #expect(table.epochs == [1, 2])
    #expect(table.columns["train_loss"] == [0.2, 0.06])
    #expect(table.columns["val_loss"]?[0] == 0.08)
    #expect(table.columns["val_loss"]?[1].isNaN == true)
  }

  @Test(arguments: [
    "epoch,a\n1,2\n", "epoch,a\r\n1,2\r\n", "\u{FEFF}epoch,a\n1,2\n", "epoch , a\n 1 ,\t2\n",
    "epoch,a\n1,2", "epoch,a\n1,2\n2", "epoch,a\n1,2\n2,", "epoch,a\n1,2\n2,0.", "a,epoch\n2,1\n",
  ])
  func readsAnyFormOfTheSame(text: String) throws {
    let table = try MetricsTable(parsing: text)
    #expect(table.epochs.first == 1)
    #expect(table.columns["a"]?.first == 2)
  }

  @Test func notANumberAndInfinityAreNumbersHere() throws {
    let table = try MetricsTable(parsing: "epoch,a\n1,nan\n2,inf\n3,-inf\n4,1e-3\n")
    #expect(table.columns["a"]?[0].isNaN == true)
    #expect(table.columns["a"]?[1] == .infinity)
    #expect(table.columns["a"]?[3] == 0.001)
  }

  @Test(
    arguments: [
      ("", nil, "it is empty; a header like \"epoch,…\" was expected"),
      ("\n", nil, "it is empty; a header like \"epoch,…\" was expected"),
      ("hello\n", 1, "no column \"epoch\"; the header is \"hello\""),
      ("epoch,a,a\n", 1, "the column \"a\" is there twice"),
      ("epoch,a\n1,2,3\n", 2, "3 cells, but the header names 2 columns"),
      ("epoch,a\n1,2\n\n", 3, "1 cells, but the header names 2 columns"),
      ("epoch,a\n1,x\n", 2, "a is \"x\", which is not a number"),
      ("epoch,a\n,2\n", 2, "its epoch does not come after that of the line before"),
      ("epoch,a\n1,2\n1,2\n", 3, "its epoch does not come after that of the line before"),
      ("epoch,a\n2,2\n1,2\n", 3, "its epoch does not come after that of the line before"),
    ] as [(String, Int?, String)])
  func saysWhatIsWrongAndWhere(text: String, line: Int?, message: String) throws {
    let error = try #require(throws: MetricsError.self) { try MetricsTable(parsing: text) }
    #expect(error == MetricsError(line: line, message: message))
    #expect(error.description == (line.map { "line \($0): " } ?? "") + message)
  }

  @Test func hostileTextEndsInAnError() {
    var noise = Noise(state: 3)
    let alphabet = Array("epoch,\n\r01.-e \u{0}\u{FEFF}é🎉\"nai")
    for _ in 0..<3000 {
      let length = Int(abs(noise.next()) * 60)
      let text = String(
        (0..<length).map { _ in alphabet[Int(abs(noise.next()) * 0.999 * Double(alphabet.count))] })
      for candidate in [text, "epoch,a\n" + text] {
        if let table = try? MetricsTable(parsing: candidate) {
          #expect(table.columns.values.allSatisfy { $0.count == table.epochs.count })
        }
      }
    }
    let long = "epoch," + String(repeating: "x", count: 1_000_000) + "\n1,2,3\n"
    #expect(throws: MetricsError.self) { try MetricsTable(parsing: long) }
  }

  @Test func namesOfRunsAreWhatTellsThemApart() {
    #expect(RunNames.short(for: ["results/lenet/20261121-a1"]).names == ["lenet/20261121-a1"])
    let two = RunNames.short(for: ["results/lenet/a1", "./results/lenet/b2/"])
    #expect(two.shared == "lenet" && two.names == ["a1", "b2"])
    let different = RunNames.short(for: ["x/lenet/1", "x/resnet/1"])
    #expect(different.shared == "x" && different.names == ["lenet", "resnet"])
    #expect(RunNames.short(for: ["a/b", "a/b", "a/c"]).names == ["b", "b (2)", "c"])
    #expect(RunNames.short(for: ["a", "a/b"]).names == ["a", "a/b"])
    #expect(RunNames.short(for: []).names == [])
    #expect(RunNames.short(for: ["/"]).names == ["/"])
  }
}
