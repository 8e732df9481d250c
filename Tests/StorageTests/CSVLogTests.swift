import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite struct CSVLogTests {
  @Test func growsByRowsAndResumesAtALength() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/metrics.csv"
    let length: Int
    do {
      var log = try CSVLog.create(path, header: "a,b")
      try log.append("1,2")
      length = log.length
      try log.append("3,4")
    }
    #expect(try Files.readText(path) == "a,b\n1,2\n3,4\n")
    do {
      var log = try CSVLog.resume(path, at: length)
      #expect(try Files.readText(path) == "a,b\n1,2\n")
      try log.append("5,6")
    }
    #expect(try Files.readText(path) == "a,b\n1,2\n5,6\n")
  }

  @Test func neitherOverwritesNorInvents() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/metrics.csv"
    do { _ = try CSVLog.create(path, header: "a") }
    #expect(throws: FileError.self) { _ = try CSVLog.create(path, header: "a") }
    #expect(throws: RecordError.self) { _ = try CSVLog.resume(path, at: 100) }
    #expect(try Files.readText(path) == "a\n")
  }

  @Test func aRowThatDoesNotFitIsTakenBack() throws {
    guard FileManager.default.isWritableFile(atPath: "/dev/full") else { return }
    #expect(throws: FileError.self) {
      var log = CSVLog(
        FileDescriptor(raw: open("/dev/full", O_WRONLY), path: "/dev/full"))
      try log.append("1,2")
    }
  }
}
