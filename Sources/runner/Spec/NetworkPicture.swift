import ConvNet
import Experiment
import Report

extension NetworkPlan {
  /// The network as boxes; layers that only go over what the one before gives share its box.
  func chart(title: String) -> NetworkChart {
    var boxes = [
      NetworkChart.Box(
        [.init(ModelItem.imagesName, description.input.description)], inputs: [],
        note: "the images")
    ]
    var boxOf: [Int] = []
    for (i, layer) in layers.enumerated() {
      let line = NetworkChart.Box.Line(
        layer.title,
        layer.output.description
          + (layer.parameters == 0 ? "" : " · \(grouped(layer.parameters))"))
      let goesOver =
        layer.flops == 0 && layer.inputs.count == 1
        && (layer.output == layer.input || layer.description == .flatten)
      if goesOver, i > 0, followsTheLast(i), layers[i - 1].readers == 1 {
        boxes[boxes.count - 1].lines.append(line)
        boxes[boxes.count - 1].note += "\n\(layer.place)"
      } else {
        let inputs = layer.inputs.map { input in
          if case .layer(let place) = input { boxOf[place] } else { 0 }
        }
        boxes.append(
          NetworkChart.Box(
            [line], inputs: inputs,
            look: inputs.count > 1 ? .merge : layer.parameters > 0 ? .weights : .plain,
            note: layer.place.description))
      }
      boxOf.append(boxes.count - 1)
    }
    return NetworkChart(
      title: title,
      subtitle: "\(grouped(parameters)) parameters, "
        + "\(fixed(Double(forwardFLOPs) / 1e6, 1)) MFLOP for one image", boxes: boxes)
  }
}
