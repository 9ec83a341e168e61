import Bytes
import CoAP
import DOTS
import Model

/// What a lane asks for, until it is answered.
enum LaneRequest {
  case put(MitigationName, MitigationScope, lifetime: UInt32, isLong: Bool)
  case delete(MitigationName)

  var message: CoAPMessage? {
    let request: MitigationRequest =
      switch self {
      case .put(let name, let scope, let lifetime, _):
        .mitigate(name, scope, lifetime: .seconds(lifetime), efficacy: nil)
      case .delete(let name): .withdraw(name)
      }
    return DOTSRequest.mitigation(request).message
  }
}

/// Requests about one device and one victim, and what their answers mean.
struct Lane {
  let number: Int
  var left = 0
  var due = Instant(milliseconds: 0)
  var request: LaneRequest?
  var exchange: ExchangeID?
  /// The mid that stands, as far as was told, and whether beyond the end of the run.
  private var mid: UInt32?
  private var isLong = false
  /// Whether all that ever was of the higher mid may still be ending.
  private var mayEnd = false

  init(number: Int) { self.number = number }

  var isStanding: Bool { mid != nil && isLong }

  mutating func received(_ response: CoAPMessage, isTerminating: Bool) throws(Broken) {
    left -= 1
    switch request {
    case .put(let name, _, _, let isLong):
      if response.code == .conflict {
        // Only a higher mid, which stands, stood, or is ending, is a reason.
        try Broken.unless(name.mid < 10 && mayEnd, "lane \(number): a conflict with nothing")
        return
      }
      try Broken.unless(
        response.code == .created || response.code == .changed,
        "lane \(number): PUT is answered \(response.code.major).\(response.code.detail)"
      )
      mid = name.mid
      self.isLong = isLong
      mayEnd = name.mid >= 10
    case .delete(let name):
      try Broken.unless(response.code == .deleted, "lane \(number): DELETE is refused")
      if mid == name.mid {
        mid = nil
        mayEnd = mayEnd && isTerminating
      }
    case nil: throw Broken("lane \(number): an answer to nothing")
    }
  }
}

/// Where it happens.
enum Place {
  static func address(_ text: Text) -> IPAddress { IPAddress(parsing: text) ?? IPAddress(v4: 1) }
  static func prefix(_ text: Text) -> Prefix {
    Prefix(parsing: text) ?? Prefix(host: IPAddress(v4: 1))
  }
  static func source(_ lane: Int) -> IPAddress {
    IPAddress(v6High: 0x2001_0db8_0001_0000, low: UInt64(16 + lane))
  }
  static func target(_ lane: Int) -> IPAddress {
    IPAddress(v6High: 0x2001_0db8_ffff_0000, low: UInt64(1 + lane))
  }
  static func scope(_ lane: Int) -> MitigationScope {
    var scope = MitigationScope()
    scope.sourcePrefixes = [Prefix(host: source(lane))]
    scope.targetPrefixes = [Prefix(host: target(lane))]
    return scope
  }

  static let home = Home(
    wanAddresses: [address("203.0.113.77"), address("2001:db8:aaaa::1")],
    lanPrefixes: [prefix("192.168.1.0/24"), prefix("2001:db8:1::/64")],
    lanAddresses: [address("192.168.1.1"), address("2001:db8:1::1")]
  )
  static let settings: CoreSettings = {
    var settings = CoreSettings()
    var client = ClientSettings(section: "isp", name: "client")
    client.maximumRate = 0
    settings.clients = [client]
    return settings
  }()
  static let session = Session(
    id: 1,
    peer: address("192.0.2.1"),
    peerPort: 4646,
    local: address("203.0.113.77"),
    localPort: 4646,
    transport: .udp,
    role: .callHome,
    identity: PeerIdentity(names: ["client"], publicKeyDigest: [])
  )
}
