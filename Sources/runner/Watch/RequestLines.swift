import ConvNet
import Datasets
import Experiment
import Storage
import Watching

/// What a server would have logged of images that `predict` is asked about: a request each and, where the
/// class is known, a feedback.
struct RequestLines {
  private let asked: AskedImages
  private let seen: [SeenImage]
  private let file: ModelFile
  private let modelDigest: String
  /// Milliseconds an image took, on average.
  private let latency: Double

  init(
    _ asked: AskedImages, _ inference: Inference, _ file: ModelFile, model: String
  ) throws {
    self.asked = asked
    self.file = file
    let path = Files.isFolder(model) ? "\(model)/model.safetensors" : model
    let observer = Observer(file, profile: try ValidationProfile(besideModel: path))
    modelDigest = observer.modelDigest
    let start = monotonicNanoseconds()
    seen = inference.observations(of: asked, by: observer)
    latency = Double(monotonicNanoseconds() - start) / 1e6 / Double(max(1, asked.count))
  }

  func print() throws {
    for (place, seen) in seen.enumerated() {
      let image = asked.images[place]
      let request = LoggedRequest(
        id: image.name, time: LogTime.now, model: modelDigest,
        image: SHA256.hex(of: Array(asked.pixels(of: place))),
        className: file.classNames[seen.prediction], latency: latency, seen: seen)
      var text = LogLine.request(request).text
      if let label = image.label {
        text +=
          LogLine.feedback(
            LoggedFeedback(
              request: image.name, time: LogTime.now, label: label,
              className: file.classNames[label],
              image: LoggedImage(pixels: Array(asked.pixels(of: place)), shape: asked.shape))
          ).text
      }
      try Output.print(text, terminator: "")
    }
  }
}
