import ConvNet
import Storage
import TestSupport
import Testing

@testable import Datasets
@testable import Images

@Suite struct RequestLogTests {
  private static let shape = ImageShape(height: 2, width: 2, channels: 1)

  private func request(
    _ id: String, time: String = "2026-11-30T12:34:56.789Z", pixels: [UInt8]? = nil,
    model: String = "m", features: Bool = true
  ) -> LoggedRequest {
    LoggedRequest(
      id: id, time: time, model: model, image: "abc", className: "one\"", latency: 0.25,
      seen: SeenImage(
        prediction: 1, confidence: 0.75, logOdds: 1.0986123, energy: -2.5, distance: 3.25,
        figures: ImageFigures(pixels ?? [0, 255, 0, 255], shape: Self.shape),
        probabilities: [0.25, 0.75], features: [0, 1e-7, 3]),
      keepsFeatures: features,
      pixels: pixels.map { LoggedImage(pixels: $0, shape: Self.shape) })
  }

  private func feedback(
    _ id: String, label: Int, time: String = "2026-11-30T12:35:00Z", pixels: [UInt8]? = nil
  ) -> LoggedFeedback {
    LoggedFeedback(
      request: id, time: time, label: label, className: "\(label)",
      image: pixels.map { LoggedImage(pixels: $0, shape: Self.shape) })
  }

  private func parsed(_ text: String) throws -> LogLine? {
    LogLine(try JSONValue(parsing: Array(text.utf8), name: "line"))
  }

  @Test func linesAreReadAsTheyWereWritten() throws {
    for line in [
      LogLine.request(request("a")), .request(request("b", pixels: [0, 1, 2, 255])),
      .request(request("c", features: false)), .feedback(feedback("a", label: 1)),
      .feedback(feedback("b", label: 0, pixels: [9, 8, 7, 6])),
    ] {
      let text = line.text
      #expect(text.hasSuffix("\n") && !text.dropLast().contains("\n"))
      #expect(try parsed(text) == line)
    }
    // The form that others write too.
    #expect(
      LogLine.feedback(feedback("a", label: 1)).text
        == #"{ "feedback": "a", "time": "2026-11-30T12:35:00Z", "label": 1, "class": "1" }"# + "\n")
  }

  @Test(arguments: [
    ("\"id\"", "\"other\""), ("\"confidence\": 0.75", "\"confidence\": 1.5"),
    ("\"energy\": -2.5", "\"energy\": 1e99"), ("\"prediction\": 1", "\"prediction\": 2"),
    ("2026-11-30T", "yesterday "), ("\"ink\"", "\"inks\""), ("[0.25, 0.75]", "[0.25, \"x\"]"),
  ])
  func whatIsNoLineIsNone(_ change: (String, String)) throws {
    let text = LogLine.request(request("a")).text
    let changed = text.replacing(change.0, with: change.1)
    #expect(changed != text)
    #expect(try parsed(changed) == nil)
  }

  @Test func manyClassesTakeNoScores() throws {
    let request = LoggedRequest(
      id: "a", time: LogTime.now, model: "m", image: nil, className: "x", latency: 1,
      seen: SeenImage(
        prediction: 100, confidence: 0.5, logOdds: 0, energy: 0,
        figures: ImageFigures([0, 0, 0, 0], shape: Self.shape),
        probabilities: [Float](repeating: 1 / 101, count: 101)))
    #expect(request.seen.probabilities.isEmpty)
    #expect(try parsed(LogLine.request(request).text) == .request(request))
  }

  @Test func times() {
    #expect(LogTime.text(seconds: 1_795_248_184, milliseconds: 7) == "2026-11-21T08:03:04.007Z")
    #expect(LogTime.isOne(LogTime.now) && LogTime.isOne("2026-11-21T08:03:04Z"))
    for text in ["", "2026-11-21", "2026-11-21T08:03:04", "2026-11-21T08:03:04.Z", "Z"] {
      #expect(!LogTime.isOne(text), "\(text)")
    }
  }

  /// Files by name, requests by time; what is cut short is counted.
  @Test func aFolderIsRead() throws {
    let folder = try TemporaryFolder()
    let late = LogLine.request(request("late", time: "2026-11-30T12:34:57Z")).text
    let early = LogLine.request(request("early", time: "2026-11-30T12:34:56.5Z")).text
    try folder.file("logs/a.jsonl", Array((late + "\n{ \"x\": 1 }\n").utf8))
    try folder.file(
      "logs/b.jsonl",
      Array((early + LogLine.feedback(feedback("late", label: 0)).text + "{ \"id\": \"cu").utf8))
    try folder.file("logs/notes.txt", Array("nothing".utf8))
    let log = try RequestLog(reading: folder.path + "/logs")
    #expect(log.requests.map(\.id) == ["early", "late"])
    #expect(log.labels == ["late": 0])
    #expect(log.unread == 2 && log.firstUnread == "\(folder.path)/logs/a.jsonl:3")
    #expect(log.note?.contains("2 lines are none of a request log") == true)
    #expect(throws: DatasetError.self) { try RequestLog(reading: folder.path) }
    #expect(throws: DatasetError.self) { try RequestLog(reading: folder.path + "/none.jsonl") }
  }

