import Foundation
import Testing

@testable import Datasets

@Suite struct FileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// FIPS 180-4's examples.
  @Test func knownDigests() throws {
    #expect(
      SHA256.hex(of: [])
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hex(of: Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect(SHA256.hex(of: million) == expected)
    #expect(try SHA256.hex(ofFile: folder.file("million", million)) == expected)
    let pieces = SHA256()
    for _ in 0..<1000 { pieces.update([UInt8](million[..<1000])) }
    #expect(pieces.finalizeHex() == expected)
  }

  @Test func writesWholeFilesAndLeavesNothingBeside() throws {
    let path = folder.path + "/a.txt"
    try AtomicFile.write("one\n", to: path)
    try AtomicFile.write("two\n", to: path)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "two\n")
    try AtomicFile.write(
      parts: [], to: folder.path + "/empty")
    #expect(folder.names == ["a.txt", "empty"])
  }

  @Test func parallelWritersEachWriteAWholeFile() async throws {
    let path = folder.path + "/shared"
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for _ in 0..<20 {
            try? AtomicFile.write([UInt8](repeating: UInt8(writer), count: 5000), to: path)
          }
        }
      }
    }
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(bytes.count == 5000 && Set(bytes).count == 1)
    #expect(folder.names == ["shared"])
  }

  @Test func aFullDiskIsSaidSo() throws {
    let file = try FileDescriptor.writing("/dev/full")
    let bytes: [UInt8] = [1, 2, 3]
    do {
      try bytes.withUnsafeBytes { try file.writeAll($0) }
      Issue.record("writing to /dev/full succeeded")
    } catch let error as FileError {
      #expect(error.code == ENOSPC)
      #expect(
        error.description
          == "cannot write /dev/full: No space left on device (the disk is full; free some space "
          + "or write to another disk)")
    }
  }

  @Test func aFailedWriteKeepsTheOldFile() throws {
    // A folder in the file's place: the rename fails after everything was written.
    let path = folder.path + "/taken"
    try FileManager.default.createDirectory(
      atPath: path + "/inside", withIntermediateDirectories: true)
    #expect(throws: FileError.self) { try AtomicFile.write("text", to: path) }
    #expect(folder.names == ["taken"])
  }

  @Test func anUnwritableFolderIsSaidSo() throws {
    do {
      try AtomicFile.write("text", to: folder.path + "/absent/file")
      Issue.record("wrote into an absent folder")
    } catch {
      #expect(
        error.description
          == "cannot create \(folder.path)/absent/file: No such file or directory (its folder "
          + "does not exist)")
    }
    // Even root cannot create files in /proc.
    #expect(throws: FileError.self) { try AtomicFile.write("text", to: "/proc/file") }
    if getuid() != 0 {
      chmod(folder.path, 0o500)
      do {
        try AtomicFile.write("text", to: folder.path + "/file")
        Issue.record("wrote into a read-only folder")
      } catch {
        #expect(error.code == EACCES && error.hint?.contains("permissions") == true)
      }
      chmod(folder.path, 0o700)
    }
  }
}
