/// Where images come from.
public protocol ImageSamples: AnyObject, Sendable {
  var sampleShape: Shape { get }
  var count: Int { get }
  /// Writes the sample's height·width·channels floats. Called on any worker of a team, and a pure
  /// function of (sample, epoch): `worker` only picks scratch memory.
  func fill(_ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int)
}

/// Images with what is to be learned of them.
public protocol SampleSource: ImageSamples {
  /// The class of each sample, (count).
  var labels: Labels { get }
}