  /// As a user's own files: what somebody told the right class of, the last that was said, where an image
  /// was kept on either line.
  @Test func feedbackIsADataset() throws {
    let folder = try TemporaryFolder()
    let lines: [LogLine] = [
      .request(request("a", pixels: [1, 2, 3, 4])), .request(request("b")),
      .request(request("c")), .request(request("d", pixels: [5, 5, 5, 5])),
      .feedback(feedback("a", label: 0)),
      .feedback(feedback("b", label: 1, pixels: [8, 8, 8, 8])),
      .feedback(feedback("c", label: 1)),
      .feedback(feedback("a", label: 1, time: "2026-11-30T13:00:00Z")),
      .feedback(feedback("gone", label: 1)),
    ]
    let path = try folder.file("log.jsonl", Array(lines.map(\.text).joined().utf8))
    var request = DatasetRequest("files")
    request.files = OwnFiles(path: path, classes: .count(2))
    request.preparation.shape = Self.shape
    request.readsTest = false
    #expect(request.files?.format == .feedback)
    let locator = DatasetLocator(dataFolder: nil, environment: [:], currentFolder: ".")
    let set = try locator.load(request, threads: 1, progress: { _ in })
    #expect(set.train.count == 2)
    #expect(Array(set.train.labels) == [1, 1])
    #expect(set.train.image(0) == [1, 2, 3, 4] && set.train.image(1) == [8, 8, 8, 8])
    #expect(
      set.notes == [
        "\(path): of 4 answers that somebody told the right class of, 2 have no image that was kept, and "
          + "are left out"
      ], "\(set.notes)")

    request.files = OwnFiles(path: path, classes: .count(1 + 1))
    let bare = try folder.file(
      "bare.jsonl", Array(LogLine.feedback(feedback("a", label: 1)).text.utf8))
    request.files?.path = bare
    #expect(throws: DatasetError.self) { try locator.load(request, threads: 1, progress: { _ in }) }
    let foreign = try folder.file(
      "foreign.jsonl",
      Array(LogLine.feedback(feedback("a", label: 7, pixels: [0, 0, 0, 0])).text.utf8))
    request.files?.path = foreign
    #expect {
      try locator.load(request, threads: 1, progress: { _ in })
    } throws: { "\($0)".contains("is of class 7") }
  }
}

@Suite struct ImageFiguresTests {
  private func figures(_ rows: [String]) -> ImageFigures {
    let pixels = rows.flatMap { $0.map { $0 == "#" ? 255 as UInt8 : $0 == "+" ? 128 : 0 } }
    return ImageFigures(
      pixels, shape: ImageShape(height: rows.count, width: rows[0].count, channels: 1))
  }

  @Test func aStrokeIsMeasured() {
    // Two columns of twenty: 40 of 600 pixels, an outline of 2·20 + 2·2 but for its corners.
    let upright = figures(
      (0..<30).map { row in
        (0..<20).map { (5..<25).contains(row) && (8..<10).contains($0) ? "#" : "." }.joined()
      })
    #expect(upright.ink == 40.0 / 600)
    #expect(upright.width == 0.1 && upright.height == Float(20.0 / 30))
    #expect(upright.slant == 0 && upright.x == 0.45 && upright.y == 0.5)
    #expect((1.7...2.1).contains(upright.stroke), "\(upright)")
    // The top a pixel to the right for each pixel of height.
    let slash = figures(["...#", "..#.", ".#..", "#..."])
    #expect(slash.slant == 1 && slash.width == 1 && slash.height == 1)
    #expect(figures(["#...", ".#..", "..#.", "...#"]).slant == -1)
    #expect(figures(["....", ".+..", "...."]).width == 0.25)
  }

  @Test func nothingHasNoFigures() {
    let empty = figures(["...", "..."])
    #expect(
      empty
        == ImageFigures(ink: 0, width: 0, height: 0, slant: 0, stroke: 0, x: 0.5, y: 0.5))
    let full = figures(["###", "###"])
    #expect(full.ink == 1 && full.width == 1 && full.stroke == 2 && full.slant == 0)
  }

  @Test func coloursAreTheirMean() {
    let grey = ImageFigures([0, 100, 200, 40], shape: .init(height: 2, width: 2, channels: 1))
    let coloured = ImageFigures(
      [0, 0, 0, 90, 100, 110, 255, 200, 145, 0, 0, 120],
      shape: .init(height: 2, width: 2, channels: 3))
    for (a, b) in zip(grey.values, coloured.values) { #expect(abs(a - b) < 1e-6) }
  }
}
