import ConvNet
import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Images

/// Tables and arrays as pandas, NumPy and spreadsheets write them; see make_tables.py.
struct TableFixture: Decodable {
  struct Case: Decodable, CustomTestStringConvertible {
    enum Classes: Decodable {
      case count(Int)
      case names([String])

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let count = try? container.decode(Int.self) {
          self = .count(count)
        } else {
          self = .names(try container.decode([String].self))
        }
      }

      var own: OwnFiles.Classes {
        switch self {
        case .count(let count): .count(count)
        case .names(let names): .names(names)
        }
      }
    }
    let file: String
    let classes: Classes
    let shape: [Int]
    let images, labels: Data
    let notes: [String]
    let labelColumn: Int?
    let pixelMax: Double?

    var testDescription: String { "\(file) \(notes)" }
  }
  let cases: [Case]

  static let read = try! Fixture.load("tables", as: TableFixture.self)
  static func path(_ name: String) -> String { "\(FormatFixture.folder)/tables/\(name)" }
}

@Suite struct TableTests {
  /// Each is what was written, and says what was taken for granted, no more.
  @Test(arguments: TableFixture.read.cases)
  func asTheyWereWritten(_ c: TableFixture.Case) throws {
    let shape = ImageShape(height: c.shape[0], width: c.shape[1], channels: c.shape[2])
    var request = DatasetRequest("files", readsTest: false)
    request.files = OwnFiles(
      path: TableFixture.path(c.file), classes: c.classes.own,
      labelColumn: c.labelColumn.map { .number($0) }, pixelMax: c.pixelMax)
    request.preparation.shape = shape
    let set = try DatasetLocator(dataFolder: nil, environment: [:]).load(request, progress: nil)
    #expect(set.train.pixels[0..<set.train.pixels.count] == [UInt8](c.images))
    #expect(set.train.labels == Labels(c.labels))
    #expect(set.notes.count == c.notes.count, "\(set.notes)")
    for (note, expected) in zip(set.notes.sorted(), c.notes.sorted()) where c.notes.count == 1 {
      #expect(note.contains(expected) && note.hasPrefix(TableFixture.path(c.file)), "\(note)")
    }
    for expected in c.notes {
      #expect(set.notes.contains { $0.contains(expected) }, "\(set.notes)")
    }
  }
}

