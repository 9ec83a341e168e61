import Bytes
import Report

/// Which servers a run has asked, so that it isn't sent round in circles (RFC 9132, Section 4.6).
struct Redirections {
  /// A redirection to a server that was asked so lately is ignored.
  static let memory = Span.seconds(300)
  /// How often one request is sent on.
  static let limit = 4

  private var asked: [(name: Text, at: Instant)] = []

  /// The call that asks the server to which `refused` sends, instead of the one that `call` has asked
  /// until `now`; nil when there is none, or when it was asked already.
  mutating func next(after refused: RefusedRequest, of call: Call, now: Instant) -> Call? {
    guard let server = refused.alternate else { return nil }
    for name in [call.destination.host, call.serverName ?? ""] {
      asked.append((name.asciiLowercased, now))
    }
    let name = server.name.asciiLowercased
    for one in asked where one.name == name && now - one.at < Self.memory { return nil }
    guard asked.count <= Self.limit * 2 else { return nil }
    var next = call
    // Its certificate has to carry its own name, whatever the first server's was.
    next.destination.host = server.name
    next.serverName = nil
    next.addresses = server.addresses.compactMap { IPAddress(parsing: $0)?.unmapped }
    return next
  }
}
