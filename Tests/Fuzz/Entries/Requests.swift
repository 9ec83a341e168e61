import Bytes
import CoAP
import DOTS
import Link
import Model
import TestServer

/// Frames, each a request on a session of one client: read, decided, planned, answered.
///
/// The first byte of a token says which role the session has, and how long after the last request
/// this one comes.
func examineRequests(_ bytes: [UInt8]) throws(Broken) {
  var reader = FrameReader()
  reader.append(bytes)
  var server = RequestServer(
    settings: FuzzedHome.settings,
    home: FuzzedHome.home,
    session: FuzzedHome.session
  )
  var now = Instant(milliseconds: 1_000_000)
  for _ in 0..<32 {
    guard let message = try? reader.next() else { break }
    let control = message.token.first ?? 0
    server.session.role = control & 1 == 0 ? .base : .callHome
    now = now + .seconds(Int64(control >> 1) * Int64(control >> 1))
    try examine(message, role: server.session.role)
    let before = server.engine
    let answer = try server.answer(to: message, now: now)
    try server.check(at: now)
    guard let answer else { continue }
    if answer.code.major > 2 { try Broken.unless(answer.code.major < 6, "no answer's code") }
    if message.code == .get {
      var then = before
      _ = then.advanced(to: now)
      try Broken.unless(server.engine.records(now: now) == then.records(now: now), "GET changes")
    }
    try examine(answer)
  }
  try server.advance(to: now + .seconds(10_000_000))
  try server.check(at: now + .seconds(10_000_000))
}

/// What is read as a request is written as one that reads the same, and passes the door to core.
private func examine(_ message: CoAPMessage, role: SessionRole) throws(Broken) {
  let request: DOTSRequest
  do throws(PeerError) { request = try DOTSRequest(message, role: role) } catch {
    try Broken.unless(error.diagnostic.isUTF8, "a diagnostic that is no text")
    try Broken.unless(error.code.major == 4 || error.code.major == 5, "\(error.code.rawValue)")
    return
  }
  if let written = request.message {
    guard let again = try? DOTSRequest(written, role: role) else {
      throw Broken("what is written can't be read")
    }
    try Broken.unless(again == request, "another request is written")
  }
  guard case .mitigation(let asked) = request else { return }
  switch asked {
  case .mitigate(_, let scope, _, _) where !scope.fitsMessage: return
  case .mitigateNew(_, let scope, _) where !scope.fitsMessage: return
  default: break
  }
  let message = SignalMessage.request(session: 1, handle: 1, deadline: .blank, asked)
  guard let bytes = try? message.encoded() else { throw Broken("a request doesn't pass the door") }
  guard (try? SignalMessage(parsing: bytes)) == message else { throw Broken("core reads another") }
}

/// What is answered can be read by a client as what it is.
private func examine(_ answer: CoAPMessage) throws(Broken) {
  guard let response = try? DOTSResponse(answer) else {
    throw Broken("an answer that can't be read, code \(answer.code.rawValue)")
  }
  try Broken.unless(response.message == answer, "an answer is read as another")
}

/// A home with both families, a client that may ask for anything, and something protected.
private enum FuzzedHome {
  static func address(_ text: Text) -> IPAddress { IPAddress(parsing: text) ?? IPAddress(v4: 1) }
  static func prefix(_ text: Text) -> Prefix {
    Prefix(parsing: text) ?? Prefix(host: IPAddress(v4: 1))
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
    client.may = [.block, .limit, .quarantine]
    client.mayNameInternal = true
    settings.clients = [client]
    var section = ProtectSettings(section: "alarm")
    section.prefixes = [prefix("198.51.100.200"), prefix("2001:db8:ffff::ff")]
    settings.protections = [section]
    return settings
  }()

  static let session = Session(
    id: 1,
    peer: address("192.0.2.1"),
    peerPort: 4646,
    local: address("203.0.113.77"),
    localPort: 4646,
    transport: .tcp,
    role: .base,
    identity: PeerIdentity(names: ["client"], publicKeyDigest: [])
  )
}