/// What isn't certain of a table is refused, with what was seen and what to do.
@Suite struct TableRefusalTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// What is said of a table of 2 x 2 images; the notes where it is read.
  func said(
    _ text: String, classes: OwnFiles.Classes = .count(10), label: LabelColumn? = nil,
    pixelMax: Double? = nil, width: Int = 2, name: String = "a.csv"
  ) throws -> String {
    var request = DatasetRequest("files", readsTest: false)
    request.files = OwnFiles(
      path: try folder.file(name, Array(text.utf8)), format: .csv, classes: classes,
      labelColumn: label, pixelMax: pixelMax)
    request.preparation.shape = ImageShape(height: 2, width: width, channels: 1)
    do {
      let set = try DatasetLocator(dataFolder: nil, environment: [:]).load(request, progress: nil)
      return "labels \(Array(set.train.labels))" + set.notes.map { "; \($0)" }.joined()
    } catch {
      return error.message
    }
  }

  @Test func eitherEndOfARow() throws {
    // Both are classes, and both differ.
    let binary = "1,0,1,0,1\n0,0,1,1,0\n"
    #expect(
      try said(binary).hasSuffix(
        "the first column and the last column could both be the labels: there are 10 classes, 0 to "
          + "9; the one is from 0 to 1, the other from 0 to 1. Give dataset.label_column 0 or -1, or "
          + "a header that says \"label\""))
    #expect(try said(binary, label: .number(0)).hasPrefix("labels [1, 0]; "))
    #expect(try said(binary, label: .number(-1)).hasPrefix("labels [1, 0]; "))
    #expect(try said(binary, label: .number(2)).hasPrefix("labels [1, 1]; "))
    // A dark corner tells nothing; labels do.
    #expect(
      try said("0,200,1,1,3\n0,99,1,1,4\n").contains("the last column is taken for the labels"))
    #expect(try said("3,200,1,1,0\n4,99,1,1,0\n") == "labels [3, 4]")
    // A label beyond the classes doesn't make the last pixels labels.
    #expect(try said("3,200,1,1,0\n25,99,1,1,1\n").contains("a.csv:2: the label is 25; there are"))
    #expect(try said("3,200,1,1,0\n25,99,1,1,0\n").contains("a.csv:2: the label is 25; there are"))
  }

  @Test func namesInTheHeader() throws {
    let rows = "7,200,1,1,3\n5,99,1,1,4\n"
    for name in ["label", "Class", "TARGET", "digit", "y"] {
      #expect(try said("a,b,c,d,\(name)\n\(rows)") == "labels [3, 4]", "\(name)")
      #expect(try said("\(name),b,c,d,e\n\(rows)") == "labels [7, 5]", "\(name)")
    }
    #expect(
      try said("label,b,c,d,class\n\(rows)").contains(
        "the header has several names of labels: \"label\", \"class\"; give dataset.label_column one"
      ))
    #expect(
      try said("label,b,c,d,class\n\(rows)", label: .name("class")) == "labels [3, 4]")
    #expect(try said("a,b,c,d,Art\n\(rows)", label: .name("art")) == "labels [3, 4]")
    #expect(
      try said("a,b,c,d,e\n\(rows)", label: .name("kind")).contains(
        "dataset.label_column is \"kind\", which the header lacks: \"a\", \"b\", \"c\", \"d\", …, \"e\""
      ))
    #expect(
      try said("a,b,c,d,a\n\(rows)", label: .name("a")).contains("which the header has 2 times"))
    #expect(
      try said(rows, label: .name("kind")).contains(
        "is \"kind\", but the first line is no header; count the column: 0 is the first"))
    #expect(
      try said(rows, label: .number(5)).contains(
        "is 5, but there are 5 columns, from 0 to 4 or from -5 to -1"))
  }

  @Test func columnsThatAreNoPixels() throws {
    // Were it left out, a pixel would lack.
    #expect(
      try said("label,id,b,c,d\n3,0,9,9,9\n4,1,9,9,9\n").contains(
        "column 1 (from 0), \"id\", looks like no pixel, but without it there are 3 where 2x2x1 takes"
      ))
    #expect(
      try said("file,label,a,b,c,d\nx.png,3,1,2,3,200\ny.png,4,1,2,3,4\n").hasPrefix(
        "labels [3, 4]; "))
    #expect(
      try said("0,3,1,2,3,200\n1,4,1,2,3,4\n2,4,1,2,3,4\n").contains(
        "the first column is left out, a count of the rows"))
    // One that doesn't count is neither left out nor taken for pixels.
    #expect(
      try said("0,3,1,2,3,200\n5,4,1,2,3,4\n").contains(
        "6 fields are a label and 5 pixels, which make neither 2x2x1 nor a square image"))
    #expect(
      try said("p0,p1,p2,p3\n1,2,3,4\n").contains(
        "4 fields are as many as 2x2x1 has pixels: there is no label"))
  }

  @Test func labelsByName() throws {
    let rows = ",200,1,1,0\n"
    func labels(_ labels: String..., classes: OwnFiles.Classes) throws -> String {
      try said(labels.map { $0 + rows }.joined(), classes: classes)
    }
    #expect(try labels("1", "7", classes: .names(["1", "7"])) == "labels [0, 1]")
    #expect(try labels("7.0", "1.0", classes: .names(["1", "7"])) == "labels [1, 0]")
    #expect(try labels("\"007\"", "1", classes: .names(["1", "007"])) == "labels [1, 0]")
    #expect(
      try labels("0", "1", classes: .names(["1", "7"])).hasSuffix(
        "a.csv:1: the label is 0; the classes are \"1\", \"7\""))
    #expect(try labels("0", "1", classes: .names(["a", "b"])).hasPrefix("labels [0, 1]; "))
    // Names and numbers are not mixed.
    #expect(
      try labels("a", "1", classes: .names(["a", "b"])).hasSuffix(
        "a.csv:2: the label is 1; the classes are \"a\", \"b\""))
    // EMNIST's classes are digits and letters: there a number is the same class either way.
    #expect(try labels("1", "2", classes: .names(["0", "1", "A"])).contains("labels [1, 2]"))
    #expect(
      try labels("dog", "cat", classes: .count(2)).hasSuffix(
        "a.csv:1: the label is \"dog\"; there are 2 classes, 0 to 1; give dataset.classes their "
          + "names: [\"cat\", \"dog\"]"))
    #expect(
      try labels("1", "2", "3", classes: .count(3)).hasSuffix(
        "a.csv:3: the label is 3; there are 3 classes, 0 to 2; for labels that don't count from 0 "
          + "give dataset.classes their names: [\"1\", \"2\", \"3\"]"))
    // An accent in one form or the other.
    #expect(
      try labels("u\u{308}", "a", classes: .names(["a", "\u{FC}"])) == "labels [1, 0]")
  }

  @Test func numbersThatAreNoBytes() throws {
    #expect(try said("1,0.5,1,1,1\n2,0,0,0,0\n", label: .number(0)).contains("parts of 1"))
    #expect(try said("1,0,1,1,1\n2,0,0,0,0\n", label: .number(0)).contains("WARNING: no pixel is"))
    #expect(
      try said("1,0.5,3,1,1\n2,0,0,0,0\n", label: .number(0)).hasSuffix(
        "its pixels are numbers with fractions from 0 to 3: neither of 0 to 1 nor of 0 to 255 for "
          + "certain; give dataset.pixel_max the number that is white"))
    #expect(
      try said("1,0,65535,4,9\n2,0,0,0,0\n", label: .number(0)).contains(
        "a.csv:1: field 3 is \"65535\"; pixels are whole numbers from 0 to 255; its pixels are from 0 "
          + "to 65535, more than 255; give dataset.pixel_max the number that is white, 65535 for"))
    #expect(
      try said("1,0,65535,4,9\n2,0,0,0,0\n", label: .number(0), pixelMax: 65535).contains(
        "pixels from 0 to 65535 are taken as parts of 65535"))
    #expect(
      try said("1;0,5;1.5;4;9\n", label: .number(0)).contains("with a decimal comma and others"))
    #expect(
      try said("1;0,5;1,000;0;0\n2;0;0;0;0\n", label: .number(0)).contains("decimals by commas"))
  }

  @Test func aRampIsNoHeaderUnlessItIsLong() throws {
    #expect(try said("0,1,2,3,4\n3,9,9,9,200\n", label: .number(0)).hasPrefix("labels [0, 3]"))
    #expect(try said("label,0,1,2,3\n3,9,9,9,200\n").hasPrefix("labels [3]"))
    let ramp = (0...16).map(String.init).joined(separator: ",")
    #expect(
      try said("\(ramp)\n3" + String(repeating: ",200", count: 16) + "\n", width: 8).hasPrefix(
        "labels [3]; "))
  }

  @Test func whatIsNoTable() throws {
    func bytes(_ bytes: [UInt8], _ name: String = "a.csv") throws -> String {
      let path = try folder.file(name, bytes)
      return message {
        _ = try ownSet(
          path, shape: ImageShape(height: 2, width: 2, channels: 1), format: .csv, readsTest: false)
      }
    }
    #expect(try bytes(Array("PAR1....".utf8)).contains("it is a Parquet file; save pandas"))
    #expect(try bytes([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]).contains("an HDF5 file"))
    #expect(
      try bytes([0x80, 4, 1, 2, 3]).contains("a Python pickle, which is a program and is not"))
    #expect(try bytes([1, 2, 0, 4, 0, 0, 0]).contains("it is not text: it holds empty bytes"))
    #expect(try bytes([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]).contains("unpack it with xz -d"))
    #expect(try bytes([0xFF, 0xFE]).contains("it holds no images"))
    #expect(try bytes(Array("\n \n,,\n".utf8)).contains("it holds no images"))
    // Torn UTF-16, at every byte.
    let whole = [UInt8](try Data(contentsOf: URL(filePath: TableFixture.path("utf16.csv"))))
    for length in stride(from: 0, to: whole.count, by: 5) {
      _ = try bytes(Array(whole[..<length]))
    }
  }

  @Test func whatIsNoFolder() throws {
    func at(_ name: String, _ bytes: [UInt8]? = nil, _ format: OwnFiles.Format? = nil) throws
      -> String
    {
      let path = try bytes.map { try folder.file(name, $0) } ?? TableFixture.path(name)
      return message {
        _ = try ownSet(
          path, shape: ImageShape(height: 4, width: 4, channels: 1), format: format,
          readsTest: false)
      }
    }
    #expect(try at("a.npy", [0x93] + Array("NUMPY".utf8)).contains("it is one NumPy array; images"))
    #expect(try at("a.zip", [0x50, 0x4B, 3, 4]).contains("not an intact ZIP archive"))
    #expect(
      try at("photo.png", PNGFile.encode([1], width: 1, height: 1)).contains("is one image;"))
    #expect(try at("train-images-idx3-ubyte", [0, 0, 8, 3]).contains("dataset.format \"idx\""))
    #expect(
      try at("a.dat", [1]).contains("it is a file; a folder with a folder of images per class"))
    #expect(try at("one_hot.npz", nil, .images).contains("give dataset.format \"npz\""))
    #expect(try at("packed.csv.zip", nil, .images).contains("give dataset.format \"csv\""))
    #expect(
      message {
        _ = try ownSet(
          folder.path, shape: ImageShape(height: 4, width: 4, channels: 1), format: .csv,
          readsTest: false)
      }.hasSuffix("it is a folder; dataset.format \"csv\" reads a file"))
    for (path, format): (String, OwnFiles.Format) in [
      ("A.CSV", .csv), ("a.tsv", .csv), ("a.Csv.GZ", .csv), ("a.txt.bz2", .csv),
      ("a.csv.zip", .csv), ("A.NPZ", .npz), ("a.zip", .images), ("csv", .images),
    ] {
      #expect(OwnFiles.Format.of(path) == format, "\(path)")
    }
  }
}

