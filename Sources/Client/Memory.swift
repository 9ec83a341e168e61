import Bytes
import DOTS
import Model

/// What one run leaves to the next in the file behind `--ticket`: the way that worked, and what
/// resumes the session.
struct Memory: Hashable {
  /// For how long the way is tried first (RFC 9132, Section 4.3: on the order of a few minutes), in
  /// seconds.
  static let freshness: UInt64 = 600
  /// The largest file that is read, in bytes: a ticket holds certificates.
  static let longest = 65_536

  /// The way that worked.
  var candidate: Candidate
  /// When.
  var time: UnixTime
  /// What resumes the session; secret.
  var ticket: [UInt8]

  private static let mark: [UInt8] = ("cordon-client ticket 1\n" as Text).bytes

  /// What a session leaves.
  init(_ candidate: Candidate, time: UnixTime, ticket: [UInt8]) {
    self.candidate = candidate
    self.time = time
    self.ticket = ticket
  }

  /// Reads a file; nil when it is none of ours.
  init?(parsing bytes: [UInt8]) {
    guard bytes.starts(with: Self.mark) else { return nil }
    let rest = [UInt8](bytes.dropFirst(Self.mark.count))
    guard rest.count > 10, let transport = Transport(rawValue: rest[0]) else { return nil }
    let seconds = rest[1..<9].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let end = 10 + Int(rest[9])
    guard rest.count > end, let address = IPAddress(bytes: [UInt8](rest[10..<end])) else {
      return nil
    }
    candidate = Candidate(transport, address)
    time = UnixTime(seconds: seconds)
    ticket = [UInt8](rest[end...])
  }

  /// The file.
  var encoded: [UInt8] {
    var bytes = Self.mark + [candidate.transport.rawValue]
    bytes.append(bigEndian: time.seconds)
    let address = candidate.address.bytes
    bytes.append(UInt8(truncatingIfNeeded: address.count))
    return bytes + address + ticket
  }

  /// The way, while it may be trusted.
  func known(now: UnixTime) -> Candidate? {
    time <= now && now.seconds - time.seconds < Self.freshness ? candidate : nil
  }

  /// The ticket for a session over this transport; tickets of another serve for nothing.
  func ticket(over transport: Transport) -> [UInt8] {
    transport == candidate.transport ? ticket : []
  }
}
