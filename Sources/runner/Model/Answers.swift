import Datasets
import Experiment
import Images
import Report
import Storage

/// What a model says of images.
struct Answers {
  let asked: AskedImages
  /// (N, classes)
  let probabilities: [Float]
  let classNames: [String]

  init(_ asked: AskedImages, _ probabilities: [Float], _ classNames: [String]) {
    self.asked = asked
    self.probabilities = probabilities
    self.classNames = classNames
  }

  func probability(_ image: Int, _ label: Int) -> Float {
    probabilities[image * classNames.count + label]
  }

  /// The likeliest classes, at most so many, the likeliest first; of equals the first.
  func likeliest(_ count: Int, of image: Int) -> [Int] {
    guard count < classNames.count / 8 else {
      return Array(
        classNames.indices.sorted {
          let (a, b) = (probability(image, $0), probability(image, $1))
          return a != b ? a > b : $0 < $1
        }.prefix(count))
    }
    // Of many classes few are likelier than those that were found before.
    var best: [Int] = []
    for label in classNames.indices {
      let own = probability(image, label)
      if best.count == count, own <= probability(image, best[count - 1]) { continue }
      let place = best.lastIndex { probability(image, $0) >= own }.map { $0 + 1 } ?? 0
      best.insert(label, at: place)
      if best.count > count { best.removeLast() }
    }
    return best
  }

  func prediction(_ image: Int) -> Int {
    var best = 0
    for label in classNames.indices where probability(image, label) > probability(image, best) {
      best = label
    }
    return best
  }

  /// "recognised 9,912 of 10,000 images, 99.12 %"; nil where no labels are known.
  var accuracy: String? {
    let known = asked.images.indices.filter { asked.images[$0].label != nil }
    guard !known.isEmpty else { return nil }
    let right = known.count { asked.images[$0].label == prediction($0) }
    let which = known.count == asked.count ? "images" : "images whose class is known"
    return "recognised \(grouped(right)) of \(grouped(known.count)) \(which), "
      + percent(Double(right) / Double(known.count))
  }

  /// The first image of which the model gives no numbers.
  var withoutNumbers: String? {
    probabilities.firstIndex { !$0.isFinite }.map {
      asked.images[$0 / classNames.count].name
    }
  }

  /// What to say where images look like nothing of the training; nil where none does.
  func warning(_ file: AnsweringModel) -> String? {
    guard let ink = file.ink else { return nil }
    let odd = asked.images.indices.compactMap { place in
      ink.surprise(in: asked.pixels(of: place)).map { (place, $0) }
    }
    guard let (first, what) = odd.first else { return nil }
    let which =
      odd.count == 1
      ? "\(asked.images[first].name) looks unlike the training images: "
      : "\(grouped(odd.count)) of \(grouped(asked.count)) images look unlike the training images, such "
        + "as \(asked.images[first].name): "
    let takesDigits = file.preparation.shape == FilePreparation.digit.shape
    return which + what
      + (takesDigits
        ? "; of photos and drawings of digits, --prepare digit makes what MNIST was made of" : "")
      + "; --invert takes dark on light; --show draws what the network sees"
  }

  /// A row per image: its class and how sure that is, then the next classes, then all probabilities.
  func table(top: Int, all: Bool) -> TextTable {
    let top = min(top, classNames.count)
    let hasLabels = asked.images.contains { $0.label != nil }
    var columns: [TextTable.Column] = [.init("image")]
    if hasLabels { columns.append(.init("label")) }
    for rank in 1...top {
      let suffix = rank == 1 ? "" : "_\(rank)"
      columns += [
        .init("class\(suffix)", title: rank == 1 ? "class" : "or"),
        .init("confidence\(suffix)", title: rank == 1 ? "confidence" : "", .right),
      ]
    }
    if all { columns += classNames.map { .init("p_\($0)", title: $0, .right) } }
    var table = TextTable(columns)
    for (place, image) in asked.images.enumerated() {
      var cells: [TextTable.Cell] = [.text(image.name)]
      if hasLabels {
        cells.append(image.label.map { .text(classNames[$0]) } ?? .missing())
      }
      for label in likeliest(top, of: place) {
        cells += [.text(classNames[label]), cell(place, label)]
      }
      if all { cells += classNames.indices.map { cell(place, $0) } }
      table.append(cells)
    }
    return table
  }

  private func cell(_ image: Int, _ label: Int) -> TextTable.Cell {
    let value = Double(probability(image, label))
    return .number(value, percent(value))
  }

  func json(_ place: Int, top: Int, all: Bool) -> JSONValue {
    let (image, ranking) = (asked.images[place], likeliest(top, of: place))
    var object = JSONObject()
    object["image"] = .string(image.name)
    if let label = image.label { object["label"] = .string(classNames[label]) }
    object["class"] = .string(classNames[ranking[0]])
    object["prediction"] = JSONValue(ranking[0])
    object["confidence"] = JSONValue(probability(place, ranking[0]))
    if top > 1 {
      object["top"] = .array(
        ranking.map {
          ["class": .string(classNames[$0]), "probability": JSONValue(probability(place, $0))]
        })
    }
    if all {
      object["probabilities"] = .array(
        classNames.indices.map { JSONValue(probability(place, $0)) })
    }
    return .object(object)
  }
}

/// What the network saw of images, each beside the image itself, with the answer below.
struct AnswerSheet {
  private let answers: Answers
  private let turns: Bool

  /// The most images that are drawn.
  private static let most = 100
  private static let side = 112

  init(_ answers: Answers, turns: Bool) {
    self.answers = answers
    self.turns = turns
  }

  func write(to path: String) throws {
    let shown = answers.asked.images.indices.prefix(Self.most)
    if shown.count < answers.asked.count {
      Display.say("note: \(path) shows the first \(shown.count) of \(answers.asked.count) images")
    }
    let shape = ImageShape(height: Self.side, width: Self.side, channels: 3)
    var cells: [PNGSheet.Cell] = []
    for place in shown {
      let image = answers.asked.images[place]
      let label = answers.prediction(place)
      let name = answers.classNames[label]
      var below = [
        BitmapFont.canWrite(name) ? name : "class \(label)",
        percent(Double(answers.probability(place, label))),
      ]
      let seen = Picture(shape: answers.asked.shape, pixels: Array(answers.asked.pixels(of: place)))
      let original = Picture(reading: image.name, turned: turns)
      cells.append(
        PNGSheet.Cell(
          below: [Files.name(of: image.name)],
          pixels: (original ?? seen).fitted(into: shape)))
      if let own = image.label, own != label { below.append("is \(answers.classNames[own])") }
      cells.append(PNGSheet.Cell(below: below, pixels: seen.fitted(into: shape)))
    }
    let pairs = max(1, min(5, cells.count / 2))
    try PNGSheet.write(
      cells, of: .image(height: shape.height, width: shape.width, channels: 3),
      columns: 2 * pairs, to: path)
  }
}
