import Exchange
import Experiment
import ONNX
import Report
import Storage

@testable import Datasets
@testable import Images

/// A reader of what others may have written, as the fuzzer and the replay of its corpora call it.
///
/// Whatever the bytes are, it gives a sound value or throws an error of the program's own, within
/// bounded time and memory. What else must hold of a value, `read` checks.
struct Reader: Sendable {
  /// Of the folder of its corpus, too.
  let name: String
  /// Puts right the checksums in the bytes, behind which the rest of the reader would stay unseen.
  let repair: (@Sendable ([UInt8]) -> [UInt8])?
  private let body: @Sendable ([UInt8]) throws -> Void

  init(
    _ name: String, repair: (@Sendable ([UInt8]) -> [UInt8])? = nil,
    _ body: @escaping @Sendable ([UInt8]) throws -> Void
  ) {
    self.name = name
    self.repair = repair
    self.body = body
  }

  static let all: [Reader] = spec + dataset + record + exchange

  /// Reads the bytes as they are, and with their checksums put right.
  /// - Returns: for each way the message of the error, nil where the value was sound.
  func read(_ bytes: [UInt8]) -> [String?] {
    var forms = [bytes]
    if let repair {
      let repaired = repair(bytes)
      if repaired != bytes { forms.append(repaired) }
    }
    return forms.map { form in
      do {
        try body(form)
        return nil
      } catch {
        let message = "\(error)"
        switch error {
        case is DatasetError, is ImageProblem, is FileError, is SpecErrors, is RecordError,
          is MetricsError, is ExchangeError:
          precondition(!message.isEmpty, "an error says nothing")
          return message
        default: preconditionFailure("an error that is not the program's: \(message)")
        }
      }
    }
  }
}
