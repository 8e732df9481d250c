import ConvNet
import Experiment
import Report

extension NetworkPlan {
  /// The network layer by layer; where it is no chain, with what each layer reads.
  func table(hasTotal: Bool) -> TextTable {
    let isChain = layers.indices.allSatisfy(followsTheLast)
    let reads = 2
    func row(_ cells: [TextTable.Cell], reading inputs: String = "") -> [TextTable.Cell] {
      var cells = cells
      if !isChain { cells.insert(.text(inputs), at: reads) }
      return cells
    }
    func megaflops(_ flops: Int) -> TextTable.Cell {
      .integer(flops, flops == 0 ? "" : fixed(Double(flops) / 1e6, 3))
    }
    var columns: [TextTable.Column] = [
      .init("place", title: ""), .init("layer"), .init("output"), .init("parameters", .right),
      .init("flops", title: "MFLOP", .right),
    ]
    if !isChain { columns.insert(.init("reads"), at: reads) }
    var table = TextTable(columns)
    table.append(row(["", "input", .text(description.input.description)]))
    for (i, layer) in layers.enumerated() {
      let inputs = followsTheLast(i) ? "" : layer.inputs.map(name).joined(separator: ", ")
      table.append(
        row(
          [
            .text(layer.place.description), .text(layer.title), .text(layer.output.description),
            .integer(layer.parameters, layer.parameters == 0 ? "" : grouped(layer.parameters)),
            megaflops(layer.flops),
          ], reading: inputs))
    }
    if hasTotal {
      table.append(
        row([
          "total", "", "", .integer(parameters, grouped(parameters)),
          .integer(forwardFLOPs, fixed(Double(forwardFLOPs) / 1e6, 3)),
        ]))
    }
    return table
  }

  /// What a reader calls an input: its name where it has one, else its place.
  func name(of input: LayerInput) -> String {
    switch input {
    case .images: ModelItem.imagesName
    case .layer(let i): layers[i].name ?? layers[i].place.description
    }
  }
}

extension NetworkPlan.Layer {
  /// `conv2d`, or `conv2d stem` where it has a name; of what rounds values whose range it has.
  var title: String {
    if case .fakeQuantize(let rounding) = description { return "\(kind) \(rounding.layer)" }
    return kind + (name.map { " \($0)" } ?? "")
  }
}
