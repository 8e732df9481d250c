import Foundation
import Storage
import TestSupport
import Testing

@testable import Datasets

/// A catalog entry of tiny files, and a place where a stand-in for curl finds them.
private struct TinySet {
  let folder: TemporaryFolder
  let contents: [[UInt8]]
  let entry: CatalogEntry

  init(mirrors: [String]) throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    contents = [
      idx([3, 2, 2], content: (0..<12).map { UInt8($0) }), idx([3], content: [0, 1, 2]),
      idx([2, 2, 2], content: (0..<8).map { UInt8($0) }), idx([2], content: [2, 0]),
    ]
    let names = ["train-images", "train-labels", "test-images", "test-labels"]
    let files = try zip(names, contents).map { name, bytes in
      let packed = try gzipped(bytes)
      _ = try folder.file("published/\(name).gz", packed)
      return PublishedFile(
        name: name, digest: .content(size: bytes.count, sha256: SHA256.hex(of: bytes)),
        archiveSize: packed.count)
    }
    entry = CatalogEntry(
      name: "tiny", summary: "", height: 2, width: 2, channels: 1, classNames: ["a", "b", "c"],
      trainCount: 3, testCount: 2, licence: "",
      source: .published(files, .idx, mirrors: mirrors))
  }

  /// A `curl` that takes the file from the published ones, or does what the script says for a
  /// mirror of another name.
  func locator(_ script: String = "") throws -> DatasetLocator {
    let program = try folder.file(
      "bin/curl",
      Array(
        """
        #!/bin/sh
        while [ $# -gt 1 ]; do shift; done
        echo "$1" >> \(folder.path)/asked
        case "$1" in
        good:*) exec cat "\(folder.path)/published/${1##*/}";;
        \(script)
        esac
        """.utf8))
    chmod(program, 0o755)
    return DatasetLocator(
      dataFolder: nil, environment: ["PATH": folder.path + "/bin:/usr/bin:/bin"],
      currentFolder: folder.path)
  }

  var asked: [String] {
    ((try? String(contentsOfFile: folder.path + "/asked", encoding: .utf8)) ?? "")
      .split(separator: "\n").map(String.init)
  }
}

@Suite struct LocatorTests {
  @Test func placesInOrder() {
    let all = DatasetLocator(
      dataFolder: "/given", environment: ["RUNNER_DATA": "/shared"], currentFolder: "/here")
    #expect(all.places == ["/given", "/shared", "/here/data"])
    #expect(all.downloadFolder == "/given")
    let none = DatasetLocator(dataFolder: nil, environment: ["RUNNER_DATA": ""])
    #expect(none.places == ["data"])
    #expect(none.downloadFolder == "data")
  }

  @Test func takesPlainFilesAndArchives() throws {
    let tiny = try TinySet(mirrors: [])
    let locator = DatasetLocator(
      dataFolder: tiny.folder.path + "/a", environment: ["RUNNER_DATA": tiny.folder.path + "/b"],
      currentFolder: tiny.folder.path)
    for (file, bytes) in zip(tiny.entry.files, tiny.contents).dropFirst() {
      _ = try tiny.folder.file("a/tiny/" + file.name, bytes)
      _ = try tiny.folder.file("b/tiny/" + file.name, bytes)
    }
    #expect(locator.locate(tiny.entry).0 == nil)
    #expect(locator.locate(tiny.entry).missing[0].hasSuffix("/a/tiny lacks train-images"))
    #expect(locator.locate(tiny.entry).missing[2].hasSuffix("has none of its files"))
    _ = try tiny.folder.file("b/tiny/train-images.gz", gzipped(tiny.contents[0]))
    let (location, missing) = locator.locate(tiny.entry)
    #expect(location?.folder == tiny.folder.path + "/b/tiny" && missing.count == 1)
    let set = try locator.read(tiny.entry, at: location!, provenance: .folder(location!.folder))
    #expect(set.train.labels == [0, 1, 2] && set.test?.count == 2)
  }

