import Testing

@testable import Storage

struct CSVTests {
  static let rows = [
    ["a", "b c", " d ", ""], ["1,5", "say \"no\"", "\"", "two\nlines"],
    ["\"\"", "é🎉", "\t", "e\"f"],
  ]

  /// As the writer of Python's csv (3.11) has these rows, with lines that "\n" ends.
  static let text = #"""
    a,b c, d ,
    "1,5","say ""no""","""","two
    lines"
    """""",é🎉,\#t,"e""f"

    """#

  @Test func writesAndReadsBack() {
    #expect(CSV.text(Self.rows) == Self.text)
    let records = CSVDialect.standard.records(of: Array(Self.text.utf8))
    #expect(records.map(\.fields) == Self.rows)
    #expect(records.map(\.line) == [1, 2, 4])
  }

  /// Lines that a carriage return ends too, empty lines, and a last one without an end.
  @Test func readsOtherForms() {
    let text = "a,b\r\n\r\n\n1,\"2\r\n3\"\r\n4,5"
    let records = CSVDialect.standard.records(of: Array(text.utf8))
    #expect(records.map(\.fields) == [["a", "b"], ["1", "2\r\n3"], ["4", "5"]])
    #expect(records.map(\.line) == [1, 4, 6])
    #expect(CSVDialect.standard.records(of: []).isEmpty)
  }

  /// What people write may have spaces at the ends of its fields.
  @Test func spaces() {
    let line = " a ,\" b \",\t\"c\" "
    #expect(CSVDialect.standard.texts(of: line) == [" a ", " b ", "\t\"c\" "])
    #expect(CSVDialect.commas.texts(of: line) == ["a", "b", "c"])
  }

  @Test func numbersAreTheShortestThatReadBack() {
    let missing: Double? = nil
    let fields = CSV.fields(7, Float(0.1), 0.1 + 0.2, 1e-30, missing, true, "x")
    #expect(fields == ["7", "0.1", "0.30000000000000004", "1e-30", "", "true", "x"])
  }
}
