import ConvNet
import Report

extension CurvesChart.Measure {
  /// What some metrics.csv have to show: loss and accuracy first, then what the specs ask for, then columns
  /// of other programs and versions by their names.
  static func all(in tables: [MetricsTable]) -> [CurvesChart.Measure] {
    var measures: [CurvesChart.Measure] = [.loss, .accuracy]
    var seen: Set = Set(Metric.always.map(\.rawValue) + ["epoch", "step", "learning_rate"])
    for column in tables.flatMap(\.names) where seen.insert(column).inserted {
      let metric = Metric(rawValue: column)
      measures.append(
        CurvesChart.Measure(
          metric.map(\.name.text) ?? column, metric?.isPercentage ?? false ? .percent : .number,
          solid: column))
    }
    return measures
  }
}
