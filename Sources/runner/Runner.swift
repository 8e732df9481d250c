import ArgumentParser
import Experiment
import Glibc
import Storage

@main
struct Runner: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runner",
    abstract: "Trains convolutional networks on CPUs as declared, reproducible experiments.",
    discussion: """
      An experiment is one JSON file: the data, the network, how it is trained, what is expected \
      of it. A run of it leaves a folder, results/NAME/ID/, with its metrics as CSV, its curves, \
      its weights, and all that is needed to get the very same bits again.

      EXAMPLES
        runner experiments/lenet.json
            train, log, test; the folder of the run is told at the end
        runner experiments/lenet.json optimizer.learning_rate=3e-4 seed=7
            the same with two values of the file replaced
        runner validate experiments/lenet.json
            look for mistakes; see the network's shapes, size and expected time
        runner explain adam
            what is it, which keys does it have, what are their defaults?
        runner resume results/lenet/latest
            go on after Ctrl-C or a crash as though nothing had happened
        runner evaluate results/lenet/latest
            test a run's weights: accuracy by class, confusion matrix
        runner predict results/lenet/latest digit.png
            what does the network take these images for?
        runner serve results/lenet/latest
            let the model answer over HTTP, with a page to draw on
        runner quantize results/lenet/latest
            make a model of 8-bit integers: a quarter of the bytes, the same answers everywhere
        runner prune results/lenet/latest flops=0.25
            remove the channels that are missed least, train the rest: a narrower network
        runner tradeoff results/lenet/latest results/lenet/latest/model.int8.safetensors
            what do models reach, and what do they cost in bytes and microseconds?
        runner export results/lenet/latest lenet.onnx
            give the model to other programs, checked to answer as it does
        runner import resnet18.onnx --mean 0.485,0.456,0.406 --deviation 0.229,0.224,0.225
            take in what another program trained, checked to answer as the file says
        runner monitor requests.jsonl results/lenet/latest
            does what the model is asked still look like what it was trained on?
        runner promote models 3 --on mnist
            let a label mean this version, if it is better than the one before
        runner verify results/reference/lenet
            do we still get these very bits?
        runner compare results/reference/t0 results/reference/t2
            is one really better, over the seeds that both were run with?
        runner lr-find experiments/lenet.json
            train a little while the learning rate rises; suggest one
        runner baselines experiments/lenet.json
            what do ridge regression, nearest neighbours and their like reach on this data?
        runner sweep experiments/sweeps/quickstart.json -j 2
            search hyperparameters, in parallel, and test the winner

      EXIT STATUS
        0    all went well
        1    the run failed, or its loss stopped being finite
        2    a mistake in the command or in the spec, or more memory than there is; nothing was run
        3    a sweep ended with trials that failed, without a winner, or with one unconfirmed
        4    a verification or an expectation failed, or a watch found a bound broken, or a label
             was not moved
        69   the kernel needs a processor that this one isn't; nothing was run
        75   stopped at a checkpoint upon SIGUSR1; start `runner resume`
        129  stopped at a checkpoint upon SIGHUP (130: upon Ctrl-C, 143: upon SIGTERM)

      Results that cannot be written to the standard output are a failure too (1); a pipe whose \
      reader is gone ends the program by SIGPIPE.
      """,
    version: Program.version,
    subcommands: [
      RunCommand.self, ResumeCommand.self, LearningRateCommand.self, SweepCommand.self,
      WorkerCommand.self,
      SweepTaskCommand.self, LeaderboardCommand.self, ValidateCommand.self, EvaluateCommand.self,
      PredictCommand.self, ServeCommand.self, QuantizeCommand.self, PruneCommand.self,
      ExportCommand.self, ImportCommand.self,
      MonitorCommand.self, PromoteCommand.self, WatchBenchCommand.self,
      VerifyCommand.self, SchemaCommand.self, ExplainCommand.self, DataCommand.self,
      BenchCommand.self,
      BaselinesCommand.self, PlotCommand.self, CompareCommand.self, TradeoffCommand.self,
      DoctorCommand.self,
      SamplerBenchCommand.self,
    ],
    defaultSubcommand: RunCommand.self)

  static func main() {
    Arguments.openStandardDescriptors()
    if CommandLine.argc < 2 {
      Display.say(helpMessage())
      Glibc.exit(ExitStatus.usage)
    }
    do {
      try MainStack.check()
      try Arguments.check()
      var command = try parseAsRoot()
      try command.run()
      try Output.close()
    } catch {
      end(with: error)
    }
  }

  /// Tells the user of an error, and ends with the status that it stands for.
  private static func end(with error: any Error) -> Never {
    if let failure = Failure(error) {
      Display.say(failure.message)
      Glibc.exit(failure.status)
    }
    // The command line's own: help and version are no errors, all else is usage.
    var text = fullMessage(for: error)
    let code = exitCode(for: error)
    if code == .success {
      do {
        try Output.print(text)
        try Output.close()
      } catch {
        end(with: error)
      }
      Glibc.exit(0)
    }
    if text.hasPrefix("Error: ") { text = "error: " + text.dropFirst(7) }
    if !text.isEmpty { Display.say(text) }
    Glibc.exit(code == .validationFailure ? ExitStatus.usage : code.rawValue)
  }
}
