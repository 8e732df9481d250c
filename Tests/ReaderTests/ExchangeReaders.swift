import ConvNet

@testable import Exchange

extension Reader {
  /// The readers of exported models.
  static let exchange: [Reader] = [
    Reader("onnx") { bytes in
      let graph = try ONNXReader.graph(of: ONNXFile(parsing: bytes))
      // No more memory is taken than some times the file.
      let held = graph.nodes.reduce(0) { $0 + $1.tensors.values.reduce(0) { $0 + $1.values.count } }
      precondition(4 * held <= 2 * bytes.count)
      let model = try graph.model()
      precondition(model.plan.description.classes == graph.classes)
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
