import Datasets
import Experiment
import Glibc
import Search
import Storage

/// A stage as the journal keeps it: its result, the configuration of its trial, and where it ran.
public struct JournalEntry: Hashable, Sendable {
  public var result: StageResult
  public var configuration: Configuration
  public init(result: StageResult, configuration: Configuration) {
    self.result = result
    self.configuration = configuration
  }
}

/// What a sweep has done, a line for each stage that ended: `journal/<writer>.csv`, which only grows.
///
/// Each process that works on a sweep has a file of its own, so that several machines can share the
/// folder. A line carries its checksum; a kill in the middle of one leaves a torn last line, which is
/// cut off when the file is opened again, and its stage is run again. A later line about a stage
/// replaces an earlier one.
public struct Journal: ~Copyable {
  public let path: String
  private let file: FileDescriptor
  private let format: JournalFormat
  private var length: Int
  private var isUnsynchronized = false

  /// Opens a writer's file to go on with it, and makes it where there is none.
  public static func open(
    folder: String, writer: String, format: JournalFormat
  ) throws -> Journal {
    try Files.makeFolders(folder)
    let path = "\(folder)/\(writer).csv"
    if !Files.exists(path) { try AtomicFile.write(format.header + "\n", to: path) }
    let whole = try format.read(path).wholeLength
    let file = try FileDescriptor.writing(path, to: "write")
    try file.shorten(to: whole)
    return Journal(file, format: format, length: whole)
  }

  private init(_ file: consuming FileDescriptor, format: JournalFormat, length: Int) {
    path = file.path
    self.file = file
    self.format = format
    self.length = length
  }

  /// Adds an entry. It survives a kill of this process at once, and a loss of power after
  /// `synchronize`.
  public mutating func append(_ entry: JournalEntry) throws(FileError) {
    let bytes = Array("\(format.line(entry))\n".utf8)
    do throws(FileError) {
      try file.writeAll(bytes)
    } catch {
      // What was written of the line is taken back.
      try? file.shorten(to: length)
      throw error
    }
    length += bytes.count
    isUnsynchronized = true
  }

  /// Flushes what was added to the disk.
  public mutating func synchronize() throws(FileError) {
    guard isUnsynchronized else { return }
    guard fdatasync(file.raw) == 0 else { throw FileError("write", path, code: errno) }
    isUnsynchronized = false
  }

  /// The entries of all files of a journal: the last about each stage, in no promised order of files
  /// but by time within each.
  /// - Parameter hasRows: whether they have the rows of their epochs too.
  public static func read(
    folder: String, format: JournalFormat, hasRows: Bool = true
  ) throws -> [StageID: JournalEntry] {
    var entries: [StageID: JournalEntry] = [:]
    guard Files.isFolder(folder) else { return entries }
    for name in try Files.names(in: folder) where name.hasSuffix(".csv") {
      let read = try format.read("\(folder)/\(name)", hasRows: hasRows).entries
      entries.reserveCapacity(entries.count + read.count)
      for entry in read {
        // Of two files that tell of one stage, the sounder is believed: the other is of a process
        // that was thought dead.
        if let known = entries[entry.result.id], known.result.status.isSound,
          !entry.result.status.isSound
        {
          continue
        }
        entries[entry.result.id] = entry
      }
    }
    return entries
  }
}
