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

  /// The addresses of all interfaces.
  public func addresses() throws(KernelError) -> [InterfaceAddress] {
    let names = try names()
    // RTM_GETADDR; struct ifaddrmsg: family, length, flags, scope, index.
    return try dump(22, 8).compactMap { message in
      let attributes = message.attributes(after: 8)
      guard let length = message.payload.dropFirst().first,
        let name = message.payload.host32(at: 4).flatMap({ names[$0] }),
        // IFA_LOCAL, where the other end has an address too; else IFA_ADDRESS.
        let address = (attributes[2] ?? attributes[1]).flatMap({ IPAddress(bytes: $0) })
      else { return nil }
      return InterfaceAddress(interface: name, address: address, length: Int(length))
    }
  }

  /// The neighbours whose hardware address is known.
  public func neighbours() throws(KernelError) -> [Neighbour] {
    let names = try names()
    // RTM_GETNEIGH; struct ndmsg: family, padding, index, state, flags, type.
    return try dump(30, 12).compactMap { message in
      let attributes = message.attributes(after: 12)
      // NDA_DST, NDA_LLADDR.
      guard let name = message.payload.host32(at: 4).flatMap({ names[$0] }),
        let address = attributes[1].flatMap({ IPAddress(bytes: $0) }),
        let mac = attributes[2].flatMap({ MACAddress(bytes: $0) }), mac.value != 0
      else { return nil }
      return Neighbour(interface: name, address: address, mac: mac)
    }
  }

  /// Has the kernel ask who has an address on the interface with this number; needs CAP_NET_ADMIN.
  ///
  /// What comes back stands among the neighbours a moment later. Nothing is answered: an address that
  /// nobody has is no fault.
  public func ask(for address: IPAddress, on interface: UInt32) throws(KernelError) {
    let bytes = address.bytes
    let message = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 16) { buffer -> [UInt8] in
      guard let start = buffer.baseAddress else { return [] }
      // RTM_NEWNEIGH; NLM_F_REQUEST, NLM_F_CREATE.
      let message = cordon_message(start, 28, 0x401, 0)
      let body = mnl_nlmsg_put_extra_header(message, 12)
      // AF_INET, AF_INET6.
      body?.storeBytes(of: address.family == .v4 ? 2 : 10, as: UInt8.self)
      body?.storeBytes(of: interface, toByteOffset: 4, as: UInt32.self)
      // NTF_USE: as if a packet were to be sent there.
      body?.storeBytes(of: 1, toByteOffset: 10, as: UInt8.self)
      // NDA_DST.
      bytes.withUnsafeBytes { mnl_attr_put(message, 1, $0.count, $0.baseAddress) }
      return [UInt8](buffer.prefix(28 + 4 + bytes.count))
    }
    try socket.send(message)
  }

  /// The interfaces with these names that are there, in the order of the names.
  public func interfaces(
    named wanted: [Text]
  ) throws(KernelError) -> [(name: Text, number: UInt32)] {
    var found: [(name: Text, number: UInt32)] = []
    let names = try names()
    for name in wanted {
      for number in names.keys where names[number] == name { found.append((name, number)) }
    }
    return found
  }

  /// The names of interfaces by their numbers.
  private func names() throws(KernelError) -> [UInt32: Text] {
    var names: [UInt32: Text] = .init()
    // RTM_GETLINK; struct ifinfomsg: family, type, index, flags, change. IFLA_IFNAME.
    for message in try dump(18, 16) {
      guard let index = message.payload.host32(at: 4) else { continue }
      names[index] = message.attributes(after: 16).text(3)
    }
    return names
  }

  /// The answers to a request of this type whose header has `length` zeros: all families.
  private func dump(_ type: UInt16, _ length: Int) throws(KernelError) -> [NetlinkMessage] {
    try socket.dump { sequence in
      withUnsafeTemporaryAllocation(byteCount: 64, alignment: 16) { buffer in
        guard let start = buffer.baseAddress else { return [] }
        // NLM_F_REQUEST, NLM_F_DUMP.
        let message = cordon_message(start, type, 0x301, sequence)
        mnl_nlmsg_put_extra_header(message, length)
        return [UInt8](buffer.prefix(16 + length))
      }
    }
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