/// Numbers in text, against Foundation's.
@Suite struct CSVNumberTests {
  func number(_ text: String, _ allowsComma: Bool = false) -> Double? {
    Array(text.utf8).withUnsafeBytes { $0.number(allowsComma: allowsComma) }?.value
  }

  @Test func agreesWithTheLibrary() {
    for text in [
      "0", "7", "-3", "+4", "255", "0.5", ".5", "5.", "1e3", "1E-3", "-2.5e+2", "0.003921569",
      "0.0039215686274509803", "123456789012345678901234567890", "0.000000000000000000e+00",
      "2.54999999999999999999e2",
    ] {
      let (found, expected) = (number(text) ?? .nan, Double(text)!)
      #expect(abs(found - expected) <= abs(expected) * 1e-15, "\(text): \(found)")
    }
    #expect(number("1e-400") == 0 && number("0e400") == 0 && number("1e400") == .infinity)
    for text in ["", "-", ".", "e5", "1e", "1e+", "1 2", "0x10", "nan", "inf", "1.2.3", "1,5", "٣"]
    {
      #expect(number(text) == nil, "\(text)")
    }
    #expect(number("0,25", true) == 0.25 && number("1.234,5", true) == nil)
    for power in ["99999999999999999999", "-9223372036854775808"] {
      #expect(number("1e\(power)") == nil)
    }
  }

  @Test func fieldsOfALine() {
    func fields(_ text: String) -> [String] {
      Array(text.utf8).withUnsafeBytes { CSVDialect(of: $0).texts(of: $0) }
    }
    #expect(fields("1, 2 ,\"3\"") == ["1", "2", "3"])
    #expect(fields("\"a, b\",\"c \"\"d\"\"\"") == ["a, b", "c \"d\""])
    #expect(fields("1,2,") == ["1", "2", ""])
    #expect(fields("0,5;1,5;") == ["0,5", "1,5", ""])
    #expect(fields("  1   2  3 ") == ["1", "2", "3"])
    #expect(fields("1,\t2, \t3") == ["1", "2", "3"])
    #expect(fields("1\t\t3") == ["1", "", "3"])
    #expect(fields("5") == ["5"])
  }
}
