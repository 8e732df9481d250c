import Glibc
import Images
import Storage

/// What is done about image files that cannot be read.
public enum CorruptImages: String, Hashable, Sendable, CaseIterable {
  /// Nothing is trained.
  case stop
  /// They are left out, and listed.
  case skip
}

/// The dataset that an experiment asks for.
public struct DatasetRequest: Hashable, Sendable {
  /// A name in `DatasetCatalog`, or `OwnFiles.name`.
  public var name: String
  /// Only so many images; nil for all, or for what the catalog says of a built-in set. The first of a
  /// set that was published shuffled, else some that are drawn.
  public var trainCount: Int?
  public var testCount: Int?
  /// What decides which images are drawn.
  public var subsetSeed: UInt64 = 1
  /// Whether the test images are wanted at all; where not, they aren't read.
  public var readsTest: Bool
  /// The part of one's own training images, in (0, 1), that is there to test on; nil where others are.
  public var testShare: Double?
  /// Whether the training images are; where not, no file is read for them alone, and none of them needs
  /// to be there.
  public var readsTrain = true
  /// Whether the files' own validation images are wanted.
  public var readsValidation = false
  /// The seed of `synthetic_digits`, wherever it is used.
  public var syntheticSeed: UInt64
  /// What to take when the set is neither on disk nor to be downloaded.
  public var whenUnavailable: String?
  /// The user's own files, where `name` is `files`.
  public var files: OwnFiles?
  /// How the images are made to fit.
  public var preparation = ImagePreparation.asTheyAre
  /// What is done about an image file that cannot be read.
  public var corrupt = CorruptImages.stop

  public init(
    _ name: String, trainCount: Int? = nil, testCount: Int? = nil, readsTest: Bool = true,
    syntheticSeed: UInt64 = 1, whenUnavailable: String? = nil
  ) {
    self.name = name
    self.trainCount = trainCount
    self.testCount = testCount
    self.readsTest = readsTest
    self.syntheticSeed = syntheticSeed
    self.whenUnavailable = whenUnavailable
  }

  /// The same for the test images alone.
  public var withoutTraining: DatasetRequest {
    var request = self
    request.readsTrain = false
    request.readsValidation = false
    return request
  }
}

extension DatasetLocator {
  /// A dataset read from disk, downloaded or made, and its substitute where the request names one
  /// and the set is unavailable.
  ///
  /// - Parameters:
  ///   - threads: how many may read and check files, or draw synthetic digits; the images don't
  ///     depend on it.
  ///   - progress: told how far a download is; nil forbids downloads.
  /// - Throws: `.invalid` for an unknown name or too many images, `.unavailable` when the set is
  ///   nowhere to be had, `.damaged` when a file on disk is not what was published.
  public func load(
    _ request: DatasetRequest, threads: Int = 1, progress: ((DownloadProgress) -> Void)?
  ) throws(DatasetError) -> Dataset {
    if request.name == OwnFiles.name { return try loadFiles(request, threads: threads) }
    let entry = try Self.entry(request.name)
    if let substitute = request.whenUnavailable { _ = try Self.entry(substitute) }
    if entry.isBuiltIn {
      return try synthetic(request, threads: threads)
        .prepared(request.preparation, threads: threads)
    }
    do throws(DatasetError) {
      var isNeeded: (Int) -> Bool = { _ in true }
      if case .published(_, let form, _) = entry.source {
        isNeeded = { form.isRead($0, train: request.readsTrain, test: request.readsTest) }
      }
      var (location, missing) = locate(entry, isNeeded: isNeeded)
      var provenance = location.map { Dataset.Provenance.folder($0.folder) }
      if location == nil {
        guard let progress else {
          throw DatasetError(.unavailable, Self.explain(entry, missing: missing, tried: []))
        }
        let mirror = try download(entry, missing: missing, progress: progress)
        location = locate(entry).0
        provenance = location.map { .mirror(mirror, folder: $0.folder) }
      }
      guard let location, let provenance else {
        throw DatasetError(.unavailable, "\(entry.name) was removed while it was being read")
      }
      let dataset = try read(
        entry, at: location, provenance: provenance, readsTrain: request.readsTrain,
        readsTest: request.readsTest, threads: threads)
      return try dataset.limited(
        train: request.readsTrain ? request.trainCount : nil, test: request.testCount,
        drawnBy: entry.isShuffled ? nil : request.subsetSeed
      )
      .prepared(request.preparation, threads: threads)
    } catch {
      guard error.kind == .unavailable, let name = request.whenUnavailable, name != entry.name
      else { throw error }
      var second = request
      second.name = name
      second.whenUnavailable = nil
      // It takes the place of the other, so it has its shape.
      if second.preparation.shape == nil {
        second.preparation.shape = ImageShape(
          height: entry.height, width: entry.width, channels: entry.channels)
      }
      if second.preparation.resize == .none { second.preparation.resize = .bilinear }
      var dataset = try load(second, threads: threads, progress: progress)
      dataset.substitution = Dataset.Substitution(name: entry.name, reason: error.message)
      return dataset
    }
  }

