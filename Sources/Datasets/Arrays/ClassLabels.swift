import Elements
import Images

/// The labels of a file in order, each as it stands there, until what they mean is decided by all of
/// them: names of classes where names are given, else their numbers.
struct ClassLabels {
  /// The different labels, and where each comes first.
  private var distinct: [(text: String, place: Int)] = []
  private var byText: [String: Int32] = [:]
  /// For the numbers that classes may have, which most labels are: their place among the different ones,
  /// −1 where there is none. It grows with them.
  private var byNumber: [Int32] = []
  private var rows: [Int32] = []

  /// One more than there may be classes.
  private static let limit = Labels.mostClasses + 1

  var count: Int { rows.count }

  /// Whole numbers by their digits, whether or not they were written as `7.0`.
  mutating func append(_ number: Int) {
    guard (0..<Labels.mostClasses).contains(number) else { return append(String(number)) }
    while byNumber.count <= number {
      byNumber += Array(repeating: -1, count: max(1024, byNumber.count))
    }
    if byNumber[number] < 0 { byNumber[number] = index(String(number)) }
    rows.append(byNumber[number])
  }

  mutating func append(_ text: String) { rows.append(index(text)) }

  private mutating func index(_ text: String) -> Int32 {
    if let index = byText[text] { return index }
    // More than there may be classes: one that is none of them is among those that are kept.
    guard distinct.count < Self.limit else { return Int32(Self.limit - 1) }
    let index = Int32(distinct.count)
    distinct.append((text, rows.count))
    byText[text] = index
    return index
  }

  /// The class of each label.
  ///
  /// - Parameters:
  ///   - place: what a message calls the label of an index: `a.csv:7: the label`.
  ///   - noted: told what was taken for granted.
  func classes(
    of classes: ClassNames, place: (Int) -> String, noted: (String) -> Void
  ) throws(DatasetError) -> Labels {
    var labels: [Int?] = distinct.map { classes.named($0.text) }
    if labels.contains(nil), classes.mayBeNumbered {
      let numbers = distinct.map { classes.numbered($0.text) }
      // Names that are among them are of another way to write them.
      if !numbers.contains(nil) {
        labels = numbers
        let shown = classes.names.prefix(3).enumerated().map { "\($0) is \($1)" }
        noted(
          "labels are taken as the numbers of the classes: \(shown.joined(separator: ", "))"
            + (classes.names.count > 3 ? ", …" : ""))
      } else if labels.allSatisfy({ $0 == nil }) {
        labels = numbers
      }
    }
    if let bad = labels.firstIndex(of: nil) {
      throw DatasetError(
        .damaged,
        "\(place(distinct[bad].place)) is \(shownLabel(distinct[bad].text)); \(classes.described)"
          + advice(classes))
    }
    let table = labels.map { $0! }
    return Labels(rows.map { table[Int($0)] })
  }

  /// The classes that these are, where nobody says them: as many as there are numbers, where they count
  /// from 0, else the different labels, numbers by their value, texts by their letters.
  func found(_ path: String) throws(DatasetError) -> OwnFiles.Classes {
    func refuse(_ message: String) -> DatasetError {
      DatasetError(.invalid, "\(path): \(message); give dataset.classes")
    }
    guard distinct.count <= Labels.mostClasses else {
      throw DatasetError(
        .invalid,
        "\(path): its labels are of more than \(Labels.mostClasses) kinds, the most classes that there "
          + "may be")
    }
    if let odd = distinct.first(where: {
      $0.text.isEmpty || Int($0.text) == nil && Double($0.text) != nil
    }) {
      throw refuse("a label is \(shownLabel(odd.text)), neither a whole number nor a name")
    }
    guard distinct.count > 1 else { throw refuse("all its labels are equal") }
    let numbers = distinct.compactMap { Int($0.text) }.sorted()
    if numbers == Array(0..<distinct.count) { return .count(numbers.count) }
    return numbers.count == distinct.count
      ? .names(numbers.map(String.init)) : .names(distinct.map(\.text).sorted())
  }

  private func shownLabel(_ text: String) -> String {
    Int(text) != nil ? text : "\"\(text.prefix(40))\""
  }

  private func advice(_ classes: ClassNames) -> String {
    let texts = distinct.map(\.text)
    let numbers = texts.compactMap { Int($0) }
    if numbers.contains(where: { $0 >= Labels.mostClasses }) {
      return "; \(StoredImages.tooLargeAdvice)"
        + (numbers.count == texts.count ? ", or give dataset.classes the labels as names" : "")
    }
    guard !classes.areGiven, texts.count <= 256, !texts.contains("") else { return "" }
    if numbers.count < texts.count {
      guard numbers.isEmpty, texts.allSatisfy({ Double($0) == nil }) else { return "" }
      let names = texts.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
      return "; give dataset.classes their names: \(Self.list(names))"
    }
    guard texts.count == classes.names.count else { return "" }
    return "; for labels that don't count from 0 give dataset.classes their names: "
      + Self.list(numbers.sorted().map(String.init))
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(20).map { "\"\($0.prefix(40))\"" }.joined(separator: ", ")
    return "[\(shown)\(names.count > 20 ? ", …" : "")]"
  }
}

/// The classes that labels are of, by their names.
struct ClassNames: Hashable {
  let names: [String]
  /// Whether the spec gives the names; else they are the numbers from 0 on.
  let areGiven: Bool
  /// Of names that are given.
  private let byName: [String: Int]
  /// Whether a label may be a class's number: no name is the number of another class.
  let mayBeNumbered: Bool

  init(_ names: [String], areGiven: Bool) {
    self.names = names
    self.areGiven = areGiven
    byName = Dictionary(
      areGiven ? names.enumerated().map { ($1, $0) } : [],
      uniquingKeysWith: { first, _ in first })
    mayBeNumbered =
      !areGiven || names.enumerated().allSatisfy { Int($1) == nil || Int($1) == $0 }
  }

  init(_ classes: OwnFiles.Classes) {
    switch classes {
    case .count(let count): self.init((0..<count).map(String.init), areGiven: false)
    case .names(let names): self.init(names, areGiven: true)
    }
  }

  /// Of labels that nothing is known of: any small number may be one.
  static let unknown = ClassNames(.count(Labels.mostClasses))

  func named(_ text: String) -> Int? {
    if areGiven { return byName[text] }
    guard let number = numbered(text), names[number] == text else { return nil }
    return number
  }

  func numbered(_ text: String) -> Int? {
    guard let number = Int(text), names.indices.contains(number) else { return nil }
    return number
  }

  /// Whether a whole number could be a label of one of them.
  func mayHold(_ number: Int) -> Bool {
    mayBeNumbered && names.indices.contains(number) || areGiven && byName[String(number)] != nil
  }

  var described: String {
    if !areGiven { return "there are \(names.count) classes, 0 to \(names.count - 1)" }
    let shown = names.prefix(12).map { "\"\($0.prefix(40))\"" }.joined(separator: ", ")
    return "the classes are \(shown)\(names.count > 12 ? ", …" : "")"
  }
}
