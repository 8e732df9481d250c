import ConvNet
import Quantization
import Storage

// What a training with quantisation asks of the rest of a spec.

extension SpecChecker {
  mutating func checkQuantization(_ spec: JSONValue, _ plan: NetworkPlan) {
    guard let section = spec["quantization"], !section.isNull,
      let quantization = SpecDescription.trainingQuantization.decode(section)
    else {
      let figure = ExpectedFigure.integerAccuracy.name
      if let expected = spec["expect"]?[figure], !expected.isNull {
        report(
          at: Path() + "expect" + figure,
          "there are no integers without \"quantization\"; expect test_accuracy, or give that section"
        )
      }
      return
    }
    let path = Path() + "quantization"
    let integers = quantization.integers
    if integers.calibration != .percentile, integers.percentile != QuantizationSpec().percentile {
      report(at: path + "percentile", "goes with calibration percentile")
    }
    if spec["initial"].map(\.isNull) ?? true {
      report(
        at: path,
        "it begins with a model that was trained in floats: name it, \"initial\": { \"model\": … }")
    }
    if let features = spec["initial"]?["features"], !features.isNull {
      report(
        at: Path() + "initial" + "features",
        "what is kept of images isn't rounded, as quantization asks; leave one of the two out")
    }
    do throws(NetworkError) { _ = try plan.valuesInIntegers() } catch {
      report(
        at: error.layer.map(Path.init) ?? Path() + "model",
        "\(error.message), as quantization asks")
    }
  }
}
