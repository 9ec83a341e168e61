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
  /// What has ended and is still told to who observes all.
  var partings: [Parting] = []

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

  /// Whether both are sessions of one client, as far as certificates tell.
  func isOfSameClient(as other: FrontSession) -> Bool {
    self === other || announced.identity.names == other.announced.identity.names
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

/// The last report of a mitigation that has ended.
struct Parting {
  let report: MitigationReport
  private let cuid: Text
  /// Behind a gateway whose it was, empty for the gateway's own; nil: nobody else's.
  private let cdid: Text?
  /// Until when it is told to who observes all.
  var until = Instant(milliseconds: 0)

  init(_ report: MitigationReport, cuid: Text, cdid: Text?) {
    self.report = report
    self.cuid = cuid
    self.cdid = cdid
  }

  /// Whether it is of the client that asks as `cuid` in `cdid`.
  func concerns(_ cuid: Text, _ cdid: Text?) -> Bool {
    self.cuid == cuid && (self.cdid == nil || self.cdid == cdid ?? "")
  }
}
