/// Height and width.
public struct Extent: Hashable, Sendable {
  public var height: Int
  public var width: Int
  @inlinable
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
}

/// The shape of one sample between two layers; images lie in memory as height, width, channels.
public enum Shape: Hashable, Sendable, CustomStringConvertible {
  case image(height: Int, width: Int, channels: Int)
  case vector(Int)

  public var description: String {
    switch self {
    case .image(let h, let w, let c): "\(h)x\(w)x\(c)"
    case .vector(let n): "\(n)"
    }
  }
}

extension Shape {
  /// Numbers per sample.
  @inlinable
  public var count: Int {
    switch self {
    case .image(let h, let w, let c): h * w * c
    case .vector(let n): n
    }
  }

  /// Height and width; 1x1 for a vector.
  @inlinable
  public var extent: Extent {
    switch self {
    case .image(let h, let w, _): Extent(h, w)
    case .vector: Extent(1, 1)
    }
  }

  /// Channels of an image, or a vector's length.
  @inlinable
  public var channels: Int {
    switch self {
    case .image(_, _, let c): c
    case .vector(let n): n
    }
  }

  package var isImage: Bool { if case .image = self { true } else { false } }

  package init(_ extent: Extent, _ channels: Int) {
    self = .image(height: extent.height, width: extent.width, channels: channels)
  }
}
