/// The datasets that a spec may name.
public enum DatasetCatalog {
  public static let all: [CatalogEntry] =
    [mnist, fashionMNIST, kmnist] + emnist + [usps, svhn, cifar10, cifar100, syntheticDigits]

  public static var names: [String] { all.map(\.name) }

  public static subscript(name: String) -> CatalogEntry? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  private static let digits = (0...9).map(String.init)

  public static let mnist = CatalogEntry(
    name: "mnist",
    summary: "handwritten digits (Y. LeCun, C. Cortes, C. Burges)",
    height: 28, width: 28, channels: 1,
    classNames: digits, trainCount: 60_000, testCount: 10_000,
    licence: "CC BY-SA 3.0",
    source: .published(
      [
        PublishedFile(
          name: "train-images-idx3-ubyte",
          digest: .content(
            size: 47_040_016,
            sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
          archiveSize: 9_912_422),
        PublishedFile(
          name: "train-labels-idx1-ubyte",
          digest: .content(
            size: 60_008,
            sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
          archiveSize: 28_881),
        PublishedFile(
          name: "t10k-images-idx3-ubyte",
          digest: .content(
            size: 7_840_016,
            sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
          archiveSize: 1_648_877),
        PublishedFile(
          name: "t10k-labels-idx1-ubyte",
          digest: .content(
            size: 10_008,
            sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
          archiveSize: 4_542),
      ], .idx,
      mirrors: [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
      ]))

  public static let syntheticDigits = CatalogEntry(
    name: "synthetic_digits",
    summary: "digits drawn from stroke skeletons, any number of them",
    height: 28, width: 28, channels: 1,
    classNames: digits, trainCount: 60_000, testCount: 10_000,
    licence: "as this program (Apache-2.0)",
    source: .builtIn)

  // SHA-256 of the archives: TensorFlow Datasets' url_checksums.

  static let fashionMNIST = CatalogEntry(
    name: "fashion_mnist",
    summary: "articles of clothing (H. Xiao, K. Rasul, R. Vollgraf)",
    height: 28, width: 28, channels: 1,
    classNames: [
      "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
      "Ankle boot",
    ], trainCount: 60_000, testCount: 10_000,
    licence: "MIT",
    source: .published(
      archives([
        (
          "train-images-idx3-ubyte.gz", 26_421_880,
          "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        (
          "train-labels-idx1-ubyte.gz", 29_515,
          "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        (
          "t10k-images-idx3-ubyte.gz", 4_422_102,
          "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        (
          "t10k-labels-idx1-ubyte.gz", 5_148,
          "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
      ]), .idx,
      mirrors: ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]))

  static let kmnist = CatalogEntry(
    name: "kmnist",
    summary: "cursive Japanese characters (T. Clanuwat and others, CODH)",
    height: 28, width: 28, channels: 1,
    classNames: ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    trainCount: 60_000, testCount: 10_000,
    licence: "CC BY-SA 4.0",
    source: .published(
      archives([
        (
          "train-images-idx3-ubyte.gz", 18_165_135,
          "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"
        ),
        (
          "train-labels-idx1-ubyte.gz", 29_497,
          "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"
        ),
        (
          "t10k-images-idx3-ubyte.gz", 3_041_136,
          "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"
        ),
        (
          "t10k-labels-idx1-ubyte.gz", 5_120,
          "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"
        ),
      ]), .idx,
      mirrors: ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]))

  /// The six splits, all in one archive.
  static let emnist: [CatalogEntry] = {
    let letters = (UInt8(ascii: "A")...UInt8(ascii: "Z")).map { String(UnicodeScalar($0)) }
    let small = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { String(UnicodeScalar($0)) }
    // Those that look like their capitals are one class with them.
    let merged = digits + letters + ["a", "b", "d", "e", "f", "g", "h", "n", "q", "r", "t"]
    let splits: [(name: String, classes: [String], train: Int, test: Int)] = [
      ("balanced", merged, 112_800, 18_800),
      ("byclass", digits + letters + small, 697_932, 116_323),
      ("bymerge", merged, 697_932, 116_323),
      ("digits", digits, 240_000, 40_000),
      ("letters", letters, 124_800, 20_800),
      ("mnist", digits, 60_000, 10_000),
    ]
    let archive = archives([
      (
        "gzip.zip", 561_753_746,
        "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
      )
    ])
    return splits.map { split in
      CatalogEntry(
        name: "emnist_\(split.name)",
        summary: "handwritten characters of NIST, split \(split.name) (G. Cohen and others)",
        height: 28, width: 28, channels: 1, classNames: split.classes, trainCount: split.train,
        testCount: split.test, licence: "public domain (NIST)",
        source: .published(
          archive, .emnist(split: split.name, firstLabel: split.name == "letters" ? 1 : 0),
          mirrors: [
            "https://biometrics.nist.gov/cs_links/EMNIST/",
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
          ]),
        folderName: "emnist",
        // The test images of this split come class by class.
        isShuffled: split.name != "letters")
    }
  }()

  /// MD5: torchvision's, which is all that is published. So are the sizes only about right.
  static let usps = CatalogEntry(
    name: "usps",
    summary: "digits from envelopes (J. Hull; LIBSVM's form)",
    height: 16, width: 16, channels: 1, classNames: digits, trainCount: 7_291, testCount: 2_007,
    licence: "not stated",
    source: .published(
      [
        PublishedFile(
          name: "usps.bz2", digest: .md5("ec16c51db3855ca6c91edd34d0e9b197"),
          archiveSize: 6_600_000),
        PublishedFile(
          name: "usps.t.bz2", digest: .md5("8ea070ee2aca1ac39742fdd1ef5ed118"),
          archiveSize: 1_900_000),
      ], .libsvm,
      mirrors: ["https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"]))

  static let svhn = CatalogEntry(
    name: "svhn",
    summary: "digits of house numbers in colour, cropped (Y. Netzer and others)",
    height: 32, width: 32, channels: 3, classNames: digits, trainCount: 73_257,
    testCount: 26_032, licence: "for non-commercial use only",
    source: .published(
      archives([
        (
          "train_32x32.mat", 182_040_794,
          "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"
        ),
        (
          "test_32x32.mat", 64_275_384,
          "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"
        ),
      ]), .svhn,
      mirrors: ["http://ufldl.stanford.edu/housenumbers/"]))

  static let cifar10 = CatalogEntry(
    name: "cifar10",
    summary: "small photographs of ten kinds of thing (A. Krizhevsky)",
    height: 32, width: 32, channels: 3,
    classNames: [
      "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ], trainCount: 50_000, testCount: 10_000, licence: "not stated",
    source: .published(
      archives([
        (
          "cifar-10-binary.tar.gz", 170_052_171,
          "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
        )
      ]), .cifar(labelBytes: 1),
      mirrors: ["https://www.cs.toronto.edu/~kriz/"]))

  static let cifar100 = CatalogEntry(
    name: "cifar100",
    summary: "small photographs of a hundred kinds of thing, by fine label (A. Krizhevsky)",
    height: 32, width: 32, channels: 3, classNames: cifar100Classes, trainCount: 50_000,
    testCount: 10_000, licence: "not stated",
    source: .published(
      archives([
        (
          "cifar-100-binary.tar.gz", 168_513_733,
          "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
        )
      ]), .cifar(labelBytes: 2),
      mirrors: ["https://www.cs.toronto.edu/~kriz/"]))

  private static let cifar100Classes = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly \
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile \
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp \
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom \
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine \
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake \
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor \
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
    """.split(separator: " ").map(String.init)

  private static func archives(
    _ files: [(name: String, size: Int, sha256: String)]
  ) -> [PublishedFile] {
    files.map { PublishedFile(name: $0.name, digest: .sha256($0.sha256), archiveSize: $0.size) }
  }
}
