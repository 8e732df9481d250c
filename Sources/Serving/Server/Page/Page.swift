import HTTPTypes

/// The page at `/`, whose files are part of the program: it loads nothing from anywhere else.
enum Page {
  static let files: [String: (type: String, bytes: [UInt8])] = [
    "page.html": ("text/html; charset=utf-8", PackageResources.page_html),
    "page.css": ("text/css; charset=utf-8", PackageResources.page_css),
    "page.js": ("text/javascript; charset=utf-8", PackageResources.page_js),
  ]

  static func answer(_ name: String) throws(Refusal) -> Answer {
    guard let file = files[name] else { throw Refusal(.notFound, "there is no \(name)") }
    var answer = Answer(.ok, type: file.type, file.bytes)
    answer.headers = [
      (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
          + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      ),
      ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
      ("Cache-Control", "no-cache"),
    ]
    return answer
  }
}
