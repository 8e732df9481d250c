import ConvNet
import Datasets
import Experiment
import ONNX
import Storage

extension KerasModel {
  /// The layers in the order of Keras's own list of them: by the longest way to the output, the farthest
  /// first, then as a search from the output meets them (`keras.src.ops.function.map_graph`).
  private var kerasOrder: [Int] {
    let last = layers.count - 1
    var depths = [Int](repeating: 0, count: layers.count)
    for place in layers.indices.reversed() {
      for input in layers[place].inputs { depths[input] = max(depths[input], depths[place] + 1) }
    }
    var indices: [Int: Int] = [:]
    // What is still to be met, the next at the end.
    var open = [last]
    while let place = open.popLast() {
      if indices[place] != nil { continue }
      indices[place] = indices.count
      open += layers[place].inputs.reversed()
    }
    return layers.indices.sorted { (-depths[$0], indices[$0]!) < (-depths[$1], indices[$1]!) }
  }

  /// The group of each layer's variables in the file of weights: its class, with a number where there are
  /// several, in Keras's order.
  private var groups: [Int: String] {
    var counts: [String: Int] = [:]
    var groups: [Int: String] = [:]
    for place in kerasOrder {
      let name = layers[place].snakeCase
      let count = counts[name, default: 0]
      counts[name] = count + 1
      groups[place] = count == 0 ? name : "\(name)_\(count)"
    }
    return groups
  }

  /// `model.weights.h5`.
  var weights: [UInt8] {
    let groups = groups
    let members = layers.enumerated().map { place, layer in
      let arrays = layer.variables.enumerated().map { i, variable in
        (
          name: "\(i)",
          object: HDF5Object.array(
            graph.nodes[variable.node].tensors[variable.role]!.reshaped(variable.shape))
        )
      }
      let all = layer.constant.map { [(name: "0", object: HDF5Object.array($0))] } ?? arrays
      return (
        name: groups[place]!,
        object: HDF5Object.group([
          (name: "vars", object: .group(all, attributes: [("name", .text(layer.name))]))
        ])
      )
    }.sorted { $0.name < $1.name }
    return HDF5File.encoded(
      .group([
        (name: "layers", object: .group(members)),
        (name: "vars", object: .group([], attributes: [("name", .text(title))])),
      ]))
  }

  /// The variables of a layer in Keras's order, each with its name there.
  private func variables(_ layer: KerasLayer) -> [(name: String, tensor: Tensor)] {
    if let constant = layer.constant { return [("kernel", constant)] }
    return layer.variables.map { variable in
      let name =
        switch variable.role {
        case .scale: "gamma"
        case .offset: "beta"
        case .slope: "alpha"
        default: variable.role.rawValue
        }
      return (
        name, graph.nodes[variable.node].tensors[variable.role]!.reshaped(variable.shape)
      )
    }
  }

  /// The older form of a whole model, one `.h5`: the architecture as an attribute, and the variables in a
  /// group for each layer, under its name.
  var wholeFile: [UInt8] {
    let order = kerasOrder.map { layers[$0] }
    let members = order.map { layer in
      let variables = variables(layer)
      return (
        name: layer.name,
        object: HDF5Object.group(
          variables.isEmpty
            ? []
            : [
              (
                name: layer.name,
                object: .group(variables.map { (name: $0.name, object: .array($0.tensor)) })
              )
            ],
          attributes: [("weight_names", .texts(variables.map { "\(layer.name)/\($0.name)" }))])
      )
    }
    let architecture: JSONValue = [
      "class_name": "Functional", "config": config["config"]!,
    ]
    let versions: [(name: String, value: HDF5Object.Attribute)] = [
      ("keras_version", .text(Self.version)), ("backend", .text("tensorflow")),
    ]
    return HDF5File.encoded(
      .group(
        [
          (
            name: "model_weights",
            object: .group(
              members, attributes: chunks("layer_names", order.map(\.name)) + versions)
          )
        ],
        attributes: versions + [("model_config", .longText(architecture.compact))]
          + (training.map { [("training_config", .longText($0.trainingConfig.compact))] } ?? [])))
  }

  /// Names in as many attributes as it takes: where one would be too long, Keras numbers them.
  private func chunks(
    _ name: String, _ texts: [String]
  ) -> [(name: String, value: HDF5Object.Attribute)] {
    let most = 60_000 / max(1, texts.map(\.utf8.count).max() ?? 1)
    guard texts.count > most else { return [(name, .texts(texts))] }
    return stride(from: 0, to: texts.count, by: most).map { start in
      (
        "\(name)\(start / most)",
        .texts(Array(texts[start..<min(start + most, texts.count)]))
      )
    }
  }