  private func synthetic(_ request: DatasetRequest, threads: Int) -> Dataset {
    SyntheticDigits(seed: request.syntheticSeed).dataset(
      trainCount: request.readsTrain
        ? request.trainCount ?? DatasetCatalog.syntheticDigits.trainCount : 1,
      testCount: request.readsTest
        ? request.testCount ?? DatasetCatalog.syntheticDigits.testCount : nil,
      threads: threads)
  }

  static func entry(_ name: String) throws(DatasetError) -> CatalogEntry {
    guard let entry = DatasetCatalog[name] else {
      throw DatasetError(
        .invalid,
        "\"\(name)\" is not a dataset; there are \(DatasetCatalog.names.joined(separator: ", "))")
    }
    return entry
  }

  /// Fetches what the download folder lacks, from the first mirror that serves it; each file is
  /// checked before it gets its name. Returns the mirror that gave the last file.
  @discardableResult
  public func download(
    _ entry: CatalogEntry, missing: [String] = [], progress: (DownloadProgress) -> Void
  ) throws(DatasetError) -> String {
    let folder = Self.join(downloadFolder, entry.folderName)
    let wanted = entry.files.filter { $0.existing(in: folder) == nil }
    let expectedInAll = wanted.reduce(0) { $0 + $1.archiveSize }
    let downloader = Downloader(environment: environment)
    guard downloader.curl != nil else {
      throw DatasetError(
        .unavailable,
        Self.explain(
          entry, missing: missing,
          tried: ["the program curl, which downloads it, is not in PATH (apt install curl)"]))
    }
    do throws(FileError) { try Self.makeFolders(folder) } catch { throw DatasetError(error) }
    StagedFile.removeAbandoned(in: folder)

    var mirrors = entry.mirrors
    var tried: [String] = []
    var finished = 0
    for file in wanted {
      let path = Self.join(folder, file.archiveName)
      while true {
        guard let mirror = mirrors.first else {
          throw DatasetError(.unavailable, Self.explain(entry, missing: missing, tried: tried))
        }
        do throws(Downloader.Failure) {
          var staged: StagedFile
          do throws(FileError) {
            // With its ending, which says what it is.
            staged = try StagedFile(for: path, ending: "-" + file.archiveName)
          } catch { throw .file(error) }
          // Room for a compressor twice as bad.
          try downloader.fetch(
            mirror + file.archiveName, into: staged, limit: 2 * file.archiveSize
          ) { received in
            progress(
              DownloadProgress(
                file: file.archiveName, mirror: mirror, received: received,
                expected: file.archiveSize,
                receivedInAll: finished + received, expectedInAll: expectedInAll))
          }
          do throws(DatasetError) { try file.verify(staged.temporary) } catch {
            throw .mirror("\(file.archiveName) from there is not the published file")
          }
          do throws(FileError) { try staged.publish() } catch { throw .file(error) }
        } catch {
          switch error {
          case .mirror(let reason):
            tried.append("\(mirror): \(reason)")
            mirrors.removeFirst()
            continue
          case .interrupted: throw DatasetError(.interrupted, "the download was stopped")
          case .file(let error): throw DatasetError(error)
          case .noCurl: preconditionFailure("curl was there a moment ago")
          }
        }
        finished += file.archiveSize
        progress(
          DownloadProgress(
            file: file.archiveName, mirror: mirror, received: file.archiveSize,
            expected: file.archiveSize, receivedInAll: finished, expectedInAll: expectedInAll))
        break
      }
    }
    return mirrors.first ?? folder
  }

  /// The whole message when a set is not to be had.
  static func explain(_ entry: CatalogEntry, missing: [String], tried: [String]) -> String {
    var lines = [
      "\(entry.name) is not on this machine" + (tried.isEmpty ? "" : " and could not be downloaded")
    ]
    lines += missing.map { "  looked: \($0)" }
    lines += tried.map { "  tried: \($0)" }
    let names = entry.files.map(\.archiveName).joined(separator: ", ")
    lines.append(
      "  by hand: put \(names) into a folder DIR/\(entry.folderName) and give --data DIR or set "
        + "RUNNER_DATA=DIR; they are published at \(entry.mirrors.joined(separator: " and "))")
    return lines.joined(separator: "\n")
  }

  /// Makes a folder and those that it lies in.
  private static func makeFolders(_ path: String) throws(FileError) {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
      if mkdir(made, 0o777) != 0 && errno != EEXIST && errno != EISDIR {
        throw FileError("create", made, code: errno)
      }
    }
  }
}
