import ConvNet
import Foundation
import Testing

@testable import Experiment

/// The published networks in `experiments`.
@Suite struct ArchitectureTests {
  struct Counts: Decodable { let parameters: [String: Int] }

  /// Keras's and torchvision's own counts; `Fixtures/make_architectures.py` asked for them.
  @Test func haveAsManyParametersAsPublished() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let counts = try JSONDecoder().decode(
      Counts.self, from: Data(contentsOf: folder.appending(path: "Fixtures/architectures.json")))
    #expect(counts.parameters.count == 3)
    let experiments = folder.appending(path: "../../experiments")
    for (name, count) in counts.parameters {
      let spec = try ExperimentSpec.load(
        path: experiments.appending(path: "\(name).json").path, overrides: []
      ).spec
      #expect(try NetworkPlan(spec.network).parameters == count, "\(name)")
    }
  }
}
