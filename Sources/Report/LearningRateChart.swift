/// The loss over a learning rate that rises from step to step, and the rate that it suggests.
public enum LearningRateChart {
  /// - Parameters:
  ///   - losses: as measured, by rate; smoothed: their average.
  ///   - suggestion: a rate to be marked, if there is one.
  public static func chart(
    title: String, rates: [Double], losses: [Double], smoothed: [Double], suggestion: Double?
  ) -> LineChart {
    let powers = rates.map(DecimalText.logarithm)
    func series(_ name: String, _ values: [Double], _ line: Series.Line) -> Series {
      Series(name, line: line, points: zip(powers, values).map { Series.Point($0, $1) })
    }
    // A divergence would leave nothing to see of what came before it.
    let least = smoothed.min() ?? 0
    let most = max(smoothed.first ?? 0, losses.first ?? 0, least) * 1.5
    let visible = { (values: [Double]) in values.map { $0 <= most ? $0 : .nan } }
    var lines = [
      series("loss", visible(smoothed), .solid), series("loss", visible(losses), .dashed),
    ]
    if let suggestion {
      let x = DecimalText.logarithm(suggestion)
      lines.append(
        Series("suggested", points: [Series.Point(x, least), Series.Point(x, most)]))
    }
    return LineChart(
      title: title, xLabel: "learning rate, as a power of ten",
      panels: [Panel("Loss", series: lines)], solidMeaning: "smoothed",
      dashedMeaning: "of each batch")
  }
}
