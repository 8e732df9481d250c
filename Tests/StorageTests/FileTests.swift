import Foundation
import TestSupport
import Testing

@testable import Storage

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
    let file = FileDescriptor(raw: open("/dev/full", O_WRONLY), path: "/dev/full")
    do {
      try file.writeAll([1, 2, 3])
      Issue.record("writing to /dev/full succeeded")
    } catch {
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

  /// Nobody reads or writes these pipes: who waited for that would wait for ever.
  @Test func whatIsNoFileIsRefusedByWhatItIs() throws {
    let (pipe, socket) = (folder.path + "/pipe", folder.path + "/socket")
    #expect(mkfifo(pipe, 0o600) == 0)
    try makeSocket(socket)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: "pipe")
    for (path, what) in [
      (pipe, "it is a named pipe, not a file"),
      (folder.path + "/link", "it is a named pipe, not a file"),
      (socket, "it is a socket, not a file"), ("/dev/zero", "it is a device, not a file"),
      (folder.path, "Is a directory"), ("a\0b", "a path cannot hold a NUL character"),
    ] {
      let shown = path.replacing("\0", with: "\\0")
      func expectRefusal(_ operation: String, _ body: () throws -> Void) {
        do {
          try body()
          Issue.record("\(operation) \(path)")
        } catch {
          #expect("\(error)" == "cannot \(operation) \(shown): \(what)")
        }
      }
      expectRefusal("open") { _ = try FileDescriptor.reading(path) }
      expectRefusal("open") { _ = try FileDescriptor.writing(path) }
      if path != "a\0b" {
        expectRefusal("write") { try AtomicFile.write("text", to: path) }
      } else {
        #expect(throws: FileError.self) { try AtomicFile.write("text", to: path) }
      }
    }
    #expect(folder.names == ["link", "pipe", "socket"])
    #expect(FileKind(of: pipe) == .namedPipe && FileKind(of: socket) == .socket)
  }

  @Test func aLinkStaysALink() throws {
    _ = try folder.file("file", [1])
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: "file")
    try AtomicFile.write("text", to: folder.path + "/link")
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/link") == "file")
    #expect(try String(contentsOfFile: folder.path + "/file", encoding: .utf8) == "text")
  }

  @Test func namesThatAreNotUTF8AreToldApart() throws {
    try run(
      "/bin/sh", "-c", "cd \"$0\" && touch b ä \"$(printf 'caf\\351')\" \"$(printf '\\377\\n')\"",
      folder.path)
    let names = try FolderNames(of: folder.path)
    #expect(names.names == ["b", "ä"])
    #expect(names.notUTF8 == ["\\xFF", "caf\\xE9"])
    #expect(escaped([0x61, 0xC3, 0xA4, 0xC3, 0xF0, 0x9F, 0x98, 0x80, 0x80]) == "aä\\xC3😀\\x80")
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
