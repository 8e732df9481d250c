import Foundation
import TestSupport
import Testing

@Suite struct ExplainTests {
  @Test func oneThing() throws {
    let folder = try TemporaryFolder()
    let result = try Program.run("explain", "dropout", in: folder)
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(
      result.output == """
        dropout, a layer
          "model": [{ "layer": "dropout", "rate": … }]

          Sets random elements to zero while training, and multiplies the others by 1/(1 − rate)
          (Srivastava et al. 2014).

          rate, required
              The share of elements that are dropped. A number from 0 to less than 1.
          name = null
              What others call it that read it; it is known in its own list, and in those
              within. A name of at most 100 letters, digits, ".", "_" and "-" that begins with a
              letter or a digit.
          input = null
              The name of what it reads, "input" for the images; null for the layer before it. A
              name of at most 100 letters, digits, ".", "_" and "-" that begins with a letter or
              a digit.

        """)
  }

  /// By the name of another library, by two names at once, by a key.
  @Test(arguments: [
    (["batch_normalization"], ["BatchNormalization (Keras)", "batch_norm, a layer"]),
    (["nn.CrossEntropyLoss"], ["CrossEntropyLoss (PyTorch)", "softmax_cross_entropy, a loss"]),
    (["crop"], ["crop, a layer", "crop, a distortion"]),
    (["adam", "tpe"], ["adam, an optimizer", "tpe, a sampler"]),
    (
      ["patience"], ["early_stopping, a section", "reduce_on_plateau, a schedule"]
    ),
    (["warmup_epochs"], ["median, a rule of early termination"]),
  ]) func found(names: [String], heads: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try Program.Running(Program.path, ["explain"] + names, in: folder).wait()
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(Set(lines.filter { !$0.hasPrefix(" ") }) == Set(heads))
  }

  @Test func whatThereIsNot() throws {
    let folder = try TemporaryFolder()
    let result = try Program.run("explain", "droput", in: folder)
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(
      result.errors == """
        error: nothing in a spec is called "droput"; did you mean "dropout"? "runner explain" lists all

        """)
  }

  /// All is listed and explained: a sentence each, for every key too.
  @Test func everything() throws {
    let folder = try TemporaryFolder()
    let list = try Program.run("explain", in: folder)
    #expect(list.status == 0)
    for name in ["conv2d", "repeat", "kfac", "cosine_restarts", "cutmix", "gelu", "huber", "zca"] {
      #expect(list.output.contains(name))
    }
    let result = try Program.run("explain", "--all", "--format", "json", in: folder)
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
    #expect(Set(rows.compactMap { $0["name"] as? String }).count > 100)
    for row in rows {
      let text = try #require(row["description"] as? String)
      #expect(text.hasSuffix("."), "\(row)")
    }
  }
}