  /// The test images alone need no other files.
  @Test func readsTheTestImagesAlone() throws {
    let tiny = try TinySet(mirrors: [])
    for (file, bytes) in zip(tiny.entry.files, tiny.contents).dropFirst(2) {
      _ = try tiny.folder.file("data/tiny/" + file.name, bytes)
    }
    let locator = DatasetLocator(
      dataFolder: nil, environment: [:], currentFolder: tiny.folder.path)
    #expect(locator.locate(tiny.entry).missing[0].hasSuffix("lacks train-images, train-labels"))
    #expect(locator.holdsTestImages(of: tiny.entry) && locator.folder(of: tiny.entry) == nil)
    let location = try #require(locator.locate(tiny.entry) { $0 >= 2 }.0)
    let set = try locator.read(
      tiny.entry, at: location, provenance: .folder(location.folder), readsTrain: false)
    #expect(set.test?.labels == [2, 0] && set.train.count == 1)
  }

  @Test func downloadsFromTheFirstMirrorThatServes() throws {
    let tiny = try TinySet(mirrors: ["dead:/x/", "wrong:/x/", "good:/x/"])
    let other = try gzipped(tiny.contents[1])
    _ = try tiny.folder.file("other.gz", other)
    let locator = try tiny.locator(
      """
      dead:*) echo 'curl: (6) Could not resolve host: x' >&2; exit 6;;
      wrong:*) exec cat "\(tiny.folder.path)/other.gz";;
      """)
    var seen: [DownloadProgress] = []
    let mirror = try locator.download(tiny.entry) { seen.append($0) }
    #expect(mirror == "good:/x/")
    // A mirror that failed is not asked again.
    #expect(tiny.asked.map { $0.prefix(4) } == ["dead", "wron", "good", "good", "good", "good"])
    let (location, _) = locator.locate(tiny.entry)
    #expect(location?.folder == tiny.folder.path + "/data/tiny")
    let kept = try FileManager.default.contentsOfDirectory(atPath: location!.folder).sorted()
    #expect(kept == tiny.entry.files.map { $0.name + ".gz" }.sorted())
    #expect(seen.last?.receivedInAll == tiny.entry.archiveSize)
    #expect(seen.last?.expectedInAll == tiny.entry.archiveSize)
  }

