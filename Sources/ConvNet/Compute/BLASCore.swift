import COpenBLASStart
import Glibc

/// The core of OpenBLAS that a run computes with: for which processors its `sgemm` is written, by the
/// names that `OPENBLAS_CORETYPE` takes. It decides the bits of a product, so it belongs to the spec,
/// which calls it the kernel (`compute.kernel`), not to the surroundings.
public enum BLASCore {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
    /// Whether a processor is missing something, and nothing is wrong.
    public var isUnavailable = false
  }

  /// The cores a spec may name, fastest first, and the vector level each needs.
  static let known: [(name: String, level: Int)] = [
    ("SKYLAKEX", 2), ("HASWELL", 1), ("SANDYBRIDGE", 0), ("NEHALEM", 0), ("PRESCOTT", 0),
  ]

  /// What this processor has: 2 for AVX-512, 1 for AVX2 with FMA, 0 for neither. `RUNNER_VECTOR_LEVEL`
  /// in the environment hides what is above it, so that a machine with AVX-512 can show what one
  /// without it does.
  static let vectorLevel = Int(processor_vector_level())

  /// The names a spec may give: `auto` and those of `known`.
  public static var names: [String] { ["auto"] + known.map(\.name) }

  /// What `auto` means here: the fastest core that this processor runs. On processors other than
  /// x86-64, OpenBLAS's own choice.
  public static var automatic: String {
    #if arch(x86_64)
      known.first { $0.level <= vectorLevel && $0.level > 0 }?.name ?? current
    #else
      current
    #endif
  }

  /// The core in use, in capitals.
  public static var current: String { BLAS.coreName.uppercased() }

  /// Whether each row of a product has the same bits whatever the rows around it and however many there
  /// are, as observed of OpenBLAS 0.3.21's cores for AVX-512, and not of others.
  static let rowsAreApart = ["SKYLAKEX", "COOPERLAKE", "SAPPHIRERAPIDS"].contains(current)

  /// Whether each element of a small product of a multiple of sixteen columns, A·B or Aᵀ·B, is a chain of fused
  /// multiply-adds in the order of the sum, as observed likewise.
  static let elementsAreChains = BLAS.prefersSmallProducts

  /// Whether rows are apart in a product (rows, sum)·(sum, columns): where its columns, but for sixteens, are 1, 2, 3,
  /// 5, 6 or 7, those cores sum otherwise for the last rows than for the others.
  static func rowsAreApart(sum: Int, columns: Int) -> Bool {
    rowsAreApart && (sum < 32 || ![1, 2, 3, 5, 6, 7].contains(columns % 16))
  }

  /// Rows of which a tile's product (rows, sum)·(sum, columns) may have any multiple, with the same bits of
  /// each: 1 where they are apart. OpenBLAS 0.3.21's cores for AVX2 take eight rows by fours, as observed, of
  /// as many columns as they pack at once.
  static func rowsTogether(sum: Int, columns: Int) -> Int {
    if rowsAreApart(sum: sum, columns: columns) { return 1 }
    return ["HASWELL", "ZEN"].contains(current) && columns <= 320 ? 4 : Tile.size
  }

  /// What a spec's word stands for on this machine.
  /// - Throws: `Failure` for a name that OpenBLAS does not have or this processor cannot run.
  public static func resolve(_ name: String) throws(Failure) -> String {
    if name == "auto" { return automatic }
    let wanted = name.uppercased()
    guard let entry = known.first(where: { $0.name == wanted }) else {
      if wanted == current { return wanted }
      throw Failure(
        description:
          "compute.kernel: the OpenBLAS that is installed has no kernel \"\(name)\" that this program "
          + "chooses; there are \(names.joined(separator: ", "))", isUnavailable: true)
    }
    guard entry.level <= vectorLevel else {
      let needed = entry.level == 2 ? "AVX-512" : "AVX2 and FMA"
      throw Failure(
        description: "the kernel \(wanted) needs a processor with \(needed), which this one is "
          + "not; \"auto\" would take \(automatic) here, with other bits", isUnavailable: true)
    }
    return wanted
  }

  /// What `OPENBLAS_CORETYPE` asked for in the environment that the user gave, if anything.
  public static let askedByEnvironment = openblas_core_asked().map { String(cString: $0) }

  /// Makes the process compute with `core`: OpenBLAS chooses when it is loaded, and is told `automatic`
  /// then; where that is not the one the program sets `OPENBLAS_CORETYPE` and executes itself again,
  /// once.
  ///
  /// - Parameter notice: told in one line when the environment asked for something else.
  public static func ensure(_ core: String, notice: (String) -> Void) throws(Failure) {
    if let asked = askedByEnvironment, asked.uppercased() != core {
      notice(
        "OPENBLAS_CORETYPE=\(asked) in the environment is overridden: this run computes with "
          + "\(core) (compute.kernel in the spec decides)")
    }
    guard current != core else { return }
    guard getenv(OPENBLAS_CORE_SET).map({ String(cString: $0) }) != core else {
      throw Failure(
        description: "OpenBLAS \(BLAS.version) does not obey OPENBLAS_CORETYPE=\(core); it uses "
          + "\(current). Set compute.kernel to \"\(current)\" to compute with that one")
    }
    setenv("OPENBLAS_CORETYPE", core, 1)
    setenv(OPENBLAS_CORE_SET, core, 1)
    let arguments = CommandLine.unsafeArgv
    execv("/proc/self/exe", arguments)
    throw Failure(
      description: "cannot execute this program again to choose the kernel \(core): "
        + String(cString: strerror(errno)))
  }

  /// Multiplies two small matrices and compares with a plain loop of fused multiply-adds.
  /// - Throws: `Failure` when the product is wrong, as a broken BLAS gives it.
  public static func check() throws(Failure) {
    let (m, n, k) = (37, 19, 83)
    var stream = RandomStream(seed: 1, purpose: .probe)
    let a = Buffer(m * k)
    let b = Buffer(k * n)
    let c = Buffer(m * n)
    for i in 0..<m * k { a.base[i] = stream.uniform(-1, 1) }
    for i in 0..<k * n { b.base[i] = stream.uniform(-1, 1) }
    gemm(
      Matrix(a.base, rows: m, columns: k), Matrix(b.base, rows: k, columns: n),
      into: Matrix(c.base, rows: m, columns: n))
    for i in 0..<m {
      for j in 0..<n {
        var sum: Float = 0
        for l in 0..<k { sum = sum.addingProduct(a.base[i * k + l], b.base[l * n + j]) }
        guard abs(c.base[i * n + j] - sum) <= 1e-4 else {
          throw Failure(
            description: "OpenBLAS \(BLAS.version) with the kernel \(current) multiplied two "
              + "matrices wrongly (element \(i),\(j): \(c.base[i * n + j]), not \(sum)); "
              + "try another compute.kernel")
        }
      }
    }
  }
}
