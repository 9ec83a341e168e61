import Bytes
import CNetfilter

/// One netlink socket and its buffer.
struct NetlinkSocket: ~Copyable {
  private let socket: OpaquePointer
  private let buffer: UnsafeMutableRawPointer
  private var sequence: UInt32 = 1

  /// No answer is longer: dumps come in datagrams of at most 32 KiB.
  private static let bufferLength = 65_536
  /// Dumps wait for their reader, and whoever hears of events reads all anew when some are lost: what a
  /// device makes the kernel tell, faster than it is read, must not take a small router's memory.
  private static let queueLength: Int32 = 1 << 20
  /// The kernel answers within the call that asks; waiting longer means that it won't.
  private static let answerTimeout: Int32 = 10

  /// Opens a socket on this netlink family.
  ///
  /// `groups` is the mask of the first 32 multicast groups, bit 0 for group 1. The kernel doubles what
  /// it is told of the longest queue.
  init(
    family: Int32,
    groups: UInt32 = 0,
    queueLength: Int32 = Self.queueLength
  ) throws(KernelError) {
    // SOCK_CLOEXEC.
    guard let socket = mnl_socket_open2(family, 0x80000) else { throw .last }
    guard mnl_socket_bind(socket, groups, 0) == 0 else {
      let error = KernelError.last
      mnl_socket_close(socket)
      throw error
    }
    self.socket = socket
    buffer = .allocate(byteCount: Self.bufferLength, alignment: 16)
    let descriptor = mnl_socket_get_fd(socket)
    cordon_set_buffers(descriptor, queueLength)
    _ = cordon_set_receive_timeout(descriptor, Self.answerTimeout)
    // Without these the kernel's words are missing, no more: NETLINK_CAP_ACK, NETLINK_EXT_ACK.
    _ = cordon_set_option(descriptor, 270, 10, 1)
    _ = cordon_set_option(descriptor, 270, 11, 1)
  }

  deinit {
    buffer.deallocate()
    mnl_socket_close(socket)
  }

  var descriptor: Int32 { mnl_socket_get_fd(socket) }

  var port: UInt32 { mnl_socket_get_portid(socket) }

  /// The first of `count` sequence numbers that no message had lately.
  mutating func takeSequence(_ count: Int = 1) -> UInt32 {
    let first = sequence
    sequence &+= UInt32(truncatingIfNeeded: count)
    return first
  }

  func send(_ bytes: [UInt8]) throws(KernelError) {
    while true {
      let sent = bytes.withUnsafeBytes { mnl_socket_sendto(socket, $0.baseAddress, $0.count) }
      if sent >= 0 { return }
      if cordon_errno() != EINTR { throw .last }
    }
  }

  /// The messages of the next datagram; waits for it, but not for ever (EAGAIN).
  func receive() throws(KernelError) -> [NetlinkMessage] {
    while true {
      let count = mnl_socket_recvfrom(socket, buffer, Self.bufferLength)
      if count >= 0 { return messages(count) }
      if cordon_errno() != EINTR { throw .last }
    }
  }

  /// The messages of the next datagram; nil when none is waiting.
  func receiveNow() throws(KernelError) -> [NetlinkMessage]? {
    while true {
      let count = cordon_receive_now(descriptor, buffer, Self.bufferLength)
      if count >= 0 { return messages(min(count, Self.bufferLength)) }
      switch cordon_errno() {
      case EINTR: continue
      case EAGAIN: return nil
      default: throw .last
      }
    }
  }

  private func messages(_ count: Int) -> [NetlinkMessage] {
    NetlinkMessage.all(in: [UInt8](UnsafeRawBufferPointer(start: buffer, count: count)))
  }

  /// How often a dump is begun again that changes interrupted.
  private static let maximumDumps = 8

  /// All answers to a request for a dump, a message without a sequence number; a change of the kernel's
  /// table meanwhile begins it anew.
  mutating func dump(_ request: [UInt8]) throws(KernelError) -> [NetlinkMessage] {
    for _ in 0..<Self.maximumDumps {
      var messages: [NetlinkMessage] = []
      let sequence = try send(request: request)
      if try answers(to: sequence, { messages.append($0) }) { return messages }
    }
    throw KernelError(errno: EINTR)
  }

  /// Shows all answers to a request for a dump to `take`, and keeps none; those of a dump that a change
  /// interrupted too, before it is begun anew.
  mutating func dump(
    _ request: [UInt8],
    _ take: (NetlinkMessage) -> Void
  ) throws(KernelError) {
    for _ in 0..<Self.maximumDumps {
      let sequence = try send(request: request)
      if try answers(to: sequence, take) { return }
    }
    throw KernelError(errno: EINTR)
  }

  /// Gives a request a number, by which its answers are known.
  private mutating func send(request: [UInt8]) throws(KernelError) -> UInt32 {
    let sequence = takeSequence()
    var number: [UInt8] = []
    number.append(host: sequence, width: 4)
    var request = request
    for index in 0..<4 { request[8 + index] = number[index] }
    try send(request)
    return sequence
  }

  /// False when the dump was interrupted.
  private func answers(
    to sequence: UInt32,
    _ take: (NetlinkMessage) -> Void
  ) throws(KernelError) -> Bool {
    var isConsistent = true
    while true {
      for message in try receive() where message.sequence == sequence {
        if let error = message.error, error != 0 { throw message.refusal(error) }
        // NLM_F_DUMP_INTR.
        if message.flags & 0x10 != 0 { isConsistent = false }
        // NLMSG_DONE.
        if message.type == 3 { return isConsistent }
        take(message)
      }
    }
  }

  /// The answer to a request for one thing, a message without a sequence number; nil when there is no
  /// such thing, or nothing but an acknowledgement to answer.
  mutating func ask(_ request: [UInt8]) throws(KernelError) -> NetlinkMessage? {
    let sequence = try send(request: request)
    while true {
      for message in try receive() where message.sequence == sequence {
        guard let error = message.error else { return message }
        if error == ENOENT || error == 0 { return nil }
        throw message.refusal(error)
      }
    }
  }
}

extension [UInt8] {
  /// Appends an integer of so many bytes in the machine's byte order.
  mutating func append(host value: UInt32, width: Int) {
    let big = UInt16(1).bigEndian == 1
    for index in 0..<width {
      let shift = 8 * UInt32(big ? width - 1 - index : index)
      append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}
