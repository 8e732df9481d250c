import Glibc
import Images
import Storage

/// What a file is, by its first bytes.
enum ContentKind: Hashable {
  case gzip, bzip2, xz, zstandard, zip, excel, parquet, hdf5, numpy, pickle, png, jpeg, idx, unknown

  init(first: [UInt8]) {
    let signatures: [(ContentKind, [UInt8])] = [
      (.gzip, [0x1F, 0x8B]), (.bzip2, Array("BZh".utf8)), (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A]),
      (.zstandard, [0x28, 0xB5, 0x2F, 0xFD]), (.zip, [0x50, 0x4B, 3, 4]),
      (.zip, [0x50, 0x4B, 5, 6]), (.excel, [0xD0, 0xCF, 0x11, 0xE0]),
      (.parquet, Array("PAR1".utf8)), (.hdf5, [0x89, 0x48, 0x44, 0x46]),
      (.numpy, [0x93] + Array("NUMPY".utf8)), (.pickle, [0x80, 2]), (.pickle, [0x80, 3]),
      (.pickle, [0x80, 4]), (.pickle, [0x80, 5]), (.png, PNGFile.signature),
      (.jpeg, JPEGFile.signature), (.idx, [0, 0, 8, 1]), (.idx, [0, 0, 8, 3]),
    ]
    self = signatures.first { first.starts(with: $0.1) }?.0 ?? .unknown
  }

  init(of path: String) throws(DatasetError) {
    let first: [UInt8]
    do throws(FileError) {
      let file = try FileDescriptor.reading(path)
      first = try file.read(min(8, try file.size()), at: 0)
    } catch { throw DatasetError(error) }
    self.init(first: first)
  }

  /// What it is and what to do, where it is not what was expected.
  var advice: String {
    switch self {
    case .gzip: "it is a gzip file; unpack it with gunzip"
    case .bzip2: "it is a bzip2 file; unpack it with bunzip2"
    case .xz: "it is an xz file; unpack it with xz -d"
    case .zstandard: "it is a Zstandard file; unpack it with zstd -d"
    case .zip: "it is a ZIP archive; unpack it with unzip"
    case .excel: "it is an Excel workbook; save it as CSV"
    case .parquet:
      "it is a Parquet file; save pandas.read_parquet(path).to_csv(\"data.csv\", index=False)"
    case .hdf5: "it is an HDF5 file; save its arrays with numpy.savez_compressed, as .npz"
    case .numpy:
      "it is one NumPy array; images and labels are read from an .npz file (numpy.savez), or from a "
        + "folder of .npy files with dataset.format \"npy\""
    case .pickle:
      "it is a Python pickle, which is a program and is not run; save its arrays with numpy.savez"
    case .png, .jpeg:
      "it is one image; images are read from a folder with a folder of them per class"
    case .idx: "it is an IDX file; give its folder, with dataset.format \"idx\""
    case .unknown:
      "it is a file; a folder with a folder of images per class was expected. For a table give "
        + "dataset.format \"csv\""
    }
  }

  /// What to do about a ZIP archive that is not read as it is.
  static func advice(onArchiveOf names: [String]) -> String {
    let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    func have(_ endings: String...) -> Int {
      names.count { name in endings.contains { name.lowercased().hasSuffix($0) } }
    }
    if names.contains("[Content_Types].xml") { return ContentKind.excel.advice }
    if have(".npy") > 0 {
      return "it is a ZIP archive of NumPy arrays (\(shown)); give dataset.format \"npz\""
    }
    let tables = names.filter { OwnFiles.Format.of($0) == .csv }
    if tables.count == 1 {
      return "it is a ZIP archive of \(tables[0]); give dataset.format \"csv\" to read that"
    }
    if tables.count > 1 {
      return "it is a ZIP archive of \(tables.count) tables (\(shown)); unpack it, and give one as "
        + "dataset.path and one as dataset.test_path"
    }
    return
      "it is a ZIP archive (\(shown)); unpack it with unzip, and give the folder that holds the "
      + "folder of each class"
  }
}

extension ZipArchive {
  /// The names of its files, but for what hidden and macOS's own folders hold.
  var contentNames: [String] {
    entries.map(\.name).filter { name in
      !name.hasSuffix("/")
        && !name.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__MACOSX" }
    }
  }
}
