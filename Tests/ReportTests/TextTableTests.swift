import Foundation
import TerminalText
import Testing

@testable import Report

@Suite struct TextTableTests {
  private var table: TextTable {
    var table = TextTable([
      .init("name"), .init("test_accuracy", title: "test, %", .right), .init("n", .right),
      .init("done"), .init("seconds", .right, isDetail: true),
    ])
    table.append([
      "a|b", .number(0.9912, "99.12"), .integer(12_000, "12,000"), .flag(true), .number(1),
    ])
    table.append([.text("c, \"d\"\ne"), .number(.nan, "–"), .integer(3)])
    return table
  }

  @Test func alignsColumns() {
    #expect(
      table.text(as: .table) == """
        name      test, %       n  done
        a|b         99.12  12,000  yes
        c, "d" e        –       3

        """)
  }

  /// What a terminal of so many columns gets; all cells are told, in lines that fit.
  private func fitted(_ table: TextTable, _ columns: Int) -> String {
    let text = table.text(as: .table, columns: columns)
    for line in text.split(separator: "\n") { #expect(line.columns <= columns, "\(line)") }
    return text
  }

  @Test func columnsAreAlignedByWhatTheyTakeOnATerminal() {
    var table = TextTable([.init("class"), .init("n", .right)])
    for name in ["猫", "cafe\u{301}", "dog"] { table.append([.text(name), .integer(1)]) }
    #expect(
      table.text(as: .table) == "class  n\n猫     1\ncafe\u{301}   1\ndog    1\n")
  }

  @Test func headersBreakWhereATableIsTooWide() {
    var table = TextTable([
      .init("trial", .right), .init("val_accuracy", .right),
      .init("optimizer.learning_rate", .right),
      .init("status"),
    ])
    table.append([.integer(3), .text("98.50 %"), .text("0.001"), "completed early"])
    #expect(fitted(table, 61) == table.text(as: .table))
    #expect(
      fitted(table, 60) == """
                                optimizer.
        trial  val_accuracy  learning_rate  status
            3       98.50 %          0.001  completed early

        """)
    #expect(
      fitted(table, 44) == """
                   val_     optimizer.
        trial  accuracy  learning_rate  status
            3   98.50 %          0.001  completed
                                        early

        """)
    #expect(!fitted(table, 44).contains("…"))
  }

  /// Where even that isn't enough, the first column stands again in each block.
  @Test func columnsThatHaveNoRoomStandBelow() {
    let names = ["airplane", "automobile", "猫", "cafe\u{301}"]
    var table = TextTable([.init("class", title: "", .right)] + names.map { .init($0, .right) })
    for name in names.prefix(2) { table.append([.text(name)] + names.map { _ in .integer(1000) }) }
    #expect(
      fitted(table, 32) == """
                    airplane  automobile
          airplane      1000        1000
        automobile      1000        1000

                      猫  cafe\u{301}
          airplane  1000  1000
        automobile  1000  1000

        """)
    for columns in 22...60 { _ = fitted(table, columns) }
  }

  @Test func quotesCSV() {
    #expect(
      table.text(as: .csv) == """
        name,test_accuracy,n,done,seconds
        a|b,0.9912,12000,true,1.0
        "c, ""d""
        e",,3,,

        """)
  }

  @Test func escapesMarkdown() {
    #expect(
      table.text(as: .markdown) == #"""
        | name | test, % | n | done |
        | --- | ---: | ---: | --- |
        | a\|b | 99.12 | 12,000 | yes |
        | c, "d" e | – | 3 |  |

        """#)
  }

  @Test func writesJSON() throws {
    let text = table.text(as: .json)
    #expect(
      text == #"""
        [
          { "name": "a|b", "test_accuracy": 0.9912, "n": 12000, "done": true, "seconds": 1.0 },
          { "name": "c, \"d\"\ne", "test_accuracy": null, "n": 3, "done": null, "seconds": null }
        ]

        """#)
    _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
    #expect(TextTable([.init("x")]).text(as: .json) == "[]\n")
    #expect(TextTable([.init("x")]).text(as: .csv) == "x\n")
  }

  @Test func aDocumentInEveryFormat() throws {
    var document = TextDocument()
    document.append([
      .init("accuracy", .number(0.5), line: "accuracy   50 %, loss 2"), .init("loss", .integer(2)),
    ])
    var rows = TextTable([.init("x"), .init("y", .right)])
    rows.append(["a", .integer(1)])
    document.append(rows, key: "rows", title: "all of it")
    document.append([], key: "notes")
    document.append(["It is so."], key: "verdicts")
    #expect(
      document.text(as: .table) == """
        accuracy   50 %, loss 2

        all of it
        x  y
        a  1

        It is so.

        """)
    #expect(
      document.text(as: .markdown) == """
        - accuracy 50 %, loss 2

        ### all of it

        | x | y |
        | --- | ---: |
        | a | 1 |

        It is so.

        """)
    #expect(document.text(as: .csv) == "x,y\na,1\n")
    #expect(document.tableNames == ["rows", "facts"])
    #expect(document.table("facts")?.text(as: .csv) == "accuracy,loss\n0.5,2\n")
    #expect(document.table("verdicts") == nil)
    var larger = document
    larger.append(rows, key: "more")
    #expect(larger.text(as: .csv) == "x,y\na,1\n", "one table")
    larger.mainTable = "facts"
    #expect(larger.text(as: .csv) == "accuracy,loss\n0.5,2\n")
    let json = document.text(as: .json)
    #expect(
      json == """
        {
          "accuracy": 0.5,
          "loss": 2,
          "rows": [
            { "x": "a", "y": 1 }
          ],
          "notes": [],
          "verdicts": [
            "It is so."
          ]
        }

        """)
    _ = try JSONSerialization.jsonObject(with: Data(json.utf8))
    var facts = TextDocument()
    facts.append([.init("a", .integer(1)), .init("b", "x,y")])
    #expect(facts.text(as: .csv) == "a,b\n1,\"x,y\"\n")
    #expect(facts.text(as: .table) == "")
    #expect(TextDocument().text(as: .json) == "{}\n")
  }
}
