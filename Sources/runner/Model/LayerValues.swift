import ConvNet
import Datasets
import Experiment
import Report
import Storage

/// What a layer of a model gives of images: what others learn from, plot or cluster.
struct LayerValues {
  private let asked: AskedImages
  private let classNames: [String]
  private let width: Int
  /// (N, width)
  private var values: [Float]

  init(_ asked: AskedImages, of layer: String, _ file: ModelFile, threads: Int) throws {
    let part: Model
    do { part = try file.model.ending(in: layer) } catch {
      throw UsageError("--layer: \(error.message)")
    }
    self.asked = asked
    classNames = file.classNames
    width = part.plan.description.classes
    values = [Float](repeating: 0, count: asked.count * width)
    let inference = try Inference(part, team: Team(threads: threads))
    values.withUnsafeMutableBufferPointer {
      inference.scores(of: asked, range: 0..<asked.count, into: $0)
    }
  }

  private subscript(image: Int) -> ArraySlice<Float> {
    values[image * width..<(image + 1) * width]
  }

  /// A row or an object for each image: its values v_0, v_1 and so on, of an image's channels running
  /// fastest.
  func print(as format: PredictCommand.Format) throws {
    let hasLabels = asked.images.contains { $0.label != nil }
    guard format != .jsonl else {
      for (place, image) in asked.images.enumerated() {
        var object = JSONObject()
        object["image"] = .string(image.name)
        if let label = image.label { object["label"] = .string(classNames[label]) }
        object["values"] = .array(self[place].map { JSONValue($0) })
        try Output.print(JSONValue.object(object).compact)
      }
      return
    }
    var table = TextTable(
      [.init("image")] + (hasLabels ? [.init("label")] : [])
        + (0..<width).map { .init("v_\($0)", .right) })
    for (place, image) in asked.images.enumerated() {
      let label: [TextTable.Cell] =
        hasLabels ? [image.label.map { .text(classNames[$0]) } ?? .missing()] : []
      table.append(
        // The shortest digits that give the same Float again.
        [.text(image.name)] + label + self[place].map { .number(Double("\($0)")!, "\($0)") })
    }
    try Output.print(table.text(as: .csv), terminator: "")
  }
}
