import Foundation
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
    #expect(JSONText.quoted("\u{1}\t\\é🎉") == #""\u0001\t\\é🎉""#)
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
    #expect(facts.text(as: .csv) == "key,value\na,1\nb,\"x,y\"\n")
    #expect(facts.text(as: .table) == "")
    #expect(TextDocument().text(as: .json) == "{}\n")
  }
}
