import ArgumentParser
import ConvNet
import Datasets
import Exchange
import Experiment
import Glibc
import ONNX
import Storage

/// What the program ends with; see `runner --help`.
enum ExitStatus {
  static let failed: Int32 = 1
  static let usage: Int32 = 2
  /// A sweep ended with trials that failed, without a winner, or with one that wasn't confirmed.
  static let failures: Int32 = 3
  static let mismatch: Int32 = 4
  /// This processor can't compute it (`EX_UNAVAILABLE` of sysexits.h).
  static let unavailable: Int32 = 69
}

/// A mistake in how the program was called, beyond what the command line's grammar can tell.
struct UsageError: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

/// An error as the user gets it: the whole message, and the exit status.
struct Failure {
  let message: String
  let status: Int32

  /// Nil for errors of the command line's grammar, which ArgumentParser words.
  init?(_ error: any Error) {
    switch error {
    case let error as SpecErrors:
      let count = error.diagnostics.count
      message = "\(error)\n\(count == 1 ? "1 error" : "\(count) errors"); nothing was run"
      status = ExitStatus.usage
    case let error as UsageError:
      message = "error: \(error.message)"
      status = ExitStatus.usage
    case let error as ExchangeError:
      message = "error: \(error)"
      status = ExitStatus.usage
    case let error as NetworkError:
      message = "error: \(error)"
      status = ExitStatus.usage
    case let error as DatasetError:
      message = "error: \(error)"
      status =
        switch error.kind {
        case .invalid: ExitStatus.usage
        case .interrupted: Interruption.exitStatus(of: Interruption.signal ?? SIGINT)
        case .unavailable, .damaged, .file: ExitStatus.failed
        }
    case let error as RunInterrupted:
      message = "\(error)"
      status = Interruption.exitStatus(of: error.signal)
    case let error as BLASCore.Failure where error.isUnavailable:
      message = "error: \(error)"
      status = ExitStatus.unavailable
    case let error as MemoryShortage:
      message = "error: \(error)\nnothing was run"
      status = ExitStatus.usage
    case is FileError, is RecordError, is BLASCore.Failure, is OutOfMemory, is ThreadRefused,
      is MainStack.Refusal:
      message = "error: \(error)"
      status = ExitStatus.failed
    default: return nil
    }
  }
}
