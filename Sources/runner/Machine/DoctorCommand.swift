import ArgumentParser
import ConvNet
import Experiment
import Glibc

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show what this machine computes with, and what would make it slow.",
    discussion: """
      Prints the processor, OpenBLAS and the kernel that `auto` means here, checks a product \
      against a plain loop, measures sgemm with one thread and with all, and says what stands in \
      the way of speed, if anything. Exits with 1 when the products are wrong.
      """)

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try compute.useCore("auto")
    let threads = compute.threadCount
    try Output.print(
      "processor   \(Environment.cpu), \(Team.cores) core\(Team.cores == 1 ? "" : "s")")
    try Output.print("system      \(Environment.system)")
    try Output.print("OpenBLAS    \(BLAS.configuration)")
    try Output.print(
      "kernel      \(BLASCore.current) (\"auto\"); a product agrees with a plain loop")
    let one = try PeakProbe.measure(Team(threads: 1), clock: monotonicNanoseconds) / 1e9
    let all = try PeakProbe.measure(Team(threads: threads), clock: monotonicNanoseconds) / 1e9
    try Output.print(
      "sgemm       \(fixed(one, 1)) GFLOP/s with 1 thread, \(fixed(all, 1)) with \(threads)")
    let findings = self.findings(one: one, all: all, threads: threads)
    try Output.print()
    try Output.print(
      findings.isEmpty ? "Nothing here would be slow." : findings.joined(separator: "\n"))
  }

  private func findings(one: Double, all: Double, threads: Int) -> [String] {
    var found: [String] = []
    if let asked = BLASCore.askedByEnvironment, asked.uppercased() != BLASCore.current {
      found.append("- OPENBLAS_CORETYPE=\(asked) is set; runner overrides it in every run.")
    }
    #if arch(x86_64)
      if BLASCore.current != "SKYLAKEX" {
        found.append(
          "- This processor has no AVX-512: products run with AVX2, at about half the speed.")
      }
    #endif
    if threads > Team.cores {
      found.append("- More threads (\(threads)) than cores (\(Team.cores)) make every step wait.")
    }
    if threads > 1, all < 0.75 * one * Double(min(threads, Team.cores)) {
      found.append(
        "- \(threads) threads are only \(fixed(all / one, 2)) times as fast as one: the cores share "
          + "a unit, or something else is running.")
    }
    var load = [0.0, 0.0, 0.0]
    if getloadavg(&load, 3) > 0, load[0] > 1.5 * Double(Team.cores) {
      found.append("- The machine is busy: a load of \(fixed(load[0], 1)) in the last minute.")
    }
    #if DEBUG
      found.append(
        "- This is a debug build, many times slower; use `make` or swift build -c release.")
    #endif
    return found
  }
}
