/// The loss over a learning rate that rises from step to step, and the rate that it suggests.
public enum LearningRateChart {
  /// - Parameters:
  ///   - losses: as measured, by rate; smoothed: without their noise.
  ///   - suggestion: a rate to be marked, if there is one.
  public static func chart(
    title: String, rates: [Double], losses: [Double], smoothed: [Double], suggestion: Double?
  ) -> LineChart {
    func series(_ name: String, _ values: [Double], _ line: Series.Line) -> Series {
      Series(name, line: line, points: zip(rates, values).map { Series.Point($0, $1) })
    }
    // A divergence would leave nothing to see of what came before it.
    let least = smoothed.min() ?? 0
    let most = max(smoothed.first ?? 0, losses.first ?? 0, least) * 1.5
    let visible = { (values: [Double]) in values.map { $0 <= most ? $0 : .nan } }
    return LineChart(
      title: title, xLabel: "learning rate", hasLogarithmicX: true,
      panels: [
        Panel(
          "Loss",
          series: [
            series("loss", visible(smoothed), .solid), series("loss", visible(losses), .dashed),
          ],
          referenceLines: suggestion.map { [ReferenceLine($0, "suggested: \(twoDigits($0))")] }
            ?? [])
      ], solidMeaning: "smoothed", dashedMeaning: "of each batch")
  }

  /// A rate as it is told: its place on the axis is not known to more than two digits.
  public static func twoDigits(_ rate: Double) -> String {
    DecimalText.significant(rate, digits: 2)
  }
}
