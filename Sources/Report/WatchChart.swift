/// How quantities of requests lie among those of validation images: for each the share of requests below
/// each tenth of the validation images. Requests like them give the diagonal.
public struct WatchChart: Hashable, Sendable {
  /// A quantity's share in each part of the validation images' range, of them and of the requests.
  public struct Quantity: Hashable, Sendable {
    public var name: String
    public var reference: [Double]
    public var window: [Double]
    public var hasMoved: Bool

    public init(_ name: String, reference: [Double], window: [Double], hasMoved: Bool) {
      self.name = name
      self.reference = reference
      self.window = window
      self.hasMoved = hasMoved
    }

    fileprivate var series: Series {
      var (x, y) = (0.0, 0.0)
      var points = [Series.Point(0, 0)]
      for (p, q) in zip(reference, window) {
        (x, y) = (min(1, x + p), min(1, y + q))
        points.append(.init(x, y))
      }
      return Series(hasMoved ? "\(name) (moved)" : name, points: points)
    }
  }

  /// A panel with its title.
  public struct Group: Hashable, Sendable {
    public var title: String
    public var quantities: [Quantity]

    public init(_ title: String, _ quantities: [Quantity]) {
      self.title = title
      self.quantities = quantities
    }
  }

  public var title: String
  public var subtitle: String
  public var groups: [Group]

  public init(title: String, subtitle: String, groups: [Group]) {
    self.title = title
    self.subtitle = subtitle
    self.groups = groups
  }

  public func svg() -> String {
    LineChart(
      title: title, subtitle: subtitle, xLabel: "share of the validation images below",
      xFormat: .percent,
      panels: groups.map { group in
        Panel(
          group.title, format: .percent,
          series: [
            Series("as in validation", line: .dashed, points: [.init(0, 0), .init(1, 1)])
          ] + group.quantities.map(\.series))
      }
    ).svg()
  }
}
