import ConvNet
import Foundation
import Storage
import TestSupport
import Testing

@testable import Experiment

@Suite struct EarlyStoppingTests {
  /// Scripted sequences, and what Keras's callback did with them (Fixtures/make_early_stopping.py).
  @Test func agreesWithKeras() throws {
    let url = Fixture.url("early_stopping.json")
    let fixture = try JSONValue(parsing: [UInt8](Data(contentsOf: url)), name: "fixture")
    let cases = try #require(fixture["cases"]?.array)
    #expect(cases.count > 100)
    for entry in cases {
      let monitor = try #require(Metric(rawValue: entry["monitor"]!.string!))
      var rule = EarlyStopping(
        monitor: monitor, patience: entry["patience"]!.int!, minDelta: entry["min_delta"]!.double!)
      var stopped: Int?
      for (index, value) in entry["values"]!.array!.enumerated() {
        if rule.observe(value.double!, epoch: index + 1) == .stop {
          stopped = index + 1
          break
        }
      }
      #expect(stopped == entry["stopped"]!.int, "\(entry.compact)")
      #expect(rule.bestEpoch == entry["best_epoch"]!.int, "\(entry.compact)")
      #expect(rule.best == entry["best"]!.double, "\(entry.compact)")
      #expect(rule.waited == entry["waited"]!.int, "\(entry.compact)")
    }
  }

  @Test(arguments: [nil, Double.nan]) func nothingIsImprovedByWhatIsNoNumber(_ none: Double?) {
    var rule = EarlyStopping(monitor: .valAccuracy, patience: 2)
    #expect(rule.observe(none, epoch: 1) == .wait)
    #expect(rule.best == nil && rule.bestEpoch == 0 && rule.waited == 1)
    #expect(rule.observe(0.5, epoch: 2) == .improved)
    #expect(rule.observe(none, epoch: 3) == .wait)
    #expect(rule.observe(none, epoch: 4) == .stop)
    #expect(rule.bestEpoch == 2)
  }
}
