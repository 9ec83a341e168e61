import Bytes
import CNetfilter
import Model

/// Reads the connections that the kernel tracks, and makes it forget some.
public final class FlowConnection {
  private var socket: NetlinkSocket

  /// Opens the socket; needs CAP_NET_ADMIN once it is used.
  public init() throws(KernelError) {
    // NETLINK_NETFILTER.
    socket = try NetlinkSocket(family: 12)
  }

  /// Shows all connections to `take`, some of them perhaps twice; none is kept.
  ///
  /// With `target`, those alone whose first packet or whose answers go there, where the kernel can tell
  /// them apart (5.8 and later); else all. Those that came from outside last, unless it is enough then:
  /// for each look the kernel goes through its whole table.
  public func read(
    to target: IPAddress?,
    isEnough: () -> Bool = { false },
    _ take: (Flow) -> Void
  ) throws(KernelError) {
    for request in Self.requests(target) where !isEnough() {
      try socket.dump(request) { message in
        if let flow = Flow(message) { take(flow) }
      }
    }
  }

  /// The connection, of IPv4, one of whose directions has this tuple; nil when there is none.
  ///
  /// In the usual zone alone. However many connections there are, it takes the same time.
  public func flow(with tuple: Flow.Tuple) throws(KernelError) -> Flow? {
    // AF_INET; CTA_TUPLE_REPLY, which both directions are sought by.
    var body: [UInt8] = [2, 0, 0, 0]
    Self.begin(52, 2 | 0x8000, in: &body)
    // CTA_TUPLE_IP: CTA_IP_V4_SRC, CTA_IP_V4_DST.
    Self.begin(20, 1 | 0x8000, in: &body)
    Self.append(1, tuple.source.bytes, to: &body)
    Self.append(2, tuple.target.bytes, to: &body)
    // CTA_TUPLE_PROTO: CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT.
    Self.begin(28, 2 | 0x8000, in: &body)
    Self.append(1, [tuple.transport], to: &body)
    for (type, port) in [(UInt32(2), tuple.sourcePort), (3, tuple.targetPort)] {
      Self.append(type, [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)], to: &body)
    }
    // IPCTNL_MSG_CT_GET; NLM_F_REQUEST.
    return try socket.ask(Self.message(1, 0x1, body)).flatMap { Flow($0) }
  }

  /// Makes the kernel forget the connections that `isMeant` tells; how many it was asked to forget.
  ///
  /// At most `maximumForgotten` at a time.
  @discardableResult
  public func forget(to target: IPAddress?, _ isMeant: (Flow) -> Bool) throws(KernelError) -> Int {
    var bodies: [[UInt8]] = []
    for request in Self.requests(target) {
      try socket.dump(request) { message in
        guard bodies.count < Self.maximumForgotten, let flow = Flow(message), isMeant(flow) else {
          return
        }
        bodies.append(Self.name(of: message))
      }
    }
    for body in bodies {
      // IPCTNL_MSG_CT_DELETE; NLM_F_REQUEST, NLM_F_ACK.
      // One that ended by itself, or was told twice, isn't there any more.
      _ = try socket.ask(Self.message(2, 0x5, body))
    }
    return bodies.count
  }

  /// Whether there is a flowtable, through which packets pass by all rules.
  public var mayBeOffloaded: Bool {
    // NFNL_SUBSYS_NFTABLES, NFT_MSG_GETFLOWTABLE; NLM_F_REQUEST, NLM_F_DUMP; of all families.
    let request = RouteConnection.message(10 << 8 | 23, 0x301, [0, 0, 0, 0])
    return (try? socket.dump(request))?.isEmpty == false
  }

  /// As many as a router with little memory tracks; 64 bytes each.
  public static let maximumForgotten = 16_384

  /// The families, and what tells a connection from others: its first packet's tuple and its zone.
  private static func name(of message: NetlinkMessage) -> [UInt8] {
    var body: [UInt8] = [message.payload.byte(at: 0) ?? 2, 0, 0, 0]
    let attributes = message.attributes(after: 4)
    // CTA_TUPLE_ORIG, nested; CTA_ZONE.
    append(1 | 0x8000, attributes.nested(1).array, to: &body)
    if let zone = attributes[18] { append(18, zone.array, to: &body) }
    return body
  }

  /// Dumps of connections: all of both families, or those with an IPv4 target among their targets.
  private static func requests(_ target: IPAddress?) -> [[UInt8]] {
    var requests: [[UInt8]] = []
    // IPCTNL_MSG_CT_GET; NLM_F_REQUEST, NLM_F_DUMP.
    guard let target, target.family == .v4 else { return [message(1, 0x301, [0, 0, 0, 0])] }
    // CTA_TUPLE_ORIG and CTA_FILTER_ORIG_FLAGS, CTA_TUPLE_REPLY and CTA_FILTER_REPLY_FLAGS.
    for way in UInt32(1)...2 {
      // AF_INET.
      var body: [UInt8] = [2, 0, 0, 0]
      begin(16, way | 0x8000, in: &body)
      // CTA_TUPLE_IP, CTA_IP_V4_DST.
      begin(12, 1 | 0x8000, in: &body)
      begin(8, 2, in: &body)
      body += target.bytes
      // CTA_FILTER; CTA_FILTER_F_CTA_IP_DST.
      begin(12, 25 | 0x8000, in: &body)
      begin(8, way, in: &body)
      body.append(host: 2, width: 4)
      requests.append(message(1, 0x301, body))
    }
    return requests
  }

  /// Appends an attribute; its length is a multiple of four.
  private static func append(_ type: UInt32, _ value: [UInt8], to body: inout [UInt8]) {
    begin(UInt32(4 + value.count), type, in: &body)
    body += value
    while body.count % 4 != 0 { body.append(0) }
  }

  /// Appends an attribute's head.
  private static func begin(_ length: UInt32, _ type: UInt32, in body: inout [UInt8]) {
    body.append(host: length, width: 2)
    body.append(host: type, width: 2)
  }

  /// A message of NFNL_SUBSYS_CTNETLINK.
  private static func message(_ kind: UInt32, _ flags: UInt32, _ body: [UInt8]) -> [UInt8] {
    RouteConnection.message(1 << 8 | kind, flags, body)
  }
}

