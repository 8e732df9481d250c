import Glibc
import Storage

/// How far a download is.
public struct DownloadProgress: Hashable, Sendable {
  /// The file that is being fetched, and from where.
  public let file: String
  public let mirror: String
  /// Bytes so far, and bytes in all, of this file; published sizes, so an estimate.
  public let received: Int
  public let expected: Int
  /// The same over all files of the dataset that are being fetched.
  public let receivedInAll: Int
  public let expectedInAll: Int
}

/// Fetches files by the `curl` program.
struct Downloader {
  /// Why a transfer gave nothing.
  enum Failure: Error, Hashable {
    /// This mirror; another may do.
    case mirror(String)
    case interrupted
    case file(FileError)
    case noCurl
  }

  /// Where `curl` is looked for: its `PATH`.
  let environment: [String: String]

  /// Seconds after which a mirror that does not answer, or sends nothing any more, is given up.
  static let patience = 5

  /// The first `curl` in `PATH`.
  var curl: String? {
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(folder)/curl"
      if access(path, X_OK) == 0 { return path }
    }
    return nil
  }

  /// Fetches what lies at an address, of `limit` bytes at most. `progress` is called ten times a
  /// second at least, with the bytes so far.
  ///
  /// curl writes into a pipe: when this process ends, however it does, so does curl.
  func fetch(
    _ address: String, into file: borrowing StagedFile, limit: Int, progress: (Int) -> Void
  ) throws(Failure) {
    guard let curl else { throw .noCurl }
    let arguments = [
      "--fail", "--silent", "--show-error", "--location", "--max-redirs", "5",
      "--proto", "=http,https", "--connect-timeout", "\(Self.patience)",
      "--speed-limit", "1000", "--speed-time", "\(Self.patience)",
      "--max-filesize", "\(limit)", address,
    ]
    let handlers = Interruption.takeSignals()
    defer { Interruption.restore(handlers) }
    let transfer: Transfer
    do throws(FileError) {
      transfer = try Transfer(curl, arguments)
    } catch { throw .file(error) }
    var received = 0
    do throws(Failure) {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
      defer { buffer.deallocate() }
      while let piece = try transfer.next(into: buffer) {
        received += piece.count
        guard received <= limit else {
          throw .mirror("it sends more than the \(limit) bytes that were expected at most")
        }
        do throws(FileError) { try file.write(piece) } catch { throw .file(error) }
        progress(received)
      }
    } catch {
      transfer.stop()
      throw error
    }
    switch transfer.end() {
    case .status(0): break
    case .status(28): throw .mirror("no answer within \(Self.patience) seconds")
    case .status(let code):
      let said = transfer.errors()
      throw .mirror(said.isEmpty ? "curl ended with status \(code)" : said)
    case .signal(let signal): throw .mirror("curl ended by signal \(signal)")
    }
  }
}

/// A `curl` under way.
private struct Transfer: ~Copyable {
  private let process: Subprocess
  /// What it gives, and what it says of errors.
  private let output: Int32
  private let errorPipe: Int32

  init(_ program: String, _ arguments: [String]) throws(FileError) {
    let output = try Subprocess.pipe()
    let errors: (read: Int32, write: Int32)
    do throws(FileError) {
      errors = try Subprocess.pipe()
    } catch {
      close(output.read)
      close(output.write)
      throw error
    }
    defer {
      close(output.write)
      close(errors.write)
    }
    do throws(FileError) {
      process = try Subprocess(
        program, arguments, descriptors: [nil, output.write, errors.write], isAlone: true)
    } catch {
      close(output.read)
      close(errors.read)
      throw error
    }
    self.output = output.read
    errorPipe = errors.read
    _ = fcntl(errorPipe, F_SETFL, O_NONBLOCK)
  }

  deinit {
    close(output)
    close(errorPipe)
  }

  /// The next bytes, none where there were none for a tenth of a second; nil at the end.
  func next(
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(Downloader.Failure) -> UnsafeRawBufferPointer? {
    while true {
      if Interruption.signal != nil { throw .interrupted }
      var watched = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let ready = poll(&watched, 1, 100)
      if ready == 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<0]) }
      if ready < 0 { continue }
      let count = read(output, buffer.baseAddress, buffer.count)
      if count == 0 { return nil }
      if count > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<count]) }
      if errno != EINTR {
        throw .mirror("lost track of curl: \(String(cString: strerror(errno)))")
      }
    }
  }

  func stop() {
    kill(process.pid, SIGTERM)
    _ = process.wait()
  }

  func end() -> Subprocess.Ending { process.wait() }

  /// What the program, which has ended, wrote to its standard error: the last line.
  func errors() -> String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(errorPipe, &bytes, bytes.count)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    let line = text.split(separator: "\n").last.map(String.init) ?? ""
    return line.hasPrefix("curl: ") ? String(line.dropFirst(6)) : line
  }
}
