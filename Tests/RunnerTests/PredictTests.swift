import Foundation
import TestSupport
import Testing

/// `runner predict`: what a model says of people's images.
@Suite struct PredictTests {
  /// Thirty images of the built-in digits in folders by class, as a person would have them, and the run
  /// that is asked.
  private static func asked() throws -> (TemporaryFolder, run: String) {
    let folder = try TemporaryFolder()
    return (folder, try InterruptionTests.reference(in: folder, ["training.epochs=4"]))
  }

  /// IDX bytes: a header and its content.
  private static func idx(_ sizes: [Int], _ content: [UInt8]) -> Data {
    Data(
      [0, 0, 8, UInt8(sizes.count)]
        + sizes.flatMap { size in [24, 16, 8, 0].map { UInt8(size >> $0 & 255) } } + content)
  }

  static func npy(_ shape: String, _ content: [UInt8]) -> Data {
    var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(shape)), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    let length = header.utf8.count
    return Data(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
        + Array(header.utf8) + content)
  }

  /// Nine images of 28x28 that differ.
  static let images: [[UInt8]] = (0..<9).map { image in
    (0..<784).map { place in
      let (y, x) = (place / 28, place % 28)
      return (8..<20).contains(y) && (8..<20).contains(x)
        ? UInt8((x * (image + 3) + y * (9 - image)) % 200 + 30) : 0
    }
  }

  /// Whatever form images come in, alone or together, with any number of threads: the same figures.
  @Test func theWayOfAskingChangesNoBit() throws {
    let (folder, run) = try Self.asked()
    let pixels = Self.images.flatMap { $0 }
    try Self.idx([9, 28, 28], pixels).write(
      to: folder.url.appending(path: "nine-images-idx3-ubyte"))
    try Self.npy("9, 28, 28", pixels).write(to: folder.url.appending(path: "nine.npy"))
    let rows = Self.images.map { $0.map(String.init).joined(separator: ",") }
    try folder.write(rows.joined(separator: "\n") + "\n", to: "nine.csv")
    for (place, image) in Self.images.enumerated() {
      try Self.npy("28, 28", image).write(to: folder.url.appending(path: "one-\(place).npy"))
    }
    func ask(_ arguments: String...) throws -> [Substring] {
      let line = arguments.joined(separator: " ")
      let result = try Program.shell(
        "'\(Program.path)' predict \(run) \(line) --format csv --probabilities", in: folder)
      #expect(result.status == 0, "\(line): \(result.errors)")
      // All but the images' names.
      return result.output.split(separator: "\n").dropFirst()
        .map { $0.drop { $0 != "," }.dropFirst() }
    }
    let expected = try ask("nine.npy")
    #expect(expected.count == 9 && Set(expected).count > 1)
    #expect(expected.allSatisfy { $0.split(separator: ",").count == 12 })
    for threads in ["1", "2", "4"] {
      #expect(try ask("nine.npy", "--threads", threads) == expected)
    }
    #expect(try ask("nine-images-idx3-ubyte") == expected)
    #expect(try ask("nine.csv") == expected)
    #expect(try ask("- < nine.npy") == expected)
    #expect(try ask("- < nine.csv") == expected)
    #expect(try ask((0..<9).map { "one-\($0).npy" }.joined(separator: " ")) == expected)
    for place in 0..<9 { #expect(try ask("one-\(place).npy") == [expected[place]]) }
    #expect(try ask("one-3.npy nine.npy") == [expected[3]] + expected)
  }

  /// The model alone says what its run does, and what evaluate counts.
  @Test func theModelAloneIsEnough() throws {
    let (folder, run) = try Self.asked()
    // The test images of the spec, as evaluate sees them.
    let evaluated = try Program.run("evaluate", run, "--format", "json", in: folder)
    let figures = try #require(
      try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    let accuracy = try #require(figures["test_accuracy"] as? Double)
    let model = "elsewhere/digits.safetensors"
    _ = try Program.shell(
      "mkdir elsewhere && cp \(run)/model.safetensors \(model)", in: folder)
    try Self.npy("9, 28, 28", Self.images.flatMap { $0 }).write(
      to: folder.url.appending(path: "nine.npy"))
    let before = try Program.run("predict", run, "nine.npy", "--format", "jsonl", in: folder)
    _ = try Program.shell("rm -r \(run)/checkpoints \(run)/resolved.json", in: folder)
    for name in [model, run] {
      let after = try Program.run("predict", name, "nine.npy", "--format", "jsonl", in: folder)
      #expect(after.status == 0)
      #expect(after.output == before.output)
    }
    let answers = before.output.split(separator: "\n")
    #expect(answers.count == 9)
    let first = try #require(
      try JSONSerialization.jsonObject(with: Data(answers[0].utf8)) as? [String: Any])
    #expect(first["image"] as? String == "nine.npy[0]")
    #expect(first["class"] as? String == (first["prediction"] as? Int).map(String.init))
    #expect((0...1).contains(try #require(first["confidence"] as? Double)))
    #expect((0...1).contains(accuracy))
  }

  /// What cannot be read is named; the others are answered.
  @Test func whatCannotBeReadIsNamed() throws {
    let (folder, run) = try Self.asked()
    try Self.npy("28, 28", Self.images[0]).write(to: folder.url.appending(path: "good.npy"))
    try Self.npy("30, 30", [UInt8](repeating: 9, count: 900)).write(
      to: folder.url.appending(path: "large.npy"))
    try folder.write("no image", to: "broken.png")
    try folder.write("", to: "empty.jpg")
    try folder.write("a text", to: "notes.md")
    let result = try Program.run(
      "predict", run, "good.npy", "broken.png", "empty.jpg", "notes.md", "absent.png",
      "large.npy", in: folder)
    #expect(result.status == 1)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[1].hasPrefix("good.npy "))
    let errors = result.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
    #expect(
      errors == [
        "error: broken.png: its first bytes are those of no PNG, JPEG, WebP, BMP, TIFF or GIF file",
        "error: empty.jpg: it is empty",
        "error: notes.md: it is no image, array or table that is read",
        "error: absent.png: there is no such file",
        "error: large.npy: it is 30x30x1, and the model takes 28x28x1; give --resize bilinear or area",
      ])
    #expect(
      try Program.run("predict", run, "large.npy", "--resize", "area", in: folder).status == 0)
    let none = try Program.run("predict", "nowhere", "good.npy", in: folder)
    #expect(none.status == 2)
    #expect(none.errors == "error: nowhere: there is no such model\n")
  }

  /// A picture never takes the place of what is read.
  @Test func thePictureHasAPlaceOfItsOwn() throws {
    let (folder, run) = try Self.asked()
    try Self.npy("28, 28", Self.images[0]).write(to: folder.url.appending(path: "one.npy"))
    _ = try Program.shell(
      "mkdir in && \"$RUNNER\" predict \(run) one.npy --show in/a.png && ln -s ../in in/loop && "
        + "ln -s in/a.png link.png && cp \(run)/model.safetensors model.png", in: folder)
    let before = try folder.data("in/a.png")
    for arguments in [
      ["in/a.png", "--show", "in/a.png"], ["in/a.png", "--show", "./in/a.png"],
      ["link.png", "--show", "in/a.png"], ["in", "--show", "in/b.png"],
      ["one.npy", "--show", "\(run)/b.png"], ["one.npy", "--show", "one.npy"],
    ] {
      let result = try Program.Running(
        Program.path, ["predict", run, "--resize", "area"] + arguments, in: folder
      ).wait()
      #expect(result.status == 2 && result.output == "", "\(arguments): \(result)")
    }
    #expect(try folder.data("in/a.png") == before && !folder.exists("in/b.png"))
    let model = try Program.run(
      "predict", "model.png", "one.npy", "--show", "model.png", in: folder)
    #expect(model.status == 2)
    // A link that leads back costs no other image its answer.
    let loop = try Program.run("predict", run, "in", "--resize", "area", in: folder)
    #expect(loop.status == 1)
    #expect(loop.output.split(separator: "\n").count == 2)
    #expect(loop.errors.contains("error: in/loop: it leads back to a folder that it lies in"))
  }

  /// What looks like nothing of the training is said.
  @Test func darkOnLightIsTold() throws {
    let (folder, run) = try Self.asked()
    try Self.npy("28, 28", Self.images[0].map { ~$0 }).write(
      to: folder.url.appending(path: "paper.npy"))
    try Self.npy("28, 28", Self.images[0]).write(to: folder.url.appending(path: "plain.npy"))
    let told = try Program.run("predict", run, "paper.npy", "--format", "jsonl", in: folder)
    #expect(told.errors.hasPrefix("WARNING: paper.npy looks unlike the training images: "))
    #expect(told.status == 0)
    let inverted = try Program.run(
      "predict", run, "paper.npy", "--invert", "--format", "jsonl", in: folder)
    let plain = try Program.run("predict", run, "plain.npy", "--format", "jsonl", in: folder)
    #expect(
      inverted.output.replacing("paper", with: "plain") == plain.output && inverted.errors == "")
  }

  /// A file that isn't as it was written is refused, whichever bit of it is another.
  @Test func damagedModels() throws {
    let (folder, run) = try Self.asked()
    try Self.npy("28, 28", Self.images[0]).write(to: folder.url.appending(path: "one.npy"))
    let sound = [UInt8](try folder.data("\(run)/model.safetensors"))
    func ask() throws -> Program.Result {
      try Program.run("predict", "bad.safetensors", "one.npy", in: folder)
    }
    let path = folder.url.appending(path: "bad.safetensors")
    for place in stride(from: 0, to: sound.count, by: max(1, sound.count / 23)) {
      var bytes = sound
      bytes[place] ^= 4
      try Data(bytes).write(to: path)
      let result = try ask()
      #expect(result.status == 1 && result.output == "", "byte \(place)")
      #expect(result.errors.hasPrefix("error: bad.safetensors: is "), "\(result.errors)")
    }
    for length in [0, 7, 200, sound.count - 1] {
      try Data(sound[..<length]).write(to: path)
      #expect(try ask().status == 1)
    }
    _ = try Program.shell("cp \(run)/checkpoints/last.safetensors bad.safetensors", in: folder)
    #expect(
      try ask().errors
        == "error: bad.safetensors: is not a model of this program: its format is "
        + "\"runner-checkpoint-3\", not \"runner-model-2\"; it is a checkpoint, give the folder of its "
        + "run\n")
  }

  /// The last layer's values are what the probabilities follow from; each way of asking gives the same.
  @Test func layersGiveTheirValues() throws {
    let (folder, run) = try Self.asked()
    try Self.npy("9, 28, 28", Self.images.flatMap { $0 }).write(
      to: folder.url.appending(path: "nine.npy"))
    try Self.npy("28, 28", Self.images[4]).write(to: folder.url.appending(path: "one.npy"))
    func ask(_ line: String) throws -> Program.Result {
      try Program.shell("'\(Program.path)' predict \(run) \(line)", in: folder)
    }
    let plan = try ask("one.npy --layer none")
    #expect(plan.status == 2 && plan.errors.contains("no layer is called \"none\"; they are "))
    let last = try #require(
      plan.errors.split(whereSeparator: { ", \n".contains($0) }).last { $0.hasPrefix("dense_") })

    let table = try ask("nine.npy --layer \(last)").output.split(separator: "\n")
    #expect(table.count == 10 && table[0].hasPrefix("image,v_0,v_1,") && table[0].hasSuffix(",v_9"))
    let rows = table.dropFirst().map { row in
      row.split(separator: ",").dropFirst().compactMap { Double($0) }
    }
    let answers = try ask("nine.npy --format csv --probabilities").output.split(separator: "\n")
    for (scores, answer) in zip(rows, answers.dropFirst()) {
      let sum = scores.reduce(0) { $0 + exp($1) }
      for (score, text) in zip(scores, answer.split(separator: ",").suffix(10)) {
        #expect(abs(exp(score) / sum - Double(text)!) < 1e-6)
      }
    }
    let alone = try ask("one.npy --layer \(last) --threads 1 --format jsonl").output
    let object = try JSONSerialization.jsonObject(with: Data(alone.utf8)) as? [String: Any]
    #expect(object?["image"] as? String == "one.npy")
    // Foundation may err in a number's last bit.
    let values = try #require(object?["values"] as? [Double])
    #expect(zip(values, rows[4]).allSatisfy { Float($0) == Float($1) } && values.count == 10)
    #expect(
      try ask("one.npy --layer \(last) --top 2").errors.contains(
        "--top, --probabilities and --show are of answers; --layer gives none"))
  }

  /// Images are answered whatever their labels are, and what tables and arrays don't tell can be said.
  @Test func whatIsNotKnownIsSaid() throws {
    let (folder, run) = try Self.asked()
    func ask(_ line: String) throws -> Program.Result {
      try Program.shell("'\(Program.path)' predict \(run) \(line)", in: folder)
    }
    // Labels that the model doesn't know.
    let rows = Self.images.prefix(3).map { "cat," + $0.map(String.init).joined(separator: ",") }
    try folder.write(rows.joined(separator: "\n") + "\n", to: "cats.csv")
    let cats = try ask("cats.csv --format csv")
    #expect(cats.status == 0, "\(cats.errors)")
    #expect(cats.output.split(separator: "\n").count == 4 && cats.output.hasPrefix("image,class,"))
    #expect(cats.errors.contains("its labels are not used, and no accuracy is told: "))

    // Arrays in folders, of classes and not.
    for place in [1, 7] {
      try FileManager.default.createDirectory(
        at: folder.url.appending(path: "arrays/\(place)"), withIntermediateDirectories: true)
      try Self.npy("28, 28", Self.images[place]).write(
        to: folder.url.appending(path: "arrays/\(place)/x.npy"))
    }
    for inputs in ["arrays", "arrays/*"] {
      let answers = try ask("\(inputs) --format csv").output.split(separator: "\n")
      #expect(answers.count == 3 && answers[0].hasPrefix("image,label,class,"))
      #expect(answers[1].hasPrefix("arrays/1/x.npy,1,"))
      #expect(answers[2].hasPrefix("arrays/7/x.npy,7,"))
    }

    // Which number is white.
    let parts = Self.images[2].map { "\(Float($0) / 255 * 16)" }.joined(separator: ",")
    try folder.write(parts + "\n", to: "parts.csv")
    let unsure = try ask("parts.csv")
    #expect(unsure.status == 1)
    #expect(unsure.errors.contains("give --pixel-max the number that is white"))
    try Self.npy("28, 28", Self.images[2]).write(to: folder.url.appending(path: "two.npy"))
    func answer(_ line: String) throws -> Substring? {
      let result = try ask("\(line) --format csv --probabilities")
      #expect(result.status == 0, "\(result.errors)")
      return result.output.split(separator: "\n").last?.drop { $0 != "," }
    }
    #expect(try answer("parts.csv --pixel-max 16") == answer("two.npy"))

    // Which column holds the labels.
    let both = Self.images.prefix(4).enumerated().map { place, image in
      "\(place)," + image.map(String.init).joined(separator: ",") + ",\(9 - place)"
    }
    try folder.write(both.joined(separator: "\n") + "\n", to: "both.csv")
    let last = try ask("both.csv --label-column -1 --format csv")
    #expect(last.status == 0, "\(last.errors)")
    #expect(last.output.contains("both.csv[3],6,"))

    #expect(
      try Program.shell(
        "printf '' | '\(Program.path)' predict \(run) -", in: folder
      ).errors.contains("the standard input is empty"))
  }

  /// A model in another run's folder is not taken for that run's.
  @Test func modelsOfOtherRunsAreRefused() throws {
    let (folder, run) = try Self.asked()
    try Self.npy("28, 28", Self.images[0]).write(to: folder.url.appending(path: "one.npy"))
    let result = try Program.shell(
      """
      "$RUNNER" \(run)/resolved.json seed=5 training.epochs=1 --output other --quiet > /dev/null
      cp \(run)/model.safetensors other/*/latest/
      "$RUNNER" predict other/*/latest one.npy
      """, in: folder)
    #expect(
      result.status == 1 && result.errors.contains("is not the model of this run"), "\(result)")
  }
}