/// Tells of connections that begin.
public final class FlowMonitor {
  private let socket: NetlinkSocket

  /// Events that are read before everything else has its turn.
  private static let maximumEvents = 256

  /// Listens from now on; needs CAP_NET_ADMIN.
  public init() throws(KernelError) {
    // NETLINK_NETFILTER; NFNLGRP_CONNTRACK_NEW is group 1.
    socket = try NetlinkSocket(family: 12, groups: 1)
  }

  /// Readable when there are events.
  public var descriptor: Int32 { socket.descriptor }

  /// Shows connections that began since the last call to `take`, never waits; false when some were lost.
  public func read(_ take: (Flow) -> Void) throws(KernelError) -> Bool {
    var isWhole = true
    for _ in 0..<Self.maximumEvents {
      do throws(KernelError) {
        guard let messages = try socket.receiveNow() else { return isWhole }
        for message in messages {
          if let flow = Flow(message) { take(flow) }
        }
      } catch {
        guard error.errno == ENOBUFS else { throw error }
        isWhole = false
      }
    }
    return isWhole
  }
}

extension Flow {
  /// What a message of connection tracking tells; nil when it is none.
  init?(_ message: NetlinkMessage) {
    // NFNL_SUBSYS_CTNETLINK; IPCTNL_MSG_CT_NEW.
    guard message.type == 0x100 else { return nil }
    let attributes = message.attributes(after: 4)
    // CTA_TUPLE_ORIG, CTA_TUPLE_REPLY.
    guard let original = Tuple(attributes.nested(1)), let reply = Tuple(attributes.nested(2)) else {
      return nil
    }
    self.init(original, reply)
  }
}

extension Flow.Tuple {
  /// Nil when an address is missing.
  fileprivate init?(_ attributes: Region) {
    // CTA_TUPLE_IP, CTA_TUPLE_PROTO.
    let ends = attributes.nested(1)
    let parts = attributes.nested(2)
    // CTA_IP_V4_SRC, CTA_IP_V4_DST; two more, those of IPv6.
    guard let source = ends.address(1), let target = ends.address(2) else { return nil }
    // CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT, the types of ICMP and of ICMPv6.
    self.init(
      UInt8(truncatingIfNeeded: parts.number(1)),
      source,
      parts.number(2),
      to: target,
      parts.number(3),
      type: UInt8(truncatingIfNeeded: parts.number(5) | parts.number(8))
    )
  }
}

extension Region {
  /// The address that the attribute of this type is, or that of IPv6; nil when there is none.
  @inline(never)
  fileprivate func address(_ type: UInt32) -> IPAddress? {
    (self[type] ?? self[type + 2]).flatMap { IPAddress(bytes: $0.array) }
  }

  /// The number that the attribute of this type is; 0 when there is none.
  @inline(never)
  fileprivate func number(_ type: UInt32) -> UInt16 {
    UInt16(truncatingIfNeeded: self[type]?.network ?? 0)
  }
}
