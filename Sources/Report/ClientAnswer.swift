import Bytes
import Model

/// A mitigation as its client sees it: what a server's answer or notification tells of it.
public struct SeenMitigation: Hashable, Sendable {
  /// The mitigation's number; nil when the server doesn't say it.
  public var mid: UInt32?
  /// What is asked for; without any attribute in most answers.
  public var scope = MitigationScope()
  /// What was granted, or what is left of it.
  public var lifetime: Lifetime?
  /// How it stands.
  public var status: MitigationStatus?
  /// When it became active.
  public var start: UnixTime?
  /// What was dropped; nil when it isn't measured.
  public var dropped: DropCounters?
  /// The conflict that it is in.
  public var conflict: ConflictInformation?
  /// The names of the ACLs that it is in conflict with.
  public var conflictACLs: [Text] = []

  /// A mitigation of which nothing is known yet.
  public init(mid: UInt32?) { self.mid = mid }
}

/// One parameter of a session in its two sets (RFC 9132, Section 4.5.1).
public struct SessionParameter: Hashable, Sendable {
  /// A value and its range; all of them count in hundredths where `isDecimal` says so.
  public struct Value: Hashable, Sendable {
    /// What holds, or is asked for.
    public var current: UInt64?
    /// The least that the server takes.
    public var minimum: UInt64?
    /// The greatest that the server takes.
    public var maximum: UInt64?

    /// A value with its range, where it is told.
    public init(current: UInt64?, minimum: UInt64? = nil, maximum: UInt64? = nil) {
      self.current = current
      self.minimum = minimum
      self.maximum = maximum
    }
  }

  /// The name of RFC 9132, with hyphens.
  public var name: Text
  /// Whether the values have two decimals.
  public var isDecimal: Bool
  /// What holds while something is mitigated.
  public var mitigating: Value?
  /// What holds while nothing is.
  public var idle: Value?

  /// A parameter of these parts.
  public init(_ name: Text, isDecimal: Bool = false, mitigating: Value?, idle: Value?) {
    self.name = name
    self.isDecimal = isDecimal
    self.mitigating = mitigating
    self.idle = idle
  }
}

/// What came of a command of `cordon-client`.
public indirect enum ClientAnswer: Hashable, Sendable {
  /// The mitigation was accepted: newly, or as a refresh.
  case granted(SeenMitigation, isNew: Bool)
  /// The mitigation is withdrawn.
  case withdrawn(mid: UInt32)
  /// These are the client's mitigations, or the one that was asked for.
  case mitigations([SeenMitigation])
  /// What holds on the session.
  case configuration([SessionParameter])
  /// The session's parameters were accepted under this number, in place of others or newly.
  case configured(sid: UInt32, isNew: Bool)
  /// The defaults hold again.
  case configurationReset
  /// The server answered a heartbeat after so long.
  case heartbeat(Span)
  /// The server sends to another one, which is asked now; for so many seconds.
  case redirected(SeenServer, seconds: UInt32?)
  /// The router connects to this client now.
  case sentTo(Text)
  /// These routers have a session.
  case sessions([RouterSession])
}

/// A server that another one sends to (RFC 9132, Section 4.6).
public struct SeenServer: Hashable, Sendable {
  /// The name that its certificate has to carry.
  public var name: Text
  /// Its addresses, where they were told.
  public var addresses: [Text]

  /// A server of these parts.
  public init(name: Text, addresses: [Text]) {
    self.name = name
    self.addresses = addresses
  }
}

/// A router's session with `cordon-client serve`.
public struct RouterSession: Hashable, Sendable {
  /// The first name of its certificate, or of its key.
  public var router: Text
  /// Where it calls from.
  public var peer: IPAddress
  /// Its port.
  public var peerPort: UInt16
  /// What carries the session.
  public var transport: Transport
  /// When it began.
  public var since: UnixTime

  /// A session of these parts.
  public init(
    router: Text,
    peer: IPAddress,
    peerPort: UInt16,
    transport: Transport,
    since: UnixTime
  ) {
    self.router = router
    self.peer = peer
    self.peerPort = peerPort
    self.transport = transport
    self.since = since
  }
}

/// What a server refused, and why.
public struct RefusedRequest: Hashable, Sendable {
  /// The response code, such as `4.09`.
  public var code: Text
  /// The code's name in the RFCs; empty for an unknown one.
  public var name: Text
  /// What the server says; may be empty.
  public var diagnostic: Text = ""
  /// The conflicts that it tells: mostly one.
  public var conflicts: [SeenMitigation] = []
  /// After how many seconds to try again; with another server, for how many it is to be asked.
  public var retryAfter: UInt32?
  /// The server that is to be asked instead.
  public var alternate: SeenServer?

  /// A refusal with this code.
  public init(code: Text, name: Text) {
    self.code = code
    self.name = name
  }
}
