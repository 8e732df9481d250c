import Images

/// What a user's own files tell of themselves, where a spec doesn't say it.
public struct OwnFilesSurvey: Hashable, Sendable {
  public let classes: OwnFiles.Classes
  public let shape: ImageShape
}

/// What a spec says of files whose classes or whose images' shape it leaves to them.
public struct OwnFilesQuestion: Hashable, Sendable {
  public var path: String
  public var format: OwnFiles.Format
  public var labelColumn: LabelColumn?
  public var followsOrientation: Bool
  /// Nil where the files are to tell.
  public var classes: OwnFiles.Classes?
  public var shape: ImageShape?

  public init(
    path: String, format: OwnFiles.Format? = nil, labelColumn: LabelColumn? = nil,
    followsOrientation: Bool = false, classes: OwnFiles.Classes? = nil, shape: ImageShape? = nil
  ) {
    self.path = path
    self.format = format ?? .of(path)
    self.labelColumn = labelColumn
    self.followsOrientation = followsOrientation
    self.classes = classes
    self.shape = shape
  }
}

extension DatasetLocator {
  /// Looks at the training images for what a spec doesn't say of them: folders tell their classes and
  /// image files their sizes; arrays and tables tell both by their numbers.
  ///
  /// - Throws: `DatasetError` where they aren't there, or it isn't certain, with the remedy.
  public func survey(_ question: OwnFilesQuestion) throws(DatasetError) -> OwnFilesSurvey {
    let path = try found(question.path)
    try question.format.check(path)
    var (classes, shape) = (question.classes, question.shape)
    switch question.format {
    case .images:
      let names = try ClassFolders(path).names
      classes = classes ?? .names(names)
      if shape == nil {
        shape = try ImageFolder.shape(
          path, classNames: names, turns: question.followsOrientation)
      }
    case .csv:
      let told = try PixelCSV.survey(
        path, expected: shape, classes: classes.map(ClassNames.init),
        labelColumn: question.labelColumn)
      (classes, shape) = (classes ?? told.classes, shape ?? told.shape)
    case .idx:
      let (images, labels) = try IDXFolder.files(path, .training, isOwn: true)
      if classes == nil {
        var distinct = ClassLabels()
        let file = try IDXFile(labels, ranks: 1...1, elements: IDXFile.Element.allCases)
        for label in file.numbers { distinct.append(label) }
        classes = try distinct.found(labels)
      }
      if shape == nil {
        let sizes = try IDXFile(images, ranks: 3...4).dimensions
        let told = ImageShape(
          height: sizes[1], width: sizes[2], channels: sizes.count == 4 ? sizes[3] : 1)
        try told.check(images)
        shape = told
      }
    case .feedback:
      guard let classes, let shape else {
        throw DatasetError(
          .invalid,
          "\(path): a request log doesn't tell the classes and the shape of the model that answered; "
            + "give dataset.classes and dataset.shape, as it was trained with")
      }
      return OwnFilesSurvey(classes: classes, shape: shape)
    case .npz, .npy:
      let arrays = try question.format.arrays(path)
      let (x, y) = try ArrayNames.pair(.training, isOwn: true, in: arrays, path: path)
      if classes == nil { classes = try NPY.classes(try arrays.stream(y)) }
      if shape == nil { shape = try NPY.shape(try arrays.stream(x)) }
    }
    return OwnFilesSurvey(classes: classes!, shape: shape!)
  }

  /// Looks whether the files that a request names are there and fit what it says of them.
  ///
  /// - Returns: how many images there are of each part; of one that isn't asked for, nil.
  /// - Throws: `DatasetError` for the first thing that is wrong.
  public func countFiles(
    _ request: DatasetRequest, threads: Int
  ) throws(DatasetError) -> (training: Int, validation: Int?, test: Int?) {
    let places = try FilesPlaces(request, self)
    let reading = try OwnFilesReading(places, request: request, threads: threads)
    func count(_ place: FilesPlaces.Place?, _ part: FilesPart) throws(DatasetError) -> Int? {
      guard let place else { return nil }
      return try reading.count(place.path, part, isOwn: place.isOwn)
    }
    return (
      try reading.count(places.training, .training, isOwn: true),
      try count(places.validation, .validation), try count(places.test, .test)
    )
  }
}
