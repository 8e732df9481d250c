/// Names for the layers of a graph in a programming language: its letters, digits and underscores, every
/// one once.
struct Identifiers {
  private var taken: Set<String>

  /// - Parameter reserved: what the language, or what surrounds the names, has itself.
  init(reserved: Set<String>) { taken = reserved }

  mutating func identifier(_ name: String) -> String {
    var plain = String(
      name.unicodeScalars.map { scalar in
        let isPlain =
          scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
        return isPlain ? Character(scalar) : "_"
      })
    if plain.first.map({ $0.isNumber || $0 == "_" }) ?? true { plain = "layer_\(plain)" }
    var (candidate, number) = (plain, 2)
    while !taken.insert(candidate).inserted {
      candidate = "\(plain)_\(number)"
      number += 1
    }
    return candidate
  }
}
