import Bytes

/// What carries the messages of a session: datagrams or a stream.
protocol MessagePath: AnyObject {
  var maximumSize: Int { get }
  var isClosed: Bool { get }
  var nextTimeout: Instant? { get }
  func opened(now: Instant) -> [MessageAction]
  func received(_ bytes: [UInt8], now: Instant) -> [MessageAction]
  func timedOut(now: Instant) -> [MessageAction]
  func respond(
    to exchange: ExchangeID,
    with response: CoAPMessage,
    now: Instant
  ) -> [MessageAction]
  func leaveUnanswered(_ exchange: ExchangeID, now: Instant) -> [MessageAction]
  func notify(_ notification: CoAPMessage, now: Instant) -> [MessageAction]
  func send(
    _ request: CoAPMessage,
    confirmable: Bool,
    isRepeated: Bool,
    patience: Span?,
    renewing observation: ExchangeID?,
    now: Instant
  ) throws(SendRefusal) -> (exchange: ExchangeID, actions: [MessageAction])
  func forget(_ request: ExchangeID)
  func release() -> [MessageAction]
}

extension MessageLayer {
  /// Datagrams have no end.
  var isClosed: Bool { false }

  /// Datagrams need no settings.
  func opened(now: Instant) -> [MessageAction] { [] }

  /// Nothing is to be released.
  func release() -> [MessageAction] { [] }
}
