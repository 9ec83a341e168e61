import Bytes
import Configuration
import Model
import Testing

/// The settings of a file whose agent section has these lines too.
private func withAgent(_ lines: String) throws -> Settings { try parsed(agent + lines + "\n") }

/// The one client of a file whose client section has these lines.
private func client(_ lines: String) throws -> ClientSettings {
  let settings = try parsed(agent + "config client a\n option name b\n" + lines + "\n")
  return try #require(settings.core.clients.first)
}

@Test(
  "switches are read in all of UCI's spellings",
  arguments: [
    ("1", true), ("yes", true), ("on", true), ("true", true), ("enabled", true), ("0", false),
    ("no", false), ("off", false), ("false", false), ("disabled", false),
  ]
)
func switches(spelling: String, value: Bool) throws {
  #expect(try withAgent(" option enabled '\(spelling)'").enabled == value)
}

@Test(
  "rates are bits a second as tc writes them, kept as bytes",
  arguments: [
    ("8", 1), ("8000bit", 1000), ("500kbit", 62_500), ("1mbit", 125_000), ("2gbit", 250_000_000),
    ("10Mbit", 1_250_000), ("4294967295gbit", 536_870_911_875_000_000),
  ] as [(String, UInt64)]
)
func rates(spelling: String, bytesPerSecond: UInt64) throws {
  #expect(try withAgent(" option limit '\(spelling)'").core.limit == bytesPerSecond)
}

@Test(
  "every action is known",
  arguments: zip(["block", "limit", "quarantine", "ask", "observe"], Action.allCases)
)
func actions(spelling: String, action: Action) throws {
  #expect(try withAgent(" option action \(spelling)").core.action == action)
}

@Test("every option of the agent section is taken over")
func agentOptions() throws {
  let settings = try withAgent(
    """
      list wan ppp0
      list lan guest
      option ask_timeout 60
      option ask_default refuse
      option terminating 0
      option conflict reject
      option max_quarantined 0
      option offload flush
      option port_set '6 8 52'
      option user u1
      option signal_user u2
      option portal_user u3
      option tls_user u4
      option resolve_user u5
      option state /s
      option control /c
      option leases ''
      option log_level debug
    """
  )
  #expect(settings.core.wan == ["eth0", "ppp0"] && settings.core.lan == ["br-lan", "guest"])
  #expect(settings.core.askTimeout == 60 && !settings.core.askDefaultsToBlock)
  #expect(settings.core.terminating == 0 && settings.core.conflict == .reject)
  #expect(settings.core.maximumQuarantined == 0 && settings.core.flushesOffload)
  #expect(settings.core.portSet == PortSet(offset: 6, length: 8, number: 52))
  #expect(settings.core.user == "u1" && settings.users.signal == "u2")
  #expect(settings.users.portal == "u3" && settings.users.tls == "u4")
  #expect(settings.users.resolve == "u5" && settings.core.state == "/s")
  #expect(settings.control == "/c" && settings.core.leases.isEmpty)
  #expect(settings.core.logLevel == .debug)
}

@Test("every option of a client section is taken over")
func clientOptions() throws {
  let client = try client(
    """
      list may limit
      list may block
      list may limit
      list target 2001:db8::/32
      list target 192.0.2.1
      option internal yes
      option overlap target
      option gateway on
      option max_mitigations 1
      option max_elements 2
      option max_rate 0
      option max_lifetime 3
      option alt_server other.example
    """
  )
  #expect(client.may == [.limit, .block])
  #expect(client.targets.map(\.description) == ["2001:db8::/32", "192.0.2.1/32"])
  #expect(client.mayNameInternal && client.isGateway && client.overlap == .target)
  #expect(client.maximumMitigations == 1 && client.maximumElements == 2)
  #expect(client.maximumRate == 0 && client.maximumLifetime == 3)
  #expect(client.alternateServer == "other.example")
}

@Test(
  "a port set is three numbers that a port's bits have room for",
  arguments: ["6 8", "6 8 256", "16 1 0", "6 11 0", "6 0 0", "6 8 52 1", "a 8 52"]
)
func portSets(value: String) {
  #expect(throws: SettingsError.self) { try parsed(agent + " option port_set '\(value)'") }
}

@Test("an alternate server is a name, with its addresses if they are known")
func alternateServers() throws {
  let known = try client(" option alt_server 'other.example 192.0.2.1 2001:db8::1'")
  #expect(known.alternateServer == "other.example 192.0.2.1 2001:db8::1")
  #expect(try client(" option alt_server ''").alternateServer.isEmpty)
}

