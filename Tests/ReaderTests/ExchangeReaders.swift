import ConvNet

@testable import Exchange
@testable import ONNX

extension Reader {
  /// The readers of exported models.
  static let exchange: [Reader] = [
    Reader("onnx") { bytes in
      let file = try ONNXFile(parsing: bytes)
      let graph = try ONNXReader.graph(of: file)
      // No more memory is taken than some times the file.
      let held = graph.nodes.reduce(0) { $0 + $1.tensors.values.reduce(0) { $0 + $1.values.count } }
      precondition(held <= 2 * bytes.count + 4096)
      let model = try graph.model()
      precondition(model.plan.description.classes == graph.classes)
      // As people write it, it is the same network, and answers what the file says.
      var simple = graph
      simple.simplify()
      let arrangement = Arrangement(simple)
      var written = try simple.takeModel(arrangement.items, arrangement.places)
      precondition(written.plan.description.classes == graph.classes)
      guard graph.scale != 0, model.plan.forwardFLOPs < 1_000_000,
        model.plan.layers.allSatisfy({ $0.output.count < 10_000 }), graph.input.count < 10_000
      else { return }
      let expected = try ExpectedScores(file, as: graph, size: nil, beforeSoftmax: false)
      _ = try ImportCheck(&written, expected)
    },
    Reader("tflite") { bytes in
      let constants = try TFLiteFile.constants(in: bytes)
      precondition(constants.values.allSatisfy { $0.count <= bytes.count })
    },
    Reader("savedmodel") { bytes in
      let constants = try SavedModelFile.constants(in: bytes)
      precondition(constants.values.allSatisfy { $0.count <= bytes.count })
    },
    Reader("hdf5") { bytes in
      let arrays = try HDF5Reader.arrays(in: bytes)
      precondition(arrays.values.allSatisfy { 4 * $0.values.count <= bytes.count })
    },
    Reader("certificate") { bytes in
      try withFile(bytes) { path in
        let certificate = try Certificate(reading: path)
        precondition(!certificate.files.isEmpty && certificate.images.count > 0)
      }
    },
  ]
}
