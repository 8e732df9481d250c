import Storage

/// The files that a document is read from, and what was found wrong in them so far.
package struct SpecReading: Sendable {
  private var sources: [SourceText] = []
  /// By file, command line last, then by offset or argument.
  private var found: [(source: Int, offset: Int, diagnostic: Diagnostic)] = []
  private var seen: Set<Diagnostic> = []

  package init() {}

  package var isFine: Bool { found.isEmpty }

  /// Reads a file as JSON; nil, and a report, where it isn't. The first file is the one that
  /// arguments of the command line belong to.
  package mutating func parse(_ bytes: [UInt8], name: String) -> JSONNode? {
    let number = sources.count
    let source = SourceText(name: name, bytes: bytes)
    sources.append(source)
    var parser = JSONParser(source, number: number)
    let root: JSONNode
    do { root = try parser.document() } catch {
      add(error, source: number, offset: 0)
      return nil
    }
    for duplicate in parser.duplicates {
      add(duplicate.diagnostic, source: number, offset: duplicate.offset)
    }
    return root
  }

  /// The `key.path=value` arguments of the command line; reports those that aren't, or come twice.
  package mutating func overrides(_ arguments: [String]) -> [Override] {
    var overrides: [Override] = []
    for (index, argument) in arguments.enumerated() {
      do throws(SpecChecker.Problem) {
        let override = try Override(argument, index: index)
        if overrides.contains(where: { $0.path == override.path }) {
          throw SpecChecker.Problem(
            origin: .override(index), path: override.path, message: "is given twice")
        }
        overrides.append(override)
      } catch { report(error) }
    }
    return overrides
  }

  package mutating func apply(_ override: Override, to root: inout JSONNode) {
    do throws(SpecChecker.Problem) { try override.apply(to: &root) } catch { report(error) }
  }

  package mutating func report(_ problem: SpecChecker.Problem) {
    switch problem.origin {
    case .file(let offset, let source):
      add(
        sources[source].diagnostic(at: offset, path: problem.path, problem.message),
        source: source, offset: offset)
    case .override(let index):
      add(
        Diagnostic(
          source: "command line", path: problem.path.description, message: problem.message),
        source: .max, offset: index)
    }
  }

  package mutating func report(_ problems: [SpecChecker.Problem]) {
    for problem in problems { report(problem) }
  }

  /// A thing is told once, however often it is found.
  private mutating func add(_ diagnostic: Diagnostic, source: Int, offset: Int) {
    if seen.insert(diagnostic).inserted { found.append((source, offset, diagnostic)) }
  }

  /// All that is wrong, by position.
  package var errors: SpecErrors {
    let sorted = found.enumerated().sorted {
      ($0.element.source, $0.element.offset, $0.offset)
        < ($1.element.source, $1.element.offset, $1.offset)
    }
    return SpecErrors(sorted.map(\.element.diagnostic))
  }
}
