import Glibc

/// Counts the frames that leave or reach an interface, in the kernel: however busy the machine is,
/// it misses none.
final class FrameCounter {
  enum Direction {
    case leaving
    case arriving
  }

  private let descriptor: Int32
  private var total = 0

  /// Counts at an interface of the calling thread's namespace, from now on.
  init(_ interface: String, _ direction: Direction) throws {
    // Of no protocol, so that nothing is counted before the filter is there.
    descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue), 0)
    guard descriptor >= 0, attachFilter(direction), bind(to: interface) else {
      throw CommandFailed(command: "watch \(interface)", output: String(cString: strerror(errno)))
    }
  }

  deinit { close(descriptor) }

  /// How many there were.
  var count: Int {
    // SOL_PACKET, PACKET_STATISTICS, struct tpacket_stats: how many came, those included that the
    // socket had no room for, then how many these were. Asking sets both to zero.
    var statistics: (came: UInt32, dropped: UInt32) = (0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: statistics))
    getsockopt(descriptor, 263, 6, &statistics, &length)
    total += Int(statistics.came)
    return total
  }

  private struct Instruction {
    var code: UInt16
    var then: UInt8 = 0
    var otherwise: UInt8 = 0
    var value: UInt32
  }

  private struct Program {
    var length: UInt16
    var instructions: UnsafePointer<Instruction>
  }

  /// By the frame's type: PACKET_OUTGOING leaves; what is below it arrives; above, the kernel talks
  /// to itself.
  private func attachFilter(_ direction: Direction) -> Bool {
    let outgoing: UInt32 = 4
    let filter = [
      // BPF_LD BPF_W BPF_ABS: SKF_AD_OFF + SKF_AD_PKTTYPE.
      Instruction(code: 0x20, value: 0xFFFF_F004),
      // BPF_JMP with BPF_JEQ, with BPF_JGE.
      direction == .leaving
        ? Instruction(code: 0x15, otherwise: 1, value: outgoing)
        : Instruction(code: 0x35, then: 1, value: outgoing),
      // BPF_RET: one byte is enough to be counted, none is not.
      Instruction(code: 0x06, value: 1), Instruction(code: 0x06, value: 0),
    ]
    return filter.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return false }
      var program = Program(length: UInt16(buffer.count), instructions: start)
      let length = socklen_t(MemoryLayout<Program>.size)
      return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, length) == 0
    }
  }

  private func bind(to interface: String) -> Bool {
    // struct sockaddr_ll: family, protocol (ETH_P_ALL), index, and what matters to senders.
    var address = [UInt8](repeating: 0, count: 20)
    address.withUnsafeMutableBytes {
      $0.storeBytes(of: sa_family_t(AF_PACKET), as: sa_family_t.self)
      $0.storeBytes(of: UInt16(3).bigEndian, toByteOffset: 2, as: UInt16.self)
      $0.storeBytes(of: if_nametoindex(interface), toByteOffset: 4, as: UInt32.self)
    }
    return address.withUnsafeBytes { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) {
        Glibc.bind(descriptor, $0.baseAddress, socklen_t(bytes.count)) == 0
      }
    }
  }
}

/// One direction of a link between two namespaces.
struct Wire {
  var leaving: FrameCounter
  var arriving: FrameCounter

  /// How many frames have left and not arrived.
  var underWay: Int {
    // In this order: what leaves meanwhile doesn't hide what hasn't arrived.
    let left = leaving.count
    return left - arriving.count
  }
}
