import Bytes
import CoAP
import DOTS
import Dial
import Model
import TLS

/// A client's session above (D)TLS.
final class FrontSession {
  let id: UInt32
  let entrance: Int
  let tls: SessionID
  /// What the router opened itself; nil at an entrance.
  let dialled: Attempt?
  let announced: Session
  let layer: SessionLayer
  var configuration = ConfigurationDesk()
  var heartbeats: HeartbeatClock
  /// The heartbeat of ours that has no answer yet.
  var heartbeat: ExchangeID?
  /// Whether a `client` section names the peer; true until core has said otherwise.
  var isClient = true
  /// Whether the client has an active mitigation.
  var isMitigating = false
  /// When what is observed is looked at again; nil while nothing is.
  var pollAt: Instant?
  /// What was told last of what it observes.
  var told: [ToldState] = []

  init(
    _ id: UInt32,
    entrance: Int,
    tls: SessionID,
    dialled: Attempt?,
    announced: Session,
    layer: SessionLayer,
    now: Instant
  ) {
    self.id = id
    self.entrance = entrance
    self.tls = tls
    self.dialled = dialled
    self.announced = announced
    self.layer = layer
    heartbeats = HeartbeatClock(duty: dialled == nil ? .usual : .keepsOpen, now: now)
  }

  var nextTimeout: Instant? {
    var next = layer.nextTimeout
    for moment in [heartbeats.nextTimeout, pollAt] {
      if let moment { next = next.map { min($0, moment) } ?? moment }
    }
    return next
  }

  /// Lets what was negotiated hold: for heartbeats, and for repetitions where nothing else repeats.
  func useParameters(now: Instant) {
    var parameters = configuration.parameters(mitigating: isMitigating)
    if announced.transport == .tcp { parameters = parameters.overStream }
    heartbeats.set(parameters, now: now)
    layer.parameters = TransmissionParameters(
      ackTimeout: .milliseconds(parameters.ackTimeout * 10),
      ackRandomFactor: UInt16(clamping: parameters.ackRandomFactor),
      maxRetransmit: UInt8(clamping: parameters.maximumRetransmit)
    )
  }
}
