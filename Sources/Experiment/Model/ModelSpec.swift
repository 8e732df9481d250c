import ConvNet
import Datasets
import Images
import Storage

// An experiment with the network of a model that came in from elsewhere.
extension ModelFile {
  /// A model that was trained elsewhere: no epoch, no experiment, no test is known of it.
  public init(
    importing model: Model, name: String, classNames: [String], _ preparation: ImagePreparation,
    kernel: String
  ) {
    self.init(
      model: model, name: name, classNames: classNames, preparation: preparation, epoch: 0,
      kernel: kernel)
  }

  /// What an experiment with the model's network is to be trained on.
  public enum Data: Hashable, Sendable {
    /// Images in files, by class.
    case files(String)
    case named(DatasetName)
  }

  /// The text of a spec with this network, as people write it, and defaults to begin with.
  /// - Throws: `NetworkError` where the data are not of as many classes.
  public func spec(on data: Data) throws(NetworkError) -> String {
    let shape = preparation.shape!
    var dataset = JSONObject()
    let sizes: JSONValue = [
      JSONValue(shape.height), JSONValue(shape.width), JSONValue(shape.channels),
    ]
    switch data {
    case .files(let path):
      dataset["name"] = .string(DatasetName.files.rawValue)
      dataset["path"] = .string(path)
      dataset["shape"] = sizes
      dataset["resize"] = .string(ImagePreparation.Resize.bilinear.rawValue)
      dataset["classes"] =
        hasNamedClasses ? .array(classNames.map { .string($0) }) : JSONValue(classNames.count)
      dataset["validation"] = 0.1
      dataset["test"] = 0.2
    case .named(let name):
      guard name.classCount ?? classNames.count == classNames.count else {
        throw NetworkError(
          "\(name.rawValue) has \(name.classCount ?? 0) classes, and the model \(classNames.count)")
      }
      dataset["name"] = .string(name.rawValue)
      if name.imageShape != shape {
        dataset["shape"] = sizes
        dataset["resize"] = .string(ImagePreparation.Resize.bilinear.rawValue)
      }
      dataset["validation"] = 0.1
    }
    let document: JSONValue = [
      "name": .string(name), "dataset": .object(dataset),
      "model": .array(
        model.plan.description.model.map { Self.plain(SpecDescription.layers.brief($0)) }),
      "optimizer": ["name": "adam", "learning_rate": 0.001],
      "training": ["epochs": 10, "batch_size": 64],
    ]
    return document.pretty
  }

  /// A model that was made of another by removing channels: what was measured of that one, and the
  /// experiment that it was trained by, are not this one's.
  public init(narrowing other: ModelFile, to model: Model, named name: String) {
    self = other
    (self.model, self.name) = (model, name)
    (testAccuracy, testLoss, specDigest) = (nil, nil, nil)
  }

  /// The same of a model that was made of another by making weights 0.
  public init(pruning other: ModelFile, to model: Model, named name: String) {
    self.init(narrowing: other, to: model, named: name)
    isPruned = true
  }

  /// A layer without the stride of a window that steps by its size, as it does unless told; so of all
  /// layers within it.
  static func plain(_ json: JSONValue) -> JSONValue {
    if let list = json.array { return .array(list.map(plain)) }
    guard var object = json.object else { return json }
    for key in object.keys { object[key] = object[key].map(plain) }
    if let kind = object["layer"]?.string, ["max_pool", "average_pool"].contains(kind),
      object["stride"] == object["size"] ?? 2
    {
      object["stride"] = nil
    }
    return .object(object)
  }

  private var hasNamedClasses: Bool { classNames != classNames.indices.map(String.init) }
}