  /// What the files say that they are of.
  private static let version = "3.15.1"

  /// The graph with the variables of a whole file in the places of its own.
  func graph(readingWhole bytes: [UInt8]) throws(ExchangeError) -> Graph {
    let arrays = try HDF5Reader.arrays(in: bytes)
    return try graph { layer, number throws(ExchangeError) in
      let name = variables(layer)[number].name
      return arrays["model_weights/\(layer.name)/\(layer.name)/\(name)"]
    }
  }

  /// The graph with the variables of a file of weights in the places of its own.
  /// - Throws: `ExchangeError` where one is missing, or of another shape.
  func graph(reading weights: [UInt8]) throws(ExchangeError) -> Graph {
    let arrays = try HDF5Reader.arrays(in: weights)
    let groups = Dictionary(
      uniqueKeysWithValues: groups.map { (layers[$0.key].name, $0.value) })
    return try graph { layer, number throws(ExchangeError) in
      arrays["layers/\(groups[layer.name]!)/vars/\(number)"]
    }
  }

  /// The graph with other variables in the places of its own.
  private func graph(
    _ read: (KerasLayer, _ number: Int) throws(ExchangeError) -> Tensor?
  ) throws(ExchangeError) -> Graph {
    var graph = graph
    for layer in layers {
      func array(_ number: Int, _ shape: [Int]) throws(ExchangeError) -> Tensor {
        guard let tensor = try read(layer, number), tensor.shape == shape else {
          throw ExchangeError("a variable of \(layer.name) is missing, or of another shape")
        }
        return tensor
      }
      for (i, variable) in layer.variables.enumerated() {
        let own = graph.nodes[variable.node].tensors[variable.role]!
        graph.nodes[variable.node].tensors[variable.role] = try array(i, variable.shape)
          .reshaped(own.shape)
      }
      if let constant = layer.constant, let own = graph.normalization {
        graph.normalization = Normalization(
          mean: own.mean, factor: own.factor, whitening: try array(0, constant.shape).values)
      }
    }
    return graph
  }

  /// The architecture, as `model.to_json()` gives it.
  var config: JSONValue {
    let list = layers.enumerated().map { place, layer -> JSONValue in
      var config: JSONValue = ["name": .string(layer.name)]
      if place == 0 {
        config["batch_shape"] = .array([.null] + layer.output.map { JSONValue($0) })
      }
      config["dtype"] = "float32"
      for (key, value) in layer.config { config[key] = value }
      let tensors = layer.inputs.map { input -> JSONValue in
        [
          "class_name": "__keras_tensor__",
          "config": [
            "shape": .array([.null] + layers[input].output.map { JSONValue($0) }),
            "dtype": "float32", "keras_history": [.string(layers[input].name), 0, 0],
          ],
        ]
      }
      // Merges take one list of tensors.
      let isMerge = ["Add", "Concatenate", "Multiply"].contains(layer.kind)
      let node: JSONValue = ["args": isMerge ? [.array(tensors)] : .array(tensors), "kwargs": [:]]
      return [
        "module": "keras.layers", "class_name": .string(layer.kind), "config": config,
        "registered_name": .null, "name": .string(layer.name),
        "inbound_nodes": layer.inputs.isEmpty ? [] : [node],
      ]
    }
    func port(_ place: Int) -> JSONValue { [.string(layers[place].name), 0, 0] }
    return [
      "module": "keras.src.models.functional", "class_name": "Functional",
      "config": [
        "name": .string(title), "trainable": true, "layers": .array(list),
        "input_layers": [port(0)], "output_layers": [port(layers.count - 1)],
      ],
      "registered_name": "Functional",
    ]
  }

  /// The `.keras` archive.
  /// - Throws: `ExchangeError` where it would be too large for a ZIP archive.
  func archive() throws(ExchangeError) -> [UInt8] {
    let weights = weights
    guard weights.count < ZipWriter.limit / 2 else {
      throw ExchangeError("a model of 2 GiB does not fit a .keras archive")
    }
    let metadata: JSONValue = [
      "keras_version": .string(Self.version), "date_saved": "1980-01-01@00:00:00",
    ]
    var config = config
    if let training { config["compile_config"] = training.compileConfig }
    var archive = ZipWriter()
    archive.add("metadata.json", Array(metadata.compact.utf8))
    archive.add("config.json", Array(config.compact.utf8))
    archive.add("model.weights.h5", weights)
    return archive.bytes
  }
}
