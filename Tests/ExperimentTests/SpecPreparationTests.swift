import Datasets
import Testing

@testable import Experiment

/// `"prepare": "digit"` in a spec.
@Suite struct SpecPreparationTests {
  @Test func digit() throws {
    let drawings = try SpecDatasetTests.load(
      """
      "name": "files", "path": "mine", "test": "none", "classes": 10, "shape": [28, 28, 1],
      "prepare": "digit"
      """)
    #expect(drawings.files?.prepare == .digit && drawings.request().files?.prepare == .digit)
    // Of the test images only; those of MNIST are what it makes.
    let mixed = try SpecDatasetTests.load(
      "\"name\": \"mnist\", \"test\": \"files\", \"test_path\": \"mine\", \"prepare\": \"digit\""
    )
    #expect(mixed.files?.prepare == .digit)
    let none = try SpecDatasetTests.load(
      """
      "name": "files", "path": "mine", "test": "none", "classes": 10, "shape": [28, 28, 1]
      """)
    let json = SpecDescription.dataset.encode(none)
    #expect(none.files?.prepare == nil && json["prepare"] == .null)
    // As in the records that were made before there was such a key.
    guard case .object(var object) = json else { return }
    object["prepare"] = nil
    #expect(SpecDescription.dataset.decode(.object(object)) == none)
  }

  @Test(arguments: [
    SpecDatasetTests.Case(
      "\"name\": \"mnist\", \"prepare\": \"digit\"",
      "dataset.prepare: is of the dataset \"files\" only, not of mnist"),
    SpecDatasetTests.Case(
      """
      "name": "files", "path": "a", "test": "none", "classes": 10, "shape": [28, 28, 1],
      "prepare": "digi"
      """, "dataset.prepare: \"digi\" is not a way to prepare images; did you mean \"digit\"?"),
    SpecDatasetTests.Case(
      """
      "name": "files", "path": "a", "test": "none", "classes": 10, "shape": [28, 28, 1],
      "prepare": "digit", "invert": true
      """, "dataset.invert: \"prepare\" \"digit\" finds out whether ink is dark or light; remove it"
    ),
    SpecDatasetTests.Case(
      """
      "name": "files", "path": "a", "test": "none", "classes": 10, "shape": [32, 32, 1],
      "prepare": "digit"
      """,
      "dataset.shape: \"prepare\" \"digit\" makes 28x28, not 32x32; give \"resize\" \"bilinear\" or "
        + "\"area\""),
  ])
  func mistakes(_ c: SpecDatasetTests.Case) { SpecDatasetTests().mistakes(c) }
}
