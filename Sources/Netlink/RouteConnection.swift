import Bytes
import CNetfilter
import Model

/// An address of an interface of the router.
public struct InterfaceAddress: Equatable, Sendable {
  /// The interface's name.
  public var interface: Text
  /// The address.
  public var address: IPAddress
  /// The length of its network's prefix.
  public var length: Int

  /// An address of these.
  public init(interface: Text, address: IPAddress, length: Int) {
    self.interface = interface
    self.address = address
    self.length = length
  }
}

/// A device that the router has spoken to lately.
public struct Neighbour: Equatable, Sendable {
  /// The name of the interface behind which it is.
  public var interface: Text
  /// Its address.
  public var address: IPAddress
  /// Its hardware address.
  public var mac: MACAddress
}

/// Reads interfaces, addresses and neighbours.
public final class RouteConnection {
  private var socket: NetlinkSocket

  /// Opens the socket; needs no capability.
  public init() throws(KernelError) { socket = try NetlinkSocket(family: 0) }

  /// The addresses of all interfaces, or of those that are up and have a carrier.
  public func addresses(running: Bool = false) throws(KernelError) -> [InterfaceAddress] {
    let names = try names(running: running)
    var found: [InterfaceAddress] = []
    // RTM_GETADDR; struct ifaddrmsg: family, length, flags, scope, index.
    for message in try dump(22, 8) {
      let attributes = message.attributes(after: 8)
      // IFA_LOCAL, where the other end has an address too; else IFA_ADDRESS.
      guard let length = message.payload.byte(at: 1),
        let name = Self.name(message.payload.host(4, at: 4), names),
        let bytes = attributes[2] ?? attributes[1], let address = IPAddress(bytes: bytes.array)
      else { continue }
      found.append(InterfaceAddress(interface: name, address: address, length: Int(length)))
    }
    return found
  }

  /// The neighbours whose hardware address is known.
  public func neighbours() throws(KernelError) -> [Neighbour] {
    let names = try names()
    var found: [Neighbour] = []
    // RTM_GETNEIGH; struct ndmsg: family, padding, index, state, flags, type.
    for message in try dump(30, 12) {
      let attributes = message.attributes(after: 12)
      // NDA_DST, NDA_LLADDR.
      guard let name = Self.name(message.payload.host(4, at: 4), names),
        let address = IPAddress(bytes: attributes.nested(1).array),
        let mac = MACAddress(bytes: attributes.nested(2).array), mac.value != 0
      else { continue }
      found.append(Neighbour(interface: name, address: address, mac: mac))
    }
    return found
  }

  /// Has the kernel ask who has an address on the interface with this number; needs CAP_NET_ADMIN.
  ///
  /// What comes back stands among the neighbours a moment later. Nothing is answered: an address that
  /// nobody has is no fault.
  public func ask(for address: IPAddress, on interface: UInt32) throws(KernelError) {
    let bytes = address.bytes
    var body: [UInt8] = []
    // struct ndmsg. AF_INET, AF_INET6.
    body.append(host: address.family == .v4 ? 2 : 10, width: 1)
    body += [0, 0, 0]
    body.append(host: interface, width: 4)
    // NTF_USE: as if a packet were to be sent there.
    body += [0, 0, 1, 0]
    // NDA_DST.
    body.append(host: UInt32(4 + bytes.count), width: 2)
    body.append(host: 1, width: 2)
    // RTM_NEWNEIGH; NLM_F_REQUEST, NLM_F_CREATE.
    try socket.send(Self.message(28, 0x401, body + bytes))
  }

  /// The interfaces with these names that are there, in the order of the names.
  public func interfaces(
    named wanted: [Text]
  ) throws(KernelError) -> [(name: Text, number: UInt32)] {
    var found: [(name: Text, number: UInt32)] = []
    let names = try names()
    for name in wanted {
      for interface in names where interface.name == name { found.append(interface) }
    }
    return found
  }

  /// The names and numbers of all interfaces, or of those that are running.
  private func names(
    running: Bool = false
  ) throws(KernelError) -> [(name: Text, number: UInt32)] {
    var names: [(name: Text, number: UInt32)] = []
    // RTM_GETLINK; struct ifinfomsg: family, type, index, flags, change. IFLA_IFNAME.
    for message in try dump(18, 16) {
      guard let name = message.attributes(after: 16)[3] else { continue }
      // IFF_RUNNING.
      if running, message.payload.host(4, at: 8) & 0x40 == 0 { continue }
      names.append((name.text, message.payload.host(4, at: 4)))
    }
    return names
  }

  private static func name(_ number: UInt32, _ names: [(name: Text, number: UInt32)]) -> Text? {
    for interface in names where interface.number == number { return interface.name }
    return nil
  }

  /// The answers to a request of this type whose header has `length` zeros: all families.
  private func dump(_ type: UInt32, _ length: Int) throws(KernelError) -> [NetlinkMessage] {
    // NLM_F_REQUEST, NLM_F_DUMP.
    try socket.dump(Self.message(type, 0x301, [UInt8](repeating: 0, count: length)))
  }

  /// A message without a sequence number.
  static func message(_ type: UInt32, _ flags: UInt32, _ body: [UInt8]) -> [UInt8] {
    var message: [UInt8] = []
    message.append(host: UInt32(16 + body.count), width: 4)
    message.append(host: type, width: 2)
    message.append(host: flags, width: 2)
    return message + [0, 0, 0, 0, 0, 0, 0, 0] + body
  }
}

/// Tells when addresses or interfaces change, or neighbours.
public final class AddressMonitor {
  private let socket: NetlinkSocket

  /// Listens from now on: for neighbours, else for addresses and interfaces.
  public init(ofNeighbours: Bool = false) throws(KernelError) {
    // NETLINK_ROUTE; RTMGRP_NEIGH, or RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
    socket = try NetlinkSocket(family: 0, groups: ofNeighbours ? 4 : 0x111)
  }

  /// Readable when something changed.
  public var descriptor: Int32 { socket.descriptor }

  /// Whether something changed since the last call; never waits.
  public func changed() throws(KernelError) -> Bool {
    var isChanged = false
    while true {
      do throws(KernelError) {
        guard try socket.receiveNow() != nil else { return isChanged }
        isChanged = true
      } catch {
        // Events were lost: something did change.
        guard error.errno == ENOBUFS else { throw error }
        isChanged = true
      }
    }
  }
}

extension Home {
  /// The home that these addresses make; link-local networks are no part of it.
  public init(_ addresses: [InterfaceAddress], wan: [Text], lan: [Text]) {
    self.init()
    for entry in addresses {
      if wan.contains(entry.interface), !entry.address.isLinkLocal {
        wanAddresses.append(entry.address)
      } else if lan.contains(entry.interface) {
        lanAddresses.append(entry.address)
        if !entry.address.isLinkLocal, let prefix = Prefix(entry.address, length: entry.length) {
          lanPrefixes.append(prefix)
        }
      }
    }
  }
}

extension IPAddress {
  /// Whether it means something on one link only: fe80::/10, 169.254.0.0/16.
  fileprivate var isLinkLocal: Bool {
    family == .v4 ? low >> 16 == 0xA9FE : high >> 54 == 0x3FA
  }
}
