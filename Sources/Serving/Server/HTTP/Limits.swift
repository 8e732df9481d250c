import NIOCore

/// What one client, and all together, may take.
public struct Limits: Sendable {
  /// Bytes of a request's body.
  public var body = 32 << 20
  /// Bytes of all bodies that are being received or wait.
  public var bodies = 256 << 20
  /// Bytes of a request's headers.
  public var headers = 32 << 10
  public var connections = 1024
  /// Images that wait; more are refused.
  public var queue = 1024
  /// Images of one request.
  public var images = 1024
  /// Pixels of a picture before it is made to fit.
  public var pixels = 1 << 24
  /// From the first byte of a request to its answer.
  public var deadline = TimeAmount.seconds(10)
  /// Between a connection's requests.
  public var idle = TimeAmount.seconds(60)
  /// For a client to take its answer.
  public var writing = TimeAmount.seconds(20)
  /// For what is under way when the server is told to stop.
  public var drain = TimeAmount.seconds(30)

  public init() {}
}
