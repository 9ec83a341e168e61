import Bytes
import Core
import TestSupport
import Testing

private let now = UnixTime(seconds: 1_795_482_808)

/// What dnsmasq writes: an IPv4 part, then an IPv6 one.
private let dnsmasq = """
  1795486408 00:11:22:33:44:55 192.168.1.10 cam-garage 01:00:11:22:33:44:55
  0 0A:11:22:33:44:66 192.168.1.11 * *
  1795482807 00:11:22:33:44:77 192.168.1.12 gone *
  1795482809 06-00:11:22:33:44:88 192.168.1.13 token-ring *
  duid 00:01:00:01:2a:bb:cc:dd:00:11:22:33:44:99
  1795486408 857870592 fd00::10 cam-garage 00:01:00:01:2a:bb:cc:dd:00:11:22:33:44:55
  1795486408 T857870593 fd00::11 laptop 00:04:01

  """

/// What odhcpd writes: leases in comments, and lines of a hosts file.
private let odhcpd = """
  # br-lan 0011223344aa ipv4 printer 1795486408 c0a80114 32 192.168.1.20/32
  192.168.1.20\tprinter.lan\tprinter
  # br-lan 00010001abcdef000011223344aa 1 printer 1795486408 8aa 128 fd00::8aa/128 2001:db8::8aa/128
  # br-lan 0011223344bb ipv4 - -1 c0a80115 32 192.168.1.21/32
  # br-lan 0011223344cc ipv4 broken\\x20b@d -1 c0a80116 32 192.168.1.22/32
  # br-lan 0011223344dd ipv4 old 0 c0a80117 32 192.168.1.23/32
  # br-lan 000300010011223344ee 2 router 1795486408 4 62 2001:db8:0:4::/62

  """

private func leases(_ file: String) -> Leases { Leases(parsing: [UInt8](file.utf8), now: now) }

