import ConvNet
import ONNX
import Storage

/// What is not in an ONNX file, and has to be told.
public struct ImportOptions: Hashable, Sendable {
  /// Height and width of the images, where the file leaves them free.
  public var size: Extent?
  /// What pixels of 0 to 255 are multiplied by before anything else; nil where the file tells, or for
  /// 1/255.
  public var scale: Double?
  /// What is subtracted of each channel then, and what is divided by; one for all, or one for each.
  public var mean: [Double] = []
  public var deviation: [Double] = []

  public init() {}
}

/// A model that other programs wrote, as one of this program.
public struct ImportedModel: Sendable {
  public var model: Model
  /// What was left out, and what was taken for granted, as sentences to the user.
  public let notes: [String]
  public let check: ImportCheck
  /// Who wrote the file, and which operators it is of.
  public let producer: String
  public let operators: Int

  /// The most operations for one image: a hundred times those of the largest networks for images.
  private static let mostWork = 4e12

  /// Reads an ONNX file, and checks that its model answers as the file says.
  /// - Parameter team: who works out what the file says; nil: the caller alone, to the same bits.
  /// - Throws: `ExchangeError` naming all that no layer is like, or of a model that answers otherwise;
  ///   `OutOfMemory`.
  public init(onnx bytes: [UInt8], _ options: ImportOptions, team: Team? = nil) throws {
    try self.init(FileBytes(bytes), options, team)
  }

  /// The same of a file, of which no more is in memory at a time than one of its tensors.
  /// - Throws: also `FileError`.
  public init(reading path: String, _ options: ImportOptions, team: Team? = nil) throws {
    let file = try PiecewiseFile(path)
    do {
      try self.init(FileBytes(file), options, team)
    } catch {
      throw file.failure ?? error
    }
    if let failure = file.failure { throw failure }
  }

  private init(_ bytes: FileBytes, _ options: ImportOptions, _ team: Team?) throws {
    // All numbers are never there twice: the file's stay in it, and the graph's go as the model's come.
    var file: ONNXFile? = try ONNXFile(parsing: bytes)
    (producer, operators) = (file!.producer, file!.nodes.count)
    var (graph, notes) = try ONNXReader.reading(file!, size: options.size)
    let work = graph.work
    guard work <= Self.mostWork else {
      throw ExchangeError(
        "takes \(work) operations for one image; with more than \(Self.mostWork) it is not checked")
    }
    let isSoftmax = graph.endsInSoftmax
    let expected = try ExpectedScores(
      file!, as: graph, size: options.size, beforeSoftmax: isSoftmax, team: team)
    file = nil
    if isSoftmax, let last = graph.nodes.last?.inputs.first {
      graph.nodes.removeLast()
      graph.keepOnly(reaching: last)
      guard !graph.nodes.isEmpty else { throw ExchangeError("computes nothing but a softmax") }
      notes.append(
        "its softmax is left out: the model gives the scores before it, and answers with the "
          + "probabilities of these")
    }
    if graph.nodes.last?.layer == .activation(.sigmoid) {
      notes.append(
        "it ends in a sigmoid for each class; predict tells the softmax of these as probabilities")
    }
    graph.simplify()
    let scale = graph.scale
    let arrangement = Arrangement(graph)
    var model = try graph.takeModel(arrangement.items, arrangement.places)
    check = try ImportCheck(&model, expected)
    try model.prepare(options, scale: scale, &notes)
    self.model = model
    self.notes = notes
  }
}

extension Model {
  /// Puts what pixels come to be before what the file itself does to them.
  ///
  /// A file takes x = (s·p − m)/d of a pixel p, multiplies that by a scale of its own, k, and may normalise
  /// it, (k·x − μ)·f. Of t = p/255, which is what the program has, all that is a line a·t + b of each
  /// channel, so a normalisation (t + b/a)·a.
  fileprivate mutating func prepare(
    _ options: ImportOptions, scale: Float?, _ notes: inout [String]
  ) throws(ExchangeError) {
    let channels = plan.description.input.channels
    func row(_ values: [Double], _ missing: Double, _ what: String) throws(ExchangeError)
      -> [Double]
    {
      if values.isEmpty { return Array(repeating: missing, count: channels) }
      guard values.count == 1 || values.count == channels else {
        throw ExchangeError(
          "takes images of \(channels) channels, and there are \(values.count) numbers for \(what)")
      }
      return values.count == 1 ? Array(repeating: values[0], count: channels) : values
    }
    let (mean, deviation) = (
      try row(options.mean, 0, "--mean"), try row(options.deviation, 1, "--deviation")
    )
    // A file that divides by so much takes bytes.
    let takesBytes = scale.map { $0 < 1 / 60 } ?? normalization.map { $0.takesBytes } ?? false
    let given = options.scale ?? (takesBytes ? 1 : 1 / 255)
    let isPlain = options.scale == nil && options.mean.isEmpty && options.deviation.isEmpty
    if isPlain {
      notes.append(
        takesBytes
          ? "the file itself makes its numbers of pixels of 0 to 255, as it is taken to"
          : normalization == nil
            ? "pixels are taken to be divided by 255, and nothing else: what else its training did to "
              + "them, --scale, --mean and --deviation tell"
            : "the file itself normalises images, and is taken to be given pixels divided by 255; "
              + "else --scale tells")
    }
    // The program's own way: its files multiply bytes by 1/255.
    let own = Double(scale ?? 1)
    if isPlain, takesBytes, let scale, scale == 1 / 255 as Float { return }
    if isPlain, !takesBytes, scale == nil { return }
    if let normalization, !normalization.whitening.isEmpty {
      throw ExchangeError("whitens its images, which goes with no preparation before it")
    }
    let count = max(channels, normalization?.mean.count ?? 0)
    var (means, factors): ([Float], [Float]) = ([], [])
    for i in 0..<count {
      let channel = i % channels
      // a·t + b
      var a = own * 255 * given / deviation[channel]
      var b = -own * mean[channel] / deviation[channel]
      if let normalization {
        let factor = Double(normalization.factor[i % normalization.factor.count])
        (a, b) = (
          a * factor, (b - Double(normalization.mean[i % normalization.mean.count])) * factor
        )
      }
      guard a.isFinite, b.isFinite, a != 0 else {
        throw ExchangeError("would be given images that are multiplied by 0, or by no number")
      }
      means.append(Float(-b / a))
      factors.append(Float(a))
    }
    if means.allSatisfy({ $0 == 0 }), factors.allSatisfy({ $0 == 1 }) {
      normalization = nil
    } else {
      normalization = Normalization(mean: means, factor: factors, whitening: [])
    }
  }
}

extension Graph {
  /// Multiplications and additions of what works on windows and rows, for one image.
  fileprivate var work: Double {
    nodes.reduce(0) { sum, node in
      let input = shape(of: node.inputs[0])
      func window(_ size: Extent) -> Double { Double(size.height) * Double(size.width) }
      let each =
        switch node.layer {
        case .conv2D(let conv): 2 * window(conv.kernel) * Double(input.channels / conv.groups)
        case .conv2DTranspose(let conv): 2 * window(conv.kernel) * Double(input.channels)
        case .dense: 2 * Double(input.count)
        case .maxPool(let pool): window(pool.size)
        case .averagePool(let pool): window(pool.size)
        default: 1.0
        }
      return sum + each * Double(node.output.count)
    }
  }
}

extension Normalization {
  /// Whether it brings bytes to a range about 1.
  fileprivate var takesBytes: Bool { factor.contains { abs($0) < 1 / 30 } }
}