  @Test func saysWhatWasTriedAndHowToGetItByHand() throws {
    let tiny = try TinySet(mirrors: ["dead:/x/", "slow:/x/", "gone:/x/"])
    let locator = try tiny.locator(
      """
      dead:*) echo 'curl: (6) Could not resolve host: x' >&2; exit 6;;
      slow:*) exit 28;;
      gone:*) echo half; echo 'curl: (22) The requested URL returned error: 404' >&2
              exit 22;;
      """)
    do {
      try locator.download(tiny.entry, missing: ["data/tiny has none of its files"]) { _ in }
      Issue.record("downloaded from nowhere")
    } catch {
      #expect(error.kind == .unavailable)
      #expect(
        error.message == """
          tiny is not on this machine and could not be downloaded
            looked: data/tiny has none of its files
            tried: dead:/x/: (6) Could not resolve host: x
            tried: slow:/x/: no answer within 5 seconds
            tried: gone:/x/: (22) The requested URL returned error: 404
            by hand: put train-images.gz, train-labels.gz, test-images.gz, test-labels.gz into a \
          folder DIR/tiny and give --data DIR or set RUNNER_DATA=DIR; they are published at \
          dead:/x/ and slow:/x/ and gone:/x/
          """)
    }
    // Nothing half-fetched is left.
    #expect(
      try FileManager.default.contentsOfDirectory(
        atPath: tiny.folder.path + "/data/tiny"
      ).isEmpty)
  }

  @Test func withoutCurlItSaysSo() throws {
    let tiny = try TinySet(mirrors: ["good:/x/"])
    let locator = DatasetLocator(
      dataFolder: tiny.folder.path + "/new", environment: ["PATH": "/nonexistent"])
    do {
      try locator.download(tiny.entry) { _ in }
      Issue.record("downloaded without curl")
    } catch {
      #expect(error.kind == .unavailable && error.message.contains("curl"))
    }
  }

  @Test func aMirrorThatSendsWithoutEndIsGivenUp() throws {
    let tiny = try TinySet(mirrors: ["endless:/x/", "dead:/x/"])
    let locator = try tiny.locator(
      """
      endless:*) exec cat /dev/zero;;
      dead:*) kill -KILL $$;;
      """)
    do {
      try locator.download(tiny.entry) { _ in }
      Issue.record("downloaded from nowhere")
    } catch {
      let limit = 2 * tiny.entry.files[0].archiveSize
      #expect(
        error.message.contains(
          "tried: endless:/x/: it sends more than the \(limit) bytes that were expected at most\n"))
      #expect(error.message.contains("tried: dead:/x/: curl ended by signal 9\n"))
    }
  }

  /// What downloads that were killed have left; not what one under way is writing.
  @Test func abandonedDownloadsAreSweptAway() throws {
    let tiny = try TinySet(mirrors: ["good:/x/"])
    let left = [".train-images.gz.tmp-1-1-train-images.gz", ".other.gz.tmp-4194304-17"]
    let kept = [".tmp-1-1x", ".notes", "notes.tmp-1-1", ".a.tmp-1", ".a.tmp-x-1"]
    for name in left + kept { _ = try tiny.folder.file("data/tiny/\(name)", [1]) }
    let staged = try StagedFile(for: "\(tiny.folder.path)/data/tiny/other")
    try tiny.locator().download(tiny.entry) { _ in }
    let names = try FileManager.default.contentsOfDirectory(
      atPath: "\(tiny.folder.path)/data/tiny")
    let mine = String(staged.temporary.split(separator: "/").last!)
    #expect(
      Set(names) == Set(tiny.entry.files.map { $0.name + ".gz" } + kept + [mine]), "\(names)")
  }

  @Test func anUnwritableFolderIsSaidSo() throws {
    let tiny = try TinySet(mirrors: ["good:/x/"])
    let usual = try tiny.locator()
    let locator = DatasetLocator(dataFolder: "/proc/data", environment: usual.environment)
    do {
      try locator.download(tiny.entry) { _ in }
      Issue.record("wrote into /proc")
    } catch {
      #expect(error.kind == .file && error.message.hasPrefix("cannot create /proc/data"))
    }
  }

  @Test func aSubstituteIsMarked() throws {
    let folder = try TemporaryFolder()
    let locator = DatasetLocator(
      dataFolder: nil, environment: [:], currentFolder: folder.path)
    var request = DatasetRequest("mnist", trainCount: 20, testCount: 10)
    do {
      _ = try locator.load(request, progress: nil)
      Issue.record("found MNIST in an empty folder")
    } catch {
      #expect(error.kind == .unavailable)
      #expect(error.message.hasPrefix("mnist is not on this machine\n  looked: \(folder.path)"))
    }
    request.whenUnavailable = "synthetic_digits"
    let set = try locator.load(request, threads: 2, progress: nil)
    #expect(set.name == "synthetic_digits" && set.substitution?.name == "mnist")
    #expect(set.train.count == 20 && set.test?.count == 10)
    let own = try locator.load(
      DatasetRequest("synthetic_digits", trainCount: 20, testCount: 10), progress: nil)
    #expect(own.substitution == nil && own.digest == set.digest)
  }

  @Test func anUnknownNameIsInvalid() {
    let locator = DatasetLocator(dataFolder: nil, environment: [:])
    #expect(
      throws: DatasetError(
        .invalid,
        "\"mnits\" is not a dataset; there are \(DatasetCatalog.names.joined(separator: ", "))")
    ) { try locator.load(DatasetRequest("mnits"), progress: nil) }
  }

  @Test(.enabled(if: realMNIST != nil)) func aDamagedFileIsNotSubstituted() throws {
    let folder = try TemporaryFolder()
    for file in DatasetCatalog.mnist.files {
      let (location, _) = realMNIST!.locate(DatasetCatalog.mnist)
      let path = DatasetLocator.existing(DatasetLocator.join(location!.folder, file.name))!
      try FileManager.default.createDirectory(
        atPath: folder.path + "/mnist", withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: path, toPath: folder.path + "/mnist/" + path.split(separator: "/").last!)
    }
    // One label, changed within its range.
    let labels = folder.path + "/mnist/train-labels-idx1-ubyte"
    if FileManager.default.fileExists(atPath: labels + ".gz") {
      try run("/bin/sh", "-c", "exec gzip -df \"$0\"", labels + ".gz")
    }
    chmod(labels, 0o644)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: labels)))
    bytes[100] = (bytes[100] + 1) % 10
    try Data(bytes).write(to: URL(fileURLWithPath: labels))
    let locator = DatasetLocator(dataFolder: folder.path, environment: [:])
    do {
      _ = try locator.load(
        DatasetRequest("mnist", whenUnavailable: "synthetic_digits"), progress: nil)
      Issue.record("a changed label went unseen")
    } catch {
      #expect(error.kind == .damaged && error.message.contains("train-labels-idx1-ubyte"))
    }
  }
}