@Test("a pin is 32 bytes in hexadecimal, with colons or without", arguments: ["", ":"])
func pins(separator: String) throws {
  let digits = (0..<32).map { $0 % 2 == 0 ? "aB" : "09" }.joined(separator: separator)
  let pin = try #require(try client(" option pin \(digits)").pin)
  #expect(pin == (0..<32).map { $0 % 2 == 0 ? 0xAB : 0x09 })
}

@Test("every option of the other sections is taken over")
func otherOptions() throws {
  let settings = try parsed(
    agent + """
      config identity
        option certificate /a
        option key /b
        option trust /c
        option crl /d
      config listen
        list address 192.0.2.1
        list address 2001:db8::1
        option port 5684
        list transport udp
      config listen
        option address 192.0.2.1
        option port 4646
      config call_home x
        option host 192.0.2.9
        option name y.example
        option port 9
        option transport auto
        list redirect_allow z.example
      config quarantine
        option portal_port 8080
        list garden help.isp.example
        list garden 2001:db8::/32
        list garden 192.0.2.1
        option name cordon.lan
        option releases 0
        option helpdesk ''
        option theme /t
        option api_certificate /e
        option api_key /f
        option api_trust /g
      """
  )
  let identity = try #require(settings.identity)
  #expect(
    [identity.certificate, identity.key, identity.trust, identity.crl] == ["/a", "/b", "/c", "/d"]
  )
  #expect(settings.listen.map { $0.addresses.count } == [2, 1])
  #expect(settings.listen.map(\.transports) == [[.udp], [.udp, .tcp]])
  #expect(settings.core.listenPorts == [5684, 4646, 9])
  #expect(
    settings.callHome.first?.name == "y.example" && settings.callHome.first?.transport == .auto
  )
  let quarantine = settings.quarantine
  #expect(
    quarantine.portalPort == 8080 && quarantine.name == "cordon.lan" && quarantine.releases == 0
  )
  #expect(
    quarantine.theme == "/t" && quarantine.apiCertificate == "/e" && quarantine.apiKey == "/f"
  )
  #expect(quarantine.apiTrust == "/g" && quarantine.apiPort == 8081)
  #expect(quarantine.garden == ["help.isp.example"])
  #expect(settings.core.releases == 0)
  let blocks = ["2001:db8::/32", "192.0.2.1/32"].compactMap { Prefix(parsing: $0) }
  #expect(
    settings.core.quarantine == QuarantineAccess(portalPort: 8080, apiPort: 8081, garden: blocks)
  )
}

@Test("a policy section takes a source or a client")
func policies() throws {
  let settings = try parsed(
    agent + """
      config client c
        option name d
      config policy p
        option source 192.168.1.0/24
        option client c
        option action observe
      """
  )
  let policy = try #require(settings.core.policies.first)
  #expect(policy.source?.description == "192.168.1.0/24" && policy.client == "c")
  #expect(policy.mac == nil && policy.action == .observe)
  #expect(settings.warnings.isEmpty)
}

@Test("quarantine is an action that the owner and a client may choose, for a maker's devices too")
func quarantineIsLive() throws {
  let settings = try parsed(
    agent + """
       option action quarantine
       option max_quarantined 3
      config client c
        option name d
        list may quarantine
      config policy p
        option mac 00:11:22
        option action quarantine
      """
  )
  #expect(settings.core.action == .quarantine && settings.core.maximumQuarantined == 3)
  #expect(settings.core.clients.first?.may == [.quarantine])
  #expect(settings.core.policies.first?.mac == MACPrefix(parsing: "00:11:22"))
  #expect(settings.core.policies.first?.action == .quarantine)
  #expect(settings.warnings.isEmpty)
}

@Test("to ask the owner is an action, by default and by policy")
func ask() throws {
  let settings = try parsed(
    agent + " option action ask\nconfig policy p\n option mac 00:11:22\n option action ask\n"
  )
  #expect(settings.core.action == .ask && settings.core.policies.first?.action == .ask)
  #expect(settings.warnings.isEmpty)
}

@Test("a protect section takes each kind as option or as list")
func protections() throws {
  let settings = try parsed(
    agent + """
      config protect
        option source 192.168.1.9
        list tcp 5060-5070
        list tcp 443
      """
  )
  let protection = try #require(settings.core.protections.first)
  #expect(protection.sources.map(\.description) == ["192.168.1.9/32"])
  #expect(protection.tcpPorts.map(\.description) == ["5060-5070", "443"])
}

@Test("a disabled agent needs no interfaces")
func disabled() throws {
  #expect(try parsed("config agent\n option enabled 0\n").enabled == false)
}
