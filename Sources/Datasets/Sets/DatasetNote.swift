/// What was taken for granted when files were read, as a sentence to the user.
struct DatasetNote: Hashable {
  /// The file, or the file and the array in it.
  let place: String
  let text: String

  /// One line for each text, with all the places that it is of.
  static func lines(_ notes: [DatasetNote]) -> [String] {
    var texts: [String] = []
    var places: [String: [String]] = [:]
    for note in notes {
      if places[note.text] == nil { texts.append(note.text) }
      if places[note.text]?.contains(note.place) != true {
        places[note.text, default: []].append(note.place)
      }
    }
    return texts.map { "\(places[$0]!.joined(separator: " and ")): \($0)" }
  }
}
