import CInt8
import ConvNet

/// How products of integers are computed. Every path gives the same bits.
public enum IntegerPath: String, Hashable, Sendable, CaseIterable {
  case plain
  /// Bytes widened to 16 bits, so that nothing saturates.
  case avx2
  /// AVX-512's products of four bytes at once.
  case vnni

  /// Whether this processor runs it.
  public var runs: Bool { int8_runs(number) != 0 }

  /// The fastest that this processor runs.
  public static var fastest: IntegerPath { allCases.last(where: \.runs)! }

  var number: Int32 {
    switch self {
    case .plain: Int32(INT8_PLAIN)
    case .avx2: Int32(INT8_AVX2)
    case .vnni: Int32(INT8_VNNI)
    }
  }
}
