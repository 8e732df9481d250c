/// A network from its images, above, to its scores, below: boxes of layers, and lines from each box
/// to those that read it. Equal charts give equal bytes.
public struct NetworkChart: Hashable, Sendable {
  /// Layers one after another that no line comes between.
  public struct Box: Hashable, Sendable {
    public enum Look: Hashable, Sendable {
      /// It has something to learn.
      case weights
      case merge
      case plain
    }

    /// A layer: what it is, and what comes out of it.
    public struct Line: Hashable, Sendable {
      public var text: String
      public var detail: String
      public init(_ text: String, _ detail: String) {
        self.text = text
        self.detail = detail
      }
    }

    public var lines: [Line]
    /// The boxes that it reads, each before its own.
    public var inputs: [Int]
    public var look: Look
    /// What is told where the pointer rests on it.
    public var note: String

    public init(_ lines: [Line], inputs: [Int], look: Look = .plain, note: String = "") {
      self.lines = lines
      self.inputs = inputs
      self.look = look
      self.note = note
    }
  }

  public var title: String
  /// A line under the title; nothing when empty.
  public var subtitle: String
  public var boxes: [Box]

  public init(title: String, subtitle: String = "", boxes: [Box]) {
    for (i, box) in boxes.enumerated() {
      precondition(box.inputs.allSatisfy { 0 <= $0 && $0 < i }, "a box reads what comes after it")
    }
    self.title = title
    self.subtitle = subtitle
    self.boxes = boxes
  }

  /// The picture as a whole SVG 1.1 file.
  public func svg() -> String { NetworkDrawing(self).element().file }
}
