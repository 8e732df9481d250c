/// The secret that clients have to show, as `Authorization: Bearer …`.
struct Token: Sendable {
  private let wanted: [UInt8]

  init(_ text: String) { wanted = Array("Bearer \(text)".utf8) }

  /// Nil where a request may pass.
  func refusal(of uri: String, shown: String?) -> Refusal? {
    guard let target = RequestTarget(uri), !Route.isOpen(target.path) else { return nil }
    return refusal(shown: shown)
  }

  func refusal(shown: String?) -> Refusal? {
    let shown = shown.map { Array($0.utf8) } ?? []
    // As long for any token, so that nobody finds it letter by letter.
    var difference = shown.count ^ wanted.count
    for (i, byte) in wanted.enumerated() {
      difference |= Int(byte ^ (i < shown.count ? shown[i] : 0))
    }
    guard difference != 0 else { return nil }
    var refusal = Refusal(.unauthorized, "show the server's token: Authorization: Bearer …")
    refusal.headers = [("WWW-Authenticate", "Bearer")]
    return refusal
  }
}
