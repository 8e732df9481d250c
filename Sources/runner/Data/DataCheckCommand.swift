import ArgumentParser
import Datasets
import Experiment
import TerminalText

extension DataCommand {
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Read a dataset, check every file against its published digest, and count.",
      discussion: """
        Of an experiment, a JSON file, it reads the data as the experiment would, and lists the \
        images that cannot be used. It tells how many images there are of each class, what the \
        classes are called, and the least, the greatest and the mean of the pixels: 0 is black and \
        255 white, before any normalisation.
        """)

    @Argument(help: ArgumentHelp("A dataset, or an experiment.", valueName: "name"))
    var name: String
    @OptionGroup private var place: DataPlace

    func validate() throws {
      if !name.hasSuffix(".json") { try DatasetArgument.check(name) }
    }

    func run() throws {
      if let entry = DatasetCatalog[name] {
        let dataset = try place.locator.load(DatasetRequest(name), progress: nil)
        try say("\(dataset.name): \(dataset.provenance)")
        for file in entry.files { try Output.print("  \(file)") }
        try show(dataset.train, dataset.test, dataset.classNames, digest: dataset.digest)
      } else {
        let spec = try ExperimentSpec.load(path: name, locator: place.locator).spec
        let compute = ComputeOptions(threads: 1, data: place.folder, quiet: true)
        let images = try compute.loadImages(spec.dataset)
        let record = try compute.data(of: spec, images).record
        try say("\(record.name): \(record.source)")
        try show(images.train, images.test, images.classNames, digest: record.digest)
        for note in record.notes { try say("  note      \(note)") }
        for file in record.skipped { try say("  left out  \(file)") }
      }
    }

    private func say(_ line: String) throws {
      try Output.print(WrappedText.fitted(line, columns: Terminal.output.columns))
    }

    private func show(
      _ train: ImageSet, _ test: ImageSet?, _ classNames: [String], digest: String
    ) throws {
      for (part, set) in [("training", train), ("test    ", test)] {
        guard let set else { continue }
        try say(
          "  \(part)  \(set.count) images of \(set.shape), \(counts(set.classCounts, classNames))")
        let pixels = PixelFigures(of: set)
        try say(
          "            pixels from \(pixels.least) to \(pixels.greatest), mean "
            + fixed(pixels.mean, 2))
      }
      let areNumbers = classNames == classNames.indices.map(String.init)
      let shown = classNames.count > ClassDetail.mostClasses ? ClassDetail.rows : classNames.count
      try say(
        "  classes   "
          + (areNumbers
            ? "0 to \(classNames.count - 1)"
            : classNames.prefix(shown).enumerated().map { "\($0) \($1)" }.joined(separator: ", ")
              + (shown < classNames.count
                ? " and \(grouped(classNames.count - shown)) more" : ""))
      )
      try say("  digest    \(digest)")
    }

    /// How many images the classes have: of few classes each, of many the least and the most.
    private func counts(_ counts: [Int], _ classNames: [String]) -> String {
      guard counts.count > ClassDetail.mostClasses else {
        return "by class " + counts.map(String.init).joined(separator: " ")
      }
      func some(_ count: Int) -> String {
        let classes = counts.indices.filter { counts[$0] == count }
        let shown = classes.prefix(3).map { classNames[$0] }.joined(separator: ", ")
        return "\(count) (\(shown)"
          + (classes.count > 3 ? " and \(grouped(classes.count - 3)) more" : "") + ")"
      }
      let (least, most) = (counts.min()!, counts.max()!)
      return least == most
        ? "\(least) of each of \(grouped(counts.count)) classes"
        : "by class from \(some(least)) to \(some(most)) of \(grouped(counts.count)) classes"
    }
  }
}

/// What the pixels of a set are, over all its images and channels, each from 0 to 255.
private struct PixelFigures {
  let least: Int
  let greatest: Int
  let mean: Double

  init(of set: ImageSet) {
    // How often each value is there.
    var counts = [Int](repeating: 0, count: 256)
    set.pixels.withUnsafeBufferPointer { bytes in
      counts.withUnsafeMutableBufferPointer { for byte in bytes { $0[Int(byte)] += 1 } }
    }
    least = counts.firstIndex { $0 > 0 } ?? 0
    greatest = counts.lastIndex { $0 > 0 } ?? 0
    let sum = counts.enumerated().reduce(0) { $0 + $1.offset * $1.element }
    mean = Double(sum) / Double(max(1, set.pixels.count))
  }
}