private func mac(_ text: Text) throws -> MACAddress { try #require(MACAddress(parsing: text)) }

private func address(_ text: Text) throws -> IPAddress { try #require(IPAddress(parsing: text)) }

@Test("a lease of dnsmasq gives the device's name and address")
func dnsmasqLease() throws {
  let leases = leases(dnsmasq)
  #expect(leases.name(of: try mac("00:11:22:33:44:55")) == "cam-garage")
  #expect(leases.name(of: try address("192.168.1.10")) == "cam-garage")
  #expect(leases.mac(of: try address("192.168.1.10")) == (try mac("00:11:22:33:44:55")))
}

@Test("a device without a name, marked by *, has an empty one")
func namelessLease() throws {
  let leases = leases(dnsmasq)
  #expect(leases.name(of: try mac("0a:11:22:33:44:66")).isEmpty)
  #expect(leases.mac(of: try address("192.168.1.11")) == (try mac("0a:11:22:33:44:66")))
}

@Test("a lease that has ended says nothing, one without an end holds")
func endedLease() throws {
  let leases = leases(dnsmasq)
  #expect(leases.mac(of: try address("192.168.1.12")) == nil)
  #expect(leases.name(of: try mac("00:11:22:33:44:77")).isEmpty)
  #expect(leases.count == 5)
}

@Test("a length instead of an end, which a router without a clock writes, is no end")
func leaseLength() throws {
  let leases = leases("43200 00:11:22:33:44:55 192.168.1.10 cam *")
  #expect(leases.name(of: try mac("00:11:22:33:44:55")) == "cam")
}

@Test("a lease of IPv6 names its address, not its hardware address")
func dnsmasqIPv6() throws {
  let leases = leases(dnsmasq)
  #expect(leases.name(of: try address("fd00::10")) == "cam-garage")
  #expect(leases.name(of: try address("fd00::11")) == "laptop")
  #expect(leases.mac(of: try address("fd00::10")) == nil)
}

@Test("hardware that is no Ethernet has a name by its address alone")
func otherHardware() throws {
  let leases = leases(dnsmasq)
  #expect(leases.name(of: try address("192.168.1.13")) == "token-ring")
  #expect(leases.mac(of: try address("192.168.1.13")) == nil)
}

@Test("a lease of odhcpd gives the device's name and addresses")
func odhcpdLease() throws {
  let leases = leases(odhcpd)
  #expect(leases.name(of: try mac("00:11:22:33:44:aa")) == "printer")
  #expect(leases.mac(of: try address("192.168.1.20")) == (try mac("00:11:22:33:44:aa")))
  #expect(leases.name(of: try address("2001:db8::8aa")) == "printer")
  #expect(leases.mac(of: try address("fd00::8aa")) == nil)
}

@Test("odhcpd's leases without an end hold; ended ones and delegated blocks are left out")
func odhcpdEnds() throws {
  let leases = leases(odhcpd)
  #expect(leases.mac(of: try address("192.168.1.21")) == (try mac("00:11:22:33:44:bb")))
  #expect(leases.name(of: try mac("00:11:22:33:44:bb")).isEmpty)
  #expect(leases.mac(of: try address("192.168.1.23")) == nil)
  #expect(leases.name(of: try address("2001:db8:0:4::")).isEmpty)
  #expect(leases.count == 5)
}

@Test("a name that odhcpd found to be no host's is none")
func brokenName() throws {
  let leases = leases(odhcpd)
  #expect(leases.name(of: try mac("00:11:22:33:44:cc")).isEmpty)
  #expect(leases.mac(of: try address("192.168.1.22")) != nil)
}

@Test("a name keeps its printable ASCII bytes, at most 63 of them")
func nameBytes() throws {
  let device = try mac("00:00:00:00:00:01")
  let line = "0 00:00:00:00:00:01 10.0.0.1 "
  #expect(leases(line + "a\u{7F}b\u{E9}c *").name(of: device) == "abc")
  let long = String(repeating: "x", count: 64)
  #expect(leases(line + long).name(of: device) == Text(String(long.dropLast())))
}

@Test("the first lease that has a name gives a device's name")
func twoLeases() throws {
  let file = "0 00:00:00:00:00:01 10.0.0.1 *\n0 00:00:00:00:00:01 10.0.0.2 b\n"
  #expect(leases(file).name(of: try mac("00:00:00:00:00:01")) == "b")
}

@Test("no more than 4096 leases are kept")
func manyLeases() throws {
  var file = ""
  for index in 0..<5000 { file += "0 00:00:00:00:00:01 10.0.\(index / 256).\(index % 256) a *\n" }
  let leases = leases(file)
  #expect(leases.count == 4096)
  #expect(leases.mac(of: try address("10.0.15.255")) != nil)
  #expect(leases.mac(of: try address("10.0.16.0")) == nil)
  let wide = "# l 1 ipv4 n -1 1 32" + String(repeating: " 10.0.0.1/32", count: 5000)
  #expect(Leases(parsing: [UInt8](wide.utf8), now: now).count == 4096)
}

@Test("what lies behind the first MiB is not read")
func longFile() {
  let blank = String(repeating: "\n", count: Leases.maximumFile - 20)
  #expect(leases(blank + "0 1 10.0.0.1 a *\n0 1 10.0.0.2 b *").count == 1)
}

@Test("an empty file and lines that are no leases say nothing")
func noLeases() {
  for file in ["", "\n\n", "#", "# \n#", "0", "0 ", "duid 00:01", "x 00:00:00:00:00:01 10.0.0.1 a"]
  {
    #expect(leases(file).count == 0)
  }
}

@Test("every part of a file is read; its last line alone may say something else")
func leasesTruncation() {
  for file in [dnsmasq, odhcpd] {
    let bytes = [UInt8](file.utf8)
    let whole = Leases(parsing: bytes, now: now).count
    for count in 0...bytes.count {
      #expect(Leases(parsing: [UInt8](bytes.prefix(count)), now: now).count <= whole + 1)
    }
  }
}

@Test("a file with random changes is read, and its names are printable and short")
func leasesMutation() throws {
  let seed: UInt64 = 0x1EA5E5
  var generator = SeededGenerator(seed: seed)
  let addresses = [try address("192.168.1.10"), try address("fd00::10"), try address("fd00::8aa")]
  for round in 0..<3000 {
    var bytes = [UInt8]((round % 2 == 0 ? dnsmasq : odhcpd).utf8)
    for _ in 0..<Int.random(in: 1...12, using: &generator) {
      let index = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0...3, using: &generator) {
      case 0: bytes.remove(at: index)
      case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
      case 2: bytes[index] = bytes.randomElement(using: &generator) ?? 0
      default: bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
    }
    let leases = Leases(parsing: bytes, now: now)
    #expect(leases.count <= 20, "seed \(seed), round \(round)")
    for address in addresses {
      let name = leases.name(of: address)
      #expect(name.count <= 63, "seed \(seed), round \(round)")
      #expect(name.bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "seed \(seed), round \(round)")
    }
  }
}
