import Foundation
import TestSupport
import Testing

/// What the disk may refuse.
@Suite struct DiskTests {
  @Test func anOutputFolderThatCannotBeWritten() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    // A file where a folder is needed stops root too, whom permissions don't.
    try folder.write("", to: "file")
    let file = try Program.run("small.json", "--output", "file", in: folder)
    #expect(file.status == 1)
    #expect(file.output == "")
    #expect(file.errors == "error: cannot make the folder file/small: Not a directory\n")
    let system = try Program.run("small.json", "--output", "/proc/nowhere", in: folder)
    #expect(system.status == 1)
    #expect(system.errors.hasPrefix("error: cannot make the folder /proc/nowhere: "))
    guard getuid() != 0 else { return }
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "locked"), withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o555])
    let locked = try Program.run("small.json", "--output", "locked", in: folder)
    #expect(locked.status == 1)
    #expect(
      locked.errors.hasPrefix("error: cannot make the folder locked/small: Permission denied"))
  }

  /// `ulimit -f` makes every file end at a size, as a full disk does.
  @Test func aFileThatReachesTheLimit() throws {
    let folder = try TemporaryFolder()
    let reference = try InterruptionTests.reference(in: folder)
    let result = try Program.shell(
      "ulimit -f 6; exec \"$RUNNER\" small.json --quiet", in: folder)
    #expect(result.status == 1, "\(result)")
    #expect(result.output == "")
    #expect(
      result.errors.hasPrefix("error: cannot write results/small/"), "\(result.errors)")
    #expect(result.errors.contains("size limit"))
    let run = try folder.run(of: "small")
    #expect(try folder.text("\(run)/run.json").contains(#""status": "failed""#))
    // No temporary is left, no half of a row, and with room again the run goes on.
    let names = try FileManager.default.subpathsOfDirectory(atPath: "\(folder.path)/\(run)")
    #expect(!names.contains { $0.contains(".tmp") })
    #expect(try folder.text("\(run)/metrics.csv").hasSuffix("\n"))
    #expect(try Program.run("resume", run, "--quiet", in: folder).status == 0)
    try expectSameRecord(reference, run, in: folder)
  }

  /// A real full disk, where the tests may mount one.
  @Test func aDiskThatIsFull() throws {
    let folder = try TemporaryFolder()
    guard getuid() == 0 else { return }
    let reference = try InterruptionTests.reference(in: folder)
    let mount = try Program.shell(
      "mkdir disk && mount -t tmpfs -o size=96k tmpfs disk", in: folder)
    guard mount.status == 0 else { return }
    defer { _ = try? Program.shell("umount disk", in: folder) }
    // Leave room for the folder and its first files only.
    let result = try Program.shell(
      "head -c 57344 /dev/zero > disk/filler; exec \"$RUNNER\" small.json --quiet --output disk",
      in: folder)
    #expect(result.status == 1, "\(result)")
    #expect(result.errors.contains("No space left on device"), "\(result.errors)")
    let run = try folder.run(of: "small", under: "disk")
    #expect(try folder.text("\(run)/metrics.csv").hasSuffix("\n"))
    _ = try Program.shell("rm disk/filler", in: folder)
    let resumed = try Program.run("resume", run, "--quiet", in: folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    try expectSameRecord(reference, run, in: folder)
  }
}
